"""The compiled core against the exact reference, and against NumPy where that is too slow.

CYPOOL_TEST_EXAMPLES asks for another number of examples, and for other ones than the last time.
"""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np
import pytest
from arrays import (
    BFLOATS,
    DTYPES,
    FLOATS,
    INTEGERS,
    LAYOUTS,
    VALUES,
    WIDE_FLOATS,
    arrange,
    finfo,
    is_float,
    ordinary,
    plain,
)
from cases import (
    ADAPTIVE,
    ADDING,
    GLOBAL,
    INPUTS,
    LOCAL,
    NORMS,
    POOLINGS,
    SHARING,
    UNPOOLING,
    assert_right,
    cases,
    check,
    check_batch,
    nothing,
    prepare,
    run,
    ulps_apart,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planned import change, changed, instruction_set

import cypool
import reference
from cypool import kernels
from reference.geometry import pooled_axes

EXAMPLES = int(os.environ.get("CYPOOL_TEST_EXAMPLES", "1500"))


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


# ------------------------------------------------------------ any call, by the reference


@examples(1)
@given(cases(LOCAL))
def test_local_pooling_is_the_reference_s(case):
    check(case)


@examples(0.5)
@given(cases(GLOBAL))
def test_global_pooling_is_the_reference_s(case):
    check(case)


@examples(0.6)
@given(cases(ADAPTIVE))
def test_adaptive_pooling_is_the_reference_s(case):
    check(case)


@examples(0.3)
@given(cases())
def test_batches_are_pooled_as_their_arrays(case):
    check_batch(case)


@examples(0.15)
@given(cases(("max_pool", "min_pool", "lp_pool", "global_lp_pool"), ("extreme",)))
def test_numbers_of_every_size(case):
    check(case)


@examples(0.3)
@given(cases(UNPOOLING))
def test_unpooling_is_the_reference_s(case):
    check(case)


@examples(0.5)
@given(cases(SHARING))
def test_gradients_that_windows_share_out_are_the_reference_s(case):
    check(case)


@examples(0.3)
@given(cases(NORMS))
def test_gradients_of_norms_are_the_reference_s(case):
    check(case)


@examples(0.4)
@given(cases(ADDING))
def test_gradients_that_go_to_indices_are_the_reference_s(case):
    check(case)


@pytest.fixture
def cut_up():
    """Let small arrays be cut into tiles, passes, parts and threads as large ones are."""
    blocks = np.random.default_rng(0)
    with changed(SERIAL=1), pytest.MonkeyPatch.context() as patch:
        yield lambda: change(
            patch,
            BLOCK=int(blocks.choice([64, 200, 512])),
            LARGE_BLOCK=int(blocks.choice([300, 1000, 4000])),
            LARGEST_BLOCK=int(blocks.choice([500, 4000, 60000])),
            JOINED_BLOCK=int(blocks.choice([500, 4000, 60000])),
            LARGEST_JOINED=int(blocks.choice([2000, 20000, 2000000])),
            WHOLE=int(blocks.choice([1, 3, 64])),
            STRIP=int(blocks.choice([1, 500, 100000])),
            ALIGNED=int(blocks.choice([1, 8, 64])),
            SLID=int(blocks.choice([0, 20, 128, 100000])),
            FEW_SLID=int(blocks.choice([0, 16])),
            PICKED_BLOCK=int(blocks.choice([1, 500, 98304])),
            PATIENCE=int(blocks.choice([0, 1])),
            STACK=int(blocks.choice([1, 500, 6000])),
            FEWEST_PAIRS=int(blocks.choice([1, 100])),
            PAIRS_ONE_BY_ONE=range(int(blocks.choice([0, 100]))),
            SHORT_HALVES=int(blocks.choice([1, 100])),
            PARTS_BYTES=int(blocks.choice([1, 1000, 100000])),
            LONG_RUN=int(blocks.choice([1, 8, 24])),
            FAR=int(blocks.choice([2, 12])),
            LONG_PIXEL=int(blocks.choice([8, 512])),
            LARGE_INPUT=int(blocks.choice([1, 1 << 23])),
            WINDOWS=int(blocks.choice([1, 8, 1 << 17])),
        )


@examples(0.8)
@given(case=cases(POOLINGS))
def test_pooling_cut_into_little_pieces(case, cut_up):
    cut_up()
    check(case)


@examples(0.4)
@given(case=cases((*SHARING, *NORMS, *ADDING, *UNPOOLING)))
def test_the_way_back_cut_into_little_pieces(case, cut_up):
    cut_up()
    check(case)


@pytest.mark.parametrize("cut", [False, True])
def test_sums_and_their_gradients_are_transposes_on_long_axes(cut, cut_up):
    rng = np.random.default_rng(5)
    geometries = [((5, 700), (4, 4), (5, 1), (4, 2), (1, 1))]
    for _ in range(200):
        shape = (int(rng.choice([3, 20, 60])), int(rng.choice([130, 300, 700])))
        sizes = (rng.integers(1, 18, 2), rng.integers(1, 6, 2), rng.integers(5, size=2))
        geometries.append((shape[:: rng.choice([-1, 1])], *sizes, rng.integers(1, 3, 2)))
    answered = 0
    for shape, *sizes in geometries:
        if cut:
            cut_up()
        k, s, pad, d = (tuple(map(int, size)) for size in sizes)
        if any(n + 2 * q <= e * (m - 1) for n, m, q, e in zip(shape, k, pad, d, strict=True)):
            continue
        x = rng.integers(-3, 4, (2, *shape)).astype(np.float64)
        y = cypool.sum_pool(x, k, s, pad, d, axis=(1, 2))
        grad = rng.integers(-3, 4, y.shape).astype(np.float64)
        options = {"axis": (1, 2), "divisor_override": 1}
        back = cypool.avg_pool_backward(grad, x.shape, k, s, pad, d, **options)
        assert (y * grad).sum() == (x * back).sum(), (shape, k, s, pad, d)
        answered += 1
    assert answered > 100


@pytest.mark.parametrize("cut", [False, True])
def test_maxima_of_larger_arrays_are_numpy_s(cut, cut_up):
    rng = np.random.default_rng(6)
    lengths = [7, 14, 20, 31, 60, 300]
    answered = 0
    for _ in range(250):
        shape = (int(rng.choice([1, 3, 12, 40])), *(int(n) for n in rng.choice(lengths, 2)))
        if math.prod(shape) > 40_000:
            continue
        if cut:
            cut_up()
        k, s, d = (tuple(map(int, rng.choice(most, 2))) for most in ([1, 2, 3, 5, 13], 4, 2))
        s, d = tuple(q + 1 for q in s), tuple(q + 1 for q in d)
        reach = tuple(e * (m - 1) + 1 for m, e in zip(k, d, strict=True))
        pad = tuple(int(rng.integers(r // 2 + 1)) for r in reach)
        if any(n + 2 * q < r for n, q, r in zip(shape[1:], pad, reach, strict=True)):
            continue
        dtype = rng.choice(["float32", "float64", "float16", "int16"])
        x = rng.integers(-999, 1000, shape).astype(dtype)
        if x.dtype.kind == "f" and rng.random() < 0.5:
            x[tuple(rng.integers(n, size=3) for n in shape)] = np.nan
        edges = ((0, 0), *((q, q) for q in pad))
        least = -np.inf if x.dtype.kind == "f" else -1000

        def windows(y, fill, edges=edges, reach=reach, s=s, d=d):
            y = np.pad(y, edges, constant_values=fill)
            found = np.lib.stride_tricks.sliding_window_view(y, reach, (1, 2))
            found = found[:, :: s[0], :: s[1], :: d[0], :: d[1]]
            return found.reshape(*found.shape[:3], -1)

        values = windows(x, least)
        best = values.argmax(-1)[..., np.newaxis]
        at = np.arange(math.prod(shape[1:])).reshape(1, *shape[1:])
        places = np.broadcast_to(windows(at, -1), values.shape)
        options = {"axis": (1, 2), "num_threads": int(rng.integers(1, 4))}
        y, indices = cypool.max_pool(x, k, s, pad, d, return_indices=True, **options)
        expected = np.take_along_axis(values, best, -1)[..., 0]
        what = f"{dtype} {shape}, {k}, {s}, {pad}, {d}"
        np.testing.assert_array_equal(cypool.max_pool(x, k, s, pad, d, **options), expected, what)
        np.testing.assert_array_equal(-cypool.min_pool(-x, k, s, pad, d, **options), expected, what)
        np.testing.assert_array_equal(y, expected, what)
        first = np.take_along_axis(places, best, -1)[..., 0]
        np.testing.assert_array_equal(indices, first, what)
        answered += 1
    assert answered > 100


# ------------------------------------------------- any call, by itself in another guise


def bits_of(case, **options):
    """Return all bits of what a call gives; those of an error are its words."""
    try:
        with np.errstate(all="ignore"):
            return [(x.shape, x.dtype, x.tobytes()) for x in run(case, **options)]
    except ValueError as error:
        return str(error)


@examples(0.4)
@given(case=cases())
def test_the_number_of_threads_changes_no_bit(case, cut_up):
    cut_up()
    expected = bits_of(case, num_threads=1)
    for n in (2, 3, 7):
        assert bits_of(case, num_threads=n) == expected, f"{n} threads give other bits"


@examples(0.5)
@given(case=cases(), cut=st.booleans())
def test_the_instruction_set_changes_no_bit(case, cut, cut_up):
    if cut:
        cut_up()
    found = {}
    for name in kernels.INSTRUCTION_SETS:
        with instruction_set(name):
            found[name] = bits_of(case)
    assert all(bits == found["baseline"] for bits in found.values()), list(found)


@examples(0.3)
@given(cases(ADDING))
def test_gradients_that_go_to_indices_are_added_in_order(case):
    (result,) = run(case)
    assert_added_in_order(case, result)


def assert_added_in_order(case, result):
    """Compare with NumPy, which adds one by one; 16-bit floats as float32."""
    call = prepare(case)
    grad, indices = call.arrays
    axes = sorted(pooled_axes(case.axis, len(case.shape)))
    kept = list(case.shape)
    for a in axes:
        kept[a] = 1
    if case.windows == "global":
        grad, indices = grad.reshape(kept), indices.reshape(kept)
    grad, indices = grad[np.newaxis], indices[np.newaxis]  # at least one axis
    wide = np.float32 if grad.itemsize == 2 else grad.dtype.newbyteorder("=")
    expected = np.zeros((1, *case.shape), wide)
    where = list(np.indices(grad.shape))
    counted = indices >= 0
    # Flat: NumPy 2.4 mistakes large arrays of indices whose last axis has length 1.
    flat = np.where(counted, indices, 0).reshape(-1)
    along = np.unravel_index(flat, [case.shape[a] for a in axes] or [1])
    for a, position in zip(axes, along, strict=False):
        where[a + 1] = position.reshape(indices.shape)
    with np.errstate(all="ignore"):
        np.add.at(expected, tuple(w[counted] for w in where), grad.astype(wide)[counted])
        expected = expected.astype(result.dtype)
    np.testing.assert_array_equal(plain(result), plain(expected[0]))


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
            expected = np.minimum(sums, most).astype(result)
            np.testing.assert_array_equal(plain(average), plain(expected))
            if dtype not in FLOATS or result in FLOATS:
                total = cypool.sum_pool(x, *sizes, dtype=result)
                np.testing.assert_array_equal(plain(total), plain(sums.astype(result)))


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
    info = finfo(dtype)
    most = float(info.max)
    huge = {"float16": 1e4, "float64": 1e300}.get(dtype, 1e30)
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


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", *BFLOATS])
@pytest.mark.parametrize("padding", [(0, 0), (0, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("kernel", [(2, 2), (4, 2), (1, 3), (3, 3)], ids=str)
@pytest.mark.parametrize("channels", [1, 3, 64])
@pytest.mark.parametrize("bytes_", [10_000, 30_000])
def test_what_is_fetched_meanwhile_is_no_other(bytes_, channels, kernel, padding, dtype):
    # Rows of large arrays are fetched before they are folded, and long ones go in pieces.  A few of
    # them are no large array.
    rng = np.random.default_rng(channels)
    options = {"padding": ((0, 0), padding), "axis": (0, 1)}
    size = channels * np.dtype(dtype).itemsize
    for width in (bytes_ // size, bytes_ // size + 1):
        shape = ((9 << 17) // (width * size), width, channels)
        x = rng.integers(0, 100, shape).astype(dtype)
        for kind, more in (("max", {}), ("avg", {"dtype": dtype})):
            pool = getattr(cypool, f"{kind}_pool")
            with changed(LARGE_INPUT=1 << 20):
                whole = pool(x, kernel, **options, **more)
            for row in (0, len(whole) // 2, len(whole) - 3):
                rows = x[row * kernel[0] : (row + 3) * kernel[0]]
                few = pool(rows, kernel, **options, **more)
                assert whole[row : row + 3].tobytes() == few.tobytes()


@pytest.mark.parametrize("case", LARGE, ids=NAMES)
def test_large_max_and_min(case):
    # Each in another dtype, so that all have their turn.
    turn = LARGE.index(case)
    rng = np.random.default_rng(turn)
    for kind, combine, dtype in (
        ("max", np.maximum, DTYPES[turn % len(DTYPES)]),
        ("min", np.minimum, FLOATS[turn % len(FLOATS)]),
    ):
        x = VALUES["special" if turn % 3 else "ordinary"](rng, case.shape, dtype)
        if is_float(dtype):  # few NaN, or there would be nothing else in the results
            x[np.isnan(x) & (rng.random(case.shape) > 3 / x.size)] = 0
        pad = nothing(kind, x.dtype)
        expected = case.windows(plain(x), combine, pad, pad)
        np.testing.assert_array_equal(plain(call(case, kind, x)), expected)


@pytest.mark.parametrize("case", LARGE, ids=NAMES)
def test_large_sums_and_averages(case):
    # Multiples of 1/1024 whose sums have less than 53 bits: int64 holds them exactly.
    turn = LARGE.index(case)
    rng = np.random.default_rng(turn)
    units = rng.integers(-(2**19), 2**19, case.shape)
    sums = case.windows(units, np.add, 0, 0)
    inside = case.windows(np.ones(case.shape, np.int64), np.add, 0, 0)
    counted = case.windows(np.ones(case.shape, np.int64), np.add, 1, 0)
    for dtype in WIDE_FLOATS:
        x = (units / 1024).astype(dtype)
        assert np.max(ulps_apart(call(case, "sum", x), (sums / 1024).astype(dtype))) <= 1
        for include, counts in ((False, inside), (True, counted)):
            with np.errstate(invalid="ignore"):
                expected = (sums / counts / 1024).astype(dtype)
            result = call(case, "avg", x, count_include_pad=include)
            assert np.max(ulps_apart(result, expected)) <= 1

    narrow = [dtype for dtype in FLOATS if dtype not in WIDE_FLOATS]
    dtype = narrow[turn % len(narrow)]
    few = units >> 12  # as many bits as a bfloat16 has
    sums = case.windows(few, np.add, 0, 0)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = (sums / inside / 1024).astype(dtype)
        result = call(case, "avg", (few / 1024).astype(dtype))
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
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64"])
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
        with np.errstate(over="ignore"):
            wanted = np.asarray(wanted).astype(results[0].dtype)
        if dtype in FLOATS and kind in ("sum", "avg"):
            assert np.max(ulps_apart(results[0], wanted)) <= 1
        else:
            np.testing.assert_array_equal(results[0], wanted)


@pytest.mark.parametrize("dtype", WIDE_FLOATS)
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
