"""`cypool.functional` beside `torch.nn.functional`: the same names, and the same results."""

from __future__ import annotations

import inspect
import itertools
import math
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import cypool.functional as F

REFUSALS = (RuntimeError, ValueError, TypeError, IndexError)
FLOATS = ["float16", "bfloat16", "float32", "float64"]
REAL = ["float32", "float64"]
every_dimension = pytest.mark.parametrize("d", [1, 2, 3])
every_float = pytest.mark.parametrize("dtype", FLOATS)

NAN, INF = math.nan, math.inf


def peer():
    """Return PyTorch; where it is missing, a test that asks for it is skipped."""
    return pytest.importorskip("torch")


def ours(name, d):
    return getattr(F, f"{name}{d}d")


def theirs(name, d):
    return getattr(peer().nn.functional, f"{name}{d}d")


def tensor(x):
    """Return a tensor of an array's elements; NumPy's bfloat16 is none that torch takes."""
    if x.dtype.name == "bfloat16":
        return peer().from_numpy(x.view(np.int16)).view(peer().bfloat16)
    return peer().from_numpy(x)


def number_type(name):
    return pytest.importorskip("ml_dtypes").bfloat16 if name == "bfloat16" else np.dtype(name)


def ndarray(t):
    if t.dtype == peer().bfloat16:
        return t.view(peer().int16).numpy().view(number_type("bfloat16"))
    return t.numpy()


def small_integers(rng, shape, dtype="float32"):
    """Return an array with many ties, without negative zeros."""
    return (rng.integers(-4, 5, shape) + 0).astype(dtype)


def lengths(rng, d, most):
    return tuple(int(n) for n in rng.integers(1, most + 1, d))


def shapes(rng, d, most):
    """Return a shape with or without a batch, which may be empty."""
    return ((3,), (2, 2), (0, 2), (1, 3))[rng.integers(4)] + lengths(rng, d, most)


def sizes(rng, d, low, high):
    """Return one size for all axes, one per axis, or a sequence of one."""
    values = tuple(int(v) for v in rng.integers(low, high + 1, d))
    return (values, list(values), values[0], values[:1])[rng.integers(4)]


def compare(call, x, *arguments, agree, **options):
    """Return whether torch answers a call; `agree` compares the answers, or both refuse it."""
    name, d = call
    try:
        expected = theirs(name, d)(tensor(x), *arguments, **options)
    except REFUSALS as error:
        with pytest.raises((TypeError, ValueError)):
            pytest.fail(
                f"{name}{d}d{(x.shape, *arguments)} {options} gave"
                f" {ours(name, d)(x, *arguments, **options)}; torch says {error}"
            )
        return False
    result = ours(name, d)(x, *arguments, **options)
    several = isinstance(expected, tuple)
    for given, right in zip(
        result if several else (result,), expected if several else (expected,), strict=True
    ):
        assert type(given) is np.ndarray
        assert given.shape == tuple(right.shape), (name, d, x.shape, arguments, options)
    values = [ndarray(e) for e in (expected if several else (expected,))]
    problem = agree(result, tuple(values) if several else values[0])
    assert not problem, (problem, name, d, x, arguments, options, result, expected)
    return True


def same(result, expected):
    if result.dtype != expected.dtype:
        return f"dtype {result.dtype}"
    return (
        ""
        if ((result == expected) | (result != result) & (expected != expected)).all()
        else "values"
    )


def same_with_indices(result, expected):
    """Compare maxima and indices, except those of windows without input, which torch invents."""
    (y, i), (y_expected, i_expected) = result, expected
    if i.dtype != np.int64:
        return "the indices' dtype"
    least = np.iinfo(y.dtype).min if y.dtype.kind in "iu" else -INF
    if (y[i == -1] != least).any():
        return "index -1"
    return same(y, y_expected) or ("" if (i == i_expected)[i != -1].all() else "indices")


def within(ulps, dtype):
    """Return a comparison with the float64 answer, in units in the last place of `dtype`."""

    def agree(result, expected):
        with np.errstate(over="ignore"):
            right = expected.astype(dtype)
        if result.dtype != right.dtype:
            return f"dtype {result.dtype}"
        unit = np.maximum(np.abs(np.spacing(right)).astype(float), 1e-300)
        off = np.abs(result.astype(float) - expected) > ulps * unit
        return "values" if (off & (result != right)).any() else ""

    return agree


