"""Calls of every function with arguments of every kind, and what the exact reference says of them.

`cases` draws a call; `check` makes it and compares; `check_batch` makes it of many arrays at once,
and compares that with a call of each.  A call is a `Case`, which its own repr makes again:
``check(Case(...))``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from arrays import (
    BFLOATS,
    DTYPES,
    FLOATS,
    INTEGERS,
    LAYOUTS,
    SHARED,
    VALUES,
    arrange,
    finfo,
    is_float,
    place,
    plain,
)
from hypothesis import strategies as st

import cypool
import reference
from reference.geometry import axis_windows, pooled_axes
from reference.rounding import to_dtype

inf, nan = math.inf, math.nan  # as the repr of a case spells them

INPUTS = (*LAYOUTS, *(layout for layout in SHARED if layout != "memmap"))

#: The functions, by what they are given.
LOCAL = ("max_pool", "min_pool", "avg_pool", "sum_pool", "lp_pool")
GLOBAL = tuple(f"global_{name}" for name in LOCAL)
ADAPTIVE = ("adaptive_max_pool", "adaptive_avg_pool")
SHARING = (  # gradients that share out by windows
    "avg_pool_backward",
    "sum_pool_backward",
    "adaptive_avg_pool_backward",
    "global_avg_pool_backward",
    "global_sum_pool_backward",
)
NORMS = ("lp_pool_backward", "global_lp_pool_backward")
ADDING = (  # gradients that go to indices
    "max_pool_backward",
    "min_pool_backward",
    "adaptive_max_pool_backward",
    "global_max_pool_backward",
    "global_min_pool_backward",
)
UNPOOLING = ("max_unpool", "max_unpool_backward")
POOLINGS = (*LOCAL, *GLOBAL, *ADAPTIVE)
GRADIENTS = (*SHARING, *NORMS, *ADDING)
FUNCTIONS = (*POOLINGS, *GRADIENTS, *UNPOOLING)

#: Orders of norms: whole, fractional, great.
ORDERS = (1, 2, 2, 3, 0.5, 1.5, 2.5, 7, 30, 100, inf)

#: Shapes have no more elements, but for a few.
SHORT = 240

#: The most numbers that the reference is given to combine in one example; roots are dear.
MOST = 2500
MOST_OF_NORMS = 400

#: And the most elements of a batch.
MOST_OF_BATCHES = 200_000


class Case(NamedTuple):
    """One call."""

    function: str
    shape: tuple[int, ...]  # of what is pooled; of the places that indices mean
    dtype: str  # of x; of the gradient, if there is one
    layout: str
    values: str
    seed: int
    axis: Any
    sizes: tuple[Any, ...] = ()  # kernel_size, stride, padding, dilation; or output_size
    options: dict[str, Any] = {}  # noqa: RUF012 - that cypool and the reference both know
    result: str | None = None  # dtype=
    out: str | None = None  # the layout of `out`
    num_threads: int | None = None
    pooled: tuple[int, ...] | None = None  # the shape of indices
    other: tuple[str, str, str] | None = None  # dtype, layout and values of x or the indices

    @property
    def windows(self):
        """Return what kind of windows there are."""
        first = self.function.partition("_")[0]
        return first if first in ("global", "adaptive") else "local"

    @property
    def kind(self):
        """Return what windows are reduced by."""
        parts = self.function.split("_")
        return parts[1] if parts[0] in ("global", "adaptive") else parts[0]


# ------------------------------------------------------------------------- what is right


def default_dtype(kind, dtype):
    """Return the dtype of a result, by the rules of the documentation."""
    if kind in ("max", "min") or is_float(dtype):
        return dtype.newbyteorder("=")
    if kind == "sum":
        return np.sum(np.zeros(1, dtype)).dtype
    return np.dtype("float32" if dtype.itemsize < 4 else "float64")


def nothing(kind, dtype):
    """Return the max or min of no number."""
    if dtype.kind == "b":
        return kind == "min"
    if is_float(dtype):
        return -math.inf if kind == "max" else math.inf
    info = np.iinfo(dtype)
    return info.min if kind == "max" else info.max


def rounded(kind, number, dtype):
    """Round one exact number to the dtype of the result."""
    if number != number and dtype.kind in "iu":
        return 0
    return to_dtype(number, dtype.name, wrap=kind == "sum")


def ulps_apart(a, b):
    """Count the floats from a to b, element by element; NaN is next to NaN only."""

    def ranks(x):
        bits = x.view(f"i{x.dtype.itemsize}")
        # Negative numbers count down from zero: both zeros have rank 0.
        return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits).astype(np.int64)

    a, b = np.atleast_1d(a), np.atleast_1d(b)
    first, second = ranks(a), ranks(b)
    far = np.maximum(first, second).astype(np.uint64) - np.minimum(first, second).astype(np.uint64)
    far[np.isnan(a) & np.isnan(b)] = 0
    far[np.isnan(a) != np.isnan(b)] = np.iinfo(np.uint64).max
    return far


def assert_right(kind, result, exact, shape, dtype, ulps):
    """Compare a result with exact numbers, which are rounded once."""
    assert type(result) is np.ndarray
    assert result.shape == shape
    assert result.dtype == dtype
    flat = np.array(exact, object).reshape(-1).tolist()
    if kind in ("avg", "sum", "lp"):
        flat = [rounded(kind, number, dtype) for number in flat]
    expected = np.array(flat, dtype).reshape(shape)
    if ulps and is_float(dtype):
        result, expected = np.atleast_1d(result), np.atleast_1d(expected)
        far = ulps_apart(result, expected)
        assert np.all(far <= ulps), (
            f"{np.max(far)} ulp: {result[far > ulps]}, {expected[far > ulps]}"
        )
        # The last float and infinity are neighbours, yet only one of them is a number.
        assert np.array_equal(np.isinf(result), np.isinf(expected))
    else:
        np.testing.assert_array_equal(plain(result), plain(expected))


def assert_near(result, exact, sizes, shape, dtype, ulps, relative=0.0):
    """Compare a sum with the exact one, by ulps of the sizes of what was added up."""
    assert type(result) is np.ndarray
    assert result.shape == shape
    assert result.dtype == dtype
    info = finfo(dtype)
    most, nmant, least = float(info.max), int(info.nmant), int(info.minexp)
    flat, flat_sizes = (np.array(v, object).reshape(-1).tolist() for v in (exact, sizes))
    got = plain(result).reshape(-1).tolist()
    for i, (number, size) in enumerate(zip(flat, flat_sizes, strict=True)):
        if number != number or number in (math.inf, -math.inf):
            right = got[i] == number or (got[i] != got[i] and number != number)
        else:
            if size != size or size == math.inf:  # of what did not count here
                size = 0
            size = max(Fraction(size), abs(Fraction(number)))
            exponent = math.frexp(float(min(size, most)))[1] - 1
            room = ulps * Fraction(2) ** (max(exponent, least) - nmant)
            room += Fraction(relative) * size
            if math.isfinite(got[i]):
                right = abs(Fraction(got[i]) - number) <= room
            else:  # the numbers within reach are too great
                right = abs(number) + room > most and got[i] == math.copysign(math.inf, number)
        assert right, f"at {i}: {got[i]!r} for {float(number)!r}, sizes {float(size)!r}"


# ------------------------------------------------------------------------ drawing a call


def given_as(draw, values):
    """Return values per axis as a tuple, a list, or one integer if they are all the same."""
    if len(set(values)) == 1 and isinstance(values[0], int) and draw(st.booleans()):
        return values[0]
    return draw(st.sampled_from((tuple, list)))(values)


def axis_argument(draw, axes, ndim):
    """Return axes in one of the ways to name them."""
    named = [a - ndim if draw(st.booleans()) else a for a in axes]
    if axes == list(range(ndim)) and draw(st.booleans()):
        return None
    return given_as(draw, named) if len(named) == 1 else tuple(named)


def shapes(draw):
    """Draw a shape: a few short axes, or a long thin one, now and then of a thousand cells."""
    if draw(st.integers(0, 11)) == 0:
        shape = [draw(st.integers(800, 1300)), draw(st.integers(1, 5))]
        return tuple(draw(st.permutations(shape)))
    if draw(st.integers(0, 3)) == 0:
        shape = draw(st.lists(st.integers(1, 3), max_size=2))
        shape.insert(draw(st.integers(0, len(shape))), draw(st.integers(20, 200)))
        return tuple(shape)
    shape = draw(st.lists(st.integers(1, 8), max_size=5))
    while math.prod(shape) > SHORT:
        shape[shape.index(max(shape))] //= 2
    return tuple(shape)


def chosen_axes(draw, shape):
    """Draw the pooled axes, in any order."""
    order = draw(st.permutations(range(len(shape))))
    return list(order[: draw(st.integers(min(1, len(shape)), len(shape)))])


def window_sizes(draw, shape, axes, ceil_mode, most):
    """Draw kernels, strides, paddings and dilations that fit, and are not too much work."""
    by_name = draw(st.sampled_from((None, None, None, "valid", "same", "same_lower")))
    kernels, strides, dilations, paddings = [], [], [], []
    for a in axes:
        n = shape[a]
        d = draw(st.integers(1, 3))
        k = draw(st.integers(1, min(n + 3, 2 + 100 // len(axes))))
        before, after = (draw(st.integers(0, k * d + 2)) for _ in range(2))
        if by_name == "valid":
            before = after = 0
        if by_name in (None, "valid"):  # the window has to fit
            d = min(d, max(1, (n + before + after - 1) // max(k - 1, 1)))
            k = min(k, n + before + after)
        kernels.append(k)
        strides.append(draw(st.integers(1, k + 2)))
        dilations.append(d)
        paddings.append((before, after))
    side_by_side = draw(st.booleans())
    if side_by_side:
        strides = kernels

    def cost():
        outs = [
            reference.output_length(shape[a], k, s, by_name or p, d, ceil_mode=ceil_mode)
            for a, k, s, p, d in zip(axes, kernels, strides, paddings, dilations, strict=True)
        ]
        others = math.prod(n for a, n in enumerate(shape) if a not in axes)
        taps = (min(k, shape[a]) for a, k in zip(axes, kernels, strict=True))
        return math.prod(outs) * math.prod(taps) * others

    while cost() > most and min(strides, default=1000) < 1000:  # until there is one window
        side_by_side = False
        strides = [2 * s for s in strides]
    if by_name is None and all(before == after for before, after in paddings):
        paddings = [before for before, _ in paddings]
    return (
        given_as(draw, kernels),
        None if side_by_side else given_as(draw, strides),
        by_name or given_as(draw, paddings),
        given_as(draw, dilations),
    )


def output_sizes(draw, shape, axes, most):
    """Draw how many windows share out each axis."""
    outs = [draw(st.one_of(st.none(), st.integers(1, shape[a] + 4))) for a in axes]

    def cost():
        each = ((shape[a] if o is None else o, shape[a]) for a, o in zip(axes, outs, strict=True))
        return math.prod(n if a not in axes else 1 for a, n in enumerate(shape)) * math.prod(
            o * min(n, n // o + 2) for o, n in each
        )

    while cost() > most and set(outs) - {1}:
        outs = [
            max(1, (shape[a] if o is None else o) // 2) for a, o in zip(axes, outs, strict=True)
        ]
    if len(set(outs)) == 1 and draw(st.booleans()):
        return outs[0]
    return draw(st.sampled_from((tuple, list)))(outs)


@st.composite
def cases(draw, functions=FUNCTIONS, value_names=None):
    """Draw a call of one of the functions."""
    function = draw(st.sampled_from(functions))
    blank = Case(function, (), "", "", "", 0, None)
    kind, windows = blank.kind, blank.windows
    shape = shapes(draw)
    axes = draw(st.sampled_from(([*range(len(shape))], None)))
    if axes is None:
        axes = chosen_axes(draw, shape)
    options, sizes, result, pooled, other = {}, (), None, None, None
    if kind == "lp":
        options["p"] = draw(st.sampled_from(ORDERS))
    most = MOST_OF_NORMS if kind == "lp" and options["p"] not in (1, 2, inf) else MOST
    most = min(most, MOST_OF_NORMS) if function in NORMS else most
    if function in (*POOLINGS, *SHARING, *NORMS):
        if windows == "local":
            options["ceil_mode"] = draw(st.booleans())
            sizes = window_sizes(draw, shape, axes, options["ceil_mode"], most)
        elif windows == "adaptive":
            sizes = (output_sizes(draw, shape, axes, most),)
        if windows == "local" and kind == "avg":
            options["count_include_pad"] = draw(st.booleans())
            options["divisor_override"] = draw(
                st.sampled_from((None, None, 1, 3, -7, 1000, 2**30 + 1, 2**53))
            )
    if windows == "global":
        options["keepdims"] = draw(st.booleans())

    # Axes that are not pooled may be empty.
    empty = [a for a in range(len(shape)) if a not in axes]
    if empty and draw(st.integers(0, 15)) == 0:
        a = draw(st.sampled_from(empty))
        shape = (*shape[:a], 0, *shape[a + 1 :])

    names = ("ordinary", "sparse", "special", "halfway")
    if function in POOLINGS:
        dtype = draw(st.sampled_from(DTYPES))
        if kind in ("avg", "sum"):
            names = (*names, "cancelling")
            if math.prod(shape) > SHORT and draw(st.booleans()):
                dtype, names = "float64", ("cancelling",)  # whose long sums have their own ways
        options["nan_policy"] = draw(st.sampled_from(("propagate", "propagate", "omit", "raise")))
        if kind in ("max", "min"):
            options["return_indices"] = draw(st.booleans())
            names = (*names, "extreme")
        elif kind in ("avg", "lp") and draw(st.booleans()):
            result = draw(st.sampled_from((*INTEGERS, *FLOATS)))
        elif kind == "sum" and draw(st.booleans()):
            result = draw(st.sampled_from(FLOATS if is_float(dtype) else (*INTEGERS, *FLOATS)))
        if kind == "lp":
            names = (*names, "extreme")
    else:
        dtype = draw(st.sampled_from(DTYPES if function == "max_unpool" else FLOATS))
    layouts = st.sampled_from(INPUTS)
    if function in NORMS:
        other = (draw(st.sampled_from(DTYPES)), draw(layouts), draw(st.sampled_from(names)))
    elif function in (*ADDING, *UNPOOLING):
        pooled = list(shape)
        for a in axes:
            pooled[a] = draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, 8))
            pooled[a] = 1 if windows == "global" else pooled[a]
        if windows == "global" and not options["keepdims"]:
            pooled = [n for a, n in enumerate(shape) if a not in axes]
        pooled = tuple(pooled)
        # All the same, few, or any.
        how = draw(st.sampled_from(("one", "few", "any", "any")))
        other = (draw(st.sampled_from(("int64", "int64", "int32", "uint16"))), draw(layouts), how)
    return Case(
        function,
        shape,
        dtype,
        draw(layouts),
        draw(st.sampled_from(value_names or names)),
        draw(st.integers(0, 2**32 - 1)),
        axis_argument(draw, axes, len(shape)),
        sizes,
        options,
        result,
        draw(st.sampled_from((None, None, *LAYOUTS))),
        draw(st.sampled_from((None, 1, 2, 3))),
        pooled,
        other,
    )


# ------------------------------------------------------------------------ making a call


def windows_of(case):
    """Return the windows along each pooled axis, as the reference lays them."""
    axes = pooled_axes(case.axis, len(case.shape))
    kernel, stride, padding, dilation = (
        [v] * len(axes) if isinstance(v, int | str | None) else v for v in case.sizes
    )
    ceil_mode = case.options["ceil_mode"]
    return {
        a: axis_windows(case.shape[a], k, k if s is None else s, p, d, ceil_mode)
        for a, k, s, p, d in zip(axes, kernel, stride, padding, dilation, strict=True)
    }


def pooled_shape(case):
    """Return the shape of the pooled array."""
    if case.pooled is not None:
        return case.pooled
    axes = pooled_axes(case.axis, len(case.shape))
    if case.windows == "local":
        windows = windows_of(case)
        return tuple(len(windows.get(a, range(n))) for a, n in enumerate(case.shape))
    if case.windows == "adaptive":
        (given,) = case.sizes
        outs = [given] * len(axes) if isinstance(given, int | None) else given
        at = {a: case.shape[a] if o is None else o for a, o in zip(axes, outs, strict=True)}
        return tuple(at.get(a, n) for a, n in enumerate(case.shape))
    if case.options["keepdims"]:
        return tuple(1 if a in axes else n for a, n in enumerate(case.shape))
    return tuple(n for a, n in enumerate(case.shape) if a not in axes)


class Call(NamedTuple):
    """A case with its arrays."""

    arrays: tuple[Any, ...]  # in the order of the arguments
    arguments: tuple[Any, ...]  # what follows them
    options: dict[str, Any]  # of cypool and the reference
    own: dict[str, Any]  # of cypool alone
    shape: tuple[int, ...]  # of the result
    dtype: np.dtype


def index_values(case, rng):
    """Return indices: any, a few of them often, or all the same."""
    dtype, layout, how = case.other
    axes = pooled_axes(case.axis, len(case.shape))
    positions = math.prod(case.shape[a] for a in axes)
    low = 0 if dtype[0] == "u" else -1
    chosen = rng.integers(low, positions, {"one": 1, "few": 3, "any": 500}[how])
    return arrange(np.asarray(rng.choice(chosen, case.pooled)).astype(dtype), layout)


def prepare(case):
    """Return the call of a case."""
    rng = np.random.default_rng(case.seed)
    options = {**case.options, "axis": case.axis}
    own = {"num_threads": case.num_threads}
    small = pooled_shape(case)
    native = np.dtype(case.dtype)

    def array(shape, dtype, layout, values):
        return arrange(VALUES[values](rng, shape, dtype), layout)

    mine = (case.dtype, case.layout, case.values)
    if case.function in POOLINGS:
        if case.result:
            own["dtype"] = case.result
        dtype = np.dtype(case.result) if case.result else default_dtype(case.kind, native)
        return Call((array(case.shape, *mine),), case.sizes, options, own, small, dtype)
    if case.function in SHARING:
        sizes = () if case.windows == "adaptive" else case.sizes
        grad = array(small, *mine)
        return Call((grad,), (case.shape, *sizes), options, own, case.shape, native)
    if case.function in NORMS:
        arrays = (array(small, *mine), array(case.shape, *case.other))
        return Call(arrays, case.sizes, options, own, case.shape, native)
    indices = index_values(case, rng)
    if case.function == "max_unpool_backward":
        arrays = (array(case.shape, *mine), indices)
        return Call(arrays, (), options, own, small, native)
    arrays = (array(small, *mine), indices)
    return Call(arrays, (case.shape,), options, own, case.shape, native)


def run(case, **others):
    """Make a call; return all that it returns."""
    call = prepare(case)
    results = getattr(cypool, case.function)(
        *call.arrays, *call.arguments, **{**call.options, **call.own, **others}
    )
    return results if isinstance(results, tuple) else (results,)


def exact(x):
    """Return an array of the same numbers for the reference: Python's own."""
    return plain(x) if is_float(x.dtype) else x


