"""Benchmarks of cypool: the asv suites, the comparison with other libraries in ``peers``, and the
memory that calls need in ``memory``.

Smoke run of every suite, once each, in the Python that runs asv (from the repository's root)::

    home="$(mktemp -d)"    # asv keeps its machine file in HOME and nowhere else
    HOME="$home" asv machine --yes --config asv_benchmarks/asv.conf.json
    HOME="$home" asv run --python=same --quick --dry-run --show-stderr \\
        --config asv_benchmarks/asv.conf.json

It ends with a non-zero status when a benchmark fails. cypool has to be installed in that Python
(``pip install -e .`` will do): asv hides ``PYTHONPATH`` from what it runs. To time commits and
compare them, drop ``--python=same --quick --dry-run`` and name a range, such as ``main~5..main``.
"""