# ------------------------------------------------------------------------------- names


def positional(function):
    """Return the names and defaults of a function, also of a built-in that documents them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        text = re.search(r"^(\w+)\((.*)\) -> ", function.__doc__, re.MULTILINE)
        namespace = {}
        exec(f"def f({text[2]}): pass", namespace)
        parameters = inspect.signature(namespace["f"]).parameters.values()
    return [(p.name, p.default) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def test_the_names_are_torchs():
    pooling = {
        name for name in dir(peer().nn.functional) if re.search(r"pool\dd", name) and name[0] != "_"
    }
    assert set(F.__all__) == pooling


@pytest.mark.parametrize("name", F.__all__)
def test_parameters_are_torchs(name):
    # Functions that return indices or not hide their signature behind *args.
    other = getattr(
        peer().nn.functional, f"{name}_with_indices", getattr(peer().nn.functional, name)
    )
    assert positional(getattr(F, name)) == positional(other)


def test_the_faces_are_imported_on_their_own():
    code = "import cypool, sys; sys.exit(any('functional' in m for m in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------------------- maxima


def test_max_pool1d():
    rng = np.random.default_rng(1)
    answered = 0
    grid = itertools.product(
        [1, 2, 3, 5, 8], [1, 2, 3, 4], [None, 1, 2, 3], [0, 1, 2], [1, 2, 3], [False, True]
    )
    for n, k, s, p, dilation, ceil_mode in grid:
        x = small_integers(rng, (2, n) if rng.integers(2) else (2, 1, n))
        options = {"dilation": dilation, "ceil_mode": ceil_mode}
        answered += compare(("max_pool", 1), x, k, s, p, agree=same, **options)
    assert answered > 600


@pytest.mark.parametrize(("d", "calls"), [(1, 500), (2, 2500), (3, 1500)])
def test_max_pool(d, calls):
    rng = np.random.default_rng(d)
    answered = 0
    for _ in range(calls):
        dtype = ("float32", "float64", "float32", "uint8", "int64")[rng.integers(5 if d > 1 else 3)]
        x = small_integers(rng, shapes(rng, d, 8), "int8").astype(dtype)
        arguments = [sizes(rng, d, 1, 4)]
        arguments += [(None, (), [], sizes(rng, d, 1, 3))[rng.integers(4)]]
        arguments += [sizes(rng, d, 0, 2), sizes(rng, d, 1, 3), bool(rng.integers(2))]
        answered += compare(("max_pool", d), x, *arguments, agree=same)
    assert answered > calls // 8


@pytest.mark.parametrize(("d", "calls"), [(1, 1000), (2, 2000), (3, 1000)])
def test_max_pool_with_indices(d, calls):
    rng = np.random.default_rng(10 + d)
    answered = 0
    for _ in range(calls):
        dtype = ("float32", "float64", "uint8", "int16")[rng.integers(4)]
        x = small_integers(rng, shapes(rng, d, 7), "int8").astype(dtype)
        arguments = [sizes(rng, d, 1, 4), (None, sizes(rng, d, 1, 3))[rng.integers(2)]]
        arguments += [sizes(rng, d, 0, 2), sizes(rng, d, 1, 3), bool(rng.integers(2)), True]
        answered += compare(("max_pool", d), x, *arguments, agree=same_with_indices)
    assert answered > calls // 8


@every_dimension
def test_with_indices_is_return_indices(d):
    x = small_integers(np.random.default_rng(0), (2, 2) + (6,) * d)
    calls = [("max_pool", (2, 1, 1, 2, True)), ("adaptive_max_pool", (4,))]
    if d > 1:
        u = np.random.default_rng(1).random((2, 2, d))
        calls.append(("fractional_max_pool", (2, 3, None, False, u)))
    for name, arguments in calls:
        y = ours(name, d)(x, *arguments)
        with_indices = getattr(F, f"{name}{d}d_with_indices")(x, *arguments)
        assert len(with_indices) == 2
        for a, b in zip(with_indices, ours(name, d)(*place_true(x, name, arguments)), strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
        np.testing.assert_array_equal(with_indices[0], y, strict=True)


def place_true(x, name, arguments):
    """Return a call's arguments with return_indices=True."""
    if name == "fractional_max_pool":
        return (x, *arguments[:3], True, *arguments[4:])
    return (x, *arguments, True)