def refusal(case, call):
    """Return what the error must say, if the call is one to refuse."""
    whole = case.function in POOLINGS and case.kind == "avg" and call.dtype.kind in "iu"
    if whole and case.windows == "local" and not case.options["count_include_pad"]:
        empty = any(not w.inside for along in windows_of(case).values() for w in along)
        if empty and case.options["divisor_override"] is None:
            return "wholly in the padding"
    if case.options.get("nan_policy") == "raise":
        x = exact(call.arrays[0])
        if is_float(case.dtype) and np.isnan(x).any():
            options = {k: v for k, v in call.options.items() if k != "p"}
            for name in ("return_indices", "count_include_pad", "divisor_override"):
                options.pop(name, None)
            function = getattr(reference, case.function.replace(case.kind, "max"))
            try:
                function(x, *call.arguments, **options)
            except ValueError:
                return "nan_policy is 'raise' and x has a NaN"
    return None


def check(case, ulps=None):
    """Make one call, and compare it with the reference."""
    call = prepare(case)
    before = [x.tobytes() for x in call.arrays]
    function = getattr(cypool, case.function)
    options = {**call.options, **call.own}
    message = refusal(case, call)
    root = out = None
    if case.out is not None:
        root, out = place(call.shape, call.dtype, case.out)
        root_before, out_before = root.tobytes(), out.copy()
        options["out"] = out
    if message is not None:
        with pytest.raises(ValueError, match=message):
            function(*call.arrays, *call.arguments, **options)
        assert root is None or root.tobytes() == root_before, "written in spite of an error"
        return
    results = function(*call.arrays, *call.arguments, **options)
    indices = None
    if case.options.get("return_indices"):
        result, indices = results
    else:
        result = results
    if out is None:
        assert result.flags.c_contiguous and result.flags.writeable and result.dtype.isnative
    else:
        assert result is out
        result = out.astype(call.dtype)
        out[...] = out_before
        assert root.tobytes() == root_before, "written outside of out"
    assert [x.tobytes() for x in call.arrays] == before, "an input is changed"
    if case.function in POOLINGS:
        check_pooling(case, call, result, indices, ulps)
    else:
        check_way_back(case, call, result)


