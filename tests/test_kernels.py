"""The instruction sets: all the same to the last bit, and chosen as asked."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from arrays import FLOATS, INTEGERS, is_float
from planned import instruction_set

import cypool
from cypool import kernels

SHAPES_AND_WINDOWS = [
    ((3, 41, 53), {"kernel_size": (2, 2), "axis": (1, 2)}),
    ((3, 41, 53), {"kernel_size": 3, "stride": 2, "padding": 1, "axis": (1, 2)}),
    ((3, 41, 53), {"kernel_size": (9, 17), "stride": (1, 3), "padding": (4, 8), "axis": (1, 2)}),
    ((2, 40, 40, 3), {"kernel_size": 13, "stride": 1, "padding": "same", "axis": (1, 2)}),
    ((2, 40, 40, 48), {"kernel_size": 3, "stride": 1, "dilation": 2, "axis": (1, 2)}),
    (
        (2, 61, 300),
        {
            "kernel_size": (9, 4),
            "stride": 1,
            "dilation": (2, 1),
            "padding": (3, 1),
            "axis": (1, 2),
        },
    ),
    ((30_011,), {"kernel_size": 1000, "stride": 7}),
    ((64, 7, 7), {"kernel_size": 7, "axis": (1, 2)}),
    ((40, 20, 20), {"kernel_size": 5, "stride": 1, "padding": 2, "axis": (1, 2)}),
    ((90, 7, 7), {"kernel_size": 3, "stride": 2, "padding": 1, "axis": (1, 2)}),
    ((3, 20, 231), {"kernel_size": 2, "axis": (1, 2)}),
    ((4, 3, 9, 230), {"kernel_size": 2, "padding": [0, (1, 0), 0], "axis": (1, 2, 3)}),
    ((9, 12, 70), {"kernel_size": 2, "padding": 1, "axis": (0, 1)}),
    ((6, 5, 9, 11), {"kernel_size": (2, 3, 4), "stride": 1, "axis": (0, 3, 1)}),
]


def elements(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    rng = np.random.default_rng(1)
    if is_float(dtype):
        x = rng.standard_normal(shape) * 10.0 ** rng.integers(-9, 9, shape)
        x = np.clip(x, -6e4, 6e4).astype(dtype)
        x[rng.random(shape) < 0.01] = np.nan
        x[rng.random(shape) < 0.01] = -np.nan
        x[rng.random(shape) < 0.01] = -np.inf
        x[rng.random(shape) < 0.01] = np.inf
        x[rng.random(shape) < 0.2] = 0
        return x
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def results_of_the_family(x: np.ndarray, arguments: dict) -> list:
    """Return norms, indices, what is left without NaNs, and the way back."""
    axis = arguments.get("axis")
    sizes = {"output_size": 5, "axis": axis}
    found = [cypool.lp_pool(x, **arguments, p=p) for p in (1, 2, 3, 2.5, np.inf)]
    found += cypool.adaptive_max_pool(x, **sizes, return_indices=True)
    found.append(cypool.adaptive_avg_pool(x, **sizes))
    found += cypool.max_pool(x, **arguments, nan_policy="omit", return_indices=True)
    found.append(cypool.avg_pool(x, **arguments, nan_policy="omit"))
    y, where = cypool.max_pool(x, **arguments, return_indices=True)
    found += [y, where, *cypool.min_pool(x, **arguments, return_indices=True)]
    found.append(cypool.max_unpool(y, where, x.shape, axis=axis))
    if is_float(x.dtype):
        with np.errstate(all="ignore"):
            grad = np.ones_like(y)
            found.append(cypool.max_unpool_backward(x, where, axis=axis))
            found.append(cypool.max_pool_backward(grad, where, x.shape, axis=axis))
            found.append(cypool.avg_pool_backward(y, x.shape, **arguments))
            found.append(cypool.sum_pool_backward(y, x.shape, **arguments))
            found.append(cypool.lp_pool_backward(grad, x, **arguments))
            smaller = cypool.adaptive_avg_pool(x, **sizes)
            found.append(cypool.adaptive_avg_pool_backward(smaller, x.shape, axis=axis))
    return found


def results(name: str, x: np.ndarray, arguments: dict) -> list:
    with instruction_set(name):
        pools = cypool.max_pool, cypool.min_pool, cypool.sum_pool, cypool.avg_pool
        found = [pool(x, **arguments) for pool in pools]
        found.append(cypool.avg_pool(x, **arguments, dtype="float32"))
        found.append(cypool.avg_pool(x, **arguments, dtype="int16"))
        found += results_of_the_family(x, arguments)
        return found


@pytest.mark.parametrize("name", [n for n in kernels.INSTRUCTION_SETS if n != "baseline"])
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_every_instruction_set_gives_the_same_bits(name, dtype):
    for shape, arguments in SHAPES_AND_WINDOWS:
        x = elements(shape, np.dtype(dtype))
        expected = results("baseline", x, arguments)
        for got, want in zip(results(name, x, arguments), expected, strict=True):
            assert got.dtype == want.dtype
            assert got.tobytes() == want.tobytes(), (shape, arguments)


def run_with(isa: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "import cypool; print(cypool.show_config('dicts'))"],
        env={**os.environ, "CYPOOL_ISA": isa},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", kernels.INSTRUCTION_SETS)
def test_the_environment_forces_an_instruction_set(name):
    done = run_with(name)
    assert done.returncode == 0, done.stderr
    assert f"'instruction_set': '{name}'" in done.stdout


def test_an_instruction_set_that_is_not_there_is_an_error_that_names_those_that_are():
    done = run_with("v9")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: CYPOOL_ISA is 'v9'")
    assert all(name in last for name in kernels.INSTRUCTION_SETS)


TRAPS = """
import ctypes, sys
import numpy as np
import cypool
libm = ctypes.CDLL("libm.so.6")
divide = 4  # FE_DIVBYZERO of x86
x = np.random.default_rng(0).random((64, 35, 35), np.float32)
libm.feenableexcept(divide)
cypool.avg_pool(x, 3, 1, 1, axis=(1, 2), num_threads=2)
cypool.avg_pool(x, 3, 1, 1, axis=(1, 2), num_threads=1)
sys.exit(libm.fegetexcept() != divide)
"""


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") or platform.libc_ver()[0] != "glibc",
    reason="traps are set by glibc's functions, on x86-64",
)
def test_the_callers_traps_stay_as_they_are():
    done = subprocess.run([sys.executable, "-c", TRAPS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


#: The features of the levels above x86-64-v2, by their names in /proc/cpuinfo (abm has LZCNT).
FEATURES = {
    "v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "v3": {"avx", "avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"},
}


def test_the_detector_agrees_with_the_system():
    level = kernels.cpu.x86_64_level()
    flags = cpu_flags()
    if flags and platform.machine() == "x86_64":
        v3 = FEATURES["v3"] <= flags
        v4 = v3 and FEATURES["v4"] <= flags
        assert (level >= 3, level >= 4) == (v3, v4)
        # A build that was told to leave levels out is tested with the same variable.
        names = os.environ.get("CYPOOL_BUILD_LEVELS", "v4 v3").replace(",", " ").split()
        levels = (("v4", v4), ("v3", v3), ("baseline", True))
        expected = tuple(n for n, runs in levels if runs and n in [*names, "baseline"])
        assert expected == kernels.INSTRUCTION_SETS
    else:
        assert kernels.INSTRUCTION_SETS[-1] == "baseline"


def cpu_flags() -> set[str]:
    """The processor's features as the system lists them; none where there is no such list."""
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line for line in file if line.startswith("flags")]
    except FileNotFoundError:
        return set()
    return set(lines[0].split(":")[1].split()) if lines else set()
