"""The rules of pooling, one by one, on the compiled core."""

from __future__ import annotations

import math
import operator
import re
import subprocess
import sys
import warnings
from datetime import timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arrays import (
    BFLOATS,
    DTYPES,
    FLOATS,
    INTEGERS,
    LAYOUTS,
    SHARED,
    arrange,
    finfo,
    ordinary,
    place,
    plain,
)
from cases import FUNCTIONS
from numpy.lib.stride_tricks import as_strided
from planned import changed

import cypool
from cypool import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool,
    engine,
    global_avg_pool,
    global_lp_pool,
    global_max_pool,
    global_min_pool,
    global_sum_pool,
    kernels,
    lp_pool,
    max_pool,
    min_pool,
    sum_pool,
)
from cypool.arrays import contiguous_strides
from cypool.planning import Request, tiling

INF, NAN = math.inf, math.nan
LOCAL = (max_pool, min_pool, avg_pool, sum_pool, lp_pool)
GLOBAL = (global_max_pool, global_min_pool, global_avg_pool, global_sum_pool, global_lp_pool)
ADAPTIVE = (adaptive_max_pool, adaptive_avg_pool)

every_local = pytest.mark.parametrize("pool", LOCAL, ids=operator.attrgetter("__name__"))
every_global = pytest.mark.parametrize("pool", GLOBAL, ids=operator.attrgetter("__name__"))
every_pool = pytest.mark.parametrize(
    "pool", LOCAL + GLOBAL + ADAPTIVE, ids=operator.attrgetter("__name__")
)
every_window = pytest.mark.parametrize(  # those that adapt have other shapes
    "pool", LOCAL + GLOBAL, ids=operator.attrgetter("__name__")
)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_float = pytest.mark.parametrize("dtype", FLOATS)


def sizes(pool, *given: Any) -> tuple[Any, ...]:
    """Return the sizes that a function takes: none if it pools whole axes, or a result's."""
    if pool in ADAPTIVE:
        return given[:1]
    return () if pool in GLOBAL else given


def assert_same(result, expected, dtype=None):
    """Compare values, and the dtype if it is given."""
    if dtype is not None:
        assert np.asarray(result).dtype == np.asarray(expected).dtype
        assert np.shape(result) == np.shape(expected)
    np.testing.assert_array_equal(plain(result), plain(expected))


# -------------------------------------------------------------------- output lengths


