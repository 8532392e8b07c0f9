"""Indices, unpooling, gradients and given sizes: examples, refusals and hostile arguments."""

from __future__ import annotations

import math
import operator
import re

import numpy as np
import pytest
from arrays import FLOATS, finfo, plain
from cases import ADAPTIVE, ADDING, GLOBAL, GRADIENTS, LOCAL, NORMS, SHARING, UNPOOLING
from numpy.lib.stride_tricks import as_strided
from planned import changed

import cypool

X = np.arange(24.0).reshape(4, 6)
INDICES = np.array([[7, 9, 11], [19, 21, 23]])
INT64 = np.iinfo(np.int64)


def named(*names):
    """Parametrize by functions."""
    functions = [getattr(cypool, name) for name in names]
    return pytest.mark.parametrize("function", functions, ids=operator.attrgetter("__name__"))


#: Functions with `indices` that are not global, and how their other arguments look.
BY_INDICES = ("max_unpool", "max_pool_backward", "min_pool_backward", "adaptive_max_pool_backward")


def good(name):
    """Return arguments that a function takes: all pool X of 4 x 6, to 2 x 3 or to one."""
    grad = np.ones((2, 3))
    if name in BY_INDICES:
        return [grad, INDICES, X.shape]
    if name == "max_unpool_backward":
        return [X, INDICES]
    if name in ADDING:
        return [np.array(1.0), np.array(5), X.shape]
    if name == "adaptive_avg_pool_backward":
        return [grad, X.shape]
    if name in SHARING:
        return [np.array(1.0), X.shape] if "global" in name else [grad, X.shape, 2]
    return [np.array(1.0), X] if "global" in name else [grad, X, 2]


every_way_back = named(*GRADIENTS, *UNPOOLING)
every_gradient = named(*GRADIENTS, "max_unpool_backward")


# ---------------------------------------------------------------------------- examples


