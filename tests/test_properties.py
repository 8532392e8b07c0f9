"""The compiled core against the exact reference, and against NumPy where that is too slow.

CYPOOL_TEST_EXAMPLES asks for another number of examples, and for other ones than the last time.
"""

from __future__ import annotations

import math
import os
from typing import Any, NamedTuple

import numpy as np
import pytest
from arrays import DTYPES, FLOATS, INTEGERS, LAYOUTS, SHARED, VALUES, arrange, ordinary, place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cypool
import reference
from cypool import engine
from reference.geometry import axis_windows, pooled_axes
from reference.rounding import to_dtype

EXAMPLES = int(os.environ.get("CYPOOL_TEST_EXAMPLES", "1500"))
KINDS = ("max", "min", "avg", "sum")
INPUTS = (*LAYOUTS, *(layout for layout in SHARED if layout != "memmap"))

#: The most numbers that the reference is given to combine in one example.
MOST = 2500


def examples(share):
    """Return settings with a share of the number of examples."""
    return settings(
        max_examples=max(1, round(EXAMPLES * share)),
        database=None,
        deadline=None,
        derandomize="CI" in os.environ or "CYPOOL_TEST_EXAMPLES" not in os.environ,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# ------------------------------------------------------------------------- what is right


def default_dtype(kind, dtype):
    """Return the dtype of a result, by the rules of the documentation."""
    if kind in ("max", "min") or dtype.kind == "f":
        return dtype.newbyteorder("=")
    if kind == "sum":
        return np.sum(np.zeros(1, dtype)).dtype
    return np.dtype("float32" if dtype.itemsize < 4 else "float64")


def nothing(kind, dtype):
    """Return the max or min of no number."""
    if dtype.kind == "b":
        return kind == "min"
    if dtype.kind == "f":
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
    if kind in ("avg", "sum"):
        flat = [rounded(kind, number, dtype) for number in flat]
    expected = np.array(flat, dtype).reshape(shape)
    if ulps and dtype.kind == "f":
        result, expected = np.atleast_1d(result), np.atleast_1d(expected)
        far = ulps_apart(result, expected)
        assert np.all(far <= ulps), (
            f"{np.max(far)} ulp: {result[far > ulps]}, {expected[far > ulps]}"
        )
        # The last float and infinity are neighbours, yet only one of them is a number.
        assert np.array_equal(np.isinf(result), np.isinf(expected))
    else:
        np.testing.assert_array_equal(result, expected)


# ------------------------------------------------------------------------------ the calls


class Case(NamedTuple):
    """One call of a pooling of windows (with `sizes`) or of whole axes (without)."""

    kind: str
    shape: tuple[int, ...]
    dtype: str
    layout: str
    values: str
    seed: int
    axis: Any
    sizes: tuple[Any, ...]  # kernel_size, stride, padding, dilation
    options: dict[str, Any]  # that cypool and the reference both know
    result: str | None  # dtype=
    out: str | None  # the layout of `out`
    num_threads: int | None


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
    """Draw a shape: a few short axes, or a long thin one."""
    if draw(st.integers(0, 3)) == 0:
        shape = draw(st.lists(st.integers(1, 3), max_size=2))
        shape.insert(draw(st.integers(0, len(shape))), draw(st.integers(20, 200)))
        return tuple(shape)
    shape = draw(st.lists(st.integers(1, 8), max_size=5))
    while math.prod(shape) > 240:
        shape[shape.index(max(shape))] //= 2
    return tuple(shape)


def common(draw, shape, axes, kinds, value_names):
    """Draw what local and global poolings have in common."""
    kind = draw(st.sampled_from(kinds))
    dtype = draw(st.sampled_from(DTYPES))
    options = {}
    result = None
    if kind == "avg" and draw(st.booleans()):
        result = draw(st.sampled_from((*INTEGERS, *FLOATS)))
    elif kind == "sum" and draw(st.booleans()):
        result = draw(st.sampled_from(FLOATS if dtype in FLOATS else (*INTEGERS, *FLOATS)))
    # Axes that are not pooled may be empty.
    empty = [a for a in range(len(shape)) if a not in axes]
    if empty and draw(st.integers(0, 15)) == 0:
        a = draw(st.sampled_from(empty))
        shape = (*shape[:a], 0, *shape[a + 1 :])
    return {
        "kind": kind,
        "shape": shape,
        "dtype": dtype,
        "layout": draw(st.sampled_from(INPUTS)),
        "values": draw(st.sampled_from(value_names)),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "axis": axis_argument(draw, axes, len(shape)),
        "options": options,
        "result": result,
        "out": draw(st.sampled_from((None, None, *LAYOUTS))),
        "num_threads": draw(st.sampled_from((None, 1, 2, 3))),
    }


def chosen_axes(draw, shape):
    """Draw the pooled axes, in any order."""
    order = draw(st.permutations(range(len(shape))))
    return list(order[: draw(st.integers(min(1, len(shape)), len(shape)))])


@st.composite
def local_cases(draw, kinds=KINDS, value_names=("ordinary", "sparse", "special")):
    shape = shapes(draw)
    axes = draw(st.sampled_from(([*range(len(shape))], None)))
    if axes is None:
        axes = chosen_axes(draw, shape)
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
    ceil_mode = draw(st.booleans())

    def cost():
        outs = [
            reference.output_length(shape[a], k, s, by_name or p, d, ceil_mode=ceil_mode)
            for a, k, s, p, d in zip(axes, kernels, strides, paddings, dilations, strict=True)
        ]
        others = math.prod(n for a, n in enumerate(shape) if a not in axes)
        taps = (min(k, shape[a]) for a, k in zip(axes, kernels, strict=True))
        return math.prod(outs) * math.prod(taps) * others

    while cost() > MOST:
        side_by_side = False
        strides = [2 * s for s in strides]
    if by_name is None and all(before == after for before, after in paddings):
        paddings = [before for before, _ in paddings]
    case = common(draw, shape, axes, kinds, value_names)
    options = {"ceil_mode": ceil_mode}
    if case["kind"] == "avg":
        options["count_include_pad"] = draw(st.booleans())
        options["divisor_override"] = draw(
            st.sampled_from((None, None, 1, 3, -7, 1000, 2**30 + 1, 2**53))
        )
    sizes = (
        given_as(draw, kernels),
        None if side_by_side else given_as(draw, strides),
        by_name or given_as(draw, paddings),
        given_as(draw, dilations),
    )
    return Case(**{**case, "options": options}, sizes=sizes)


@st.composite
def global_cases(draw):
    shape = shapes(draw)
    case = common(draw, shape, chosen_axes(draw, shape), KINDS, ("ordinary", "sparse", "special"))
    return Case(**{**case, "options": {"keepdims": draw(st.booleans())}}, sizes=())


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


def expected_shape(case):
    """Return the shape of the result."""
    if case.sizes:
        windows = windows_of(case)
        return tuple(len(windows.get(a, range(n))) for a, n in enumerate(case.shape))
    axes = pooled_axes(case.axis, len(case.shape))
    if case.options["keepdims"]:
        return tuple(1 if a in axes else n for a, n in enumerate(case.shape))
    return tuple(n for a, n in enumerate(case.shape) if a not in axes)


def check(case, ulps=1):
    """Make one call, and compare it with the reference."""
    rng = np.random.default_rng(case.seed)
    x = arrange(VALUES[case.values](rng, case.shape, case.dtype), case.layout)
    before = x.tobytes()
    name = f"{case.kind}_pool" if case.sizes else f"global_{case.kind}_pool"
    shape = expected_shape(case)
    dtype = np.dtype(case.result) if case.result else default_dtype(case.kind, x.dtype)
    options = {**case.options, "axis": case.axis, "num_threads": case.num_threads}
    if case.result:
        options["dtype"] = case.result
    function = getattr(cypool, name)

    averages = case.kind == "avg" and dtype.kind in "iu"
    if averages and case.sizes and not case.options["count_include_pad"]:
        empty = any(not w.inside for along in windows_of(case).values() for w in along)
        if empty and case.options["divisor_override"] is None:
            with pytest.raises(ValueError, match="wholly in the padding"):
                function(x, *case.sizes, **options)
            return

    if case.out is None:
        result = function(x, *case.sizes, **options)
        assert result.flags.c_contiguous and result.flags.writeable and result.dtype.isnative
    else:
        root, out = place(shape, dtype, case.out)
        root_before, out_before = root.tobytes(), out.copy()
        assert function(x, *case.sizes, **options, out=out) is out
        result = out.astype(dtype)
        out[...] = out_before
        assert root.tobytes() == root_before, "written outside of out"
    assert x.tobytes() == before, "the input is changed"

    known = {**case.options, "axis": case.axis}
    if case.kind in ("max", "min") and case.sizes:
        known["empty"] = nothing(case.kind, x.dtype)
    exact = getattr(reference, name)(x, *case.sizes, **known)
    inexact = case.kind in ("avg", "sum") and x.dtype.kind == "f"
    assert_right(case.kind, result, exact, shape, dtype, ulps if inexact else 0)


@examples(1)
@given(local_cases())
def test_local_pooling_is_the_reference_s(case):
    check(case)


@examples(0.4)
@given(global_cases())
def test_global_pooling_is_the_reference_s(case):
    check(case)


@examples(0.1)
@given(local_cases(("max", "min"), ("extreme",)))
def test_max_and_min_of_numbers_of_every_size(case):
    check(case)


@pytest.fixture
def cut_up(monkeypatch):
    """Let small arrays be cut into tiles, passes, parts and threads as large ones are."""
    monkeypatch.setattr(engine, "SERIAL", 1)
    blocks = np.random.default_rng(0)

    def another():
        monkeypatch.setattr(engine, "BLOCK", int(blocks.choice([64, 200, 512])))
        monkeypatch.setattr(engine, "LARGE_BLOCK", int(blocks.choice([300, 1000, 4000])))
        monkeypatch.setattr(engine, "LARGEST_BLOCK", int(blocks.choice([500, 4000, 60000])))
        monkeypatch.setattr(engine, "PARTS_BYTES", int(blocks.choice([1, 1000, 100000])))
        monkeypatch.setattr(engine, "LONG_RUN", int(blocks.choice([1, 8, 24])))
        engine.planned.cache_clear()

    yield another
    engine.planned.cache_clear()


@examples(0.6)
@given(case=st.one_of(local_cases(), global_cases()))
def test_pooling_cut_into_little_pieces(case, cut_up):
    cut_up()
    check(case)


@pytest.mark.parametrize("seed", range(80))
def test_every_pair_of_dtypes(seed):
    """The kernels differ by the types of input, sum and result: each pair has its own."""
    rng = np.random.default_rng(seed)
    ndim = int(rng.integers(1, 4))
    shape = tuple(rng.integers(1, 7, ndim).tolist())
    if seed % 4 == 0:
        shape = (*shape[:-1], 70)
    kernel, stride, dilation = (tuple(rng.integers(1, most, ndim).tolist()) for most in (8, 7, 3))
    sizes = (kernel, stride, str(rng.choice(["same", "same_lower"])), dilation)
    ones = rng.integers(0, 2, shape)
    sums = np.array(reference.sum_pool(ones, *sizes))
    for dtype in DTYPES:
        x = ones.astype(dtype)
        for result in (*INTEGERS, *FLOATS):
            most = np.inf if result in FLOATS else min(np.iinfo(result).max, 2**62)
            average = cypool.avg_pool(x, *sizes, divisor_override=1, dtype=result)
            np.testing.assert_array_equal(average, np.minimum(sums, most))
            if dtype not in FLOATS or result in FLOATS:
                total = cypool.sum_pool(x, *sizes, dtype=result)
                np.testing.assert_array_equal(total, sums.astype(result))


# ------------------------------------------------------------------------- hard numbers


@examples(0.3)
@given(
    dtype=st.sampled_from(FLOATS),
    shape=st.sampled_from([(7,), (40,), (200,), (6, 9), (30, 5), (4, 3, 5)]),
    seed=st.integers(0, 2**32 - 1),
    window=st.integers(1, 200),
    stride=st.integers(1, 9),
    kind=st.sampled_from(("avg", "sum")),
    palette=st.integers(2, 6),
    axis=st.sampled_from((None, 0, -1)),
)
def test_averages_survive_cancellation(dtype, shape, seed, window, stride, kind, palette, axis):
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    most = float(info.max)
    huge = 1e30 if dtype == "float32" else 1e300
    numbers = [1.0, huge, -huge, -1.0, most, -most, most / 2, 1 / huge, 0.1, float(info.tiny)]
    if rng.random() < 0.5:
        numbers = VALUES["extreme"](rng, palette, dtype).tolist()
        numbers += [-v for v in numbers]
    x = rng.choice(np.array(numbers[: 2 * palette], dtype), shape)
    assume_window = min(window, *(shape if axis is None else (shape[axis],)))
    exact = getattr(reference, f"{kind}_pool")(x, assume_window, stride, axis=axis)
    result = getattr(cypool, f"{kind}_pool")(x, assume_window, stride, axis=axis)
    assert_right(kind, result, exact, np.shape(exact), x.dtype, 1)


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        ("float32", [1e30, 1, -1e30]),
        ("float32", [1e30, 1, -1e30] * 50),
        ("float32", [3e38] * 3),
        ("float64", [1e300, 1, -1e300]),
        ("float64", [1e300, 1e150, 1, -1e300, -1e150]),
        ("float64", [1e100, 1, -1e100] * 50),
        ("float64", [1e308, 1e308]),
        ("float64", [1e308] * 1000),
        ("float64", [1e308, 1e308, -1e308, -1e308, 1e308]),
        ("float64", [5e-324, 1e308, 1e308, -1e308, -1e308]),
        ("float64", [5e-324] * 3),
    ],
)
@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("kind", ["avg", "sum"])
def test_sums_that_doubles_cannot_hold(dtype, numbers, local, kind):
    x = np.array(numbers, dtype)
    if local:
        exact = getattr(reference, f"{kind}_pool")(x, x.size)
        result = getattr(cypool, f"{kind}_pool")(x, x.size)
    else:
        exact = getattr(reference, f"global_{kind}_pool")(x)
        result = getattr(cypool, f"global_{kind}_pool")(x)
    assert_right(kind, result, exact, np.shape(exact), x.dtype, 1)