def check_batch(case):
    """Make one call of many arrays, along a first or last axis, and compare it with one of each.

    Large arrays take other ways than small ones, with channels last too, to the same bits.
    """
    rng = np.random.default_rng(case.seed)
    ndim = len(case.shape)
    several = [case._replace(seed=case.seed + i, num_threads=1) for i in range(4)]
    calls = [prepare(each) for each in several]
    last = rng.random() < 0.5
    beside = -1 if last else 0
    size = max(math.prod(calls[0].shape), *(x.size for x in calls[0].arrays))
    number = int(rng.integers(4, max(5, min(4000, MOST_OF_BATCHES // max(size, 1)))))
    chosen = rng.permutation(np.arange(number) % len(several))

    def batch(arrays):
        return np.take(np.stack(arrays, beside), chosen, beside)

    axes = range(ndim) if case.axis is None else np.atleast_1d(case.axis).tolist()
    arguments = list(calls[0].arguments)
    if case.function not in POOLINGS and case.function not in NORMS and arguments:
        arguments[0] = (*case.shape, number) if last else (number, *case.shape)
    arrays = [batch(x) for x in zip(*(call.arrays for call in calls), strict=True)]
    if case.layout in LAYOUTS:
        arrays = [arrange(x, case.layout) for x in arrays]
    options = {**calls[0].options, **calls[0].own, "num_threads": case.num_threads}
    options["axis"] = tuple(a % ndim + (not last) for a in axes)
    function = getattr(cypool, case.function)
    refused = {refusal(*both) for both in zip(several, calls, strict=True)} - {None}
    if refused:  # for one of them, all are
        with pytest.raises(ValueError, match="|".join(sorted(refused))):
            function(*arrays, *arguments, **options)
        return
    results = function(*arrays, *arguments, **options)
    results = results if isinstance(results, tuple) else (results,)
    expected = zip(*(run(each) for each in several), strict=True)
    for y, parts in zip(results, expected, strict=True):
        room = 0.0
        if case.function in NORMS:  # the last digits of norms may differ, and powers make it more
            room = relative_room(case) + 2 * float(finfo(y.dtype).eps)
        np.testing.assert_allclose(plain(y), plain(batch(parts)), room)


def check_pooling(case, call, result, indices, ulps):
    """Compare a pooling's result, and its indices."""
    (x,) = call.arrays
    known = dict(call.options)
    if case.kind in ("max", "min") and case.windows == "local":
        known["empty"] = nothing(case.kind, x.dtype)
    if case.kind == "lp":
        known["dtype"] = call.dtype.name
    expected = getattr(reference, case.function)(exact(x), *call.arguments, **known)
    if indices is not None:
        expected, where = expected
        assert type(indices) is np.ndarray and indices.dtype == np.int64
        assert indices.flags.c_contiguous
        np.testing.assert_array_equal(indices, np.array(where, np.int64).reshape(call.shape))
    if case.kind == "lp" and call.dtype.kind in "iu":
        assert_norm_right(case, call, result, known)
        return
    if ulps is None:
        ulps = 1 if case.kind in ("avg", "sum") and is_float(x.dtype) else 0
        if case.kind == "lp":
            ulps = 2 if call.dtype == np.float64 else 1
            ulps = math.ceil(ulps / min(case.options["p"], 1))
    assert_right(case.kind, result, expected, call.shape, call.dtype, ulps)


def assert_norm_right(case, call, result, known):
    """Compare norms in an integer type: in float64 they may be some ulps off, then are rounded."""
    known["dtype"] = "float64"
    near = getattr(reference, case.function)(exact(call.arrays[0]), *call.arguments, **known)
    flat = np.array(near, object).reshape(-1).tolist()
    assert type(result) is np.ndarray
    assert (result.shape, result.dtype) == (call.shape, call.dtype)
    for got, number in zip(result.reshape(-1).tolist(), flat, strict=True):
        room = 4 * math.ulp(number) if math.isfinite(number) else 0
        low, high = (rounded("lp", number + r, call.dtype) for r in (-room, room))
        assert low <= got <= high, f"{got} for {number}"


def relative_room(case):
    """Return how far a gradient of norms may be off, for its powers."""
    p = case.options["p"]
    return 0.0 if p == inf else (2 * abs(p - 1) + 8) * 2.0**-52


def check_way_back(case, call, result):
    """Compare an unpooling or a gradient."""
    function = getattr(reference, case.function)
    arrays = [exact(x) for x in call.arrays]
    expected = function(*arrays, *call.arguments, **call.options)
    if case.function in UNPOOLING:
        assert_right("max", result, expected, call.shape, call.dtype, 0)
        return
    with np.errstate(invalid="ignore"):
        sizes = [np.abs(x) if x.dtype.kind == "f" else x for x in arrays]
    ulps, relative = 2, 0.0
    if case.function in NORMS:
        sizes[1] = np.abs(sizes[1].astype(np.float64))
        relative = relative_room(case)
    if case.function in ADDING:
        ones = np.ones(arrays[0].shape, int)
        most = np.max(function(ones, *arrays[1:], *call.arguments, **call.options), initial=1)
        ulps = max(2, int(most) / 2)
    expected_sizes = function(*sizes, *call.arguments, **call.options)
    if call.options.get("divisor_override"):
        expected_sizes = np.abs(np.array(expected_sizes, object))
    assert_near(result, expected, expected_sizes, call.shape, call.dtype, ulps, relative)


#: What a failing call needs to be made again, with `tests` and the repository on the path.
PASTE = "from cases import Case, check, check_batch, inf, nan"

__all__ = [
    "BFLOATS",
    "FUNCTIONS",
    "PASTE",
    "Case",
    "cases",
    "check",
    "check_batch",
    "inf",
    "nan",
    "run",
]