@every_dimension
@every_float
def test_maxima_of_every_float(d, dtype):
    x = np.random.default_rng(d).standard_normal((2, 3) + (7,) * d).astype(number_type(dtype))
    for arguments in [(2,), (3, 2, 1), (3, 1, 1, 2, True)]:
        assert compare(("max_pool", d), x, *arguments, agree=same)
        assert compare(("max_pool", d), x, *arguments, return_indices=True, agree=same_with_indices)
    assert compare(("adaptive_max_pool", d), x, 3, agree=same)


@every_dimension
def test_infinities_and_nans(d):
    rng = np.random.default_rng(d)
    for _ in range(200):
        x = rng.choice([-INF, 1, 2, INF, NAN], (1,) + (5,) * d, p=[0.3, 0.3, 0.2, 0.1, 0.1])
        assert compare(("max_pool", d), x, 3, 2, 1, agree=same)
        y, indices = ours("max_pool", d)(x, 2, return_indices=True)
        y_torch, indices_torch = map(
            ndarray, theirs("max_pool", d)(tensor(x), 2, return_indices=True)
        )
        np.testing.assert_array_equal(y, y_torch)
        differ = indices != indices_torch
        # Of several NaNs ours is the first, torch's the last.
        assert np.isnan(y[differ]).all()
        assert (indices <= indices_torch).all()


@every_dimension
def test_windows_without_input(d):
    x = np.zeros((1, 1) + (2,) * d, np.float32)
    y, indices = ours("max_pool", d)(x, 2, 1, 1, 3, return_indices=True)
    assert y.tolist() == np.full_like(y, -INF).tolist()
    assert indices.tolist() == np.full_like(indices, -1).tolist()


@pytest.mark.parametrize("dtype", ["bool", "uint16", "uint32", "uint64", "int8"])
def test_more_dtypes_than_torchs(dtype):
    x = np.array([[1, 0, 1, 1, 0, 0]], dtype)
    assert F.max_pool1d(x, 2).tolist() == [[1, 1, 0]]
    assert F.max_pool1d(x, 2).dtype == dtype
    assert F.avg_pool1d(x, 2).tolist() == [[0.5, 1, 0]]


# ------------------------------------------------------------------------------- averages


def average_arguments(rng, d):
    arguments = [sizes(rng, d, 1, 4), (None, (), sizes(rng, d, 1, 3))[rng.integers(3)]]
    arguments += [sizes(rng, d, 0, 2), bool(rng.integers(2)), bool(rng.integers(2))]
    return arguments


@pytest.mark.parametrize(("d", "calls"), [(1, 1000), (2, 2000), (3, 1000)])
def test_avg_pool(d, calls):
    rng = np.random.default_rng(20 + d)
    answered = 0
    for _ in range(calls):
        # Sums of integers are exact, whatever their order.
        x = small_integers(rng, shapes(rng, d, 8), "float64")
        arguments = average_arguments(rng, d)
        if d > 1:
            arguments.append((None, 1, 3, -2, 0)[rng.integers(5)])
        if d == 3 and (np.array(x.shape[-3:]) < np.broadcast_to(arguments[0], 3)).any():
            continue  # torch refuses a kernel that fits with its padding
        answered += compare(("avg_pool", d), x, *arguments, agree=within(1, np.float64))
    assert answered > calls // 8


@every_dimension
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_averages_are_the_exact_ones_rounded(d, dtype):
    rng = np.random.default_rng(d)
    dtype = number_type(dtype)
    for _ in range(100):
        x = rng.standard_normal((2, 2) + (7,) * d).astype(dtype)
        arguments = [int(rng.integers(2, 5)), int(rng.integers(1, 4)), 1, bool(rng.integers(2))]
        result = ours("avg_pool", d)(x, *arguments)
        exact = theirs("avg_pool", d)(tensor(x.astype(np.float64)), *arguments).numpy()
        assert result.dtype == dtype
        assert not within(1, dtype)(result, exact)