# -------------------------------------------- large arrays, against whole-array NumPy


def fold(x, axis, k, stride, dilation, combine):
    """Combine each window along an axis: windows of powers of two, put together."""
    x = np.moveaxis(x, axis, -1)
    length = x.shape[-1] - dilation * (k - 1)
    result, offset, width = None, 0, 1
    while True:
        if k & width:
            piece = x[..., offset * dilation :][..., :length]
            result = piece if result is None else combine(result, piece)
            offset += width
        if 2 * width > k:
            return np.moveaxis(result[..., ::stride], -1, axis)
        x = combine(x[..., : -width * dilation], x[..., width * dilation :])
        width *= 2


class Large(NamedTuple):
    """A pooling of local windows too large for the reference."""

    shape: tuple[int, ...]
    axis: tuple[int, ...]
    kernel: int
    stride: int
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    def windows(self, x, combine, pad, overhang):
        """Combine each window; `pad` is put into the padding, `overhang` behind it."""
        k, s, p, d = self.kernel, self.stride, self.padding, self.dilation
        lengths = {
            a: reference.output_length(x.shape[a], k, s, p, d, ceil_mode=self.ceil_mode)
            for a in self.axis
        }
        hang = {
            a: max((out - 1) * s + d * (k - 1) + 1 - x.shape[a] - 2 * p, 0)
            for a, out in lengths.items()
        }
        around = [(p, p) if a in self.axis else (0, 0) for a in range(x.ndim)]
        x = np.pad(x, around, constant_values=pad)
        behind = [(0, hang.get(a, 0)) for a in range(x.ndim)]
        x = np.pad(x, behind, constant_values=overhang)
        for a, out in lengths.items():
            x = fold(x, a, k, s, d, combine)[(slice(None),) * a + (slice(out),)]
        return x