@pytest.mark.parametrize(
    ("n", "arguments", "length"),
    [
        (4, {"kernel_size": 2}, 2),
        (5, {"kernel_size": 2}, 2),
        (5, {"kernel_size": 2, "ceil_mode": True}, 3),
        (7, {"kernel_size": 3, "stride": 2}, 3),
        (8, {"kernel_size": 3, "stride": 2}, 3),
        (8, {"kernel_size": 3, "stride": 2, "ceil_mode": True}, 4),
        (7, {"kernel_size": 3, "stride": 1}, 5),
        (7, {"kernel_size": 3, "stride": 1, "dilation": 3}, 1),
        (112, {"kernel_size": 3, "stride": 2, "padding": 1}, 56),
        (5, {"kernel_size": 3, "stride": 1, "padding": ((2, 0),)}, 5),
        (5, {"kernel_size": 3, "stride": 1, "padding": ((0, 9),)}, 12),
        (1, {"kernel_size": 9, "padding": 4}, 1),
        (5, {"kernel_size": 1, "stride": 100}, 1),
        # The last window would start in the padding behind: it is dropped.
        (4, {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}, 2),
        (3, {"kernel_size": 1, "stride": 3, "padding": 1, "ceil_mode": True}, 2),
        (2, {"kernel_size": 1, "stride": 3, "padding": 1, "ceil_mode": True}, 1),
        (1, {"kernel_size": 1, "stride": 2, "padding": 1, "ceil_mode": True}, 1),
    ],
)
@every_local
def test_output_length(pool, n, arguments, length):
    assert pool(np.zeros(n), **arguments).shape == (length,)


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("stride", [1, 2, 3, 9])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_gives_every_stride_th_position(n, stride, kernel, dilation):
    x = np.arange(n) + 1.0
    length = -(-n // stride)
    reach = dilation * (kernel - 1) + 1
    total = max((length - 1) * stride + reach - n, 0)
    for padding, before in (("same", total // 2), ("same_lower", total - total // 2)):
        result = sum_pool(x, kernel, stride, padding, dilation)
        assert result.shape == (length,)
        amounts = ((before, total - before),)
        assert_same(result, sum_pool(x, kernel, stride, amounts, dilation))


def test_same_puts_the_odd_position_at_the_end():
    x = np.array([1, 2, 3, 4])
    assert_same(max_pool(x, 2, 1, "same"), [2, 3, 4, 4])
    assert_same(max_pool(x, 2, 1, "same_lower"), [1, 2, 3, 4])
    assert_same(max_pool(x, 3, 3, "valid"), [3])


def test_stride_is_the_kernel_size_by_default():
    x = np.arange(24).reshape(4, 6)
    assert_same(max_pool(x, (2, 3)), max_pool(x, (2, 3), (2, 3)))
    assert max_pool(x, (2, 3)).shape == (2, 2)


def test_sizes_pair_with_the_axes_as_given():
    x = ordinary(np.random.default_rng(0), (5, 6, 7), "int32")
    result = sum_pool(x, (3, 2), (1, 2), ((1, 0), (0, 2)), (1, 3), axis=(2, 0))
    assert result.shape == (2, 6, 6)
    assert_same(result, sum_pool(x, (2, 3), (2, 1), ((0, 2), (1, 0)), (3, 1), axis=(0, 2)))
    assert_same(result, sum_pool(x, [3, 2], [1, 2], [[1, 0], [0, 2]], [1, 3], axis=[-1, -3]))


def test_axis_none_is_every_axis():
    x = np.arange(12).reshape(3, 4)
    assert_same(max_pool(x, 2), max_pool(x, 2, axis=(0, 1)))
    assert_same(global_max_pool(x), 11)
    assert_same(max_pool(x, (2, 3)), [[6]])


def test_padding_per_axis_is_an_amount_or_a_pair():
    x = np.ones((3, 4))
    assert sum_pool(x, 1, padding=(1, 2)).shape == (5, 8)
    assert sum_pool(x, 1, padding=((1, 0), 2)).shape == (4, 8)
    assert sum_pool(x, 1, padding=[[0, 3], [0, 0]]).shape == (6, 4)


def test_dilation_leaves_elements_out():
    x = np.array([1, 9, 2, 9, 3, 9, 4])
    assert_same(max_pool(x, 3, 2, dilation=2), [3, 4])
    assert_same(sum_pool(x, 2, 1, dilation=6), [5])


def test_windows_at_the_ends_are_clipped():
    x = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert_same(sum_pool(x, 3, 1, 1), [[12, 21, 16], [27, 45, 33], [24, 39, 28]])
    assert_same(avg_pool(x, 3, 2, 1), [[3, 4], [6, 7]])
    assert_same(max_pool(x, 2, 2, ceil_mode=True), [[5, 6], [8, 9]])
    assert_same(min_pool(-x, 2, 2, ceil_mode=True), [[-5, -6], [-8, -9]])


# ----------------------------------------------------------- padding and empty windows


@every_dtype
def test_padding_never_wins(dtype):
    if dtype == "bool":
        low, high = False, True
    else:
        info = finfo(dtype) if dtype in FLOATS else np.iinfo(dtype)
        low, high = info.min, info.max
    x = np.full((3, 3), low, dtype)
    assert_same(max_pool(x, 3, 1, 1), x)
    x = np.full((3, 3), high, dtype)
    assert_same(min_pool(x, 3, 1, 1), x)


@every_dtype
@pytest.mark.parametrize("axis", [0, 1])
def test_windows_without_input(dtype, axis):
    x = np.ones((2, 2), dtype)
    arguments = {"kernel_size": 1, "padding": ((1, 2),), "axis": axis}
    if dtype == "bool":
        least, most = False, True
    elif dtype in FLOATS:
        least, most = -INF, INF
    else:
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    for pool, empty in ((max_pool, least), (min_pool, most), (sum_pool, 0), (avg_pool, NAN)):
        result = np.moveaxis(pool(x, **arguments), axis, 0)
        expected = np.array([[v] * 2 for v in (empty, 1, 1, empty, empty)], result.dtype)
        assert_same(result, expected, dtype)


@every_dtype
def test_average_of_a_window_without_input_is_its_sum_over_a_divisor(dtype):
    x = np.ones(1, dtype)
    assert_same(avg_pool(x, 1, padding=1), [NAN, 1, NAN])
    assert_same(avg_pool(x, 1, padding=1, count_include_pad=True), [0, 1, 0])
    assert_same(avg_pool(x, 1, padding=1, divisor_override=4), [0, 0.25, 0])
    assert_same(avg_pool(x, 1, padding=1, divisor_override=-4), [0, -0.25, 0])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_average_without_input_is_no_integer(dtype):
    x = np.ones((1, 3), np.float64)
    message = rf"axis 1 lies wholly in the padding.*{dtype}"
    with pytest.raises(ValueError, match=message):
        avg_pool(x, 1, padding=(0, 1), dtype=dtype)
    expected = [[0, 1, 1, 1, 0]]
    options = {"padding": (0, 1), "dtype": dtype}
    assert_same(avg_pool(x, 1, count_include_pad=True, **options), expected)
    assert_same(avg_pool(x, 1, divisor_override=1, **options), expected)


def test_windows_of_which_only_a_little_is_there():
    x = np.arange(128, dtype=np.float32).reshape(8, 4, 4)
    size, padding = 2**57, ((2**56, 2**56),) * 2
    means = np.broadcast_to(x.mean((1, 2), keepdims=True), (8, 5, 5))
    assert_same(avg_pool(x, size, 1, padding, axis=(1, 2)), means)
    grad = np.ones((8, 5, 5), np.float32)
    back = cypool.avg_pool_backward(grad, x.shape, size, 1, padding, axis=(1, 2))
    assert_same(back, np.full(x.shape, np.float32(25 / 16)))


def test_padding_counts_if_it_is_asked_to_and_the_overhang_never():
    x = np.array([6.0, 6, 6])
    assert_same(avg_pool(x, 2, 2, 1), [6, 6])
    assert_same(avg_pool(x, 2, 2, 1, count_include_pad=True), [3, 6])
    # Windows at -1, 2 and 5 of size 3: the last has position 5 in the padding, 6 and 7 nowhere.
    x = np.full(5, 6.0)
    result = avg_pool(x, 3, 3, ((1, 1),), ceil_mode=True, count_include_pad=True)
    assert_same(result, [4, 6])
    result = avg_pool(x, 3, 2, ((0, 1),), ceil_mode=True, count_include_pad=True)
    assert_same(result, [6, 6, 3])
    result = avg_pool(x, 4, 2, ((0, 1),), ceil_mode=True, count_include_pad=True)
    assert_same(result, [6, 4.5])
    result = avg_pool(x, 4, 3, ((0, 1),), ceil_mode=True, count_include_pad=True)
    assert_same(result, [6, 4])


def test_divisor_override():
    x = np.array([1.0, 2, 3, 4])
    assert_same(avg_pool(x, 2, divisor_override=1), [3, 7])
    assert_same(avg_pool(x, 2, divisor_override=-2), [-1.5, -3.5])
    assert_same(avg_pool(x, 3, 3, 1, divisor_override=8, count_include_pad=True), [3 / 8, 7 / 8])
    assert_same(avg_pool(x, 4, divisor_override=2**53), [10 / 2**53])
    assert_same(avg_pool(x.astype(np.int64), 4, divisor_override=np.int8(3)), [10 / 3])


# -------------------------------------------------------------------- NaN and infinity

SHAPE_AND_ARGUMENTS = [
    ((61,), {"kernel_size": 4, "stride": 1}),
    ((61,), {"kernel_size": 17, "stride": 1, "padding": 8}),
    ((61,), {"kernel_size": 5, "stride": 3, "dilation": 2}),
    ((61, 5), {"kernel_size": 6, "stride": 2, "axis": 0}),
    ((5, 61), {"kernel_size": 40, "stride": 20, "axis": 1}),
    ((9, 11), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((4, 9, 11), {"kernel_size": (3, 2), "stride": 1, "axis": (2, 0)}),
    ((9, 11, 3), {"kernel_size": 4, "stride": 1, "axis": (0, 1)}),
]


@pytest.mark.parametrize(("shape", "arguments"), SHAPE_AND_ARGUMENTS)
@every_float
def test_a_nan_is_in_its_windows_and_no_others(shape, arguments, dtype):
    size = math.prod(shape)
    for at in range(0, size, 1 + size // 25):
        x = np.ones(shape, dtype)
        x.flat[at] = NAN
        mark = np.zeros(shape, np.int64)
        mark.flat[at] = 1
        touched = max_pool(mark, **arguments) == 1
        for pool in LOCAL:
            for layout in ("c", "fortran", "reversed", "swapped", "tangled"):
                result = pool(arrange(x, layout), **arguments)
                assert_same(np.isnan(result), touched)


@pytest.mark.parametrize(("shape", "arguments"), SHAPE_AND_ARGUMENTS)
@pytest.mark.parametrize("value", [INF, -INF])
@every_float
def test_an_infinity_does_not_leak(shape, arguments, dtype, value):
    size = math.prod(shape)
    for at in range(0, size, 1 + size // 25):
        x = np.ones(shape, dtype)
        expected = {pool: pool(x, **arguments) for pool in LOCAL}
        x.flat[at] = value
        mark = np.zeros(shape, np.int64)
        mark.flat[at] = 1
        touched = max_pool(mark, **arguments) == 1
        ones = {max_pool: value > 0, min_pool: value < 0, avg_pool: True, sum_pool: True}
        for pool, wins in ones.items():
            wanted = np.where(touched & wins, value, expected[pool])
            # Alone in its window, it is the result of every kind.
            alone = touched & (sum_pool(np.ones(shape, int), **arguments) == 1)
            assert_same(pool(x, **arguments), np.where(alone, value, wanted))


@every_float
def test_infinities_of_both_signs_have_no_sum(dtype):
    x = np.array([INF, -INF, 1, INF, 1, 1], dtype)
    assert_same(sum_pool(x, 2), [NAN, INF, 2])
    assert_same(avg_pool(x, 3), [NAN, INF])
    assert_same(global_avg_pool(x), NAN)
    assert_same(max_pool(x, 2), [INF, INF, 1])


@every_float
@pytest.mark.parametrize("n", [1, 2, 3, 15, 16, 17, 31, 33, 100, 5000])
def test_a_nan_anywhere_is_found(dtype, n):
    for at in sorted({0, 1, n // 2, n - 2, n - 1} & set(range(n))):
        for others in (0.0, INF, -INF):
            x = np.full(n, others, dtype)
            x[at] = NAN
            for pool in GLOBAL:
                assert np.isnan(pool(x)), (pool.__name__, at)
            y = np.stack([x, np.zeros_like(x)], axis=1)
            for pool in GLOBAL:
                assert_same(np.isnan(pool(y, axis=0)), [True, False])


@every_float
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 20])
def test_a_nan_in_any_row_of_a_window_is_found(dtype, rows):
    sign = np.where(np.arange(73) % 2, -1, 1)
    for at in range(rows):
        x = (sign * np.arange(1, rows + 1)[:, None]).astype(dtype)
        x[at, [0, 31, 64, 72]] = NAN
        for pool in LOCAL:
            found = np.flatnonzero(np.isnan(pool(x, rows, axis=0)[0]))
            assert found.tolist() == [0, 31, 64, 72], (pool.__name__, at)


@every_float
def test_nan_with_its_sign_and_payload_is_a_nan(dtype):
    bits = f"u{np.dtype(dtype).itemsize}"
    x = np.zeros(8, dtype)
    nan = np.array(NAN, dtype).view(bits)
    x.view(bits)[3] = nan | np.array(1, bits)
    x.view(bits)[6] = nan | np.array(1, bits) << np.array(8 * x.itemsize - 1, bits)
    for pool in LOCAL:
        assert_same(np.isnan(pool(x, 2)), [False, True, False, True])


# ------------------------------------------------------------------------------- dtypes


@every_dtype
def test_max_and_min_keep_the_dtype(dtype):
    x = np.zeros((2, 4), dtype)
    for pool in (max_pool, min_pool, global_max_pool, global_min_pool):
        assert pool(x, *sizes(pool, 2)).dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "average", "total"),
    [
        ("bool", "float32", "int64"),
        ("int8", "float32", "int64"),
        ("uint8", "float32", "uint64"),
        ("int16", "float32", "int64"),
        ("uint16", "float32", "uint64"),
        ("int32", "float64", "int64"),
        ("uint32", "float64", "uint64"),
        ("int64", "float64", "int64"),
        ("uint64", "float64", "uint64"),
        ("float16", "float16", "float16"),
        *((dtype, dtype, dtype) for dtype in BFLOATS),
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
    ],
)
def test_dtypes_of_averages_and_sums(dtype, average, total):
    x = np.ones((2, 4), dtype)
    assert avg_pool(x, 2).dtype == global_avg_pool(x).dtype == average
    assert sum_pool(x, 2).dtype == global_sum_pool(x).dtype == total
    for result in INTEGERS + FLOATS:
        assert_same(avg_pool(x, 2, dtype=result), np.ones((1, 2), result), result)
        assert global_avg_pool(x, dtype=result).dtype == result
        if dtype not in FLOATS or result in FLOATS:
            assert_same(sum_pool(x, 2, dtype=result), np.full((1, 2), 4, result), result)
            assert global_sum_pool(x, dtype=result).dtype == result


@pytest.mark.parametrize("dtype", ["uint8", np.uint8, np.dtype("uint8"), "u1", "B"])
def test_dtype_is_anything_that_numpy_takes_for_one(dtype):
    assert avg_pool([1, 2], 2, dtype=dtype).dtype == np.uint8


def test_dtype_in_the_other_byte_order_is_native():
    other = np.dtype(np.float64).newbyteorder()
    assert avg_pool([1, 2], 2, dtype=other).dtype.isnative
    assert max_pool(np.ones(2, other), 2).dtype.isnative


@pytest.mark.parametrize("x_dtype", ["int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_averages_into_integers_round_half_to_even(x_dtype, dtype):
    halves = np.arange(60)
    if np.iinfo(dtype).min < 0:
        halves -= 30
    x = np.stack([halves, np.zeros_like(halves)], axis=1).astype(x_dtype)
    expected = np.rint(halves / 2).astype(dtype)
    assert_same(avg_pool(x, (1, 2), dtype=dtype)[:, 0], expected, dtype)
    assert_same(global_avg_pool(x, axis=1, dtype=dtype), expected, dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_averages_into_integers_saturate(dtype):
    info = np.iinfo(dtype)
    for x_dtype in ("int64", "uint64", "float64", "float32"):
        wide = finfo(x_dtype) if x_dtype in FLOATS else np.iinfo(x_dtype)
        x = np.array([wide.min, wide.max], x_dtype)
        expected = np.array(
            [max(int(info.min), int(wide.min)), min(int(info.max), int(wide.max))], dtype
        )
        assert_same(avg_pool(x, 1, dtype=dtype), expected, dtype)
    x = np.array([INF, -INF, NAN])
    assert_same(avg_pool(x, 1, dtype=dtype), np.array([info.max, info.min, 0], dtype), dtype)
    for beyond in (float(info.max) + 0.5, float(info.max) * 2, 2.0**64):
        assert avg_pool([beyond], 1, dtype=dtype) == info.max
    for beyond in (float(info.min) - 0.5, float(info.min) - 2.0**40, -(2.0**65)):
        assert avg_pool([beyond], 1, dtype=dtype) == info.min
    # Quotients of 128 bits that round up to 2**64.
    most, least = 2**64 - 1, -(2**63)
    x = np.array([most, most, 1], np.uint64)
    assert avg_pool(x, 3, divisor_override=2, dtype=dtype) == info.max
    assert avg_pool(x, 3, divisor_override=-2, dtype=dtype) == info.min
    x = np.array([least, least, least, least, 1], np.int64)
    assert avg_pool(x, 5, divisor_override=2, dtype=dtype) == info.min


def test_averages_into_integers_are_rounded_once():
    # By way of a double the first would be 2.5, and then 2; the second one more than it is.
    x = np.array([2**53, 2**53 + 1, 2**53 + 1, 2**53 + 1])
    assert avg_pool(x, 4, dtype=np.int64) == 2**53 + 1
    x = np.array([2**62 + 1, 2**62 + 1, 2**62 + 3, 2**62 + 3])
    assert avg_pool(x, 4, dtype=np.int64) == 2**62 + 2
    x = np.array([2**63 - 1, 2**63 - 3])
    assert avg_pool(x, 2, dtype=np.int64) == 2**63 - 2
    x = np.array([2**64 - 1, 2**64 - 3], np.uint64)
    assert avg_pool(x, 2, dtype=np.uint64) == 2**64 - 2
    x = np.array([-(2**63), -(2**63) + 2])
    assert avg_pool(x, 2, dtype=np.int64) == -(2**63) + 1


def test_integer_sums_wrap_around_as_numpys_do():
    for dtype in INTEGERS:
        x = ordinary(np.random.default_rng(1), 1000, dtype)
        for result in INTEGERS:
            expected = x.reshape(10, 100).sum(1, dtype=result)
            assert_same(sum_pool(x, 100, dtype=result), expected, result)
            assert_same(global_sum_pool(x, dtype=result), x.sum(dtype=result), result)
    assert sum_pool([2**63 - 1, 1], 2) == -(2**63)
    assert sum_pool(np.array([2**64 - 1, 2], np.uint64), 2) == 1


# ----------------------------------------------------------------------------- accuracy


def rounded_quotient(total, count):
    """Divide two integers, rounded once: Python's division of integers is."""
    return total / count


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_means_of_64_bits_are_exact(dtype):
    info = np.iinfo(dtype)
    near = [info.max, info.max - 1, info.max - 2, info.min, info.min + 1, 2**53 + 1, 2**53 - 1, 0]
    rng = np.random.default_rng(2)
    for n in (1, 2, 3, 7, 100, 1000, 70_000):
        x = ordinary(rng, n, dtype)
        x[::2] = rng.choice(np.array(near, dtype), (n + 1) // 2)
        total = sum(x.tolist())
        assert global_avg_pool(x) == rounded_quotient(total, n)
        assert avg_pool(x, n)[0] == rounded_quotient(total, n)
        assert avg_pool(x, n, divisor_override=-3)[0] == rounded_quotient(total, -3)
        assert global_sum_pool(x, dtype=np.float64) == float(total)
        assert global_sum_pool(x) == (total - info.min) % 2**64 + info.min


def test_sums_beyond_64_bits():
    x = np.full(100_000, 2**64 - 1, np.uint64)
    assert global_avg_pool(x, dtype=np.uint64) == 2**64 - 1
    assert global_avg_pool(x) == 2.0**64
    assert global_sum_pool(x, dtype=np.float64) == float(100_000 * (2**64 - 1))
    assert global_sum_pool(x) == 100_000 * (2**64 - 1) % 2**64
    x = np.full((300, 400), -(2**63))
    assert global_avg_pool(x, dtype=np.int64) == -(2**63)
    assert_same(avg_pool(x, 100), np.full((3, 4), -(2.0**63)))
    x = np.full(1000, 2**63 - 1)
    x[0] = 2**63 - 1001
    assert avg_pool(x, 1000, dtype=np.int64)[0] == 2**63 - 2


def test_sums_beyond_2_to_the_53_are_exact():
    assert sum_pool([2**53, 1], 2) == 2**53 + 1
    assert sum_pool(np.array([2**63, 2**62, 1], np.uint64), 3) == 2**63 + 2**62 + 1
    assert sum_pool([2**62, -(2**62), 5], 3) == 5
    assert sum_pool(np.array([2**53, 1, 1], np.int64), 3, dtype=np.float64) == 2.0**53 + 2


@pytest.mark.parametrize("shape", [(5000, 5000), (4_000_001,), (3, 2_000_000)])
def test_means_of_many_equal_float32(shape):
    for value in (1.0, 0.1, 1 / 3, 3e38, 1e-40):
        x = np.full(shape, value, np.float32)
        expected = np.float32(value)
        for n in (1, 2):
            assert global_avg_pool(x, num_threads=n) == expected
            assert avg_pool(x, shape, num_threads=n).item() == expected
        axis = len(shape) - 1
        assert_same(global_avg_pool(x, axis=axis), np.full(shape[:-1], expected))


def test_means_of_many_equal_integers():
    for dtype in INTEGERS:
        top = np.iinfo(dtype).max
        x = np.full(1_000_003, top, dtype)
        assert global_avg_pool(x, dtype=dtype) == top
        assert global_avg_pool(x) == global_avg_pool(x).dtype.type(top)


def test_averages_of_float64_are_of_more_than_its_digits():
    x = np.array([1e16, 1.0, -1e16, 1.0])
    assert avg_pool(x, 4)[0] == 0.5
    assert sum_pool(x, 4)[0] == 2
    x = np.tile([0.1, 0.2, -0.3, 1e-9], 25_000)
    exact = sum(map(Fraction, x.tolist()))
    result = global_avg_pool(x)
    assert abs(result - float(exact / x.size)) <= np.spacing(result)


def test_maxima_are_elements():
    x = ordinary(np.random.default_rng(3), (50, 60), "float64")
    assert np.isin(max_pool(x, 7, 3), x).all()
    assert global_min_pool(x) == x.min()


# --------------------------------------------------------- 0-d, no axes, empty, lists


@every_local
def test_zero_dimensions(pool):
    result = pool(np.array(3.0), 2)
    assert result.shape == () and type(result) is np.ndarray
    assert result == 3
    assert pool(5, (), axis=()) == 5


@every_global
def test_zero_dimensions_global(pool):
    result = pool(7)
    assert result.shape == () and type(result) is np.ndarray
    assert result == 7
    assert pool(np.float32(2.5), keepdims=True) == 2.5


@every_pool
@every_dtype
def test_no_axis_is_every_element_by_itself(pool, dtype):
    x = ordinary(np.random.default_rng(4), (3, 4), dtype)
    result = pool(x, *sizes(pool, 3), axis=())
    expected = x.astype(result.dtype)
    if "lp" in pool.__name__ and dtype != "bool":
        expected = np.abs(expected)
    assert_same(result, expected)
    assert not np.shares_memory(result, x)


@every_local
def test_empty_axes_that_are_not_pooled(pool):
    assert pool(np.zeros((0, 3, 4)), 2, axis=(1, 2)).shape == (0, 1, 2)
    assert pool(np.zeros((4, 4, 0)), 2, axis=(0, 1)).shape == (2, 2, 0)
    assert pool(np.zeros((0, 4, 0), np.uint8), 3, 1, 2, axis=1).shape == (0, 6, 0)
    out = np.zeros((0, 2))
    assert pool(np.zeros((0, 4)), 2, axis=1, out=out) is out


@every_global
def test_empty_axes_that_are_not_pooled_global(pool):
    assert pool(np.zeros((0, 3, 4)), axis=(1, 2)).shape == (0,)
    assert pool(np.zeros((3, 0)), axis=0, keepdims=True).shape == (1, 0)


@every_pool
def test_empty_pooled_axis_is_refused(pool):
    for shape, axis, named in (((0,), None, 0), ((2, 0), (0, 1), 1), ((0, 3), -2, 0)):
        with pytest.raises(ValueError, match=rf"axis {named} has length 0.*leave it out of `axis`"):
            pool(np.zeros(shape), *sizes(pool, 1), axis=axis)


@every_local
def test_lists_and_scalars(pool):
    expected = pool(np.array([[1, 2], [3, 4]]), 2)
    assert_same(pool([[1, 2], [3, 4]], 2), expected)
    assert_same(pool(((1, 2), (3, 4)), 2), expected)
    assert_same(pool(range(4), 4), pool(np.arange(4), 4))
    assert_same(pool(True, 1), pool(np.array(True), 1))
    with pytest.raises(ValueError, match="inhomogeneous"):
        pool([[1, 2], [3]], 1)


class WithArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(6.0)


@every_local
def test_what_numpy_takes_for_an_array(pool):
    expected = pool(np.arange(6.0), 2)
    assert_same(pool(WithArray(), 2), expected)
    assert_same(pool(memoryview(np.arange(6.0)), 2), expected)


def test_subclasses_come_back_as_plain_arrays(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix([[1, 2], [3, 4]])
    mapped = arrange(np.arange(12.0).reshape(3, 4), "memmap", tmp_path)
    record = np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("a", int), ("b", float)])
    for x, expected in ((matrix, [[4]]), (mapped, [[5, 7]]), (record.b, [4])):
        result = max_pool(x, 2)
        assert type(result) is np.ndarray
        assert_same(result, expected)


@every_pool
def test_read_only_memory_maps(pool, tmp_path):
    values = ordinary(np.random.default_rng(5), (50, 60), "int16")
    path = tmp_path / "x.npy"
    np.save(path, values)
    mapped = np.load(path, mmap_mode="r")
    assert_same(pool(mapped, *sizes(pool, 7, 3)), pool(values, *sizes(pool, 7, 3)))


#: Pools arrays that end where memory does: to read behind them is to die.
BEFORE_THE_END = """
import ctypes, mmap, sys
import numpy as np
import cypool

page = mmap.PAGESIZE
memory = mmap.mmap(-1, 33 * page)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mprotect(ctypes.c_void_p(start + 32 * page), page, 0) == 0, ctypes.get_errno()
room = np.frombuffer(memory, np.uint8, 32 * page)
for dtype in sys.argv[1:]:
    for width in (9, 13, 27, 35, 55, 57, 101):
        for planes in (1, 3):
            x = room.view(dtype)[-planes * 7 * width :].reshape(planes, 7, width)
            x[...] = np.random.default_rng(width).integers(0, 100, x.shape)
            for size, stride, dilation in (3, 2, 1), (2, 3, 1), (3, 2, 2), (3, 1, 1), (5, 4, 1):
                call = dict(stride=stride, dilation=dilation, axis=(1, 2), num_threads=1)
                for pool in (cypool.max_pool, cypool.min_pool, cypool.avg_pool):
                    given = pool(x, size, **call)
                    assert np.array_equal(given, pool(x.copy(), size, **call))
print("read")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mprotect")
def test_nothing_behind_the_array_is_read():
    dtypes = ["uint8", "int16", "int32", "float16", "float32", "float64"]
    code = [sys.executable, "-c", BEFORE_THE_END, *dtypes]
    root = Path(cypool.__file__).parents[1]
    done = subprocess.run(code, cwd=root, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "read\n"), done.stderr


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [13, 27, 35, 55, 57, 101])
@pytest.mark.parametrize("dtype", FLOATS)
def test_what_is_between_the_rows_of_the_array_does_not_matter(dtype, width, stride):
    rows = np.full((3, 12, width + 24), math.nan, dtype)
    x = rows[:, :, :width]
    x[...] = np.random.default_rng(width).standard_normal(x.shape)
    for pool in (max_pool, min_pool, avg_pool):
        for arguments in ({}, {"padding": 1}, {"axis": (0, 1, 2)}):
            call = {"stride": stride, "axis": (1, 2), **arguments}
            assert_equal = np.testing.assert_array_equal
            assert_equal(pool(x, 3, **call), pool(x.copy(), 3, **call))
            assert not np.isnan(pool(x, 3, **call).astype(float)).any()


@pytest.mark.parametrize("layout", [*LAYOUTS, *SHARED])
@every_pool
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint32", "float32", "int64"])
def test_layouts_do_not_matter_and_inputs_stay(layout, pool, dtype, tmp_path):
    x = arrange(ordinary(np.random.default_rng(6), (6, 5, 7), dtype), layout, tmp_path)
    copy = np.array(x, dtype, order="C")
    flags, strides = str(x.flags), x.strides
    for axis in (None, (0, 2), 1, (2,)):
        result = pool(x, *sizes(pool, 3, 2, 1), axis=axis)
        assert_same(result, pool(copy, *sizes(pool, 3, 2, 1), axis=axis))
        assert result.flags.c_contiguous and result.flags.writeable
    assert_same(x, copy)
    assert (str(x.flags), x.strides) == (flags, strides)


def test_many_dimensions():
    x = np.arange(2.0**12).reshape((2,) * 12)
    assert_same(max_pool(x, 2), x.max(keepdims=True))
    assert_same(global_sum_pool(x, axis=(0, 11, 5)), x.sum((0, 11, 5)))
    deep = np.ones((1,) * 62 + (4, 6))
    assert max_pool(deep, 2, axis=(-1, -2)).shape == (1,) * 62 + (2, 3)
    assert global_sum_pool(deep) == 24
    assert max_pool(deep, 1, padding=1, axis=tuple(range(5))).shape == (3,) * 5 + deep.shape[5:]


# ---------------------------------------------------------------------------------- out


@pytest.mark.parametrize("layout", LAYOUTS)
@every_pool
def test_out_of_any_layout(layout, pool):
    x = ordinary(np.random.default_rng(7), (8, 9, 10), "float32")
    arguments = (x, *sizes(pool, 3, 2))
    expected = pool(*arguments, axis=(0, 2))
    root, out = place(expected.shape, expected.dtype, layout)
    before, inside = root.copy(), out.copy()
    assert pool(*arguments, axis=(0, 2), out=out) is out
    assert_same(out, expected)
    out[...] = inside
    assert_same(root, before)


@every_window
@pytest.mark.parametrize("num_threads", [1, 3])
def test_out_that_overlaps_the_input(pool, num_threads):
    values = ordinary(np.random.default_rng(8), (40, 50, 60), "float64")
    for axis, given, view in (
        ((1, 2), (1, 1), np.s_[:]),
        ((1, 2), (3, 1, 1), np.s_[:]),
        ((1, 2), (3, 1, 1), np.s_[::-1, :, ::-1]),
        ((2,), (2, 2), np.s_[..., :30]),
        ((2,), (2, 2), np.s_[..., 30:]),
        ((2,), (2, 2), np.s_[..., 1::2]),
        (0, (40,), np.s_[-1:]),
    ):
        arguments = sizes(pool, *given)
        expected = pool(values, *arguments, axis=axis, num_threads=1)
        x = values.copy()
        out = x[view] if pool in LOCAL else x.reshape(-1)[7:][: expected.size]
        out = out.reshape(expected.shape) if pool in GLOBAL else out
        assert np.shares_memory(x, out)
        assert pool(x, *arguments, axis=axis, out=out, num_threads=num_threads) is out
        assert_same(out, expected)


def test_out_in_another_part_of_the_same_memory():
    memory = np.arange(20.0)
    out = memory[1:20:2][:5]
    result = max_pool(memory[0:20:2], 2, out=out)
    assert_same(result, [2, 6, 10, 14, 18])
    assert_same(memory[1:11], [2, 2, 6, 4, 10, 6, 14, 8, 18, 10])


def test_out_may_be_a_memmap_or_a_matrix(tmp_path):
    x = np.arange(16.0).reshape(4, 4)
    out = arrange(np.zeros((2, 2)), "memmap", tmp_path)
    assert max_pool(x, 2, out=out) is out
    assert_same(np.asarray(out), [[5, 7], [13, 15]])


@every_window
def test_out_that_does_not_fit(pool):
    x = np.ones((4, 6), np.float32)
    arguments = (x, *sizes(pool, 4))
    shape = pool(*arguments, axis=0).shape
    named = re.escape(str(shape))
    for wrong in ((4, 6), (7,), (1, 1, 6), ()):
        with pytest.raises(ValueError, match=rf"out has shape {re.escape(str(wrong))}.*{named}"):
            pool(*arguments, axis=0, out=np.empty(wrong, np.float32))
    for wrong in ("float64", "int32", "complex64", "O"):
        name = np.dtype(wrong).name
        with pytest.raises(TypeError, match=rf"out has dtype {name}.*float32"):
            pool(*arguments, axis=0, out=np.empty(shape, wrong))
    for wrong in ([0.0] * 6, (), 1, "out", np.float32(1)):
        with pytest.raises(TypeError, match=rf"out must be an ndarray, not {type(wrong).__name__}"):
            pool(*arguments, axis=0, out=wrong)
    with pytest.raises(TypeError, match="out must be an ndarray, not MaskedArray"):
        pool(*arguments, axis=0, out=np.ma.zeros(shape, np.float32))
    out = np.empty(shape, np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        pool(*arguments, axis=0, out=out)


@pytest.mark.parametrize("strides", [(0, 8), (8, 0), (8, 8), (16, 8), (-8, 8), (4, 24), (20, 8)])
def test_out_that_overlaps_itself(strides):
    memory = np.zeros(100)
    out = np.ndarray((3, 3), float, memory, 8 * 50, strides)
    with pytest.raises(ValueError, match=r"elements of out overlap"):
        max_pool(np.ones((6, 6)), 2, out=out)
    assert not memory.any()


@pytest.mark.parametrize("gap", range(1, 6))
def test_what_is_between_the_planes_of_out_stays(gap):
    x = np.random.default_rng(gap).standard_normal((90, 8, 32)).astype("float32")
    for axis, kernel_size in ((1, 5), (1, 3), ((1, 2), 5), ((1, 2), 3)):
        room = np.full((90, 8 + gap, 32), 7, "float32")
        out = room[:, :8]
        options = {"stride": 1, "padding": kernel_size // 2, "axis": axis}
        assert cypool.max_pool(x, kernel_size, **options, out=out) is out
        np.testing.assert_array_equal(out, cypool.max_pool(x, kernel_size, **options))
        np.testing.assert_array_equal(room[:, 8:], 7)


def test_out_with_interleaved_axes():
    # The rows lie within each other, yet no two elements share a byte: 0, 16, 32, 24, 40, 56.
    memory = np.zeros(10)
    out = np.ndarray((2, 3), float, memory, 0, (24, 16))
    x = np.arange(24.0).reshape(4, 6)
    assert max_pool(x, 2, out=out) is out
    assert_same(out, max_pool(x, 2))
    assert memory.tolist() == [7, 0, 9, 19, 11, 21, 0, 23, 0, 0]
    for strides in ((8, 8), (16, 16), (16, 8), (32, 16)):
        with pytest.raises(ValueError, match=r"elements of out overlap"):
            max_pool(x, 2, out=np.ndarray((2, 3), float, memory, 0, strides))


# ---------------------------------------------------------------------- refused dtypes


class Words:
    def __str__(self):
        return "words"


@pytest.mark.parametrize(
    ("x", "name"),
    [
        (np.ones(2, complex), "complex128"),
        (np.ones(2, np.complex64), "complex64"),
        (np.array([1, None]), "object"),
        (np.array([Fraction(1, 2), Fraction(1, 3)]), "object"),
        (np.array(["a", "b"]), "<U1"),
        (np.array([b"a", b"b"]), r"\|S1"),
        (["a", "b"], "<U1"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"datetime64\[D\]"),
        (np.array([timedelta(1)], "timedelta64[s]"), r"timedelta64\[s\]"),
        (np.ones(2, [("a", int)]), r"\[\('a', '<i8'\)\]"),
        (np.ones(2, "V4"), r"\|V4"),
        (np.array(["a"], np.dtypes.StringDType()), "StringDType"),
        (None, "object"),
        (Words(), "object"),
        (2**64, "object"),
    ],
    ids=str,
)
@every_pool
def test_dtypes_that_cannot_be_pooled(pool, x, name):
    with pytest.raises(TypeError, match=rf"x has dtype {name}"):
        pool(x, *sizes(pool, 1))


@every_pool
@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_long_doubles_cannot_be_pooled(pool, dtype):
    # On some platforms a long double is a float64 by another name.
    dtype = np.dtype(dtype)
    x = np.ones(4, dtype)
    if dtype.kind == "f" and dtype.itemsize == 8:
        assert pool(x, *sizes(pool, 4)).item() in (1, 4)
    else:
        with pytest.raises(TypeError, match=rf"x has dtype {dtype.name}"):
            pool(x, *sizes(pool, 4))


@every_pool
def test_masks_are_never_ignored(pool):
    for x in (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2]), np.ma.zeros((2, 2), int)):
        with pytest.raises(TypeError, match=r"MaskedArray of int64.*filled"):
            pool(x, *sizes(pool, 1))


def test_a_masked_array_within_lists_is_refused():
    inner = np.ma.array([1, 9], mask=[False, True])
    with pytest.raises(TypeError, match=r"x holds a MaskedArray of int64.*filled"):
        cypool.max_pool([[inner], [inner]], 1)


@pytest.mark.parametrize("dtype", [complex, object, str, "datetime64[s]", bool, "V4"])
@pytest.mark.parametrize(
    "pool",
    [
        avg_pool,
        sum_pool,
        lp_pool,
        global_avg_pool,
        global_sum_pool,
        global_lp_pool,
        adaptive_avg_pool,
    ],
)
def test_result_dtypes_that_are_refused(pool, dtype):
    with pytest.raises(TypeError, match=rf"dtype is {re.escape(str(np.dtype(dtype)))}"):
        pool(np.ones(4), *sizes(pool, 2), dtype=dtype)


@pytest.mark.parametrize("dtype", ["no such type", "float33", 3.5])
@pytest.mark.parametrize(
    "pool",
    [
        avg_pool,
        sum_pool,
        lp_pool,
        global_avg_pool,
        global_sum_pool,
        global_lp_pool,
        adaptive_avg_pool,
    ],
)
def test_result_dtypes_that_are_none(pool, dtype):
    with pytest.raises(TypeError, match=re.escape(str(dtype))):
        pool(np.ones(4), *sizes(pool, 2), dtype=dtype)


@pytest.mark.parametrize("pool", [sum_pool, global_sum_pool])
@every_float
@pytest.mark.parametrize("result", INTEGERS)
def test_sums_of_floats_are_no_integers(pool, dtype, result):
    with pytest.raises(TypeError, match=rf"dtype is {result}.*{dtype}"):
        pool(np.ones(4, dtype), *sizes(pool, 2), dtype=result)


# ------------------------------------------------------------------------ refused values

X = np.arange(24.0).reshape(4, 6)
SIZES = ("kernel_size", "stride", "dilation")


def arguments_with(name, value, **others):
    return {"kernel_size": 2, **others, name: value}


@every_local
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", [0, -1, -(2**70)])
def test_sizes_below_one(pool, name, value):
    with pytest.raises(ValueError, match=rf"^{name} is {value} for axis 0; .*at least 1$"):
        pool(X, **arguments_with(name, value))
    with pytest.raises(ValueError, match=rf"^{name} is {value} for axis 1; .*at least 1$"):
        pool(X, **arguments_with(name, (1, value)))
    with pytest.raises(ValueError, match=rf"^{name} is {value} for axis 0"):
        pool(X, **arguments_with(name, (1, value), axis=(1, 0)))


@every_local
@pytest.mark.parametrize("value", [-1, -(2**70)])
def test_padding_below_zero(pool, value):
    for padding, axis in ((value, 0), ((0, value), 1), ((0, (0, value)), 1), (((value, 0), 0), 0)):
        named = rf"^padding is .*{value}.* for axis {axis}; .*at least 0$"
        with pytest.raises(ValueError, match=named):
            pool(X, 2, padding=padding)


@every_local
@pytest.mark.parametrize("name", (*SIZES, "padding"))
@pytest.mark.parametrize(
    "value", [2.0, 2.5, NAN, "2", b"2", (2, None), (2, 2.0), (None, 2), ("2", 2), 2j, {2}, X]
)
def test_sizes_that_are_no_integers(pool, name, value):
    if name == "padding" and isinstance(value, str):
        with pytest.raises(ValueError, match=r"padding is '2'.*'valid', 'same' and 'same_lower'"):
            pool(X, 2, padding=value)
        return
    for _ in range(2):  # a cached call gives the same error again
        with pytest.raises(TypeError, match=rf"^{name} takes integers, not .*(axis|axis \d)$"):
            pool(X, **arguments_with(name, value))


@every_local
@pytest.mark.parametrize("name", (*SIZES, "padding"))
def test_arrays_are_no_sizes(pool, name):
    message = (
        f"{name} takes integers, not an array of shape (2,);"
        " give an integer, or a tuple of one per pooled axis"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        pool(X, **arguments_with(name, np.array([2, 2])))


@every_local
def test_two_is_not_two_point_zero(pool):
    expected = pool(X, 2, 2, 1, 1, axis=(0, 1))
    for position in range(4):
        given = [2, 2, 1, 1]
        given[position] = float(given[position])
        with pytest.raises(TypeError, match="takes integers"):
            pool(X, *given, axis=(0, 1))
        given[position] = (given[position], given[position])
        with pytest.raises(TypeError, match="takes integers"):
            pool(X, *given, axis=(0, 1))
    with pytest.raises(TypeError, match=r"^axis takes integers, not 1\.0"):
        pool(X, 2, 2, 1, 1, axis=(0, 1.0))
    assert_same(pool(X, 2, 2, 1, 1, axis=(0, 1)), expected)


@every_local
def test_kernel_size_is_needed(pool):
    with pytest.raises(TypeError):
        pool(X)
    with pytest.raises(TypeError, match="kernel_size"):
        pool(X, None)


@every_local
@pytest.mark.parametrize("name", (*SIZES, "padding"))
@pytest.mark.parametrize("value", [(), (2,), (2, 2, 2), [1] * 5])
def test_tuples_of_another_length(pool, name, value):
    values = "1 value" if len(value) == 1 else f"{len(value)} values"
    counted = rf"^{name} {re.escape(repr(tuple(value)))} has {values} for 2 pooled axes"
    with pytest.raises(ValueError, match=counted):
        pool(X, **arguments_with(name, value))


@every_local
@pytest.mark.parametrize("name", SIZES)
def test_nested_sizes(pool, name):
    with pytest.raises(TypeError, match=rf"^{name} takes integers, not \(2,\) for axis 0$"):
        pool(X, **arguments_with(name, [[2], [2]]))


@every_local
@pytest.mark.parametrize("value", [(0, (1, 2, 3)), ((), 0), ((1,), 0), [[1, 2], [3]]])
def test_padding_pairs_of_another_length(pool, value):
    with pytest.raises(ValueError, match=r"^padding is .* for axis [01]; .*\(before, after\)"):
        pool(X, 2, padding=value)
    with pytest.raises(TypeError, match=r"^padding takes integers"):
        pool(X, 2, padding=(((0, 0), 0), 0))


@every_local
@pytest.mark.parametrize("value", ["full", "", "SAME", "reflect"])
def test_padding_names(pool, value):
    with pytest.raises(ValueError, match=rf"^padding is '{value}'.*'valid', 'same'"):
        pool(X, 2, padding=value)
    with pytest.raises(TypeError, match=r"^padding takes integers, not 'same' for axis 0$"):
        pool(X, 2, padding=("same", "same"))


@every_pool
def test_axes_out_of_range_or_twice(pool):
    for axis, named in ((2, 2), (-3, -3), ((0, 5), 5), (2**70, 2**70), ([1, -9], -9)):
        message = rf"^axis {named} is out of range for .* 2 dimensions; use -2 to 1$"
        with pytest.raises(ValueError, match=message):
            pool(X, *sizes(pool, 1), axis=axis)
    for axis in ((0, 0), (1, -1), (0, 1, 0)):
        with pytest.raises(ValueError, match=rf"^axis {re.escape(str(axis))} names an axis twice"):
            pool(X, *sizes(pool, 1), axis=axis)
    with pytest.raises(ValueError, match=r"^axis 1 is out of range .* 1 dimension; use -1 to 0$"):
        pool(X[0], *sizes(pool, 1), axis=1)
    with pytest.raises(ValueError, match=r"^axis 0 is out of range .* 0 dimensions; .* no axes"):
        pool(1.0, *sizes(pool, 1), axis=0)
    for axis in (1.0, "0", (0, None), {0}, b"\0", X):
        with pytest.raises(TypeError, match=r"^axis takes integers"):
            pool(X, *sizes(pool, 1), axis=axis)


@every_local
def test_windows_that_do_not_fit(pool):
    with pytest.raises(ValueError, match=r"^axis 0 has length 4.*5 positions.*kernel_size 5"):
        pool(X, (5, 1))
    with pytest.raises(ValueError, match=r"^axis 1 has length 6.*7 positions.*dilation 3.*smaller"):
        pool(X, 3, dilation=3, axis=1)
    for size, padding, more in ((9, 1, "1 more position"), (15, (2, 1), "6 more positions")):
        message = rf"^axis 1 has length 6, \d with padding.* {size} positions.* {more} of padding$"
        with pytest.raises(ValueError, match=message):
            pool(X, size, padding=((padding,) if isinstance(padding, tuple) else padding), axis=1)
        missing = int(more.split()[0])
        before, after = padding if isinstance(padding, tuple) else (padding, padding)
        assert pool(X, size, padding=((before, after + missing),), axis=1).shape == (4, 1)
    with pytest.raises(ValueError, match=r"^axis 0 has length 4.* 35 more positions of padding$"):
        pool(X, 40, 2, axis=0, ceil_mode=True)
    assert pool(X, 40, 2, ((0, 35),), axis=0, ceil_mode=True).shape == (1, 6)
    # The ceiling of a small fraction below zero is zero, and that makes one window.
    assert_same(pool(X, 40, ceil_mode=True), pool(X, X.shape))


HUGE = [2**31, 2**32 + 1, 2**59, 2**60 - 1, 2**60, 2**61, 2**62, 2**63 - 1, 2**63, 2**64, 2**70]


@every_local
@pytest.mark.parametrize("value", HUGE)
def test_huge_kernels(pool, value):
    with pytest.raises(ValueError, match=rf"axis 0.*{2**60 if value > 2**60 else value}"):
        pool(X, value)
    with pytest.raises(ValueError, match=r"axis 1"):
        pool(X, (2, value))
    if value < 2**60:  # padded to fit: one window, with all of it
        for padding in ((value - 4, 0), (0, value - 4), (value // 2, value - value // 2 - 4)):
            result = pool(X, value, padding=(padding,), axis=0)
            assert_same(result, pool(X, 4, axis=0))


@every_local
@pytest.mark.parametrize("value", HUGE)
def test_huge_strides(pool, value):
    if value > 2**60:
        with pytest.raises(ValueError, match=rf"^stride is {value} for axis 0"):
            pool(X, 2, value)
    else:
        assert_same(pool(X, 2, value), pool(X, 2)[:1, :1])
        assert_same(pool(X, 2, (1, value)), pool(X, 2, 1)[:, :1])
        same = pool(X, 2, value, "same")
        assert_same(same, pool(X, 2)[:1, :1])


@every_local
@pytest.mark.parametrize("value", HUGE)
def test_huge_dilations(pool, value):
    with pytest.raises(ValueError, match=r"axis 0"):
        pool(X, 2, dilation=value)
    if value <= 2**60:  # a window of one element has no distances
        assert_same(pool(X, 1, dilation=value), pool(X, 1))
    if value < 2**59:
        result = pool(X, 2, 1, ((value, 0),), value, axis=0)
        assert_same(result, pool(X, 1, 1, axis=0))


@every_local
@pytest.mark.parametrize("value", HUGE)
def test_huge_paddings(pool, value):
    if value >= 2**59:  # a smaller result might fit some memory
        for padding in (value, ((value, 0), 0), ((0, value), 0)):
            with pytest.raises((ValueError, MemoryError)):
                pool(X, 2, 1, padding)
    # A huge stride steps over the padding, and few windows remain.
    if value < 2**58:
        result = pool(X, 2, value, ((0, value), 0), axis=(0, 1))
        assert result.shape == (2, 1)
        assert_same(result[:1], pool(X, 2, 2)[:1, :1])


@pytest.mark.parametrize("dtype", [None, "int8"])
def test_results_too_large_are_refused_at_once(dtype):
    # In a process of its own: to look at each of 2**50 windows would take for ever.
    code = f"""if True:
        import numpy, cypool
        try:
            cypool.avg_pool(numpy.ones(9), 2**50, 1, 2**50 - 1, dtype={dtype!r})
        except (MemoryError, ValueError):
            print("refused")
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(cypool.__file__).parents[1],
        timeout=15,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "refused\n"


@every_local
def test_results_too_large_for_memory(pool):
    with pytest.raises((MemoryError, ValueError)):
        pool(np.zeros((2, 2)), 1, padding=2**40)
    with pytest.raises((MemoryError, ValueError)):
        pool(np.zeros((2, 2, 2)), 1, padding=2**22)
    broadcast = np.broadcast_to(np.float64(1), (2**20, 2**20, 2**15))
    with pytest.raises((MemoryError, ValueError)):
        pool(broadcast, 1, axis=0)


@every_pool
def test_numpy_integers_are_integers(pool):
    expected = pool(X, *sizes(pool, 2, 1, 1, 1), axis=1)
    for kind in (np.int8, np.uint64, np.intp):
        given = [kind(v) for v in (2, 1, 1, 1)]
        assert_same(pool(X, *sizes(pool, *given), axis=kind(1)), expected)
        given = [(kind(v),) for v in (2, 1, 1, 1)]
        assert_same(pool(X, *sizes(pool, *given), axis=(kind(1),)), expected)
    given = [np.array(v) for v in (2, 1, 1, 1)]
    assert_same(pool(X, *sizes(pool, *given), axis=np.array(1)), expected)


@pytest.mark.parametrize("value", [0, 2**53 + 1, -(2**53) - 1, 2**70])
def test_divisors_that_are_refused(value):
    with pytest.raises(ValueError, match=rf"^divisor_override is {value};"):
        avg_pool(X, 2, divisor_override=value)


@pytest.mark.parametrize("value", [2.0, "2", (2,), NAN])
def test_divisors_that_are_no_integers(value):
    for _ in range(2):
        with pytest.raises(TypeError, match=r"^divisor_override takes integers"):
            avg_pool(X, 2, divisor_override=value)


@every_pool
@pytest.mark.parametrize("value", [0, -1, -(2**70)])
def test_thread_numbers_below_one(pool, value):
    with pytest.raises(ValueError, match=rf"^num_threads is {value}; .*at least 1"):
        pool(X, *sizes(pool, 2), num_threads=value)


@every_pool
@pytest.mark.parametrize("value", [1.0, "2", (1,), NAN])
def test_thread_numbers_that_are_no_integers(pool, value):
    with pytest.raises(TypeError, match=r"^num_threads must be an integer or None"):
        pool(X, *sizes(pool, 2), num_threads=value)


@every_pool
def test_wrong_thread_numbers_leave_out_alone(pool):
    out = np.full_like(pool(X, *sizes(pool, 2)), -7)
    with pytest.raises(ValueError, match="num_threads"):
        pool(X, *sizes(pool, 2), out=out, num_threads=0)
    assert np.all(out == -7)


@every_pool
def test_huge_thread_numbers(pool):
    big = np.ones((200, 300))
    for value in (257, 10**6, 2**70):
        result = pool(big, *sizes(pool, 3, 1), num_threads=value)
        assert_same(result, pool(big, *sizes(pool, 3, 1), num_threads=1))


# ----------------------------------------------------------------------- what a NaN does


@every_pool
@pytest.mark.parametrize("policy", ["ignore", "", None, 1, "PROPAGATE"])
def test_unknown_nan_policies(pool, policy):
    message = rf"^nan_policy is {re.escape(repr(policy))};.*'propagate', 'omit' or 'raise'"
    with pytest.raises(ValueError, match=message):
        pool(X, *sizes(pool, 2), nan_policy=policy)


@every_pool
def test_options_are_keywords(pool):
    with pytest.raises(TypeError, match="positional"):
        pool(X, *sizes(pool, 2, 2, 0, 1), (0, 1))
    with pytest.raises(TypeError, match="unexpected keyword"):
        pool(X, *sizes(pool, 2), axes=0)


# -------------------------------------------------------------------- repeated calls


@every_local
def test_a_signature_seen_before_gives_the_same(pool):
    x = ordinary(np.random.default_rng(9), (8, 9), "int16")
    expected = pool(x, 3, 2, 1)
    for _ in range(3):
        assert_same(pool(x, 3, 2, 1), expected)
    # All that is like it, yet is another call.
    assert pool(x.astype(np.float32), 3, 2, 1).dtype == np.float32
    assert pool(x.T, 3, 2, 1).shape == expected.T.shape
    assert_same(pool(x.T, 3, 2, 1), expected.T)
    assert_same(pool(x.view(x.dtype.newbyteorder()).byteswap(), 3, 2, 1), expected)
    assert_same(pool(np.asfortranarray(x), 3, 2, 1), expected)
    assert pool(x, 3, 2, 1, ceil_mode=True).shape == (5, 5)
    assert_same(pool(x, (3, 3), [2, 2], ((1, 1), 1), True), expected)


def test_unaligned_after_aligned():
    values = ordinary(np.random.default_rng(10), (30, 40), "float64")
    aligned, unaligned = arrange(values, "c"), arrange(values, "unaligned")
    assert aligned.strides == unaligned.strides
    for _ in range(2):
        for pool in LOCAL:
            assert_same(pool(unaligned, 3, 2), pool(aligned, 3, 2))
        _, out = place((15, 20), "float64", "unaligned")
        assert_same(max_pool(aligned, 2, out=out), max_pool(aligned, 2))


@every_pool
def test_results_are_new_arrays(pool):
    first = pool(X, *sizes(pool, 2))
    kept = first.copy()
    second = pool(X, *sizes(pool, 2))
    assert not np.shares_memory(first, second)
    second[...] = -1
    assert_same(first, kept)
    assert_same(X, np.arange(24.0).reshape(4, 6))


def test_many_signatures():
    for n in range(1, 1500):  # more than a cache holds
        assert max_pool(np.broadcast_to(np.int8(3), (n,)), n) == 3
    assert max_pool(np.broadcast_to(np.int8(3), (1,)), 1) == 3


def test_all_is_public_and_sorted():
    assert sorted(cypool.__all__) == cypool.__all__
    assert set(FUNCTIONS) <= set(cypool.__all__)


@pytest.mark.parametrize("divisor", [-1, -3, 1, 2, 255])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_sums_of_bytes_over_any_divisor(dtype, divisor):
    x = np.full((16, 16), 255, np.uint8)
    limits = (-np.inf, np.inf) if dtype[0] == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    quotient = 255 * 256 / divisor
    want = np.clip(quotient if dtype[0] == "f" else round(quotient), *limits)
    got = cypool.avg_pool(x, 16, divisor_override=divisor, dtype=dtype)
    assert got.item() == np.array(want, dtype).item()


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4", "f8"])
def test_strides_that_are_no_multiple_of_an_element(dtype):
    """Rows an odd number of bytes apart: the first is aligned and the others are not."""
    itemsize = np.dtype(dtype).itemsize
    row = 50 * itemsize + 1
    x = np.ndarray((40, 50), dtype, bytearray(40 * row + 7), 0, (row, itemsize))
    x[...] = np.random.default_rng(0).integers(0, 1000, x.shape)
    for pool in (cypool.max_pool, cypool.avg_pool, cypool.sum_pool):
        for window in ((2, 2), (3, 1, 1), (9, 1, 4)):
            np.testing.assert_array_equal(pool(x, *window), pool(x.copy(), *window))


def test_a_mask_from_an_array_protocol_is_refused():
    class Masked:
        def __array__(self, dtype=None, copy=None):
            return np.ma.array([1, 2, 9], mask=[False, False, True])

    with pytest.raises(TypeError, match="MaskedArray of int64"):
        cypool.max_pool(Masked(), 3)


def test_an_out_that_is_not_what_it_says_is_refused():
    class Liar(np.ndarray):
        dtype = property(lambda self: np.dtype("f8"))

    memory = np.zeros(16, np.uint8)
    out = np.ndarray.__new__(Liar, (1,), np.uint8, memory, 4)
    with pytest.raises((TypeError, ValueError)):
        cypool.max_pool(np.array([1.5, 2.5]), 2, out=out)
    assert not memory.any()


def test_out_may_be_a_matrix():
    x = np.arange(8.0).reshape(2, 2, 2)
    out = np.zeros((2, 2)).view(np.matrix)
    assert cypool.global_max_pool(x, axis=0, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), x[1])


def test_lists_that_hold_themselves_are_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises((TypeError, ValueError)):
        cypool.max_pool(endless, 1)
    with pytest.raises(TypeError, match="kernel_size"):
        cypool.max_pool(np.zeros(4), endless)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16"])
@pytest.mark.parametrize("pool", ADAPTIVE)
def test_adaptive_windows_of_planes_in_any_layout(pool, dtype):
    x = (100 * np.random.default_rng(0).standard_normal((9, 24, 25))).astype(dtype)
    apart = as_strided(x.ravel(), (8, 20, 25), (601 * x.itemsize, 25 * x.itemsize, x.itemsize))
    views = [x, x[:, ::-1], x[::-1], x[::-1, ::-1, ::-1], x[:, ::2], x[::2, 3:23], x[..., 1:22]]
    views += [apart, x.swapaxes(0, 1), x.swapaxes(1, 2)]
    views += [np.broadcast_to(x[:n, :m], x.shape) for n, m in ((1, 1), (1, None), (None, 1))]
    for view in views:
        for size in (7, (24, 5), (3, 25)):
            if np.all(np.array(size) <= view.shape[1:]):
                np.testing.assert_array_equal(
                    pool(view, size, axis=(1, 2)), pool(view.copy(), size, axis=(1, 2))
                )


@pytest.mark.parametrize(
    ("p", "error"), [("2", TypeError), (b"2", TypeError), (10**400, ValueError)]
)
def test_orders_that_are_no_numbers_are_refused(p, error):
    with pytest.raises(error, match=r"^p is .*order"):
        cypool.lp_pool(np.ones(4), 2, p=p)


@pytest.mark.parametrize("flag", ["no", None, 2, 0.5, math.nan, np.array([True, False]), [1]])
def test_flags_are_true_or_false(flag):
    x = np.ones((4, 4))
    grad, at = np.ones((2, 2)), np.zeros((1, 1), int)
    for name, call in (
        ("ceil_mode", lambda: cypool.max_pool(x, 2, ceil_mode=flag)),
        ("count_include_pad", lambda: cypool.avg_pool(x, 2, count_include_pad=flag)),
        ("return_indices", lambda: cypool.max_pool(x, 2, return_indices=flag)),
        ("keepdims", lambda: cypool.global_sum_pool(x, keepdims=flag)),
        ("ceil_mode", lambda: cypool.avg_pool_backward(grad, (4, 4), 2, ceil_mode=flag)),
        ("ceil_mode", lambda: cypool.lp_pool_backward(grad, x, 2, ceil_mode=flag)),
        (
            "count_include_pad",
            lambda: cypool.avg_pool_backward(grad, (4, 4), 2, count_include_pad=flag),
        ),
        (
            "keepdims",
            lambda: cypool.global_max_pool_backward(grad[:1, :1], at, (4, 4), keepdims=flag),
        ),
        ("keepdims", lambda: cypool.global_lp_pool_backward(grad[:1, :1], x, keepdims=flag)),
    ):
        with pytest.raises(TypeError, match=f"^{name} is .* must be True or False"):
            call()


def test_flags_of_other_kinds_are_taken_for_what_they_equal():
    x = np.arange(5.0)
    for flag in (1, np.True_, 1.0, np.int64(1), Fraction(1)):
        assert_same(cypool.max_pool(x, 2, ceil_mode=flag), [1, 3, 4])
    for flag in (0, np.False_, np.uint8(0)):
        assert_same(cypool.max_pool(x, 2, ceil_mode=flag), [1, 3])


def long_windows_of_rows(x, k, s, d, before):
    """Return the greatest and the sum of windows along the first axis, all of them of some taps."""
    taps = [
        slice(max(i, i % d), max(i + d * (k - 1) + 1, 0), d)
        for i in range(-before, len(x) + before - d * (k - 1), s)
    ]
    greatest = np.stack([x[tap].max(axis=0) for tap in taps])
    return greatest, np.stack([x[tap].sum(axis=0) for tap in taps])


def assert_pooled(x, dtype, greatest, sums, **window):
    """Pool an array of integers, as elements of a type, by one thread and by three."""
    native = np.dtype(dtype).newbyteorder("=")
    for threads in (1, 3):
        options = {**window, "num_threads": threads}
        maxima = cypool.max_pool(x.astype(dtype), **options)
        np.testing.assert_array_equal(maxima, greatest.astype(native), strict=True)
        added = cypool.sum_pool(x.astype(dtype), dtype=np.float64, **options)
        np.testing.assert_array_equal(added, sums.astype(np.float64), strict=True)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("n", "k", "s", "d", "before"),
    [
        (9000, 2500, 1, 1, 0),
        (9000, 5001, 1, 1, 2500),
        (12000, 9001, 3, 1, 100),
        (9000, 2100, 1, 2, 0),
        (9000, 2100, 7, 3, 50),
        (14000, 13000, 5, 1, 6000),
        (3000, 4000, 1, 1, 3999),
    ],
)
def test_windows_longer_than_a_block_of_rows(n, k, s, d, before, dtype):
    rng = np.random.default_rng(k)
    x = rng.integers(0, 100, (2, n))
    greatest, sums = (made.T for made in long_windows_of_rows(x.T, k, s, d, before))
    window = {"kernel_size": k, "stride": s, "dilation": d, "padding": before, "axis": 1}
    for block in (1, tiling.LONGEST_BLOCK):
        with changed(LONGEST_BLOCK=block):
            assert_pooled(x, dtype, greatest, sums, **window)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize(
    ("n", "k", "s", "d", "before"),
    [
        (700, 101, 1, 1, 50),
        (1500, 401, 1, 1, 200),
        (700, 350, 3, 1, 10),
        (900, 97, 2, 3, 40),
        (900, 301, 90, 1, 150),
        (400, 390, 1, 1, 300),
        (500, 70, 1, 6, 0),
    ],
)
def test_rows_of_long_windows(n, k, s, d, before, dtype):
    rng = np.random.default_rng(k)
    x = rng.integers(0, 100, (n, 90))
    greatest, sums = long_windows_of_rows(x, k, s, d, before)
    window = {"kernel_size": k, "stride": s, "dilation": d, "padding": before, "axis": 0}
    for plan in ({}, {"WHOLE": 1, "STRIP": 1}, {"WHOLE": 400, "JOINED_BLOCK": 1}):
        with changed(**plan):
            assert_pooled(x, dtype, greatest, sums, **window)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 7])
@pytest.mark.parametrize("sizes", [(700, 431), (431, 700), (90, 89), (300, 17), (5, 300)])
def test_adaptive_windows_of_long_rows(sizes, channels, dtype):
    rng = np.random.default_rng(channels)
    n, out = sizes
    x = rng.integers(0, 100, (13, n, channels))
    starts = [[o * m // k for o in range(k)] for m, k in ((13, 5), (n, out))]
    stops = [[-(-(o + 1) * m // k) for o in range(k)] for m, k in ((13, 5), (n, out))]
    greatest, sums = x, x
    for axis in (0, 1):
        parts = [np.arange(a, b) for a, b in zip(starts[axis], stops[axis], strict=True)]
        greatest = np.stack([greatest.take(part, axis).max(axis) for part in parts], axis)
        sums = np.stack([sums.take(part, axis).sum(axis) for part in parts], axis)
    counts = np.outer(*(np.subtract(b, a) for a, b in zip(starts, stops, strict=True)))
    means = sums / counts[..., np.newaxis]
    plans = [{}, {"PICKED_BLOCK": 1, "BLOCK": 512}, {"SLID": 0, "FEW_SLID": 0}, {"SLID": 1 << 20}]
    for plan in plans:
        with changed(**plan, SERIAL=1):
            for threads in (1, 3):
                options = {"axis": (0, 1), "num_threads": threads}
                maxima = adaptive_max_pool(x.astype(dtype), (5, out), **options)
                np.testing.assert_array_equal(maxima, greatest.astype(dtype), strict=True)
                averages = adaptive_avg_pool(x.astype(dtype), (5, out), **options)
                within = 0 if dtype == "uint8" else np.finfo(dtype).eps
                expected = means.astype(averages.dtype)
                np.testing.assert_allclose(averages, expected, rtol=within, strict=True)


@pytest.mark.parametrize(
    ("shape", "kernel_size", "stride", "dilation"),
    [
        ((20000, 200), (9000, 3), (1, 1), (1, 1)),
        ((600, 200, 8), (301, 3, 1), (1, 1, 1), (1, 1, 1)),
        ((9000, 12000), (64, 3), (1, 4000), (128, 2)),
        ((4096, 4096), (1000, 1000), (1, 1), (1, 1)),
    ],
)
@pytest.mark.parametrize(("kind", "dtype"), [("max", "float64"), ("avg", "float32"), ("lp", ">f4")])
def test_long_windows_are_joined_in_little_room(kind, dtype, shape, kernel_size, stride, dilation):
    told = {}

    class Asked(kernels.Plan):
        def __init__(self, *args, **options):
            told.update(options)
            super().__init__(*args, **options)

    dtype = np.dtype(dtype)
    request = Request(kind, kernel_size, stride, 0, dilation, p=3.0 if kind == "lp" else 0.0)
    with changed(Plan=Asked):
        engine.planned(shape, contiguous_strides(shape, dtype.itemsize), dtype, None, request)
    assert told["joins"]
    row, block = told["row"], told["block"]
    # Rows of a second block are written only if they do not lie in the input as they are.
    cells = ((2 if kind == "lp" else 1) * block + 1 + row.k // block) * row.d * told["pitch"]
    assert 8 * told["inner"][0] * cells < 2e6


@pytest.mark.parametrize(("lanes", "hop"), [(80, 41), (90, 30), (64, 64)])
def test_no_nan_of_frames_that_overlap_in_memory_is_missed(lanes, hop):
    samples = np.random.default_rng(hop).random(114 * hop + lanes).astype("float32")
    for at in range(len(samples) - 1, 0, -23):
        samples[at] = np.nan
        frames = as_strided(samples, (115, lanes), (hop * 4, 4))
        taps = [frames[4 * i : 4 * i + 87] for i in range(8)]
        taps = [tap[:, j : lanes - 2 + j] for tap in taps for j in range(3)]
        assert_same(cypool.max_pool(frames, (8, 3), 1, 0, (4, 1)), np.max(taps, axis=0))
        samples[at] = 1.0


@cache
def planes_of_long_windows(k, shape):
    """Return integers, the greatest and the sum of windows of them, and how these are asked for."""
    rng = np.random.default_rng(k[0])
    x = rng.integers(0, 100, shape)
    axes = (0, 1) if shape[0] > 3 else (0, 1, 2)
    greatest, sums = x, x
    for size, axis in zip(k, axes[-2:], strict=True):
        greatest = np.moveaxis(greatest, axis, 0)
        sums = np.moveaxis(sums, axis, 0)
        greatest = long_windows_of_rows(greatest, size, 1, 1, size // 2)[0]
        sums = long_windows_of_rows(sums, size, 1, 1, size // 2)[1]
        greatest = np.moveaxis(greatest, 0, axis)
        sums = np.moveaxis(sums, 0, axis)
    if len(axes) == 3:
        greatest, sums = greatest.max(axis=0, keepdims=True), sums.sum(axis=0, keepdims=True)
        k = (3, *k)
    padding = tuple(size // 2 for size in k[-2:])
    padding = padding if len(axes) == 2 else (0, *padding)
    return x, greatest, sums, {"kernel_size": k, "stride": 1, "padding": padding, "axis": axes}


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(450, 500), (310, 420, 3), (3, 450, 300)])
@pytest.mark.parametrize("k", [(301, 350), (120, 401), (201, 7)])
def test_planes_of_long_windows(k, shape, dtype):
    x, greatest, sums, window = planes_of_long_windows(k, shape)
    for plan in ({}, {"LARGEST_JOINED": 300000}):
        with changed(**plan):
            assert_pooled(x, dtype, greatest, sums, **window)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [31, 90, 211])
def test_nan_spoils_the_long_windows_that_it_is_in(k, dtype):
    rng = np.random.default_rng(k)
    x = rng.standard_normal((700, 40)).astype(dtype)
    x[rng.integers(0, 700, 5), rng.integers(0, 40, 5)] = np.nan
    x[333, 7] = np.inf
    expected = long_windows_of_rows(x, k, 1, 1, 0)[0]
    for threads in (1, 3):
        maxima = cypool.max_pool(x, k, 1, axis=0, num_threads=threads)
        np.testing.assert_array_equal(maxima, expected, strict=True)
        both = cypool.max_pool(x, (k, 3), 1, axis=(0, 1), num_threads=threads)
        wide = np.stack([expected[:, i : i + 38] for i in range(3)]).max(axis=0)
        np.testing.assert_array_equal(both, wide, strict=True)


def test_sums_of_long_windows_that_are_rounded_after_exact_ones_are_mended():
    # Rows are added up exactly until the last ones come, which cancel.
    x = np.ones((3000, 300), np.float32)
    x[2500:2900:2] = 3e30
    x[2501:2900:2] = -3e30
    x[2600, ::3] = 1.5
    for k in (101, 401):
        got = cypool.avg_pool(x, k, 1, axis=0, num_threads=1)
        for row in (0, 1500, 2300, 2450, 2499, 2550, 2599):
            for column in (0, 1):
                total = sum(Fraction(float(v)) for v in x[row : row + k, column])
                assert got[row, column] == np.float32(float(total / k)), (row, column)