@every_dimension
def test_averages_of_int64_are_cut(d):
    rng = np.random.default_rng(d)
    for _ in range(100):
        x = rng.integers(-99, 99, (1,) + (6,) * d)
        arguments = [int(rng.integers(2, 5)), int(rng.integers(1, 4)), 1, bool(rng.integers(2))]
        assert compare(("avg_pool", d), x, *arguments, agree=same)
    assert F.avg_pool1d(np.array([[-1, -2, -4, 7]]), 2).tolist() == [[-1, 1]]


@pytest.mark.parametrize("seed", range(3))
def test_averages_of_wide_int64_are_cut(seed):
    rng = np.random.default_rng(seed)
    for _ in range(300):
        x = rng.integers(-(2**63), 2**63, (1, 12)) >> int(rng.integers(63))
        k, s, count_include_pad = int(rng.integers(1, 6)), int(rng.integers(1, 4)), bool(_ % 2)
        p = int(rng.integers(k // 2 + 1))
        for o, y in enumerate(F.avg_pool1d(x, k, s, p, True, count_include_pad)[0]):
            first, stop = o * s - p, min(o * s - p + k, 12 + p)
            count = stop - first if count_include_pad else min(stop, 12) - max(first, 0)
            total = sum(map(int, x[0, max(first, 0) : stop]))
            assert int(y) == math.trunc(Fraction(total, count))
    assert F.avg_pool2d(x[None], (1, 2), divisor_override=2**40).shape == (1, 1, 6)


@pytest.mark.parametrize("divisor", [-3, -2, -1, 1, 2, 7])
def test_averages_of_int64_are_cut_for_any_divisor(divisor):
    x = np.arange(-40, 41).reshape(1, 9, 9)
    result = F.avg_pool2d(x, 1, divisor_override=divisor)
    assert result.ravel().tolist() == [math.trunc(Fraction(int(v), divisor)) for v in x.ravel()]
    for v in (2**62, -(2**62)):  # what is beyond 64 bits saturates
        result = F.avg_pool2d(np.full((1, 2, 2), v), 2, divisor_override=divisor)
        exact = math.trunc(Fraction(4 * v, divisor))
        assert result.tolist() == [[[min(max(exact, -(2**63)), 2**63 - 1)]]]


def test_an_average_where_torch_is_wrong():
    x = np.ones((1, 5000, 5000), np.float32)
    assert float(F.avg_pool2d(x, 5000)[0, 0, 0]) == 1
    assert float(peer().nn.functional.avg_pool2d(peer().from_numpy(x), 5000)) < 0.7


def test_a_kernel_that_fits_with_its_padding():
    x = np.ones((1, 3, 3, 3))
    assert (
        F.avg_pool3d(x, 4, 1, 2, count_include_pad=False).tolist() == np.ones((1, 4, 4, 4)).tolist()
    )


# ------------------------------------------------------------------------------- Lp


def norms(x, p, d, k, s, ceil_mode):
    """Return norms by torch's sums of powers of magnitudes, in float64."""
    powers = tensor(np.abs(x.astype(np.float64)) ** p)
    if d == 1:  # which has no divisor of its own
        sums = peer().nn.functional.avg_pool2d(
            powers[..., None], (k, 1), (s, 1), 0, ceil_mode, divisor_override=1
        )
        return sums[..., 0].numpy() ** (1 / p)
    return theirs("avg_pool", d)(powers, k, s, 0, ceil_mode, divisor_override=1).numpy() ** (1 / p)


@every_dimension
@pytest.mark.parametrize("p", [1, 2, 3, 2.5, 0.5, 4, 7, INF, -INF])
def test_lp_pool_of_positive_numbers(d, p):
    rng = np.random.default_rng(30 + d)
    answered = 0
    for _ in range(60):
        x = rng.random(shapes(rng, d, 7)) + 0.1
        arguments = [p, int(rng.integers(1, 5)), (None, 1, 2)[rng.integers(3)]]
        answered += compare(("lp_pool", d), x, *arguments, agree=within(64, np.float64))
    assert answered > 8


@every_dimension
@pytest.mark.parametrize("p", [2, 4, INF, -INF])
def test_lp_pool_of_even_powers(d, p):
    rng = np.random.default_rng(40 + d)
    for _ in range(40):
        x = rng.standard_normal((1, 2) + (6,) * d)
        assert compare(("lp_pool", d), x, p, 3, 2, agree=within(64, np.float64))


@every_dimension
@every_float
def test_lp_pool_where_torch_is_wrong(d, dtype):
    rng = np.random.default_rng(50 + d)
    dtype = number_type(dtype)
    for p in (1, 2, 3, 2.5):
        x = rng.standard_normal((2, 2) + (7,) * d).astype(dtype)
        result = ours("lp_pool", d)(x, p, 3, 2, True)
        assert result.dtype == dtype
        ulps = 64 if dtype == np.float64 else 2
        assert not within(ulps, dtype)(result, norms(x, p, d, 3, 2, True))
    x = np.full((1,) + (2,) * d, 1e30, np.float32)
    assert np.isfinite(ours("lp_pool", d)(x, 2, 2)).all()
    assert not peer().isfinite(theirs("lp_pool", d)(tensor(x), 2, 2)).any()


@every_dimension
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64"])
def test_lp_pool_of_integers(d, dtype):
    x = np.arange(16**d).reshape((1,) + (16,) * d).astype(dtype) % 16
    result = ours("lp_pool", d)(x, 2.0, 2)
    expected = ours("lp_pool", d)(x.astype(np.float32), 2.0, 2)
    np.testing.assert_array_equal(result, expected, strict=True)
    for p, other in ((INF, np.max), (-INF, np.min)):
        blocks = x.reshape((1,) + (8, 2) * d)
        expected = other(blocks, axis=tuple(range(2, 2 * d + 1, 2)))
        np.testing.assert_array_equal(ours("lp_pool", d)(x, p, 2), expected, strict=True)


@pytest.mark.parametrize("p", [INF, -INF])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", ">i4", "int64", "uint64"])
def test_greatest_and_least_magnitudes_keep_integers(p, dtype):
    if dtype == "bool":
        least, most = False, True
    else:
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    x = np.array([[least, least, most, 0, most - least > 1, 1]], dtype)
    whole = [[min(abs(int(v)), int(most)) for v in row] for row in x.reshape(3, 2)]
    result = F.lp_pool1d(x, p, 2)
    assert result.dtype == np.dtype(dtype).newbyteorder("=")
    assert result.tolist() == [[max(row) if p > 0 else min(row) for row in whole]]


@pytest.mark.parametrize("p", [2, INF, -INF])
def test_lp_pool_refuses_complex_numbers(p):
    with pytest.raises(TypeError, match="complex128"):
        F.lp_pool1d(np.ones((1, 4), complex), p, 2)


@pytest.mark.parametrize(
    ("p", "error"), [(0, ValueError), (-1, ValueError), (NAN, ValueError), ("2", TypeError)]
)
def test_lp_pool_refuses_what_is_no_norm(p, error):
    with pytest.raises(error, match=r"^norm_type is .*the order of a norm"):
        F.lp_pool1d(np.ones((1, 4)), p, 2)


# ------------------------------------------------------------------------------- adaptive


def output_sizes(rng, d):
    values = [int(v) for v in rng.integers(0 if rng.random() < 0.1 else 1, 9, d)]
    if d > 1 and rng.random() < 0.3:
        values[rng.integers(d)] = None
    if rng.random() < 0.1:
        values.append(2)
    return values[0] if values[0] is not None and rng.random() < 0.3 else tuple(values)


@pytest.mark.parametrize(("d", "calls"), [(1, 600), (2, 1200), (3, 600)])
def test_adaptive_max_pool(d, calls):
    rng = np.random.default_rng(60 + d)
    answered = 0
    for _ in range(calls):
        x = small_integers(rng, shapes(rng, d, 8), REAL[rng.integers(2)])
        size, with_indices = output_sizes(rng, d), bool(rng.integers(2))
        agree = same_with_indices if with_indices else same
        answered += compare(("adaptive_max_pool", d), x, size, with_indices, agree=agree)
    assert answered > calls // 2


@pytest.mark.parametrize(("d", "calls"), [(1, 600), (2, 1200), (3, 600)])
def test_adaptive_avg_pool(d, calls):
    rng = np.random.default_rng(70 + d)
    answered = 0
    for _ in range(calls):
        x = small_integers(rng, shapes(rng, d, 8), "float64")
        size = output_sizes(rng, d)
        answered += compare(("adaptive_avg_pool", d), x, size, agree=within(3, np.float64))
    assert answered > calls // 2


@every_dimension
@every_float
def test_adaptive_averages_of_every_float(d, dtype):
    dtype = number_type(dtype)
    x = np.random.default_rng(d).random((2, 2) + (7,) * d).astype(dtype)
    for size in (1, 3, 9):
        result = ours("adaptive_avg_pool", d)(x, size)
        exact = theirs("adaptive_avg_pool", d)(tensor(x.astype(np.float64)), size).numpy()
        assert result.dtype == dtype
        assert not within(64 if dtype == np.float64 else 1, dtype)(result, exact)


# ------------------------------------------------------------------------------- unpooling


@pytest.mark.parametrize(("d", "calls"), [(1, 400), (2, 800), (3, 400)])
def test_max_unpool(d, calls):
    rng = np.random.default_rng(80 + d)
    answered = 0
    for _ in range(calls):
        x = rng.standard_normal(shapes(rng, d, 9)).astype(REAL[rng.integers(2)])
        k, s, p = int(rng.integers(1, 4)), (None, 1, 2, 3)[rng.integers(4)], int(rng.integers(2))
        try:
            pooled = theirs("max_pool", d)(tensor(x), k, s, p, return_indices=True)
        except REFUSALS:
            continue
        size = None
        if rng.random() < 0.6:
            size = tuple(int(n + rng.integers(-1, 2)) for n in x.shape[-d:])
            size = (0, 0, *size) if rng.random() < 0.3 else list(size)
        try:
            expected = theirs("max_unpool", d)(*pooled, k, s, p, size)
            if 0 in expected.shape[-d:] and x.size:
                raise ValueError("torch drops elements that have no place")
        except REFUSALS:
            with pytest.raises((TypeError, ValueError)):
                ours("max_unpool", d)(*map(ndarray, pooled), k, s, p, size)
            continue
        result = ours("max_unpool", d)(*map(ndarray, pooled), k, s, p, size)
        assert not same(result, ndarray(expected)), (x.shape, k, s, p, size)
        answered += 1
    assert answered > calls // 4


@every_dimension
def test_unpooling_puts_the_maxima_back(d):
    x = np.random.default_rng(d).standard_normal((2, 3) + (6,) * d)
    y, indices = ours("max_pool", d)(x, 2, return_indices=True)
    back = ours("max_unpool", d)(y, indices, 2)
    assert back.shape == x.shape
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    np.testing.assert_array_equal(ours("max_pool", d)(np.where(back, x, -9), 2), y)


@pytest.mark.parametrize(
    ("indices", "options", "message"),
    [
        ([[0, 6]], {}, "6"),
        ([[0, -2]], {}, "-2"),
        ([[0, 1, 2]], {}, r"indices has shape \(1, 3\); input has \(1, 2\)"),
        ([[0, 1]], {"output_size": (6,)}, "output_size is 6 for axis 1; .* 2 and less than 6"),
        ([[0, 1]], {"output_size": (4, 4)}, "output_size .* 2 values; give 1, or 3"),
        ([[0, 1]], {"padding": 3}, "length -2 along axis 1"),
        ([[0, 1]], {"padding": (1, 1)}, "padding .* 2 values"),
    ],
)
def test_unpooling_refuses(indices, options, message):
    with pytest.raises(ValueError, match=message):
        F.max_unpool1d(np.ones((1, 2)), np.array(indices), 2, **options)


def test_unpooling_skips_windows_without_input():
    assert F.max_unpool1d(np.array([[1.0, -INF]]), np.array([[2, -1]]), 2).tolist() == [
        [0, 0, 1, 0]
    ]


# ------------------------------------------------------------------------------- fractional


@pytest.mark.parametrize(("d", "calls"), [(2, 1000), (3, 600)])
def test_fractional_max_pool(d, calls):
    rng = np.random.default_rng(90 + d)
    answered = 0
    for _ in range(calls):
        x = small_integers(rng, shapes(rng, d, 9), REAL[rng.integers(2)])
        batch = x.shape[0] if x.ndim == d + 2 else 1
        u = rng.random((batch, x.shape[-d - 1], d)).astype(x.dtype)
        size, ratio = sizes(rng, d, 1, 5), None
        if isinstance(size, (tuple, list)) and len(size) < d:
            size = size[0]
        if rng.random() < 0.3:
            size, ratio = None, tuple(rng.choice([0.3, 0.5, 0.7], d))
        k, with_indices = int(rng.integers(1, 4)), bool(rng.integers(2))
        out = [int(n * r) for n, r in zip(x.shape[-d:], ratio, strict=True)] if ratio else size
        needed = np.add(out, k - 1)
        if np.min(out) < 1 or (d == 3 and np.max(needed == x.shape[-d:])):
            continue  # torch refuses in three dimensions what it gives in two
        answered += compare_fractional(d, x, k, size, ratio, with_indices, u)
    assert answered > calls // 4


def compare_fractional(d, x, k, size, ratio, with_indices, u):
    name, arguments = "fractional_max_pool", (k, size, ratio, with_indices)
    try:
        expected = theirs(name, d)(tensor(x), *arguments, tensor(u))
    except REFUSALS:
        with pytest.raises((TypeError, ValueError)):
            ours(name, d)(x, *arguments, u)
        return False
    result = ours(name, d)(x, *arguments, u)
    if with_indices:
        problem = same_with_indices(result, tuple(map(ndarray, expected)))
    else:
        problem = same(result, ndarray(expected))
    assert not problem, (problem, x.shape, arguments)
    return True


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_fractional_steps_of_16_bits(d, dtype):
    rng = np.random.default_rng(d)
    dtype = number_type(dtype)
    for _ in range(100):
        x = rng.standard_normal((2, 2, *rng.integers(9, 16, d))).astype(dtype)
        u = (rng.random((2, 2, d)) * 0.99).astype(dtype)
        assert compare_fractional(d, x, 2, int(rng.integers(2, 8)), None, True, u)


@pytest.mark.parametrize("d", [2, 3])
def test_fractional_output_without_elements(d):
    x, u = np.ones((1, 2) + (6,) * d), np.zeros((1, 2, d))
    size = (0, 3, 2)[-d:]
    for with_indices in (False, True):
        assert compare_fractional(d, x, 2, size, None, with_indices, u)
    with pytest.raises(ValueError, match="output_size is -1"):
        ours("fractional_max_pool", d)(x, 2, -1)


def test_fractional_windows_stay_inside():
    # Rounded to bfloat16, 199 / 152 is so much more that the last steps lead past the end.
    bfloat16 = number_type("bfloat16")
    x = np.broadcast_to(np.arange(200).astype(bfloat16), (1, 2, 200))
    u = np.full((1, 1, 2), 0.5, bfloat16)
    y, indices = F.fractional_max_pool2d(x, 1, (2, 153), None, True, u)
    assert indices.max() == 399
    np.testing.assert_array_equal(y, x.reshape(-1)[indices])


@pytest.mark.parametrize("d", [2, 3])
def test_fractional_steps_are_drawn(d):
    x = np.random.default_rng(0).standard_normal((2, 3) + (12,) * d)
    pool = ours("fractional_max_pool", d)
    y, indices = pool(x, 2, 7, return_indices=True, rng=1)
    assert y.shape == indices.shape == (2, 3) + (7,) * d
    flat, places = x.reshape(6, -1), indices.reshape(6, -1)
    np.testing.assert_array_equal(np.take_along_axis(flat, places, 1), y.reshape(6, -1))
    np.testing.assert_array_equal(pool(x, 2, 7, rng=np.random.default_rng(1)), y)
    assert (pool(x, 2, 7, rng=2) != y).any()
    assert pool(x, 2, output_ratio=0.5).shape == (2, 3) + (6,) * d
    assert pool(x[0], 2, output_ratio=(0.5,) * d).shape == (3,) + (6,) * d


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither output_size nor output_ratio"),
        (
            {"output_size": 6},
            "output_size is 6 for axis 1; .* 0 to 5, .* window of 2 has in 6",
        ),
        ({"output_size": 3, "_random_samples": np.ones((1, 2, 2))}, r"\(1, 2, 2\).*\(1, 1, 2\)"),
        ({"output_size": 3, "_random_samples": [[[1.5, 0]]]}, "range from 0 to 1"),
        ({"output_size": 3, "_random_samples": [[[NAN, 0]]]}, "range from 0 to 1"),
        ({"output_ratio": (0.5, 0.5, 0.5)}, "output_ratio .* 3 values"),
        ({"output_ratio": NAN}, "output_ratio is nan for axis 1"),
        ({"output_ratio": (0.5, INF)}, "output_ratio is inf for axis 2"),
    ],
)
def test_fractional_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        F.fractional_max_pool2d(np.ones((1, 6, 6)), 2, **arguments)