LARGE = [
    # long lines: windows of 2 to 100000, steps of 1 to 100000
    Large((3_000_000,), (0,), 2, 2),
    Large((1_000_003,), (0,), 3, 1, 1),
    Large((1_000_003,), (0,), 17, 5, 8),
    Large((100_003,), (0,), 1000, 1),
    Large((400_009,), (0,), 1000, 999, 500, 1, True),
    Large((300_001,), (0,), 100_000, 701),
    Large((300_001,), (0,), 100_000, 1000, 70_000),
    Large((3_000_000,), (0,), 100_000, 100_000),
    Large((1_000_003,), (0,), 5, 100_000, 2),
    Large((300_001,), (0,), 100, 3, 50, 1001),
    Large((300_001,), (0,), 30, 1, 0, 7),
    Large((1_000_003,), (0,), 33, 32, 0, 2, True),
    Large((2_000_000,), (0,), 2_000_000, 1),
    Large((1_000_000,), (0,), 999_999, 1),
    # lines side by side
    Large((3, 200_003), (1,), 5000, 4999, 17, 1, True),
    Large((200_003, 3), (0,), 5000, 2500, 1),
    Large((300_001, 2), (0,), 2, 1),
    Large((700, 1000), (0,), 700, 1),
    Large((700, 1000), (1,), 64, 1),
    # pictures
    Large((500, 700), (0, 1), 31, 1, 15),
    Large((500, 700), (0, 1), 101, 3, 50),
    Large((500, 700), (1, 0), 101, 7, 0, 1, True),
    Large((500, 700), (0, 1), 3, 2, 1),
    Large((500, 700), (0, 1), 20, 1, 0, 9),
    Large((500, 700), (0,), 101, 1, 3),
    Large((500, 700), (0, 1), 490, 2),
    # many small maps, few small maps, and volumes
    Large((64, 33, 7, 7), (2, 3), 3, 1, 1),
    Large((1, 3, 5, 5), (2, 3), 2, 2, 0, 1, True),
    Large((5, 20, 20, 16), (1, 2), 13, 1, 6),
    Large((2, 40, 40, 40), (1, 2, 3), 9, 4, 4),
    Large((24, 40, 40, 2), (0, 2), 5, 2, 2),
    # channels last: runs of 1 to 40 elements
    *(Large((90, 110, c), (0, 1), 3, 2, 1) for c in (1, 2, 3, 4, 5, 8, 16, 31, 33, 40)),
    *(Large((70, 80, c), (0, 1), 30, 1, 15) for c in (1, 3, 7, 32)),
    *(Large((2, 5_003, c), (1,), 2500, 1250, 3) for c in (1, 3, 12, 40)),
]
NAMES = [
    f"{'x'.join(map(str, c.shape))}-k{c.kernel}s{c.stride}p{c.padding}d{c.dilation}" for c in LARGE
]


