"""Each benchmark calls the function that it names, with the array and window that it names.

Spies stand in for cypool's functions, and zeros that are never touched for the arrays, so nothing
is computed and no memory is filled.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cypool
from asv_benchmarks import benchmarks, peers
from asv_benchmarks.benchmarks import cases, startup, suite

MODULES = [
    importlib.import_module(f"{benchmarks.__name__}.{module.name}")
    for module in pkgutil.iter_modules(benchmarks.__path__)
]
SUITES: list[Any] = [
    value
    for module in MODULES
    for name, value in vars(module).items()
    if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
]
TABLES = {
    name: table
    for name, table in vars(cases).items()
    if isinstance(table, tuple) and all(isinstance(case, cases.Case) for case in table)
}
CASES = list(dict.fromkeys(itertools.chain(*TABLES.values())))
LABEL = re.compile(
    r"[^:]+: (?P<function>\w+) (?P<shape>[\dx]+) (?P<dtype>\w+) axis (?P<axis>[\d,]+)"
    r"( k(?P<kernel>\d+) s(?P<stride>\d+) p(?P<padding>\d+))?( to (?P<result>\w+))?"
)
# What an array is known by that lies in memory as the name says.
LAYOUTS: dict[str, Callable[[cases.Array], bool]] = {
    "contiguous": lambda x: x.flags.c_contiguous,
    "every other": lambda x: x.strides[-1] == 2 * x.itemsize,
    "reversed": lambda x: x.strides[-1] == -x.itemsize and x.strides[-2] < 0,
    "fortran": lambda x: x.flags.f_contiguous,
    "cropped": lambda x: x.strides[-2] == (x.shape[-1] + 2) * x.itemsize,
}


def every_benchmark() -> Iterator[Any]:
    for cls in SUITES:
        for method in filter(re.compile("(time|peakmem)_").match, dir(cls)):
            for parameters in itertools.product(*cls.params):
                words = "-".join(map(str, parameters))
                yield pytest.param(cls, method, parameters, id=f"{cls.__name__}.{method}-{words}")


def integers(text: str, separator: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(separator)))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The calls of cypool, as (function, arguments), checked against the signatures."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def spy(name: str, signature: inspect.Signature) -> Callable[..., None]:
        def call(*args: Any, **kwargs: Any) -> None:
            seen.append((name, signature.bind(*args, **kwargs).arguments))

        return call

    for name in dir(cypool):
        function = getattr(cypool, name)
        if "pool" in name and inspect.isroutine(function):
            monkeypatch.setattr(cypool, name, spy(name, inspect.signature(function)))
    monkeypatch.setattr(cases, "values", np.zeros)
    monkeypatch.setattr(
        cases.Case, "new_output", lambda case: np.zeros(case.output_shape, case.output_dtype)
    )
    return seen


@pytest.mark.parametrize(("cls", "method", "parameters"), list(every_benchmark()))
def test_benchmark_calls_what_it_names(
    cls: Any, method: str, parameters: tuple[Any, ...], calls: list[tuple[str, dict[str, Any]]]
) -> None:
    benchmark = cls()
    benchmark.setup(*parameters)
    assert calls == [], "the work is to be done in the benchmark, not in its setup"
    getattr(benchmark, method)(*parameters)
    if method.endswith("_setup"):
        assert calls == []
        return
    assert method.endswith("_pool")
    named = dict(zip(cls.param_names, parameters, strict=True))
    label = LABEL.fullmatch(named["case"])
    assert label is not None
    ((function, arguments),) = calls
    assert function == label["function"]
    x = arguments["x"]
    assert x.shape == integers(label["shape"], "x")
    assert x.dtype == label["dtype"]
    assert LAYOUTS[named.get("layout", "contiguous")](x)
    assert arguments["axis"] == integers(label["axis"], ",")
    for word, name in (("kernel", "kernel_size"), ("stride", "stride"), ("padding", "padding")):
        assert arguments.get(name) == (None if label[word] is None else int(label[word]))
    assert arguments.get("dtype") == label["result"]
    assert arguments.get("num_threads") == named.get("threads")
    assert ("out" in arguments) == (cls.__name__ not in ("NewResult", "CallOverhead"))


def test_every_case_is_timed_by_a_suite() -> None:
    timed = {label for cls in SUITES for label in getattr(cls, "by_label", ())}
    assert timed == {case.label for case in CASES}


@pytest.mark.parametrize("name", TABLES)
def test_labels_tell_cases_apart(name: str) -> None:
    assert len({case.label for case in TABLES[name]}) == len(TABLES[name])


def test_channels_last_cases_pool_the_same_maps() -> None:
    for first, last in zip(cases.FEATURE_MAPS, cases.CHANNELS_LAST, strict=True):
        assert last.axis == (1, 2)
        maps = np.moveaxis(np.zeros(last.shape, bool), -1, 1)
        assert maps.shape == first.shape
        same = replace(last, title=first.title, shape=first.shape, axis=first.axis)
        assert same == first


@pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
def test_prepared_output_is_what_cypool_returns(case: cases.Case) -> None:
    # One map is enough: the other axes are not pooled.
    case = replace(case, shape=tuple(n if i in case.axis else 1 for i, n in enumerate(case.shape)))
    result = suite.pooling_call(case, np.zeros(case.shape, case.dtype))()
    assert result.shape == case.output_shape
    assert result.dtype == case.output_dtype


@pytest.mark.parametrize("layout", cases.LAYOUTS)
def test_layout_is_what_it_is_called(layout: str) -> None:
    x = cases.arrange((3, 5, 6), "float32", layout)
    assert x.shape == (3, 5, 6)
    assert [name for name, has in LAYOUTS.items() if has(x)] == [layout]
    assert len(np.unique(x)) > 1


@pytest.mark.parametrize("function", ["timeraw_import", "timeraw_import_after_numpy"])
def test_import_time_is_that_of_cypool(function: str) -> None:
    returned = getattr(startup, function)()
    code, before = (returned, "") if isinstance(returned, str) else returned
    (statement,) = ast.parse(code).body
    assert ast.unparse(statement) == "import cypool"
    assert "cypool" not in before


def test_function_missing_in_an_old_commit_is_not_available(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(cypool, "max_pool")
    case = cases.TINY[0]
    with pytest.raises(NotImplementedError, match="no max_pool"):
        suite.pooling_call(case, np.zeros(case.shape, case.dtype))


# The comparison with other libraries

MAX = cases.Case("small", "max_pool", (2, 3, 8, 8), (2, 3), 2, 2)
AVG = cases.Case("small", "avg_pool", (8, 6), (0, 1), 2, 2)
BYTES = cases.Case("small", "avg_pool", (8, 6), (0, 1), 2, 2, dtype="uint8", result="uint8")
GLOBAL = cases.Case("small", "global_avg_pool", (2, 3, 8, 8), (2, 3))
ONE = np.ones((2, 2), np.float32)


@pytest.mark.parametrize(
    ("case", "other"),
    [
        (MAX, np.nextafter(ONE, 2)),
        (AVG, ONE * np.float32(1.0001)),
        (AVG, ONE * np.nan),
        (BYTES, ONE * 3),
        (MAX, ONE[:1]),
    ],
)
def test_disagreement_is_an_error(case: cases.Case, other: cases.Array) -> None:
    with pytest.raises(peers.DisagreementError, match=r"small.*there"):
        peers.check(case, {"here": ONE, "there": other})


@pytest.mark.parametrize(
    ("case", "other"), [(MAX, ONE), (AVG, np.nextafter(ONE, 2)), (BYTES, ONE + 1)]
)
def test_rounding_is_no_disagreement(case: cases.Case, other: cases.Array) -> None:
    peers.check(case, {"here": ONE, "there": other})


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_roof_copies_half_the_bytes_of_input_and_output(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    monkeypatch.setattr(np, "copyto", lambda target, source: copied.append(target.nbytes))
    x = cases.values(MAX.shape, MAX.dtype)
    with ThreadPoolExecutor(threads) as pool:
        peers.roof(MAX, x, pool, threads)(5)
    assert len(copied) == 5 * threads
    assert sum(copied) == 5 * (x.nbytes + x.nbytes // 4) // 2


def test_channels_first_and_back() -> None:
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    case = cases.Case("small", "max_pool", x.shape, (1, 2), 1, 1)
    maps = peers.channels_first(case, x)
    assert maps.shape == (2, 3, 4, 6)
    assert np.shares_memory(maps, x)
    np.testing.assert_array_equal(peers.from_channels_first(case, maps), x)


def test_library_that_is_missing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(threads: int) -> peers.Peer:
        raise ModuleNotFoundError("No module named 'absent'")

    monkeypatch.setattr(peers, "PEERS", {"absent": missing, "numpy": peers.numpy_peer})
    assert list(peers.installed(1)) == ["numpy"]
    assert "without absent" in capsys.readouterr().out


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "TABLE", (MAX, AVG, BYTES, GLOBAL))
    monkeypatch.setattr(
        peers, "PEERS", {name: peers.PEERS[name] for name in ("cypool", "cypool new", "numpy")}
    )
    for name in ("PAUSE", "SAMPLE", "BLOCK"):
        monkeypatch.setattr(peers, name, 1e-4)
    monkeypatch.setattr(peers, "LEAST_ROOF", 1)


@pytest.mark.usefixtures("small")
def test_comparison_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, figures = tmp_path / "speed.png", tmp_path / "speed.json"
    arguments = ["--threads", "1", "--rounds", "2", "--picture", str(picture)]
    peers.main([*arguments, "--json", str(figures)])
    table = capsys.readouterr().out.splitlines()[-6:]
    assert [line.split("|")[1].strip() for line in table[1:]] == [
        *(case.label for case in (MAX, AVG, BYTES, GLOBAL)),
        "geometric mean",
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")
    for row in json.loads(figures.read_text())["rows"]:
        times = row["milliseconds"]
        assert set(times) == {"cypool", "cypool new", "numpy", "roof"}
        assert row["best peer"] == "numpy"
        ratio = times["numpy"]["median"] / times["cypool"]["median"]
        assert row["against best peer"] == pytest.approx(ratio)


@pytest.mark.usefixtures("small")
def test_comparison_stops_when_results_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(threads: int) -> peers.Peer:
        return lambda case, x: peers.Job(lambda: np.zeros(case.output_shape))

    monkeypatch.setitem(peers.PEERS, "wrong", wrong)
    with pytest.raises(SystemExit, match=r"disagree.*max_pool.*wrong returned"):
        peers.main(["--only", "max_pool"])


@pytest.mark.usefixtures("small")
def test_only_selects_by_substring() -> None:
    assert peers.chosen(["UINT8", "global"]) == [BYTES, GLOBAL]
    with pytest.raises(SystemExit):
        peers.main(["--only", "no such case"])