# ------------------------------------------------------------------------------- refusals


@every_dimension
@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool"])
def test_empty_axes(d, name):
    """Which axes may be empty is torch's, function by function."""
    answered = []
    for batch in [(), (0,), (2,), (0, 2), (2, 0), (0, 0), (2, 1, 2)]:
        for inner in [(4,) * d, (0,) + (4,) * (d - 1), (4,) * (d - 1) + (0,)]:
            x = np.zeros(batch + inner, np.float32)
            if (name, d, batch[1:]) == ("adaptive_avg_pool", 3, (0,)):
                continue  # torch refuses in three dimensions what it gives in one and two
            answered.append(compare((name, d), x, 2, agree=same))
    assert 2 <= sum(answered) < len(answered) / 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((2, 2, 2), ValueError, "padding is 2 for axis 1; .* half of kernel_size 2, 1"),
        ((2, 2, -1), ValueError, "padding is -1 for axis 1"),
        (((2, 3, 2),), ValueError, r"kernel_size \(2, 3, 2\) has 3 values"),
        ((2, (1, 2, 3)), ValueError, r"stride \(1, 2, 3\) has 3 values"),
        ((2, 2, (0, 0, 0)), ValueError, r"padding \(0, 0, 0\) has 3 values"),
        ((2, 2, ()), ValueError, r"padding \(\) has 0 values"),
        ((2, 2, ((0, 1), (0, 1))), TypeError, "padding takes integers"),
        ((3, 2, "same"), TypeError, "padding takes integers, not 'same'"),
        ((2.0,), TypeError, "kernel_size takes integers, not 2.0"),
        ((None,), TypeError, "kernel_size takes integers, not None"),
        ((2, 0), ValueError, "stride is 0"),
        ((0,), ValueError, "kernel_size is 0"),
        ((2, 2, 0, 0), ValueError, "dilation is 0"),
        ((9,), ValueError, "axis 1 has length 4.* 9 positions of a window"),
    ],
)
def test_errors_say_what_is_wrong(arguments, error, message):
    x = np.ones((1, 4, 4), np.float32)
    for _ in range(2):  # the second time, nothing may have been kept
        with pytest.raises(error, match=message):
            F.max_pool2d(x, *arguments)
    with pytest.raises(REFUSALS):
        peer().nn.functional.max_pool2d(peer().from_numpy(x), *arguments)


@pytest.mark.parametrize("shape", [(4,), (4, 4), (1, 1, 1, 4, 4)])
def test_other_numbers_of_axes_are_refused(shape):
    with pytest.raises(ValueError, match=rf"of {len(shape)} axes; give 4, \(N, C, H, W\), or 3"):
        F.max_pool2d(np.ones(shape), 2)


def test_tensors_are_taken_and_arrays_come_back():
    x = peer().rand(2, 3, 8, 8)
    for function, arguments in ((F.max_pool2d, (2,)), (F.avg_pool2d, (2,))):
        result = function(x, *arguments)
        assert type(result) is np.ndarray
        expected = getattr(peer().nn.functional, function.__name__)(x, *arguments).numpy()
        np.testing.assert_allclose(result, expected, rtol=1e-6)