def call(case, kind, x, **options):
    """Pool, and see that the number of threads does not change a bit."""
    arguments = (case.kernel, case.stride, case.padding, case.dilation)
    options |= {"axis": case.axis, "ceil_mode": case.ceil_mode}
    function = getattr(cypool, f"{kind}_pool")
    result = function(x, *arguments, **options, num_threads=1)
    for n in (2, 3, 7):
        again = function(x, *arguments, **options, num_threads=n)
        assert again.tobytes() == result.tobytes(), f"{n} threads give other bits"
    return result


@pytest.mark.parametrize("case", LARGE, ids=NAMES)
def test_large_max_and_min(case):
    # Each in another dtype, so that all have their turn.
    turn = LARGE.index(case)
    rng = np.random.default_rng(turn)
    for kind, combine, dtype in (
        ("max", np.maximum, DTYPES[turn % len(DTYPES)]),
        ("min", np.minimum, FLOATS[turn % 2]),
    ):
        x = VALUES["special" if turn % 3 else "ordinary"](rng, case.shape, dtype)
        if x.dtype.kind == "f":  # few NaN, or there would be nothing else in the results
            x[np.isnan(x) & (rng.random(case.shape) > 3 / x.size)] = 0
        pad = nothing(kind, x.dtype)
        expected = case.windows(x, combine, pad, pad)
        np.testing.assert_array_equal(call(case, kind, x), expected)


