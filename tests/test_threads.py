"""Threads: how many, the same results, the GIL, forks; what the build tells and imports."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import cypool

LARGE = np.random.default_rng(0).standard_normal((600, 700)).astype(np.float32)

#: Where cypool was imported from, so that other processes import the same one.
HOME = str(Path(cypool.__file__).resolve().parents[1])

OPENMP = cypool.show_config(mode="dicts")["openmp"]


@pytest.fixture(autouse=True)
def own_number_afterwards():
    """Go back to the environment's number of threads after each test."""
    yield
    cypool.set_num_threads(None)


def python(code, timeout=60, check=True, **variables):
    """Run a program in a process with these variables, and none of ours."""
    ours = ("CYPOOL_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OMP_DYNAMIC")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    path = [HOME, *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {"PYTHONPATH": os.pathsep.join(path), **variables}
    command = [sys.executable, "-c", "if True:\n" + code]
    return subprocess.run(
        command, env=environment, timeout=timeout, capture_output=True, text=True, check=check
    )


def number(code="", **variables):
    """Return the number of threads that a process says it would use."""
    done = python(f"    import cypool\n{code}\n    print(cypool.get_num_threads())", **variables)
    return int(done.stdout)


# ---------------------------------------------------------------------- how many threads


def test_set_and_get():
    own = cypool.get_num_threads()
    assert own >= 1
    for n in (1, 2, 7, np.int64(3)):
        assert cypool.set_num_threads(n) is None
        assert cypool.get_num_threads() == n
        assert type(cypool.get_num_threads()) is int
    cypool.set_num_threads(None)
    assert cypool.get_num_threads() == own


def test_more_threads_than_ever_help_are_cut():
    cypool.set_num_threads(10**9)
    assert cypool.get_num_threads() == 256
    np.testing.assert_array_equal(
        cypool.max_pool(LARGE, 2), cypool.max_pool(LARGE, 2, num_threads=1)
    )


@pytest.mark.parametrize("n", [0, -1, -(2**70)])
def test_set_less_than_one(n):
    cypool.set_num_threads(2)
    with pytest.raises(ValueError, match=rf"^n is {n}; it must be at least 1"):
        cypool.set_num_threads(n)
    assert cypool.get_num_threads() == 2


@pytest.mark.parametrize("n", [1.0, "1", (1,)])
def test_set_no_integer(n):
    with pytest.raises(TypeError, match="n must be an integer or None"):
        cypool.set_num_threads(n)


def test_the_environment_s_number():
    assert number(CYPOOL_NUM_THREADS="3") == 3
    assert number(CYPOOL_NUM_THREADS=" 3 ") == 3
    assert number(CYPOOL_NUM_THREADS="3", OMP_NUM_THREADS="2") == 3
    assert number(CYPOOL_NUM_THREADS="", OMP_NUM_THREADS="1") == 1


def test_a_number_that_is_set_goes_before_the_environment_s():
    assert number("    cypool.set_num_threads(5)", CYPOOL_NUM_THREADS="3") == 5
    code = "    cypool.set_num_threads(5); cypool.set_num_threads(None)"
    assert number(code, CYPOOL_NUM_THREADS="3") == 3


def test_openmp_s_own_number():
    expected = {"1": 1, "3": 3, "3,2": 3} if OPENMP else {"1": 1, "3": 1}
    for value, n in expected.items():
        assert number(OMP_NUM_THREADS=value) == n


if hasattr(os, "sched_setaffinity"):

    def test_affinity_is_openmp_s_own_number():
        code = (
            "    import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); import cypool"
        )
        done = python(code + "\n    print(cypool.get_num_threads())")
        assert int(done.stdout) == 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "1 2", "²"])