def test_indices_are_where_the_results_were():
    values, indices = cypool.max_pool(X, 2, return_indices=True)
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(indices, INDICES)
    np.testing.assert_array_equal(X.ravel()[indices], values)
    np.testing.assert_array_equal(cypool.min_pool(X, 2, return_indices=True)[1], INDICES - 7)
    assert cypool.global_max_pool(X, return_indices=True)[1] == 23
    np.testing.assert_array_equal(
        cypool.global_min_pool(X, axis=0, return_indices=True)[1], [0] * 6
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", ["max", "min"])
def test_indices_of_ties_and_nans(kind, dtype):
    function = getattr(cypool, f"{kind}_pool")
    sign = 1 if kind == "max" else -1
    x = sign * np.array(
        [0.0, -0.0, -0.0, 0.0, -1, -1, 3, math.nan, math.nan, 4, math.inf, math.nan]
    )
    values, indices = function(x.astype(dtype), 2, return_indices=True)
    assert indices.tolist() == [0, 2, 4, 7, 8, 11]
    np.testing.assert_array_equal(np.isnan(plain(values)), [0, 0, 0, 1, 1, 1])
    values, indices = function(x.astype(dtype), 2, return_indices=True, nan_policy="omit")
    assert indices.tolist() == [0, 2, 4, 6, 9, 10]
    assert not np.isnan(plain(values)).any()
    values, indices = function(np.full(3, np.nan, dtype), 3, nan_policy="omit", return_indices=True)
    assert np.isnan(plain(values)).all() and indices.tolist() == [0]
    values, indices = function(
        np.full(1, -math.inf * sign, dtype), 1, padding=1, return_indices=True
    )
    assert plain(values).tolist() == [-math.inf * sign] * 3 and indices.tolist() == [-1, 0, -1]


def test_unpooling_keeps_the_last_of_equal_indices():
    x = np.arange(1, 7).reshape(2, 3)
    assert cypool.max_unpool(x, np.zeros((2, 3), int), (2, 2)).tolist() == [[6, 0], [0, 0]]
    expected = [[4, 0, 0], [0, 5, 6]]
    where = np.array([[0, 1, 1], [0, 1, 1]])
    assert cypool.max_unpool(x, where, (2, 3), axis=0).tolist() == expected
    assert cypool.max_unpool(x, np.full((2, 3), -1), (2, 2)).tolist() == [[0, 0], [0, 0]]
    assert cypool.max_unpool_backward(X, np.array([[5, -1], [5, 0]])).tolist() == [[5, 0], [5, 0]]


def test_gradients_by_hand():
    assert cypool.max_pool_backward([1.0, 10, 100], [1, 1, 3], 5).tolist() == [0, 11, 0, 100, 0]
    assert cypool.avg_pool_backward([2.0, 6.0], (3,), 2, 1).tolist() == [1, 4, 3]
    result = cypool.avg_pool_backward([2.0, 6.0], (3,), 2, 2, ceil_mode=True)
    assert result.tolist() == [1, 1, 6]
    assert cypool.sum_pool_backward([1.0, 10.0], (4,), 3, 1).tolist() == [1, 11, 11, 10]
    result = cypool.lp_pool_backward([5.0, 26.0], [3, -4, 5, 12], 2)
    np.testing.assert_allclose(result, [3, -4, 10, 24], rtol=1e-15)
    assert cypool.lp_pool_backward([1.0], [0.0, 0.0], 2).tolist() == [0, 0]
    assert cypool.lp_pool_backward([1.0], [-2.0, 2.0], 2, p=math.inf).tolist() == [-1, 0]
    assert cypool.global_avg_pool_backward(6.0, (2, 3)).tolist() == [[1] * 3] * 2


def test_gradients_of_norms_of_numbers_out_of_range():
    for p in (1, 1.5, 2, 3, 50):
        x = np.array([3e-320, 3e-320, 1e-200, 1e-200, 1.0, 1.0, 1e300, 1e300, 1.7e308, 1.7e308])
        result = cypool.lp_pool_backward(np.ones(5), x, 2, p=p)
        np.testing.assert_allclose(result, 2.0 ** (1 / p - 1), rtol=1e-13)
    assert cypool.lp_pool_backward(np.ones(1), np.array([1e-300, 1e300]), 2, p=1).tolist() == [1, 1]
    x = np.array([2**64 - 2, 2**64 - 1], np.uint64)
    assert cypool.lp_pool_backward(np.ones(1), x, 2, p=math.inf).tolist() == [0, 1]
    x = np.array([-(2**63) + 1, -(2**63)])
    assert cypool.lp_pool_backward(np.ones(1), x, 2, p=math.inf).tolist() == [0, -1]


@pytest.mark.parametrize("dtype", FLOATS)
@every_gradient
def test_gradients_have_their_dtype(function, dtype):
    arguments = good(function.__name__)
    arguments[0] = arguments[0].astype(dtype)
    assert function(*arguments).dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_gradients_too_large_are_infinite(dtype):
    largest = np.array([finfo(dtype).max] * 2, dtype)
    for out in (None, np.zeros(3, dtype), np.zeros(6, dtype)[::-2]):
        result = cypool.max_pool_backward(largest, [1, 1], 3, out=out)
        assert plain(result).tolist() == [0, math.inf, 0]
        result = cypool.sum_pool_backward(largest, (3,), 2, 1, out=out)
        assert plain(result).tolist() == [largest[0], math.inf, largest[1]]


# ----------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("dtype", [int, np.uint8, bool])
@every_gradient
def test_gradients_are_floats(function, dtype):
    arguments = good(function.__name__)
    arguments[0] = arguments[0].astype(dtype)
    name = np.dtype(dtype).name
    with pytest.raises(TypeError, match=rf"^grad_output has dtype {name}; a gradient is float16"):
        function(*arguments)


@pytest.mark.parametrize("dtype", [complex, object, "U1", "datetime64[s]"])
@every_way_back
def test_values_that_are_no_numbers(function, dtype):
    arguments = good(function.__name__)
    arguments[0] = np.zeros(arguments[0].shape, dtype)
    with pytest.raises(TypeError, match=r"has dtype"):
        function(*arguments)


@every_way_back
def test_masks_are_never_ignored(function):
    for place in range(len([a for a in good(function.__name__) if isinstance(a, np.ndarray)])):
        arguments = good(function.__name__)
        arguments[place] = np.ma.array(arguments[place])
        with pytest.raises(TypeError, match="MaskedArray"):
            function(*arguments)


@pytest.mark.parametrize("dtype", [float, bool, complex, object, "U1"])
@named(*BY_INDICES, "max_unpool_backward", "global_max_pool_backward")
def test_indices_are_integers(function, dtype):
    arguments = good(function.__name__)
    arguments[1] = arguments[1].astype(dtype)
    with pytest.raises(TypeError, match=r"^indices has dtype .*; it must be an integer type$"):
        function(*arguments)


HOSTILE = [-2, 24, 25, 2**31, 2**32 + 3, 2**60, INT64.max, INT64.min, INT64.min + 1]


@pytest.mark.parametrize("index", HOSTILE)
@pytest.mark.parametrize("at", [0, 3, 5])
@named(*BY_INDICES, "max_unpool_backward", "global_max_pool_backward", "global_min_pool_backward")
def test_indices_out_of_range(function, index, at):
    arguments = good(function.__name__)
    arguments[1] = arguments[1].copy()
    arguments[1].flat[at % arguments[1].size] = index
    shape = arguments[1].shape if function.__name__ == "max_unpool_backward" else X.shape
    out = np.full(shape, -7.0)
    with pytest.raises(ValueError, match=rf"^indices has {index}; .*\(4, 6\).* from 0 to 23"):
        function(*arguments, out=out)
    assert (out == -7).all()


@named(*BY_INDICES, "max_unpool_backward")
def test_unsigned_indices_do_not_wrap_around(function):
    arguments = good(function.__name__)
    for index in (2**64 - 1, 2**63, 24):
        arguments[1] = INDICES.astype(np.uint64)
        arguments[1][0, 1] = index
        with pytest.raises(ValueError, match=rf"^indices has {index};"):
            function(*arguments)


@named(*BY_INDICES)
def test_indices_of_another_shape(function):
    for shape in ((3, 2), (6,), (2, 3, 1), (), (0, 3)):
        with pytest.raises(ValueError, match=rf"^indices has shape {re.escape(str(shape))}"):
            function(np.ones((2, 3)), np.zeros(shape, int), X.shape)
    for shape in ((24,), (4, 6, 1), ()):
        with pytest.raises(ValueError, match=rf"_shape {re.escape(str(shape))} has \d ax"):
            function(np.ones((2, 3)), INDICES, shape)
    with pytest.raises(ValueError, match=r"length 3 along axis 1, which is not pooled.*length 6"):
        function(np.ones((2, 3)), np.zeros((2, 3), int), X.shape, axis=0)
    with pytest.raises(ValueError, match=r"^axis 2 is out of range"):
        function(np.ones((2, 3)), INDICES, X.shape, axis=2)


@named(*ADDING, *SHARING, "max_unpool")
@pytest.mark.parametrize("shape", [(-1, 6), (4, -(2**70))])
def test_shapes_that_are_none(function, shape):
    arguments = good(function.__name__)
    place = next(i for i, given in enumerate(arguments) if isinstance(given, tuple))
    arguments[place] = shape
    with pytest.raises(ValueError, match=r"^(in|out)put_shape is .*at least 0$"):
        function(*arguments)
    for shape in ((4.0, 6), "46", (4, None)):
        arguments[place] = shape
        with pytest.raises(TypeError, match=r"^(in|out)put_shape takes integers, not"):
            function(*arguments)


@named(*SHARING, *NORMS)
def test_gradients_of_another_shape(function):
    arguments = good(function.__name__)
    adapts = function.__name__ == "adaptive_avg_pool_backward"
    for shape in ((6,), (2, 3, 1)) if adapts else ((3, 3), (1, 3), (6,), (2, 3, 1), (0, 3)):
        arguments[0] = np.ones(shape)
        with pytest.raises(ValueError, match=rf"shape {re.escape(str(shape))}") as caught:
            function(*arguments)
        assert "grad_output" in str(caught.value)
        assert "(4, 6)" in str(caught.value)


@every_way_back
def test_out_that_does_not_fit(function):
    arguments = good(function.__name__)
    right = function(*arguments)
    for shape in ((7,), (*right.shape, 1), ()):
        with pytest.raises(ValueError, match=rf"^out has shape {re.escape(str(shape))}; "):
            function(*arguments, out=np.zeros(shape))
    with pytest.raises(TypeError, match=r"^out has dtype float32; the result has dtype float64"):
        function(*arguments, out=np.zeros(right.shape, np.float32))
    with pytest.raises(TypeError, match=r"^out must be an ndarray, not list"):
        function(*arguments, out=right.tolist())
    still = np.zeros(right.shape)
    still.flags.writeable = False
    with pytest.raises(ValueError, match=r"^out is read-only"):
        function(*arguments, out=still)
    with pytest.raises(ValueError, match=r"^elements of out overlap"):
        function(*arguments, out=np.lib.stride_tricks.as_strided(np.zeros(1), right.shape, (0, 0)))
    for threads in (0, -1, 2.0):
        out = np.full(right.shape, -7.0)
        with pytest.raises((TypeError, ValueError), match="num_threads"):
            function(*arguments, out=out, num_threads=threads)
        assert (out == -7).all(), "written in spite of an error"
    out = np.zeros(right.shape)
    assert function(*arguments, out=out) is out
    np.testing.assert_array_equal(out, right)


@every_way_back
def test_out_may_be_an_argument(function):
    arguments = good(function.__name__)
    right = function(*arguments)
    for place, given in enumerate(arguments):
        if isinstance(given, np.ndarray) and given.shape == right.shape:
            mine = given.astype(right.dtype)
            changed = [*arguments[:place], mine, *arguments[place + 1 :]]
            if np.array_equal(mine, given) and given.dtype == right.dtype:
                assert function(*changed, out=mine) is mine
                np.testing.assert_array_equal(mine, right)


@pytest.mark.parametrize("p", [2, 500, math.inf])
@pytest.mark.parametrize("windows", [1, 1 << 17])
def test_gradients_of_norms_into_what_they_are_made_of(windows, p):
    rng = np.random.default_rng(3)
    memory = rng.standard_normal((7, 12))
    grad = rng.standard_normal((7, 12))
    with changed(WINDOWS=windows):
        for x, out in (
            (memory, memory),
            (memory, memory[::-1]),
            (memory[:6], memory[1:]),
            (memory[:, :6], memory[:, 6:]),
        ):
            g = grad[: x.shape[0], : x.shape[1]].copy()
            given = {"padding": 1, "p": p}
            expected = cypool.lp_pool_backward(g, x, 3, 1, **given)
            keep = memory.copy()
            assert cypool.lp_pool_backward(g, x, 3, 1, **given, out=out) is out
            np.testing.assert_array_equal(out, expected)
            memory[...] = keep
            np.testing.assert_array_equal(
                cypool.lp_pool_backward(g, x, 3, 1, **given, out=g), expected
            )


def test_gradients_of_norms_of_infinite_order_are_rounded_once():
    grad = np.array([1, 2**-24, 2**-24], np.float32)
    result = cypool.lp_pool_backward(grad, np.array([0, 0, 9.0, 0, 0]), 3, 1, p=math.inf)
    assert result.tolist() == [0, 0, 1 + 2**-23, 0, 0]


def test_unpooling_into_what_is_unpooled():
    x = np.array([5.0, 6.0, 7.0, 8.0])
    where = np.array([3, 2, 1, 0])
    assert cypool.max_unpool(x, where, (4,), out=x).tolist() == [8, 7, 6, 5]
    where = np.array([3, 2, 1, 0])
    assert cypool.max_unpool(np.array([9, 8, 7, 6]), where, (4,), out=where).tolist() == [
        6,
        7,
        8,
        9,
    ]


ORDERS = named("lp_pool", "global_lp_pool", *NORMS)


def with_order(function, p):
    """Return the arguments of a norm of order p."""
    if "backward" in function.__name__:
        return good(function.__name__), {"p": p}
    return [X, *((2,) if function.__name__ == "lp_pool" else ())], {"p": p}


@ORDERS
@pytest.mark.parametrize("p", [0, -1, -0.0, math.nan, -math.inf])
def test_orders_that_are_not_above_0(function, p):
    arguments, options = with_order(function, p)
    with pytest.raises(ValueError, match=rf"^p is {p}; .*above 0"):
        function(*arguments, **options)


@ORDERS
@pytest.mark.parametrize("p", [None, "two", (2,), 2j])
def test_orders_that_are_no_numbers(function, p):
    arguments, options = with_order(function, p)
    with pytest.raises(TypeError, match=rf"^p is {re.escape(repr(p))}; .*a number"):
        function(*arguments, **options)


@named(*ADAPTIVE)
def test_output_sizes_that_are_refused(function):
    for size in (0, -1, -(2**70)):
        for given, axis in ((size, 0), ((1, size), 1)):
            message = rf"^output_size is {size} for axis {axis}; it must be at least 1"
            with pytest.raises(ValueError, match=message):
                function(X, given)
    for given in ((2,), (2, 2, 2), ()):
        with pytest.raises(ValueError, match=r"^output_size .* has \d values? for 2 pooled axes"):
            function(X, given)
    for given in (2.0, "2", (2, 2.0), (None, "2"), {2}):
        with pytest.raises(TypeError, match=r"^output_size takes integers, not"):
            function(X, given)
    with pytest.raises((ValueError, MemoryError)):
        function(X, 2**62)
    with pytest.raises((ValueError, MemoryError)):
        function(X, 2**50)


@named(*ADAPTIVE)
def test_output_sizes(function):
    np.testing.assert_array_equal(function(X, None), X)
    np.testing.assert_array_equal(function(X, (None, 6)), X)
    assert function(X, (None, 1)).shape == (4, 1)
    assert function(X, (9, 1), axis=(1, 0)).shape == (1, 9)
    assert function(X, np.int8(2)).shape == (2, 2)
    np.testing.assert_array_equal(function(np.array([1.0, 2.0]), 4), [1, 1, 2, 2])


# ----------------------------------------------------------- no axes, no elements, many axes


@named(*LOCAL, *GLOBAL, *ADAPTIVE)
def test_poolings_of_nothing(function):
    options = {"kernel_size": 2} if function.__name__ in LOCAL else {}
    options |= {"output_size": 2} if function.__name__ in ADAPTIVE else {}
    for shape, axis in (((0, 4), 1), ((4, 0, 4), (0, 2)), ((0, 4, 0), 1)):
        for policy in ("propagate", "omit", "raise"):
            result = function(np.zeros(shape), **options, axis=axis, nan_policy=policy)
            assert result.size == 0
    with pytest.raises(ValueError, match=r"axis 0 has length 0"):
        function(np.zeros((0, 4)), **options)


@named(*ADAPTIVE, "max_pool", "min_pool", "global_max_pool", "global_min_pool")
def test_indices_of_nothing(function):
    if function.__name__ == "adaptive_avg_pool":
        return
    sizes = () if "global" in function.__name__ else (2,)
    values, indices = function(np.zeros((0, 4)), *sizes, axis=1, return_indices=True)
    assert values.size == indices.size == 0 and indices.dtype == np.int64
    values, indices = function(np.float16(3), *sizes, return_indices=True)
    assert values == 3 and indices == 0 and indices.shape == ()
    values, indices = function(X, *sizes, axis=(), return_indices=True)
    np.testing.assert_array_equal(values, X)
    assert (indices == 0).all() and indices.shape == X.shape


def test_the_way_back_of_nothing():
    none = np.zeros((0, 2))
    places = np.zeros((0, 2), int)
    for name in BY_INDICES:
        result = getattr(cypool, name)(none, places, (0, 5), axis=1)
        assert result.shape == (0, 5)
    assert cypool.max_unpool_backward(np.zeros((0, 5)), places, axis=1).shape == (0, 2)
    assert (
        cypool.max_unpool(np.zeros((2, 0)), np.zeros((2, 0), int), (2, 3)).tolist() == [[0] * 3] * 2
    )
    assert cypool.avg_pool_backward(none, (0, 4), 2, axis=1).shape == (0, 4)
    assert cypool.adaptive_avg_pool_backward(none, (0, 5), axis=1).shape == (0, 5)
    assert cypool.lp_pool_backward(none, np.zeros((0, 4)), 2, axis=1).shape == (0, 4)
    assert cypool.lp_pool_backward(none, np.zeros((0, 4)), 2, p=math.inf, axis=1).shape == (0, 4)
    for name in ("avg", "sum"):
        function = getattr(cypool, f"global_{name}_pool_backward")
        assert function(np.zeros(0), (0, 3), axis=1).shape == (0, 3)
    with pytest.raises(ValueError, match=r"^indices has 0; over pooled axes of lengths \(0,\)"):
        cypool.max_unpool([1.0], [0], (0,))
    assert cypool.max_unpool([1.0], [-1], (0,)).shape == (0,)


def test_the_way_back_of_zero_dimensions():
    for name in BY_INDICES:
        result = getattr(cypool, name)(np.array(2.0), np.array(0), ())
        assert type(result) is np.ndarray and result.shape == () and result == 2
    assert cypool.max_unpool_backward(np.array(2.0), np.array(-1)) == 0
    for p in (1, 2, 2.5, math.inf):
        result = cypool.lp_pool_backward(np.array(2.0), np.array(-3), (), p=p)
        assert type(result) is np.ndarray and result == pytest.approx(-2)
        assert cypool.global_lp_pool_backward(2.0, -3, p=p) == pytest.approx(-2)
    assert cypool.avg_pool_backward(2.0, (), ()) == cypool.global_sum_pool_backward(2.0, ()) == 2


@pytest.mark.parametrize("ndim", [32, 64])
def test_very_many_axes(ndim):
    shape = (2,) * 6 + (1,) * (ndim - 6)
    x = np.arange(64.0).reshape(shape)
    kept = (1,) * ndim
    values, indices = cypool.max_pool(
        x, 2, ceil_mode=True, return_indices=True, padding=1, stride=3
    )
    assert values.size == indices.size
    values, indices = cypool.global_max_pool(x, keepdims=True, return_indices=True)
    assert values.item() == indices.item() == 63
    expected = np.where(x == 63, 63, 0)
    np.testing.assert_array_equal(cypool.max_unpool(values, indices, shape), expected)
    np.testing.assert_array_equal(cypool.max_pool_backward(values, indices, shape), expected)
    assert cypool.max_unpool_backward(x, indices).item() == 63
    assert cypool.adaptive_avg_pool(x, 1).item() == 31.5
    np.testing.assert_array_equal(
        cypool.adaptive_avg_pool_backward(np.full(kept, 64.0), shape), np.ones(shape)
    )
    assert cypool.global_lp_pool(x, p=1) == x.sum()
    np.testing.assert_array_equal(cypool.global_lp_pool_backward(1.0, x, p=1), np.sign(x))


@every_way_back
def test_no_axis_at_all(function):
    name = function.__name__
    if name in UNPOOLING or name in ADDING:
        where = np.zeros(X.shape, int)
        arguments = [X, where] if name == "max_unpool_backward" else [X, where, X.shape]
    else:
        arguments = [X, X.shape] if name in SHARING else [X, X + 1]
        arguments += [3] if "global" not in name and "adaptive" not in name else []
    np.testing.assert_allclose(function(*arguments, axis=()), X, rtol=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
def test_gradients_of_windows_whose_taps_lie_very_far_apart(dtype):
    far = 2**59
    for padding, stride in ((far, far - 5), (far - 5, far)):
        gradient = np.ones(2, dtype)
        result = cypool.sum_pool_backward(gradient, (5,), 2, far - 1, [(padding, stride)], far)
        x = np.arange(5.0)
        dot = cypool.sum_pool(x, 2, far - 1, [(padding, stride)], far).sum()
        assert np.dot(result.astype(float), x) == dot


@pytest.mark.parametrize(
    ("length", "window"),
    [
        (60_000, (4, 3, 0, 10_001)),
        (60_000, (4, 6, 7, 10_002)),  # only every other position is in any
        (50, (2, 3, 2**31 - 5, 2**31 + 7)),
        (50, (2, 4, 2**40 + 1, 2**40 + 6)),
        (50, (3, 7, 2**58 - 9, 2**58 - 3)),
        (50, (3, 5, 2**57, 2**57)),
    ],
)
def test_gradients_of_windows_with_a_stride_whose_taps_lie_far_apart(length, window):
    k, s, before, d = window
    padding = [(before, max(d * (k - 1) + 1 + 3 * s - before - length, 0))]
    x = np.zeros(length)
    windows = cypool.sum_pool(x, k, s, padding, d).size
    grad = np.arange(1.0, windows + 1)
    expected = np.zeros(length)
    for q in range(windows):
        for t in range(k):
            at = q * s - before + t * d
            if 0 <= at < length:
                expected[at] += grad[q]
    assert expected.any()
    y = cypool.sum_pool_backward(grad, length, k, s, padding, d)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("num_threads", [1, 2, 4, 16])
def test_indices_into_arrays_that_repeat_their_elements(num_threads):
    steps = np.arange(8, dtype=np.float16)[:, np.newaxis]
    x = np.broadcast_to(steps, (8, 2**58))
    for step in range(8):
        indices = np.full((100_000, 1), step * 2**58 + 3)
        result = cypool.max_unpool_backward(x, indices, num_threads=num_threads)
        assert (result == step).all()
    with pytest.raises(ValueError, match=r"^indices has -1152921504606846971"):
        indices = np.full((100_000, 1), 5 - 2**60)
        cypool.max_unpool_backward(x, indices, num_threads=num_threads)


@pytest.mark.parametrize("num_threads", [1, 2, 3, 7])
@pytest.mark.parametrize("layout", ["C", "F", "reversed", "spread"])
@pytest.mark.parametrize("shape, axis", [((3, 5, 90, 70), (2, 3)), ((1, 90, 70, 13), (1, 2))])
def test_out_becomes_zero_where_nothing_comes(shape, axis, layout, num_threads):
    rng = np.random.default_rng(0)
    few = tuple(80 if a in axis else n for a, n in enumerate(shape))
    x = rng.integers(-9, 10, few).astype(np.float32)
    # In any order, some far apart and some of none.
    indices = rng.choice([-1, *rng.integers(0, 90 * 70, 500)], few)
    right = np.zeros([n for a, n in enumerate(shape) if a not in axis] + [90 * 70 + 1], x.dtype)
    flat = np.moveaxis(indices, axis, (-2, -1)).reshape(*right.shape[:-1], -1)
    values = np.moveaxis(x, axis, (-2, -1)).reshape(flat.shape)
    for place in np.ndindex(right.shape[:-1]):
        np.add.at(right[place], flat[place], values[place])
    right = np.moveaxis(right[..., :-1].reshape(*right.shape[:-1], 90, 70), (-2, -1), axis)
    room = np.full([2 * n for n in shape], np.nan, x.dtype, order="F" if layout == "F" else "C")
    out = {
        "C": np.ascontiguousarray(room[: shape[0], : shape[1], : shape[2], : shape[3]]),
        "F": np.asfortranarray(room[: shape[0], : shape[1], : shape[2], : shape[3]]),
        "reversed": room[tuple(slice(n, 2 * n) for n in shape)][..., ::-1, ::-1],
        "spread": room[::2, ::2, ::2, ::2],
    }[layout]
    before = np.isnan(room).sum()
    result = cypool.max_pool_backward(
        x, indices, shape, axis=axis, out=out, num_threads=num_threads
    )
    assert result is out
    np.testing.assert_array_equal(out, right)
    assert np.isnan(room).sum() == before - (0 if layout in "CF" else out.size)


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("channels", [1, 3, 16, 100, 257, 700])
@pytest.mark.parametrize(("k", "padding", "cut"), [(2, 0, 0), (2, 1, 1), (3, (2, 1), 2), (5, 0, 0)])
def test_gradients_of_windows_side_by_side(k, padding, cut, channels, dtype, num_threads):
    rows, lanes = 5, 9
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    grad = np.random.default_rng(k).standard_normal((3, rows, lanes, channels)).astype(dtype)
    grad[0, 0, 0, 0], grad[1, 2, 3, 0] = np.nan, np.inf
    # Each element of a window gets its share; there may be more elements behind the last window.
    whole = (grad.astype(np.float64) / k**2).repeat(k, axis=1).repeat(k, axis=2)
    whole = np.pad(whole, ((0, 0), (0, cut), (0, cut), (0, 0)))
    lengths = [n * k - before - after + cut for n in (rows, lanes)]
    expected = whole[:, before : before + lengths[0], before : before + lengths[1]]
    for x, shape, axis in (
        (grad, expected.shape, (1, 2)),
        (np.moveaxis(grad, -1, 1).copy(), np.moveaxis(expected, -1, 1).shape, (2, 3)),
    ):
        out = np.full(shape, 7, dtype)
        cypool.avg_pool_backward(
            x,
            shape,
            k,
            padding=((before, after),) * 2,
            axis=axis,
            divisor_override=k * k,
            out=out,
            num_threads=num_threads,
        )
        right = expected if axis == (1, 2) else np.moveaxis(expected, -1, 1)
        np.testing.assert_array_max_ulp(out, right.astype(dtype), 1)


@pytest.mark.parametrize(
    ("windows", "shape", "pooling"),
    [
        ((2, 2, 1), (2, 2, 1), ((2, 1), (2, 2), ((1, 1), (0, 1)))),
        ((7, 2, 1), (8, 2, 1), ((2, 1), (2, 3), ((4, 2), (0, 2)))),
        ((3, 2, 40), (3, 2, 40), ((3, 1), (1, 2), ((1, 1), (0, 1)))),
        ((2, 2, 3), (2, 1, 3), ((3, 1), (1, 2), ((1, 1), (0, 2)))),
    ],
)
def test_gradients_of_windows_of_which_the_last_are_padding(windows, shape, pooling):
    kernel_size, stride, padding = pooling
    grad = np.arange(1.0, math.prod(windows) + 1, dtype=np.float32).reshape(windows)
    expected = np.zeros(shape)
    for at in np.ndindex(windows[:2]):
        first = [i * s - before for i, s, (before, _) in zip(at, stride, padding, strict=True)]
        rows, lanes = (
            [p for p in range(low, low + k) if 0 <= p < n]
            for low, k, n in zip(first, kernel_size, shape, strict=False)
        )
        for place in ((row, lane) for row in rows for lane in lanes):
            expected[place] += grad[at] / (len(rows) * len(lanes))
    result = cypool.avg_pool_backward(grad, shape, *pooling, axis=(0, 1), count_include_pad=False)
    np.testing.assert_array_max_ulp(result, expected.astype(np.float32), 1)


def test_gradients_of_far_fewer_windows_than_there_are():
    with pytest.raises(ValueError, match=r"^grad_output has shape"):
        cypool.avg_pool_backward(np.ones(3), (5,), 1, 1, 2**50)


@pytest.mark.parametrize("num_threads", [1, 2, 7])
@pytest.mark.parametrize("layout", ["C", "F", "reversed", "every other", "repeated", "unaligned"])
@pytest.mark.parametrize("shape", [(3, 40_000), (70_000, 2), (5, 7, 60, 60)])
def test_one_index_among_many_that_is_out_of_range(shape, layout, num_threads):
    axis = tuple(range(1, len(shape)))
    whole = np.random.default_rng(1).integers(-1, 6, shape)
    room = np.zeros(whole.nbytes + 3, np.uint8)
    room[3:] = np.frombuffer(whole.tobytes(), np.uint8)
    indices = {
        "C": whole,
        "F": np.asfortranarray(whole),
        "reversed": whole[::-1, ::-1],
        "every other": np.repeat(whole, 2, axis=-1)[..., ::2],
        "repeated": as_strided(whole, shape, (8, *[0] * (len(shape) - 2), 8)),
        "unaligned": room[3:].view(np.int64).reshape(shape),
    }[layout]
    grad = np.ones(shape, np.float32)
    lengths = (shape[0], *[6] * len(axis))
    out = np.full(lengths, -7, np.float32)
    right = cypool.max_pool_backward(grad, indices, lengths, axis=axis)
    cypool.max_pool_backward(grad, indices, lengths, axis=axis, out=out, num_threads=num_threads)
    np.testing.assert_array_equal(out, right)
    positions = 6 ** len(axis)
    for place in (0, indices.size // 3, indices.size - 1):
        for index in (-2, positions, 2**63 - 1, -(2**63)):
            at = np.unravel_index(place, shape)
            kept = indices[at]
            indices[at] = index
            out[...] = -7
            with pytest.raises(ValueError, match=rf"^indices has {index};"):
                cypool.max_pool_backward(
                    grad, indices, lengths, axis=axis, out=out, num_threads=num_threads
                )
            assert (out == -7).all()
            indices[at] = kept


@pytest.mark.parametrize("p", [0.6, 0.9, 0.95, 1.5])
@pytest.mark.parametrize("size", [1e308, 3.0, 5e-324])
def test_gradients_of_norms_that_leave_the_range_of_float64(p, size):
    # Of n equal elements, each has n**(1/p - 1) of the gradient, whatever their size.
    grad = cypool.lp_pool_backward(np.array([1.0]), np.full(4, size), 4, p=p)
    np.testing.assert_allclose(grad, 4.0 ** (1 / p - 1), rtol=1e-12)
    grad = cypool.global_lp_pool_backward(np.array(1.0), np.full(4, size), p=p)
    np.testing.assert_allclose(grad, 4.0 ** (1 / p - 1), rtol=1e-12)


def test_limits_that_are_named_are_those_that_hold():
    with pytest.raises(ValueError, match=r"output_size is \d+ for axis 0 of length 4") as refused:
        cypool.adaptive_max_pool(np.ones((4, 4)), 2**60)
    most = int(re.search(r"at most (\d+)", str(refused.value))[1])
    assert most == 2**60 // 4
    with pytest.raises(ValueError, match=r"count more than 2.* count_include_pad=False"):
        cypool.avg_pool_backward(
            np.ones(5), (4,), 2**55, 1, ((2**54, 2**54),), count_include_pad=True
        )