@pytest.mark.parametrize("case", LARGE, ids=NAMES)
def test_large_sums_and_averages(case):
    # Multiples of 1/1024 whose sums have less than 53 bits: int64 holds them exactly.
    turn = LARGE.index(case)
    rng = np.random.default_rng(turn)
    units = rng.integers(-(2**19), 2**19, case.shape)
    sums = case.windows(units, np.add, 0, 0)
    inside = case.windows(np.ones(case.shape, np.int64), np.add, 0, 0)
    counted = case.windows(np.ones(case.shape, np.int64), np.add, 1, 0)
    for dtype in FLOATS:
        x = (units / 1024).astype(dtype)
        assert np.max(ulps_apart(call(case, "sum", x), (sums / 1024).astype(dtype))) <= 1
        for include, counts in ((False, inside), (True, counted)):
            with np.errstate(invalid="ignore"):
                expected = (sums / counts / 1024).astype(dtype)
            result = call(case, "avg", x, count_include_pad=include)
            assert np.max(ulps_apart(result, expected)) <= 1

    dtype = INTEGERS[turn % len(INTEGERS)]
    x = ordinary(rng, case.shape, dtype)
    total = np.dtype("uint64" if x.dtype.kind == "u" else "int64")
    sums = case.windows(x.astype(total), np.add, 0, 0)
    np.testing.assert_array_equal(call(case, "sum", x), sums)
    if x.dtype.itemsize < 8:
        with np.errstate(invalid="ignore"):
            expected = sums / inside
        if x.dtype.itemsize < 4:
            expected = expected.astype(np.float32)
        np.testing.assert_array_equal(call(case, "avg", x), expected)
        override = call(case, "avg", x, divisor_override=3, dtype=np.int64)
        np.testing.assert_array_equal(override, np.rint(sums / 3).astype(np.int64))