def test_environment_s_number_that_is_none(value):
    done = python(
        "    import numpy, cypool\n    cypool.max_pool(numpy.zeros((300, 300)), 2)",
        check=False,
        CYPOOL_NUM_THREADS=value,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: CYPOOL_NUM_THREADS is ")
    assert "must be a positive integer" in last


TASKS = """
    import os, sys, numpy, cypool
    x = numpy.random.default_rng(0).standard_normal((600, 700))
    def tasks():
        return len(os.listdir("/proc/self/task"))
    before = tasks()
"""


if os.path.isdir("/proc/self/task"):

    @pytest.mark.parametrize(
        ("code", "variables", "threads"),
        [
            ("cypool.max_pool(x, 3, 1)", {"CYPOOL_NUM_THREADS": "4"}, 4),
            ("cypool.max_pool(x, 3, 1)", {"OMP_NUM_THREADS": "3"}, 3),
            ("cypool.max_pool(x, 3, 1, num_threads=2)", {"CYPOOL_NUM_THREADS": "4"}, 2),
            ("cypool.max_pool(x, 3, 1, num_threads=5)", {"OMP_NUM_THREADS": "1"}, 5),
            ("cypool.max_pool(x, 3, 1, num_threads=1)", {"CYPOOL_NUM_THREADS": "4"}, 1),
            ("cypool.set_num_threads(3); cypool.max_pool(x, 3, 1)", {"CYPOOL_NUM_THREADS": "1"}, 3),
            (
                "cypool.set_num_threads(3); cypool.max_pool(x, 3, 1, num_threads=2)",
                {"CYPOOL_NUM_THREADS": "1"},
                2,
            ),
            ("cypool.global_sum_pool(x, num_threads=3)", {}, 3),
            ("cypool.max_pool(x[:20, :20], 3, 1, num_threads=4)", {}, 1),  # too small to share out
            ("import cypool", {"CYPOOL_NUM_THREADS": "4"}, 1),
        ],
    )
    def test_a_call_uses_as_many_threads_as_it_is_told(code, variables, threads):
        if not OPENMP:
            threads = 1
        done = python(f"{TASKS}\n    {code}\n    print(tasks() - before + 1)", **variables)
        assert int(done.stdout) == threads


def test_the_number_changes_no_bit():
    for pool in (cypool.avg_pool, cypool.sum_pool, cypool.max_pool):
        results = set()
        for n in (1, 2, 3, 4, 7, 16, 64):
            cypool.set_num_threads(n)
            results.add(pool(LARGE, 31, 1, 15).tobytes())
            results.add(pool(LARGE, 31, 1, 15, num_threads=2).tobytes())
        assert len(results) == 1


def test_the_number_changes_no_bit_of_the_family():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, 300, 401)).astype(np.float32)
    y, where = cypool.max_pool(x, 3, 2, 1, axis=(1, 2), return_indices=True)
    few = rng.integers(-1, 50, y.shape)
    narrow = x.astype(np.float16)
    for axis in ((1, 2), (0, 1, 2), (2,)):
        calls = [
            lambda n, axis=axis: cypool.max_pool(
                x, 3, 2, 1, axis=axis, return_indices=True, num_threads=n
            )[1],
            lambda n, axis=axis: cypool.adaptive_avg_pool(x, 2, axis=axis, num_threads=n),
            lambda n, axis=axis: cypool.adaptive_max_pool(narrow, 2, axis=axis, num_threads=n),
            lambda n, axis=axis: cypool.lp_pool(x, 5, 1, 2, p=3, axis=axis, num_threads=n),
            lambda n, axis=axis: cypool.global_lp_pool(x, p=2.5, axis=axis, num_threads=n),
            lambda n, axis=axis: cypool.avg_pool(
                x, 3, 2, axis=axis, nan_policy="omit", num_threads=n
            ),
            lambda n, axis=axis: cypool.global_max_pool(
                x, axis=axis, return_indices=True, num_threads=n
            )[1],
            lambda n, axis=axis: cypool.avg_pool_backward(
                x,
                tuple(2 * m if a in axis else m for a, m in enumerate(x.shape)),
                2,
                axis=axis,
                num_threads=n,
            ),
        ]
        for i, call in enumerate(calls):
            assert len({call(n).tobytes() for n in (1, 2, 3, 7)}) == 1, (axis, i)
    for indices in (where, few):
        for way in (cypool.max_unpool, cypool.max_pool_backward):
            for values in (y, y.astype(np.float16)):
                results = [
                    way(values, indices, x.shape, axis=(1, 2), num_threads=n).tobytes()
                    for n in (1, 2, 3, 7)
                ]
                assert len(set(results)) == 1


# ---------------------------------------------------------------- many threads of Python


def test_calls_at_the_same_time_do_not_mix():
    rng = np.random.default_rng(1)
    inputs = [rng.standard_normal((150 + i, 160)).astype(np.float32) for i in range(12)]

    def work(x, n):
        return [
            cypool.max_pool(x, 5, 1, 2, num_threads=n),
            cypool.avg_pool(x, 3, 2, num_threads=n),
            cypool.global_sum_pool(x, num_threads=n),
        ]

    expected = [work(x, 1) for x in inputs]
    start = threading.Barrier(6)

    def repeat(_):
        start.wait(30)
        return [(i, work(inputs[i], n)) for n in (1, 2) for i in range(len(inputs))]

    with ThreadPoolExecutor(6) as executor:
        for results in executor.map(repeat, range(6)):
            for i, result in results:
                for ours, theirs in zip(result, expected[i], strict=True):
                    np.testing.assert_array_equal(ours, theirs)


def test_the_gil_is_released():
    # Another thread counts, and lets go of the GIL each time.  It waits 100 seconds before it asks
    # for a GIL that is held: so it counts between `before` and `after` only if the call lets it.
    x = np.zeros((1500, 1500))
    ready, done = threading.Event(), threading.Event()
    count = 0

    def counts():
        nonlocal count
        while not done.is_set():
            count += 1
            ready.set()
            time.sleep(1e-5)

    interval = sys.getswitchinterval()
    other = threading.Thread(target=counts)
    sys.setswitchinterval(100)
    other.start()
    try:
        assert ready.wait(30)
        held, released = [], []
        for _ in range(20):
            before = count
            sum(range(100_000))
            held.append(count - before)
            before = count
            cypool.max_pool(x, 61, 1, num_threads=1)
            released.append(count - before)
    finally:
        done.set()
        other.join(30)
        sys.setswitchinterval(interval)
    assert not other.is_alive()
    assert not any(held), "this test would not notice"
    assert max(released) > 10


