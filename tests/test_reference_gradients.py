"""Unpooling and gradients in the exact reference: by hand, as transposes, by differences."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest

import reference
from reference import (
    adaptive_avg_pool,
    adaptive_avg_pool_backward,
    adaptive_max_pool,
    adaptive_max_pool_backward,
    avg_pool,
    avg_pool_backward,
    global_avg_pool,
    global_avg_pool_backward,
    global_lp_pool,
    global_lp_pool_backward,
    global_max_pool,
    global_max_pool_backward,
    global_min_pool,
    global_min_pool_backward,
    global_sum_pool,
    global_sum_pool_backward,
    lp_pool,
    lp_pool_backward,
    max_pool,
    max_pool_backward,
    max_unpool,
    max_unpool_backward,
    min_pool,
    min_pool_backward,
    sum_pool,
    sum_pool_backward,
)

INF, NAN = math.inf, math.nan


def numbers_in(x):
    """List the numbers of nested lists in C order."""
    return [n for part in x for n in numbers_in(part)] if isinstance(x, list) else [x]


def arranged(numbers, shape):
    """Fold numbers into nested lists of a shape."""
    return np.array([*numbers, None], object)[:-1].reshape(shape).tolist()


def dot(a, b):
    return sum(Fraction(v) * w for v, w in zip(numbers_in(a), numbers_in(b), strict=True))


def same(result, expected):
    """Compare lists in which NaN equals NaN."""
    for a, b in zip(numbers_in(result), numbers_in(expected), strict=True):
        assert a == b or (math.isnan(a) and math.isnan(b)), (result, expected)


# ------------------------------------------------------------------- sums and averages

# Shape, and the arguments of windows that do not all see the same.
WINDOWS = [
    ((1,), (1,), {}),
    ((7,), (3, 1), {}),
    ((7,), (3, 2), {"ceil_mode": True}),
    ((6,), (2, 3, 1, 2), {}),
    ((5,), (4, 4, 1), {"ceil_mode": True}),
    ((3, 4), (2,), {}),
    ((3, 4), (2, 1, ((1, 0), (0, 2))), {}),
    ((4, 5), ((3, 2), (1, 2), (2, 1), (2, 1)), {"axis": (1, 0)}),
    ((2, 3, 4), (2, 1, "same"), {"axis": (0, 2)}),
    ((2, 3, 2), (2, 1, 1), {"axis": 1, "ceil_mode": True}),
    ((2, 3), (1,), {"axis": ()}),
    ((), (2,), {}),
]


def linear_cases():
    """Every pooling that is linear: what it does to x, what that does to g, and a shape."""
    averages = [{}, {"count_include_pad": True}, {"divisor_override": -3}]
    for shape, sizes, options in WINDOWS:
        yield shape, sum_pool, sum_pool_backward, sizes, options
        for more in averages:
            yield shape, avg_pool, avg_pool_backward, sizes, {**options, **more}
    for shape, size, axis in (
        ((7,), 3, None),
        ((2,), 5, None),
        ((3, 4), (2, 3), None),
        ((3, 4, 2), (5, 3), (2, 0)),
        ((3, 4), (None, 2), (1, 0)),
    ):
        yield shape, adaptive_avg_pool, adaptive_avg_pool_backward, (size,), {"axis": axis}
    for shape, axis, keepdims in itertools.product(((4,), (2, 3, 4)), (None, 0, -1), (False, True)):
        options = {"axis": axis, "keepdims": keepdims}
        yield shape, global_sum_pool, global_sum_pool_backward, (), options
        yield shape, global_avg_pool, global_avg_pool_backward, (), options


@pytest.mark.parametrize(("shape", "pool", "backward", "sizes", "options"), list(linear_cases()))
def test_linear_gradients_are_transposes(shape, pool, backward, sizes, options):
    """Each column of the matrix of a pooling, dotted with g, is one number of the gradient."""
    count = math.prod(shape)
    rng = random.Random(count)
    y = pool(arranged([0] * count, shape), *sizes, **options)
    g = arranged([rng.choice((0.1, -3, Fraction(2, 7))) for _ in numbers_in(y)], np.shape(y))
    arguments = () if pool is adaptive_avg_pool else sizes
    gradient = backward(g, shape, *arguments, **options)
    assert np.shape(gradient) == shape
    for i, found in enumerate(numbers_in(gradient)):
        unit = pool(arranged([int(i == j) for j in range(count)], shape), *sizes, **options)
        pairs = zip(numbers_in(unit), numbers_in(g), strict=True)
        # A mean of nothing is NaN, whatever x is.
        assert found == sum(Fraction(a) * Fraction(b) for a, b in pairs if a == a)
    x = arranged([rng.randint(-9, 9) for _ in range(count)], shape)
    y = [0 if math.isnan(v) else v for v in numbers_in(pool(x, *sizes, **options))]
    assert dot(g, y) == dot(gradient, x)


def test_sums_and_averages_by_hand():
    assert sum_pool_backward([1, 10, 100], (5,), 3, 1) == [1, 11, 111, 110, 100]
    assert sum_pool_backward([1, 10], (5,), 2, 3) == [1, 1, 0, 10, 10]
    assert sum_pool_backward([[1], [10]], (2, 2), 2, 1, ((0, 1), (0, 0))) == [[1, 1], [11, 11]]
    assert avg_pool_backward([6, 12], (4,), 3, 2, 1) == [3, 3 + 4, 4, 4]
    assert avg_pool_backward([6, 12], (4,), 3, 2, 1, count_include_pad=True) == [2, 2 + 4, 4, 4]
    assert avg_pool_backward([6, 12], (4,), 3, 2, 1, divisor_override=6) == [1, 1 + 2, 2, 2]
    # The last window: 2 positions of the input, 1 of padding, 1 of overhang that never counts.
    options = {"ceil_mode": True, "count_include_pad": True}
    assert avg_pool_backward([0, 6], (5,), 4, 4, 1, **options) == [0, 0, 0, 2, 2]
    assert adaptive_avg_pool_backward([4, 6, 8], (5,)) == [2, 4, 2, 6, 4]
    assert adaptive_avg_pool_backward([1, 2, 4], (2,)) == [2, 5]
    assert global_avg_pool_backward([[8], [4]], (2, 2), axis=1, keepdims=True) == [[4, 4], [2, 2]]
    assert global_avg_pool_backward(5, ()) == 5


def test_windows_in_the_padding_give_nothing_to_anyone():
    options = {"stride": 1, "padding": 2}
    assert sum_pool_backward([9, 1, 2, 9], (1,), 2, **options) == [3]
    for more in ({}, {"count_include_pad": True}, {"divisor_override": 2}):
        part = 1 if not more else 2
        result = avg_pool_backward([NAN, 2, 4, INF], (1,), 2, **options, **more)
        assert result == [Fraction(6, part)]


def test_nan_and_infinite_gradients_go_to_their_window_and_no_other():
    g = [NAN, 1.0, INF, -INF, 2.0]
    same(sum_pool_backward(g, (6,), 2, 1), [NAN, NAN, INF, NAN, -INF, 2])
    same(avg_pool_backward(g, (6,), 2, 1), [NAN, NAN, INF, NAN, -INF, 1])
    same(adaptive_avg_pool_backward(g[2:4], (3,)), [INF, NAN, -INF])
    same(max_pool_backward(g, [0, 1, 1, 2, 2], (4,)), [NAN, INF, -INF, 0])
    same(max_pool_backward([INF, -INF], [1, 1], (2,)), [0, NAN])
    assert avg_pool_backward([INF], (2,), 2, divisor_override=-2) == [-INF, -INF]


def test_gradients_are_rounded_once():
    # Added up one after the other in float16, the small ones would be lost.
    small = 2.0**-11
    g = [1.0, small, small]
    assert sum_pool_backward(g, (1,), 3, 1, 2, dtype="float16") == [1 + 2 * small]
    assert max_pool_backward(g, [0, 0, 0], (1,), dtype="float16") == [1 + 2 * small]
    assert global_max_pool_backward(0.1, 0, (2,), dtype="float32") == [float(np.float32(0.1)), 0]
    # A third of each: 3 / 3 makes 1, though no third is a float.
    assert (
        avg_pool_backward([1, 1, 1, 1, 1], (3,), 3, 1, 2, divisor_override=3, dtype="float64")
        == [1.0] * 3
    )
    big = float(np.finfo("float32").max)
    assert sum_pool_backward([big, big, -big], (1,), 3, 1, 2, dtype="float32") == [big]
    total = sum_pool_backward([big, big, -big], (3,), 3, 1, 1)
    assert total == [2 * Fraction(big), Fraction(big), 0]
    assert sum_pool_backward([big, big, -big], (3,), 3, 1, 1, dtype="float32") == [INF, big, 0]


# --------------------------------------------------------------------------- max and min


def distinct(rng, shape):
    numbers = list(range(math.prod(shape)))
    rng.shuffle(numbers)
    return arranged(numbers, shape)


def extreme_cases():
    for shape, sizes, options in WINDOWS:
        for name in ("max", "min"):
            pool = getattr(reference, f"{name}_pool")
            yield shape, pool, getattr(reference, f"{name}_pool_backward"), sizes, options
    for shape, size, axis in (((7,), 3, None), ((2, 3), 4, 1), ((3, 4, 2), (2, 5), (2, 0))):
        options = {"axis": axis}
        yield shape, adaptive_max_pool, adaptive_max_pool_backward, (size,), options
    for shape, axis, keepdims in itertools.product(((4,), (2, 3, 4)), (None, 0, -1), (False, True)):
        options = {"axis": axis, "keepdims": keepdims}
        yield shape, global_max_pool, global_max_pool_backward, (), options
        yield shape, global_min_pool, global_min_pool_backward, (), options


@pytest.mark.parametrize(("shape", "pool", "backward", "sizes", "options"), list(extreme_cases()))
def test_gradients_of_max_and_min_are_differences(shape, pool, backward, sizes, options):
    """Numbers a whole 1 apart stay in their order when one of them grows by a quarter."""
    rng = random.Random(7)
    x = distinct(rng, shape)
    y, indices = pool(x, *sizes, **options, return_indices=True)
    g = arranged([rng.randint(-9, 9) for _ in numbers_in(y)], np.shape(y))
    known = {k: v for k, v in options.items() if k in ("axis", "keepdims")}
    gradient = backward(g, indices, shape, **known)
    assert np.shape(gradient) == shape
    for i, found in enumerate(numbers_in(gradient)):
        raised = [v + Fraction(int(i == j), 4) for j, v in enumerate(numbers_in(x))]
        z = numbers_in(pool(arranged(raised, shape), *sizes, **options))
        grown = [0 if a == b else b - a for a, b in zip(numbers_in(y), z, strict=True)]
        assert found == 4 * dot(g, grown)


def test_max_and_min_by_hand():
    x = [[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]]
    _, indices = max_pool(x, 2, return_indices=True)
    assert max_pool_backward([[1, 2], [3, 4]], indices, (4, 4)) == [
        [0, 0, 2, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 4],
        [0, 3, 0, 0],
    ]
    _, indices = min_pool(x, 2, return_indices=True)
    assert min_pool_backward([[1, 2], [3, 4]], indices, (4, 4)) == [
        [1, 0, 0, 2],
        [0, 0, 0, 0],
        [3, 0, 0, 0],
        [0, 0, 4, 0],
    ]


def test_index_minus_1_gives_nothing():
    assert max_pool_backward([5, 6, NAN], [-1, 0, -1], (2,)) == [6, 0]
    y, indices = max_pool([5], 2, 1, 2, return_indices=True)
    assert indices == [-1, 0, 0, -1]
    assert max_pool_backward([1, 2, 3, 4], indices, (1,)) == [5]
    assert max_unpool(y, indices, (1,)) == [5]
    assert max_unpool_backward([7], indices) == [0, 7, 7, 0]


# ---------------------------------------------------------------------------- unpooling


def test_unpooling_by_hand():
    assert max_unpool([9, 4], [3, 4], (6,)) == [0, 0, 0, 9, 4, 0]
    assert max_unpool([[9], [4]], [[2], [0]], (2, 3), axis=1) == [[0, 0, 9], [4, 0, 0]]
    assert max_unpool([[9, 4]], [[2, 0]], (3, 2), axis=0) == [[0, 4], [0, 0], [9, 0]]
    assert max_unpool([[9, 4]], [[5, 0]], (2, 3)) == [[4, 0, 0], [0, 0, 9]]
    # In either order of the axes an index counts in the array's own.
    assert max_unpool([[9, 4]], [[5, 0]], (2, 3), axis=(1, 0)) == [[4, 0, 0], [0, 0, 9]]
    assert max_unpool(5, 0, ()) == 5
    assert max_unpool([NAN, -INF], [1, 0], (2,))[0] == -INF


def test_of_equal_indices_the_last_stays_or_all_add_up():
    values, indices = [[1, 2], [3, 4]], [[0, 1], [1, 0]]
    assert max_unpool(values, indices, (1, 2)) == [[4, 3]]
    assert max_pool_backward(values, indices, (1, 2)) == [[5, 5]]
    assert max_unpool_backward([[7, 8]], indices) == [[7, 8], [8, 7]]


@pytest.mark.parametrize("axis", [None, (1, 2), (2, 0), 1])
def test_unpooling_undoes_pooling_of_windows_side_by_side(axis):
    x = (np.random.default_rng(8).permutation(2 * 4 * 6) + 1).reshape(2, 4, 6)
    y, indices = max_pool(x, 2, axis=axis, return_indices=True)
    back = max_unpool(y, indices, x.shape, axis=axis)
    kept = np.isin(x, np.array(y))
    assert back == np.where(kept, x, 0).tolist()
    assert max_unpool_backward(x.tolist(), indices, axis=axis) == y
    # Its gradient is its transpose: no two windows chose the same.
    g = np.arange(x.size).reshape(x.shape).tolist()
    assert dot(back, g) == dot(y, max_unpool_backward(g, indices, axis=axis))
    assert max_pool_backward(y, indices, x.shape, axis=axis) == back


@pytest.mark.parametrize("index", [-2, 6, 10**9])
def test_an_index_that_is_nowhere_is_refused(index):
    for call in (
        lambda: max_unpool([[1]], [[index]], (2, 3)),
        lambda: max_unpool_backward([[1, 2, 3], [4, 5, 6]], [[index]]),
        lambda: max_pool_backward([[1]], [[index]], (2, 3)),
        lambda: global_min_pool_backward(1, index, (2, 3)),
        lambda: max_pool_backward([[1]], [[index]], (6, 1), axis=0),
    ):
        with pytest.raises(ValueError, match=f"indices has {index}; the pooled axes have 6"):
            call()


# ------------------------------------------------------------------------------- Lp


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 7, 0.5, math.pi])
@pytest.mark.parametrize(("shape", "sizes", "options"), WINDOWS)
def test_gradients_of_norms_are_differences(shape, sizes, options, p):
    rng = random.Random(9)
    count = math.prod(shape)
    x = [rng.choice((-1, 1)) * rng.uniform(0.5, 2) for _ in range(count)]
    y = lp_pool(arranged(x, shape), *sizes, **options, p=p)
    g = arranged([rng.uniform(-1, 1) for _ in numbers_in(y)], np.shape(y))
    gradient = lp_pool_backward(g, arranged(x, shape), *sizes, **options, p=p)
    assert np.shape(gradient) == shape
    step = 2.0**-20
    for i, found in enumerate(numbers_in(gradient)):
        ahead, behind = (
            numbers_in(lp_pool(arranged(moved, shape), *sizes, **options, p=p))
            for moved in ([v + s * (i == j) for j, v in enumerate(x)] for s in (step, -step))
        )
        slopes = [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]
        assert float(found) == pytest.approx(float(dot(slopes, g)), rel=1e-7, abs=1e-8)


def test_norms_by_hand():
    assert lp_pool_backward([5, 13], [3, -4, 0, -13], 2, dtype="float64") == [3, -4, 0, -13]
    assert lp_pool_backward([3, 10], [1, 2, -2, 0, 0, 7], 3, dtype="float32") == [
        1,
        2,
        -2,
        0,
        0,
        10,
    ]
    # Overlapping: -4 is 4/5 of one norm and 4/4 of the other.
    assert lp_pool_backward([5, 1], [3, -4, 0], 2, 1, dtype="float64") == [3, -5, 0]
    assert lp_pool_backward([2, 3], [3, -4, 0, -1], 2, p=1) == [2, -2, 0, -3]
    assert lp_pool_backward([2, 3], [4, -4, 0, -1], 2, p=INF) == [2, 0, 0, -3]
    # The norm of 3, 4, 5 at p = 3 is 6: 36 times the slopes are the squares.
    thirds = lp_pool_backward([36], [3, -4, 5], 3, p=3, dtype="float64")
    assert thirds == [9, -16, 25]
    # p = 1/2: 1, 4, 9 have norm 36, and the slopes are the roots of 36, 36 / 4 and 36 / 9.
    halves = lp_pool_backward([1], [1, 4, -9], 3, p=0.5, dtype="float64")
    assert halves == [6, 3, -2]
    assert global_lp_pool_backward([[5], [10]], [[3, 4], [4, -3]], axis=1, keepdims=True,
                                   dtype="int8") == [[3, 4], [8, -6]]  # fmt: skip
    assert global_lp_pool_backward(10, [3, 4], dtype="int8") == [6, 8]


def test_norms_gradients_have_digits_to_spare():
    rng = random.Random(10)
    for _ in range(30):
        x = [rng.randint(-99, 99) or 1 for _ in range(rng.randint(1, 6))]
        squares = sum(v * v for v in x)
        root = Fraction(math.isqrt(squares * 10**140), 10**70)  # to 70 digits
        for v, found in zip(x, global_lp_pool_backward(1, x), strict=True):
            assert abs(found - v / root) < Fraction(1, 10**45)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, INF, math.pi])
def test_norms_of_zeros_give_nothing(p):
    for x in ([0, 0], [-0.0, 0.0]):
        for g in (1, NAN, INF):
            assert lp_pool_backward([g], x, 2, p=p) == [0, 0]
    assert lp_pool_backward([5], [0, -2], 2, p=p, dtype="float64") == [0, -5]
    same(lp_pool_backward([NAN], [0, -2], 2, p=p), [0, NAN])
    same(lp_pool_backward([-INF], [0, -2], 2, p=p), [0, INF])
    # Windows in the padding have no one to give to.
    assert lp_pool_backward([7, 5, 9], [3], 1, 1, 1, p=p) == [5]


def test_norms_with_nan_and_infinities_are_as_in_floats():
    # y = inf: 1 / inf is 0, whose powers are 0, 1 and inf; inf / inf is NaN, but for power 0.
    same(lp_pool_backward([1], [1.0, -INF], 2), [0, NAN])
    same(lp_pool_backward([1], [-1.0, INF], 2, p=1), [-1, 1])
    same(lp_pool_backward([1], [-1.0, INF], 2, p=0.5), [-INF, NAN])
    same(lp_pool_backward([3], [5.0, -INF, INF], 3, p=INF), [0, -3, 0])
    # y = NaN.
    same(lp_pool_backward([1], [1.0, NAN, 0.0], 3), [NAN, NAN, 0])
    same(lp_pool_backward([1], [-1.0, NAN, 0.0], 3, p=1), [-1, NAN, 0])
    same(lp_pool_backward([1], [1.0, NAN, INF], 3, p=INF), [0, NAN, 0])
    # Nor do they reach the next window.
    same(lp_pool_backward([1, 5], [1.0, NAN, 3, 4], 2, dtype="float64"), [NAN, NAN, 3, 4])


def test_norms_gradients_survive_every_size():
    assert lp_pool_backward([5], [3e300, 4e300], 2, dtype="float64") == [3, 4]
    assert lp_pool_backward([5], [3 * 5e-324, 4 * 5e-324], 2, dtype="float64") == [3, 4]
    assert lp_pool_backward([5], [3e300, 4e-300], 2, dtype="float64") == [5, 0]
    assert lp_pool_backward([5], [1, 2], 2, p=1e300, dtype="float64") == [0, 5]
    assert lp_pool_backward([5], [1, 1], 2, p=1e-300, dtype="float64") == [INF, INF]
    assert lp_pool_backward([5], [1, 0], 2, p=1e-300, dtype="float64") == [5, 0]


@pytest.mark.parametrize("p", [0, -2, NAN])
def test_p_is_greater_than_0(p):
    for call in (
        lambda: lp_pool_backward([1], [1, 2], 2, p=p),
        lambda: global_lp_pool_backward(1, [1, 2], p=p),
    ):
        with pytest.raises(ValueError, match=f"p is {p}; it must be greater than 0"):
            call()


@pytest.mark.parametrize("axis", [None, 0, (1, 2), (2, 0)])
def test_norms_of_whole_axes(axis):
    x = np.random.default_rng(11).integers(1, 9, (2, 3, 4)).astype(float)
    norms = global_lp_pool(x, axis=axis, keepdims=True)
    g = np.random.default_rng(12).integers(-9, 9, np.shape(norms)).astype(float)
    expected = g * x / np.array(norms)
    for keepdims in (True, False):
        given = g if keepdims else np.squeeze(g, axis)
        result = global_lp_pool_backward(given, x, axis=axis, keepdims=keepdims, dtype="float64")
        np.testing.assert_allclose(result, expected, rtol=1e-14)


# ------------------------------------------------------------------------ shapes, errors


def test_arrays_without_elements():
    assert sum_pool_backward([[], []], (2, 0, 4), 2, axis=2) == [[], []]
    assert avg_pool_backward([], (0, 4, 4), 2, axis=(1, 2)) == []
    assert adaptive_avg_pool_backward([], (0, 4, 4), axis=(1, 2)) == []
    assert adaptive_avg_pool_backward(np.zeros((2, 0, 3)), (2, 0, 4), axis=2) == [[], []]
    assert global_avg_pool_backward([[], []], (2, 0, 4), axis=2) == [[], []]
    assert lp_pool_backward([], np.zeros((0, 4)), 2, axis=1) == []
    assert max_pool_backward([], [], (0, 4, 4), axis=(1, 2)) == []
    assert max_unpool([[], []], [[], []], (2, 0, 4), axis=(2,)) == [[], []]
    assert max_unpool_backward(np.zeros((0, 4)), [], axis=1) == []
    with pytest.raises(ValueError, match="length 0"):
        global_sum_pool_backward([], (2, 0), axis=1)
    with pytest.raises(ValueError, match="length 0"):
        adaptive_avg_pool_backward([], (0,))


def test_arrays_are_taken_as_lists_are():
    g = np.array([[1.0, 2.0]], np.float32)
    assert sum_pool_backward(g, (2, 4), 2) == [[1, 1, 2, 2]] * 2
    assert max_pool_backward(g, np.array([[3, 0]]), (2, 2)) == [[2, 0], [0, 1]]
    assert max_unpool(g, np.array([[3, 0]]), (2, 2)) == [[2, 0], [0, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sum_pool_backward([1, 2, 3], (4,), 2), "grad_output must be nested lists"),
        (lambda: sum_pool_backward([[1, 2]], (4,), 2), "grad_output must be nested lists"),
        (lambda: avg_pool_backward([1], (4,), 5), "no window of 5"),
        (lambda: avg_pool_backward([1], (4,), 4, divisor_override=0), "divisor_override is 0"),
        (lambda: global_sum_pool_backward([1], (4,)), "grad_output must be nested lists"),
        (lambda: global_avg_pool_backward(1, (4,), keepdims=True), "grad_output must be nested"),
        (lambda: adaptive_avg_pool_backward([1], (2, 2)), r"grad_output has shape \(1,\)"),
        (lambda: adaptive_avg_pool_backward([[1], [2]], (3, 2), axis=1), "grad_output must be"),
        (lambda: lp_pool_backward([1], [1, 2, 3, 4], 2), "grad_output must be nested lists"),
        (lambda: max_pool_backward([1], [0, 1], (4,)), "grad_output must be nested lists"),
        (lambda: max_pool_backward([1], [0], (4, 4)), "indices must be nested lists"),
        (lambda: max_pool_backward([[1]], [[0]], (2, 4), axis=1), r"indices has lengths \[1, 1\]"),
        (lambda: max_unpool([1], [0, 1], (4,)), "x must be nested lists"),
        (lambda: max_unpool_backward([1, 2], [[0]]), "indices must be nested lists"),
        (lambda: max_unpool([[1]], [[0]], (2, 2), axis=(0, 0)), "names an axis twice"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
