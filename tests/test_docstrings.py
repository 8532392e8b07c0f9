"""Every example in the documentation runs, and every public name has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import cypool
import reference
from cypool import functional, layers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: The texts whose Python blocks are run; they are missing only where the tests lie by themselves.
TEXTS = [
    path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.is_file()
]

#: The modules whose docstrings are read; the compiled ones have no examples of their own.
MODULES = [
    "cypool",
    *(
        f"cypool.{module.name}"
        for module in pkgutil.iter_modules(cypool.__path__)
        if not module.ispkg
    ),
    *(
        f"reference.{module.name}"
        for module in pkgutil.iter_modules(reference.__path__)
        if module.name != "__main__"
    ),
    "reference",
]

#: The modules that need another package, which may be missing.
NEEDS = {"cypool.onnx": "onnx"}

FUNCTIONS = [getattr(room, name) for room in (cypool, functional, layers) for name in room.__all__]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


@pytest.fixture(autouse=True)
def same_print_and_threads():
    """Print arrays as ever, and leave the number of threads as it was."""
    with np.printoptions(legacy=False):
        yield
    cypool.set_num_threads(None)


def examples_in(name, text, filename=None):
    """Run the examples of a text; return how many there are, after all have passed."""
    parsed = doctest.DocTestParser().get_doctest(text, {}, name, filename, 0)
    report = []
    failed, attempted = doctest.DocTestRunner().run(parsed, out=report.append)
    assert not failed, "".join(report)
    return attempted


def sections(docstring):
    """Return the titles of a numpydoc docstring."""
    return re.findall(r"^(\S[^\n]*)\n-{3,}$", inspect.cleandoc(docstring), re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    module = importlib.import_module(name)
    assert module.__doc__, "no docstring"
    tests = doctest.DocTestFinder().find(module, name)
    for test in tests:
        report = []
        failed, _ = doctest.DocTestRunner().run(test, out=report.append)
        assert not failed, f"{test.name}: {''.join(report)}"
    here = {f.__name__ for f in FUNCTIONS if f.__module__ == name}
    run = {test.name.rpartition(".")[2] for test in tests if test.examples}
    assert here <= run, "examples that doctest does not find"


@every_function
def test_public_function_is_documented(function):
    text = inspect.getdoc(function)
    summary, blank = text.splitlines()[:2]
    assert summary.endswith(".") and not blank.strip()
    assert examples_in(function.__name__, text) >= 1
    titles = sections(text)
    order = ["Parameters", "Returns", "Raises", "See Also", "Notes", "References", "Examples"]
    assert titles == [title for title in order if title in titles]
    signature = inspect.signature(function)
    if signature.parameters:
        assert "Parameters" in titles
    if str(signature.return_annotation) != "None":
        assert "Returns" in titles
    assert not re.search(r"(?<!\{)\{[a-z_]+\}", text), "a shared parameter is not filled in"


@every_function
def test_every_parameter_is_described_and_no_other(function):
    text = inspect.cleandoc(function.__doc__)
    if "Parameters\n" not in text:
        assert not inspect.signature(function).parameters
        return
    body = text.split("Parameters\n----------\n")[1].split("\n\n")[0]
    listed = re.findall(r"^([\w, ]+) : \S", body, re.MULTILINE)
    described = [name for names in listed for name in names.split(", ")]
    signature = list(inspect.signature(function).parameters)
    assert sorted(described) == sorted(signature)


# ------------------------------------------------------------------------------ README, docs


def python_blocks(text):
    """Return the line and source of each fenced Python block."""
    pattern = re.compile(r"^```(?:python|pycon|py)\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, m.start(1)) + 1, m[1]) for m in pattern.finditer(text)]


def run_block(name, line, source, namespace):
    """Run a block as a program, or as a session if it has prompts."""
    if ">>>" in source:
        parsed = doctest.DocTestParser().get_doctest(source, namespace, name, None, line - 1)
        # Blocks follow on one another, as a reader's session would.
        report = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        failed, attempted = runner.run(parsed, out=report.append, clear_globs=False)
        assert attempted > 0
        assert not failed, "".join(report)
        namespace.update(parsed.globs)
    else:
        exec(compile("\n" * (line - 1) + source, name, "exec"), namespace)


def examples_of(path):
    text = path.read_text(encoding="utf-8")
    blocks = python_blocks(text)
    assert len(blocks) == len(re.findall(r"^```py", text, re.MULTILINE))
    return blocks


BLOCKS = [
    pytest.param(path, last, id=f"{path.name} line {line}")
    for path in TEXTS
    for last, (line, _) in enumerate(examples_of(path))
]


def test_readme_and_rules_have_examples():
    # In the checkout, which has a pyproject.toml beside them, the texts have to be there.
    expected = {"README.md", "rules.md"} if (ROOT / "pyproject.toml").is_file() else set()
    assert {block.values[0].name for block in BLOCKS} >= expected


if BLOCKS:

    @pytest.mark.parametrize(("path", "last"), BLOCKS)
    def test_block_of_a_text_runs(path, last, tmp_path, monkeypatch):
        """Each block runs after those above it, in a folder of its own."""
        monkeypatch.chdir(tmp_path)
        namespace = {"__name__": "__text__"}
        for line, source in examples_of(path)[: last + 1]:
            run_block(str(path), line, source, namespace)


def test_blocks_are_found_and_run():
    text = "# A\n\n```python\nx = 1\n```\n\n```sh\nls\n```\n\n```python\n>>> x + 1\n2\n```\n"
    blocks = python_blocks(text)
    assert blocks == [(4, "x = 1\n"), (12, ">>> x + 1\n2\n")]
    namespace = {}
    for line, source in blocks:
        run_block("text", line, source, namespace)
    with pytest.raises(AssertionError, match="Expected"):
        run_block("text", 1, ">>> x + 1\n3\n", namespace)
    with pytest.raises(NameError, match="absent"):
        run_block("text", 1, "absent\n", {})