@pytest.mark.parametrize("layout", ["fortran", "stepped", "reversed", "swapped", "tangled"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_large_arrays_of_any_layout(layout, dtype):
    rng = np.random.default_rng(3)
    values = VALUES["special"](rng, (130, 40, 170), dtype)
    x = arrange(values, layout)
    for axis, sizes in (((0, 2), (9, 4, 3)), ((1,), (5, 1)), (None, (30, 10))):
        for kind in ("max", "avg"):
            function = getattr(cypool, f"{kind}_pool")
            expected = function(values, *sizes, axis=axis, num_threads=1)
            for n in (1, 2, 3):
                result = function(x, *sizes, axis=axis, num_threads=n)
                if kind == "max":
                    np.testing.assert_array_equal(result, expected)
                else:
                    assert np.max(ulps_apart(result, expected)) <= 1


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((4_000_000,), None),
        ((1_000_003,), 0),
        ((1000, 1003), None),
        ((1000, 1003), 0),
        ((1000, 1003), 1),
        ((3, 500_009), 1),
        ((500_009, 3), 0),
        ((32, 400, 7, 7), (2, 3)),
        ((7, 7, 5000), (0, 1)),
        ((101, 20, 103), (0, 2)),
        ((9, 31, 37, 41), (0, 1, 3)),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_large_global_pooling(shape, axis, dtype):
    rng = np.random.default_rng(5)
    units = rng.integers(0, 256, shape)
    # Sixteenths are exact in every float here, and so are their sums in float64.
    x = (units / 16).astype(dtype) if dtype in FLOATS else units.astype(dtype)
    exact = np.float64 if dtype in FLOATS else np.int64
    expected = {
        "max": np.max(x, axis),
        "min": np.min(x, axis),
        "sum": np.sum(x, axis, exact),
        "avg": np.mean(x, axis, np.float64),
    }
    for kind, wanted in expected.items():
        results = [
            getattr(cypool, f"global_{kind}_pool")(x, axis=axis, num_threads=n)
            for n in (1, 2, 3, 7)
        ]
        assert len({result.tobytes() for result in results}) == 1
        wanted = np.asarray(wanted).astype(results[0].dtype)
        if dtype in FLOATS and kind in ("sum", "avg"):
            assert np.max(ulps_apart(results[0], wanted)) <= 1
        else:
            np.testing.assert_array_equal(results[0], wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", ["normal", "positive", "uneven"])
def test_large_float_averages_are_those_of_fsum(dtype, kind):
    rng = np.random.default_rng(11)
    x = rng.standard_normal((1000, 1009))
    if kind == "positive":
        x = abs(x)
    elif kind == "uneven":
        x = np.ldexp(x, rng.integers(-40, 40, x.shape))
    x = x.astype(dtype)
    whole = np.array(math.fsum(x.ravel().tolist()) / x.size, dtype)
    columns = [math.fsum(column) / len(x) for column in x.T.tolist()]
    rows = np.array([[math.fsum(row[i : i + 500]) / 500 for i in (0, 500)] for row in x.tolist()])
    for n in (1, 2, 3, 7):
        assert ulps_apart(cypool.global_avg_pool(x, num_threads=n), whole) <= 1
        result = cypool.global_avg_pool(x, axis=0, num_threads=n)
        assert np.max(ulps_apart(result, np.array(columns, dtype))) <= 1
        result = cypool.avg_pool(x, 500, axis=1, num_threads=n)
        assert np.max(ulps_apart(result, rows.astype(dtype))) <= 1
        result = cypool.avg_pool(x, x.shape, num_threads=n)
        assert ulps_apart(result, whole.reshape(1, 1)).item() <= 1


# --------------------------------------------------------------- the tests' own tools


@examples(0.15)
@given(
    shape=st.sampled_from([(4,), (9,), (3, 4), (2, 5), (3, 2)]),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 5),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 2),
    ceil_mode=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_oracle_for_large_arrays_is_the_reference(
    shape, kernel, stride, padding, dilation, ceil_mode, seed
):
    kernel = min(kernel, (min(shape) + 2 * padding - 1) // dilation + 1)  # it has to fit
    case = Large(shape, tuple(range(len(shape))), kernel, stride, padding, dilation, ceil_mode)
    x = np.random.default_rng(seed).integers(-9, 9, shape)
    sizes = (kernel, stride, padding, dilation)
    expected = reference.max_pool(x, *sizes, ceil_mode=ceil_mode, empty=-99)
    np.testing.assert_array_equal(case.windows(x, np.maximum, -99, -99), expected)
    expected = reference.sum_pool(x, *sizes, ceil_mode=ceil_mode)
    np.testing.assert_array_equal(case.windows(x, np.add, 0, 0), expected)
    ones = np.ones(shape, int)
    expected = reference.avg_pool(ones, *sizes, ceil_mode=ceil_mode, count_include_pad=True)
    sums, counts = case.windows(ones, np.add, 0, 0), case.windows(ones, np.add, 1, 0)
    expected = np.array(expected, float).reshape(sums.shape)
    np.testing.assert_array_equal(sums / counts, expected)


@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (3, 4), (2, 3, 5)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_hold_their_values(shape, dtype):
    values = ordinary(np.random.default_rng(0), shape, dtype)
    for layout in LAYOUTS:
        np.testing.assert_array_equal(arrange(values, layout), values)
    for layout in INPUTS:
        assert arrange(values, layout).shape == shape


def test_layouts_are_what_they_are_called():
    values = ordinary(np.random.default_rng(0), (3, 4, 5), "float64")
    x = {layout: arrange(values, layout) for layout in INPUTS}
    assert x["c"].flags.c_contiguous
    assert x["fortran"].flags.f_contiguous
    assert x["rotated"].transpose(1, 2, 0).flags.c_contiguous
    assert all(s < 0 for s in x["reversed"].strides)
    assert {s < 0 for s in x["half_reversed"].strides} == {True, False}
    assert x["stepped"].strides[-1] == 16
    assert x["packed_field"].strides[-1] == 9
    assert not x["unaligned"].flags.aligned
    assert not x["swapped"].dtype.isnative
    assert not x["readonly"].flags.writeable
    assert x["broadcast"].strides[0] == 0
    assert set(x["all_broadcast"].strides) == {0}
    assert x["overlapping"].strides[-1] == x["overlapping"].strides[-2]


def test_ulps_are_counted():
    one = np.float32([1, -1, 0.0, np.nan, 1, np.nan, 1e-45, np.inf])
    two = np.float32([np.nextafter(np.float32(1), 2), 1, -0.0, np.nan, np.nan, 1, -1e-45, np.inf])
    far = ulps_apart(one, two).tolist()
    assert far == [1, 2 * 0x3F800000, 0, 0, 2**64 - 1, 2**64 - 1, 2, 0]
