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
import sys
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
BEYOND_PLAIN = [case for case in CASES if not case.is_plain and case.title != "memory"]
LABEL = re.compile(
    r"[^:]+: (?P<function>\w+) (?P<shape>[\dx]+) (?P<dtype>\w+) axis (?P<axis>[\d,]+)"
    r"( k(?P<kernel>\d+) s(?P<stride>\d+) p(?P<padding>\d+))?( to size (?P<size>\d+))?"
    r"( to (?P<result>\w+))?(?P<indices> with indices)?"
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


def number(text: str | None) -> int | None:
    return None if text is None else int(text)


def pooled_shape(
    shape: tuple[int, ...], axis: tuple[int, ...], label: re.Match[str]
) -> tuple[int, ...]:
    """The shape of what a pooling of the label's windows returns."""
    if label["size"] is not None:
        return tuple(int(label["size"]) if i in axis else n for i, n in enumerate(shape))
    if label["kernel"] is None:
        return tuple(n for i, n in enumerate(shape) if i not in axis)
    k, s, p = (int(label[word]) for word in ("kernel", "stride", "padding"))
    return tuple((n + 2 * p - k) // s + 1 if i in axis else n for i, n in enumerate(shape))


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

    def zeros(shape: cases.Shape, dtype: str) -> cases.Array:
        return np.zeros(shape, cases.element(dtype))

    monkeypatch.setattr(cases, "values", zeros)
    monkeypatch.setattr(cases, "places", lambda case: zeros(case.pooled_shape, "int64"))
    monkeypatch.setattr(
        cases.Case, "new_output", lambda case: zeros(case.output_shape, case.output_dtype)
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
    shape, axis = integers(label["shape"], "x"), integers(label["axis"], ",")
    x = next(iter(arguments.values()))
    if function.endswith(("_backward", "_unpool")):
        assert x.shape == pooled_shape(shape, axis, label)
        pooled = arguments["x"].shape if function.startswith("lp_") else None
        assert (pooled or arguments.get("input_shape") or arguments["output_shape"]) == shape
    else:
        assert x.shape == shape
    assert x.dtype == label["dtype"]
    assert LAYOUTS[named.get("layout", "contiguous")](x)
    assert arguments["axis"] == axis
    if "indices" in arguments:  # which come of the windows
        assert arguments["indices"].shape == x.shape
    else:
        for word, name in (("kernel", "kernel_size"), ("stride", "stride"), ("padding", "padding")):
            assert arguments.get(name) == number(label[word])
    if function.endswith("_backward"):  # which the gradient's shape has
        assert "output_size" not in arguments
    else:
        assert arguments.get("output_size") == number(label["size"])
    assert arguments.get("return_indices") == (True if label["indices"] else None)
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


def one_map(case: cases.Case) -> cases.Case:
    """The case with one element along the axes that are not pooled."""
    return replace(case, shape=tuple(n if i in case.axis else 1 for i, n in enumerate(case.shape)))


@pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
def test_arrays_are_those_of_the_call(case: cases.Case) -> None:
    case = one_map(case)
    x = np.zeros(case.input_shape, cases.element(case.dtype))
    call = suite.pooling_call(case, x)
    results = call() if case.indices else [call()]
    assert [result.shape for result in results] == [case.output_shape] * len(results)
    assert results[0].dtype == case.output_dtype
    given = [argument for argument in call.args if isinstance(argument, np.ndarray)]
    assert case.nbytes == sum(array.nbytes for array in (*given, *results))


@pytest.mark.parametrize("shape", [(2, 3, 9, 10), (2, 9, 10, 3)])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (3, 1), (1, 4)])
def test_indices_are_those_of_the_pooling(shape: cases.Shape, kernel: int, stride: int) -> None:
    axis = (2, 3) if shape[1] == 3 else (1, 2)
    case = cases.Case("small", "max_pool_backward", shape, axis, kernel, stride)
    x = cases.values(shape, case.dtype)
    _, indices = cypool.max_pool(x, kernel, stride, axis=axis, return_indices=True)
    np.testing.assert_array_equal(cases.places(case), indices)


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


@pytest.mark.skipif(sys.platform != "linux", reason="it asks Linux for the largest size")
@pytest.mark.parametrize(
    ("function", "padding"),
    [
        ("max_pool", 1),
        ("max_pool_backward", 0),
        ("avg_pool_backward", 0),
        ("avg_pool_backward", 1),
        ("lp_pool_backward", 0),
    ],
)
def test_memory_does_not_grow_with_the_array(function: str, padding: int) -> None:
    from asv_benchmarks import memory

    case, *_ = (
        case
        for case in cases.MEMORY
        if (case.function, case.padding) == (function, padding)
        and 4000 in case.shape
        and not case.indices
    )
    assert case.nbytes >= 80_000_000
    assert 0 < memory.measured(case, threads=1) < 4_000_000


# The comparison with other libraries

MAX = cases.Case("small", "max_pool", (2, 3, 8, 8), (2, 3), 2, 2)
AVG = cases.Case("small", "avg_pool", (8, 6), (0, 1), 2, 2)
BYTES = cases.Case("small", "avg_pool", (8, 6), (0, 1), 2, 2, dtype="uint8", result="uint8")
GLOBAL = cases.Case("small", "global_avg_pool", (2, 3, 8, 8), (2, 3))
BACK = cases.Case("small", "max_pool_backward", (2, 3, 8, 8), (2, 3), 3, 2)
UNPOOL = cases.Case("small", "max_unpool", (2, 3, 8, 8), (2, 3), 2, 2)
HALF = replace(AVG, dtype="float16")
BRAIN = replace(AVG, dtype="bfloat16")
ONE = np.ones((2, 2), np.float32)


@pytest.mark.parametrize(
    ("case", "other"),
    [
        (MAX, np.nextafter(ONE, 2)),
        (AVG, ONE * np.float32(1.0001)),
        (AVG, ONE * np.nan),
        (BYTES, ONE * 3),
        (BACK, ONE * np.float32(1.0001)),
        (UNPOOL, np.nextafter(ONE, 2)),
        (HALF, ONE * np.float32(1 + 3 * 2**-10)),
        (BRAIN, ONE * np.float32(1 + 3 * 2**-7)),
        (MAX, ONE[:1]),
    ],
)
def test_disagreement_is_an_error(case: cases.Case, other: cases.Array) -> None:
    with pytest.raises(peers.DisagreementError, match=r"small.*there"):
        peers.check(case, {"here": ONE, "there": other})


@pytest.mark.parametrize(
    ("case", "other"),
    [
        (MAX, ONE),
        (AVG, np.nextafter(ONE, 2)),
        (BYTES, ONE + 1),
        (BACK, np.nextafter(ONE, 2)),
        (HALF, ONE * np.float32(1 + 2**-10)),
        (BRAIN, ONE * np.float32(1 + 2**-7)),
    ],
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
        peers.roof(MAX, pool, threads)(5)
    assert len(copied) == 5 * threads
    assert sum(copied) == 5 * (x.nbytes + x.nbytes // 4) // 2


def test_channels_first_and_back() -> None:
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    case = cases.Case("small", "max_pool", x.shape, (1, 2), 1, 1)
    maps = peers.channels_first(case, x)
    assert maps.shape == (2, 3, 4, 6)
    assert np.shares_memory(maps, x)
    np.testing.assert_array_equal(peers.from_channels_first(case, maps), x)


def test_indices_that_differ_are_a_disagreement() -> None:
    case = replace(MAX, indices=True)
    places = np.arange(4).reshape(2, 2)
    results = [peers.with_indices(ONE, i) for i in (places, places[::-1])]
    peers.check(case, {"here": results[0], "there": results[0].copy()})
    with pytest.raises(peers.DisagreementError, match=r"small.*there"):
        peers.check(case, {"here": results[0], "there": results[1]})


@pytest.mark.parametrize("case", BEYOND_PLAIN, ids=[case.label for case in BEYOND_PLAIN])
def test_libraries_of_plain_poolings_leave_the_others_alone(case: cases.Case) -> None:
    assert peers.blocks_of(case) is None
    assert not peers.is_dense(case)


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """The peer sets torch's threads and turns off its recording of gradients."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    with torch.enable_grad():
        yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("torch_as_it_was")
def test_torch_agrees() -> None:
    ours, torch = peers.cypool_peer(1), peers.torch_peer(1)
    for case in BEYOND_PLAIN:
        shape = tuple(n if i in case.axis else 2 for i, n in enumerate(case.shape))
        case = replace(case, shape=shape)
        x = cases.values(case.input_shape, case.dtype)
        jobs = {"cypool": ours(case, x), "torch": torch(case, x)}
        peers.check(
            case, {name: np.array(job.read(job.run())) for name, job in jobs.items() if job}
        )
        assert jobs["torch"], case.label


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
    groups = {"windows": (MAX, AVG, BYTES), "whole maps": (GLOBAL,), "gradients": (BACK,)}
    monkeypatch.setattr(peers, "GROUPS", groups)
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
    table = capsys.readouterr().out.splitlines()[-7:]
    assert [line.split("|")[1].strip() for line in table[1:]] == [
        *(case.label for case in (MAX, AVG, BYTES, GLOBAL, BACK)),
        "geometric mean",
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")
    for row in json.loads(figures.read_text())["rows"]:
        times = row["milliseconds"]
        if row["case"] == BACK.label:
            assert set(times) == {"cypool", "cypool new", "roof"}
            continue
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