# ---------------------------------------------------------------------------------- forks

FORK = """
    import os, signal, sys, time
    import numpy, cypool
    x = numpy.random.default_rng(0).standard_normal((600, 700))
    expected = cypool.avg_pool(x, 5, 1, num_threads=2)
    child = os.fork()
    if child == 0:
        signal.alarm(40)
        code = 1
        try:
            for n in (None, 2, 4):
                result = cypool.avg_pool(x, 5, 1, num_threads=n)
                assert result.tobytes() == expected.tobytes()
                cypool.global_max_pool(x, num_threads=n)
            assert cypool.get_num_threads() == 1
            cypool.set_num_threads(4)
            assert cypool.get_num_threads() == 1
            assert cypool.max_pool(x, 2).shape == (300, 350)
            grandchild = os.fork()
            if grandchild == 0:
                cypool.max_pool(x, 2, num_threads=2)
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]) == 0
            code = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    again = cypool.avg_pool(x, 5, 1, num_threads=2)
    assert again.tobytes() == expected.tobytes()
    print(os.waitstatus_to_exitcode(status))
"""


PROCESSES = """
    import multiprocessing
    import numpy, cypool
    x = numpy.random.default_rng(0).standard_normal((600, 700))
    def work(i):
        return float(cypool.avg_pool(x, 5, 1, num_threads=i)[i, i])
    expected = [work(i) for i in range(1, 5)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(work, range(1, 5)).get(40) == expected
    print("done")
"""

FROM_THREAD = """
    import os, threading, numpy, cypool
    x = numpy.zeros((600, 700))
    def work():
        cypool.max_pool(x, 3, 1, num_threads=2)
        child = os.fork()
        if child == 0:
            cypool.max_pool(x, 3, 1, num_threads=2)
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""


if hasattr(os, "fork"):

    def test_a_forked_child_does_not_hang():
        done = python(FORK, timeout=90, CYPOOL_NUM_THREADS="2")
        assert done.stdout == "0\n", done.stderr

    def test_processes_of_multiprocessing():
        assert python(PROCESSES, timeout=90).stdout == "done\n"

    def test_a_fork_from_another_thread_does_not_hang():
        assert python(FROM_THREAD, timeout=60).stdout == "7\n"


# -------------------------------------------------------------------- the build, imports


def test_config_as_a_dict():
    config = cypool.show_config(mode="dicts")
    assert config["version"] == version("cypool")
    assert config["python"] == platform.python_version()
    assert config["numpy"] == np.__version__
    assert config["openmp"] in (True, False)
    assert config["threads"] == cypool.get_num_threads()
    assert config["instruction_set"] in config["instruction_sets"]
    assert "baseline" in config["instruction_sets"]
    cypool.set_num_threads(3)
    assert cypool.show_config(mode="dicts")["threads"] == 3


def test_config_on_the_terminal(capsys):
    assert cypool.show_config() is None
    printed = capsys.readouterr().out
    config = cypool.show_config(mode="dicts")
    assert capsys.readouterr().out == ""
    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert lines == {name: str(value) for name, value in config.items()}
    assert cypool.show_config("stdout") is None
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("mode", ["dict", "", None, 1])
def test_config_in_no_other_way(mode):
    with pytest.raises(ValueError, match=r"^mode is .*'stdout' or 'dicts'"):
        cypool.show_config(mode=mode)


def test_import_brings_numpy_and_the_standard_library_only():
    code = """
    import sys, numpy
    numpy_too = set(sys.modules)
    import cypool
    names = {name.partition(".")[0] for name in set(sys.modules) - numpy_too}
    print(*sorted(names - sys.stdlib_module_names))
    assert "PIL" not in sys.modules
    assert "cypool.cli" not in sys.modules
    """
    # Compiled Cython modules share two tables, under names that no package has.
    names = python(code).stdout.split()
    assert "cypool" in names
    known = ("cypool", "numpy", "cython_runtime")
    assert [name for name in names if name not in known and not name.startswith("_cython_")] == []


def test_import_starts_no_thread_and_reads_no_number():
    code = """
    import threading, cypool
    print(threading.active_count(), cypool.max_pool([1, 2], 2)[0])
    """
    assert python(code, CYPOOL_NUM_THREADS="nonsense").stdout == "1 2\n"


def test_a_call_takes_about_as_long_as_its_work():
    # A parallel region that waits for ever, or a small input on many threads, shows here.
    x = np.zeros((8, 8), np.float32)
    start = time.perf_counter()
    for _ in range(2000):
        cypool.max_pool(x, 2, num_threads=8)
    assert time.perf_counter() - start < 10
