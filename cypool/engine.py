"""From a call's arguments to a plan for the kernels, looked up when they were seen before."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import geometry, threads
from .geometry import Window
from .kernels import Plan

Array = NDArray[Any]

#: What a pooling returns: an array or, with its indices, two; the type system cannot tell.
ArrayOrPair = Any

#: The kernels' codes of what they do: order by the greatest or the least, or add.
KINDS = {"max": 0, "min": 1, "sum": 2}

#: The kernels' codes of element types.
ELEMENTS = {
    name: code
    for code, name in enumerate(
        [
            *("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
            *("float32", "float64", "float16", "bfloat16"),
        ]
    )
}
ELEMENTS["bool"] = ELEMENTS["uint8"]

#: The types of results that are no integers, in words.
FLOATS = "float16, bfloat16, float32 or float64"

#: The kernels' accumulators of sums, in the order of their codes, and their bytes.
ACCUMULATORS = {
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "double": 8,
    "twin": 16,
    "wide": 16,
    "sparse": 32,
}

#: What the kernels can make of elements before they lift them, in the order of their codes.
MAPPINGS = ("none", "widen", "rank", "power", "number", "pack", "pack_wide", "square")

#: Bytes of a tile's scratch rows: with their phases and results they stay near an L1 cache in size.
BLOCK = 16384

#: The same where tiles are made tall, for windows that overlap much.
LARGE_BLOCK = 24576

#: Bytes of the rows of planes that are done together: less, as they gain less.
STACK = 10240

#: Sums of at most so many rows are finished as soon as they are added up.
ROWS_AT_ONCE = 4

#: Of 16-bit floats with channels last, so many.
HALVES_AT_ONCE = 9

#: Of float64, so many; where windows overlap, only so many beside 3/2 of the rows from one window's
#: start to the next one's: else sums that slide are faster.
DOUBLES_AT_ONCE = 64
OVERLAPPING_DOUBLES = 16

#: Windows that overlap by rows share sums over at most so many rows above.
ROWS_TO_SHARE = 3

#: So many rows of their results are in an item, at most.
MOST_SHARED = 64

#: The greatest of at most so many elements is found with its index, row by row.
FIRST_AT_ONCE = 27

#: The same along rows of at least so many windows, if their stride and reach are at most these.
FIRST_ALONG = 16
FEWEST_LANES = 24
MOST_PHASES = 8
MOST_REACH = 64

#: Rows of fewer pairs are not worth being laid end to end.
FEWEST_PAIRS = 3

#: Rows of so many elements are paired at once.
PAIRED = 8192

#: Rows of so many pairs of float32 are faster when they are added up one by one.
PAIRS_ONE_BY_ONE = range(16, 100)

#: Shorter rows of 16-bit floats are made floats together, before they are added up.
SHORT_HALVES = 100

#: Shorter ones are ranked together before they are ordered, not as they are compared.
SHORT_KEYS = 64

#: No block is larger, whatever the window: a thread has four.
LARGEST_BLOCK = 524288

#: Sums of floats that chain more rows than this leave too many in doubt, to be added up anew.
DEEPEST = 300

#: Bytes of the vectors that rows had better be whole ones of; the kernels have it, too.
VECTOR = 32

#: Runs of at least this many bytes beside the last pooled axis are worth rows of their own.
LONG_RUN = 128

#: The same where transposed windows overlap, and positions are in so many of them at most.
LONG_SPREAD = 640
MOST_COLUMNS = 3

#: Bytes of the rows of a tile of these.
SPREAD_BLOCK = 131072

#: Rows of fewer lanes that two phases make in turns are not worth it.
FEWEST_WOVEN = 48

#: Calls that combine fewer elements than this run on one thread: two were no faster.
SERIAL = 80_000


#: Types of arguments that `frozen` would give back as they are.
AS_GIVEN = (int, type(None), str)


#: What bfloat16 is handed to the kernels as.
BITS = np.dtype(np.uint16)

#: Bytes of the results of parts of windows.
PARTS_BYTES = 1 << 20


class Recipe(NamedTuple):
    """What a call signature comes to."""

    shape: tuple[int, ...]  # of the result
    dtype: np.dtype[Any]
    plan: Plan | None  # None if the result has no elements
    parallel: bool
    x_as_bits: bool  # x is bfloat16, whose buffers only its own package understands
    as_bits: bool  # so is the result


class Request(NamedTuple):
    """What a pooling is asked for, as hashable values; see `pool`."""

    kind: str
    kernel_size: Any = None
    stride: Any = None
    padding: Any = 0
    dilation: Any = 1
    axis: Any = None
    windows: str = "local"
    output_size: Any = None
    turned_shape: Any = None
    ceil_mode: bool = False
    keepdims: bool = True
    count_include_pad: bool = False
    divisor_override: int | None = None
    p: float = 0.0
    dtype: np.dtype[Any] | None = None
    omits: bool = False
    indices: bool = False
    beside: np.dtype[Any] | None = None


def pool(
    kind: str,
    x: Any,
    kernel_size: Any = None,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    *,
    axis: Any,
    windows: str = "local",
    output_size: Any = None,
    turned_shape: Any = None,
    ceil_mode: bool = False,
    keepdims: bool = True,
    count_include_pad: bool = False,
    divisor_override: Any = None,
    p: float = 0.0,
    dtype: Any = None,
    return_indices: bool = False,
    nan_policy: str = "propagate",
    beside: Array | None = None,
    out: Any = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool x, and return the result, or it and its indices.

    The `windows` are "local" ones, of `kernel_size` and what follows it; or "global", one over the
    whole of each pooled axis; or "adaptive", `output_size` of which share out an axis.  With a
    `turned_shape`, x is the result of pooling an array of that shape, and each position of that
    array pools the windows that it was in.

    Two kinds make the gradient of a norm, with an array `beside` the result, as large as that.
    "weight" takes x to what is beside it over y ** (p - 1), y being the norm of a window; "slope"
    adds such weights up, times sign(v) * abs(v) ** (p - 1) for v beside the result.  Powers and
    products have to stay in float64's range.
    """
    if type(x) is not np.ndarray:
        x = plain_array(x)
    if p == math.inf:
        return greatest_magnitude(
            x,
            (kernel_size, stride, padding, dilation),
            {"axis": axis, "windows": windows, "ceil_mode": ceil_mode, "keepdims": keepdims},
            dtype,
            nan_policy,
            out,
            num_threads,
        )
    if windows == "local":
        if type(kernel_size) not in AS_GIVEN:
            kernel_size = frozen(kernel_size, "kernel_size")
        if type(stride) not in AS_GIVEN:
            stride = frozen(stride, "stride")
        if type(padding) not in AS_GIVEN:
            padding = frozen(padding, "padding")
        if type(dilation) not in AS_GIVEN:
            dilation = frozen(dilation, "dilation")
    elif windows == "adaptive":
        output_size = frozen(output_size, "output_size")
    request = (
        kind,
        kernel_size,
        stride,
        padding,
        dilation,
        axis if type(axis) in AS_GIVEN else frozen(axis, "axis"),
        windows,
        output_size,
        turned_shape,
        ceil_mode,
        keepdims,
        count_include_pad,
        None if divisor_override is None else divisor(divisor_override),
        p,
        None if dtype is None else element_type(dtype),
        nan_policy == "omit" and is_float(x.dtype),
        return_indices,
        None if beside is None else beside.dtype.newbyteorder("="),
    )
    if beside is not None:
        beside = as_bits(contiguous(beside))
    recipe = planned(x.shape, x.strides, x.dtype, None, request)
    if nan_policy != "propagate":
        check_nan_policy(nan_policy, x, Request(*request), num_threads)
    result = np.empty(recipe.shape, recipe.dtype) if out is None else out
    indices = np.empty(recipe.shape, np.int64) if return_indices else None
    # What fits as it is needs no closer look.
    fits = out is None or (
        type(out) is np.ndarray and out.dtype is recipe.dtype and out.flags.writeable
    )
    if not (fits and run(recipe, x, result, indices, num_threads, beside)):
        fill(out, recipe, request, x, indices, num_threads, beside)
    return result if indices is None else (result, indices)


def fill(
    out: Any,
    recipe: Recipe,
    request: tuple[Any, ...],
    x: Array,
    indices: Array | None,
    num_threads: int | None,
    beside: Array | None,
) -> None:
    """Pool x into an `out` of any kind and strides, or refuse it."""
    check_out(out, recipe.shape, recipe.dtype)
    target = out.view(np.ndarray)  # a subclass may have its own idea of strides
    flags = target.flags
    packed = flags.c_contiguous
    alone = indices is None and beside is None
    if flags.aligned and target.dtype.isnative and (packed or alone):
        fitting = recipe
        if not packed:
            fitting = planned(x.shape, x.strides, x.dtype, target.strides, request)
        if run(fitting, x, target, indices, num_threads, beside):
            return
    # The kernels write elements as they are, and may not read what they have written.
    result = np.empty(recipe.shape, recipe.dtype)
    run(recipe, x, result, indices, num_threads, beside)
    np.copyto(target, result)


def run(
    recipe: Recipe,
    x: Array,
    result: Array,
    indices: Array | None,
    num_threads: int | None,
    beside: Array | None = None,
) -> bool:
    """Let the kernels fill the result.

    False, with nothing done, if it is not laid out as planned or may overlap what is read.
    """
    n = threads.resolve(num_threads) if recipe.parallel or num_threads is not None else 1
    if recipe.plan is None:
        return result.shape == recipe.shape
    if recipe.x_as_bits:
        x = x.view(BITS)
    if recipe.as_bits:
        result = result.view(BITS)
    return recipe.plan.run(x, result, indices, n if recipe.parallel else 1, beside)


def check_nan_policy(policy: str, x: Array, request: Request, num_threads: int | None) -> None:
    """Refuse unknown policies and, if the policy is to raise, windows with a NaN."""
    if policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy is {policy!r}; it must be 'propagate', 'omit' or 'raise'")
    if policy != "raise" or not is_float(x.dtype) or x.size == 0:
        return
    everywhere = Request("max", axis=None, windows="global")
    if not np.isnan(greatest(everywhere, x, num_threads)).any():
        return
    here = request._replace(kind="max", p=0.0, divisor_override=None, dtype=None, indices=False)
    if np.isnan(greatest(here, x, num_threads)).any():
        raise ValueError(
            "nan_policy is 'raise' and x has a NaN in a window; use 'omit' to leave NaNs out or"
            " 'propagate' to pass them on"
        )


def greatest_magnitude(
    x: Array,
    sizes: tuple[Any, ...],
    windows: dict[str, Any],
    dtype: Any,
    nan_policy: str,
    out: Any,
    num_threads: int | None,
) -> Any:
    """Pool by the norm of infinite order, which is the greater of max(x) and -min(x)."""
    ends = []
    for kind in ("max", "min"):
        end = pool(kind, x, *sizes, nan_policy=nan_policy, num_threads=num_threads, **windows)
        ends.append(np.asarray(end).astype(np.float64))
    high, low = ends
    size = np.maximum(high, np.negative(low, out=low), out=high)
    np.maximum(size, 0.0, out=size)  # where there is no element
    # One more pooling, by windows of one, rounds.
    dtype = result_dtype("lp", x.dtype, None if dtype is None else element_type(dtype))
    return pool("avg", size, 1, axis=(), dtype=dtype, out=out, num_threads=num_threads)


def greatest(request: Request, x: Array, num_threads: int | None) -> Array:
    """Pool by the greatest element, which is NaN where there is one."""
    recipe = planned(x.shape, x.strides, x.dtype, None, request)
    result = np.empty(recipe.shape, recipe.dtype)
    run(recipe, x, result, None, num_threads)
    return result


@lru_cache(maxsize=1024)
def planned(
    x_shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    x_dtype: np.dtype[Any],
    out_strides: tuple[int, ...] | None,
    asked: tuple[Any, ...],
) -> Recipe:
    """Check a call's arguments, those of a `Request`, and plan it.

    With `out_strides` None the result is a new C-contiguous array.
    """
    request = Request(*asked)
    check_element(x_dtype)
    shape = x_shape if request.turned_shape is None else request.turned_shape
    axes = geometry.pooled_axes(request.axis, len(shape))
    at = dict(zip(axes, windows_of(request, shape, axes), strict=True))
    out_dtype = result_dtype(request.kind, x_dtype, request.dtype)
    if request.turned_shape is not None:
        check_turned(x_shape, shape, at)
        at = {a: window.transposed() for a, window in at.items()}
    elif request.kind == "avg" and out_dtype.kind in "iu" and request.divisor_override is None:
        for a, window in at.items():
            if window.some_are_empty() and not request.count_include_pad:
                raise ValueError(
                    f"a window along axis {a} lies wholly in the padding: its average is NaN, which"
                    f" {out_dtype} cannot hold; use a float dtype or less padding"
                )
    if request.count_include_pad and math.prod(w.size for w in at.values()) > 1 << 53:
        raise ValueError(
            f"windows of kernel_size {tuple(w.size for w in at.values())} over the axes {axes}"
            " count more than 2**53 positions with their padding, which no divisor can be"
        )
    kept = tuple(at[a].out if a in at else n for a, n in enumerate(x_shape))
    shape = kept if request.keepdims else tuple(n for a, n in enumerate(kept) if a not in at)
    bits = (is_bfloat16(x_dtype), is_bfloat16(out_dtype))
    if math.prod(kept) == 0:
        return Recipe(shape, out_dtype, None, False, *bits)
    if out_strides is None:
        out_strides = contiguous_strides(shape, out_dtype.itemsize)
    plan, work = plan_for(request, x_shape, x_strides, x_dtype, shape, out_strides, out_dtype, at)
    return Recipe(shape, out_dtype, plan, work >= SERIAL, *bits)


def check_turned(
    grad_shape: tuple[int, ...], shape: tuple[int, ...], windows: dict[int, Window]
) -> None:
    """Refuse a gradient of another shape than that of the pooled array."""
    pooled = tuple(windows[a].out if a in windows else n for a, n in enumerate(shape))
    if grad_shape != pooled:
        raise ValueError(
            f"grad_output has shape {grad_shape}; pooling an array of shape {shape} gives {pooled}"
        )


def windows_of(
    request: Request, shape: tuple[int, ...], axes: tuple[int, ...]
) -> tuple[Window, ...]:
    """Return the windows along each pooled axis, in the order of `axes`."""
    if request.windows == "global":
        return geometry.global_windows(shape, axes)
    if request.windows == "adaptive":
        return geometry.adaptive_windows(shape, axes, request.output_size)
    return geometry.local_windows(
        shape,
        axes,
        request.kernel_size,
        request.stride,
        request.padding,
        request.dilation,
        request.ceil_mode,
    )


class Axis(NamedTuple):
    """One axis as the kernels know it, pooled or not (then k = s = d = 1)."""

    n: int  # input positions
    out: int  # output positions
    k: int
    s: int
    d: int
    before: int
    counted: int  # padding counts up to this position; negative: it does not
    xs: int  # strides in bytes
    os: int
    step: int = 0  # of the index from a position to the next
    spacing: int = geometry.REGULAR
    turned_k: int = 0  # of the windows that were transposed
    turned_s: int = 0
    turned_d: int = 0

    def is_plain(self) -> bool:
        """Whether the axis is as good as not pooled."""
        alone = self.k == self.s == 1 and self.n == self.out and not self.before
        return alone and self.spacing == geometry.REGULAR

    def covers_all(self) -> bool:
        """Whether one window is the whole axis."""
        alone = self.out == 1 and self.k == self.n and self.d == 1 and not self.before
        return alone and self.spacing == geometry.REGULAR

    def repeats(self) -> bool:
        """Whether windows side by side were transposed: their positions get what they have."""
        turned = self.spacing == geometry.TRANSPOSED
        return turned and self.turned_k == self.turned_s and self.turned_d == 1

    def spreads(self) -> bool:
        """Whether windows that overlap were transposed, and positions are in a few of them."""
        turned = self.spacing == geometry.TRANSPOSED and self.turned_d == 1
        return turned and self.turned_s < self.turned_k <= MOST_COLUMNS * self.turned_s

    def is_uncut(self) -> bool:
        """Whether every window has all its positions, or counts them at least."""
        end = (self.out - 1) * self.s - self.before + (self.k - 1) * self.d
        if self.spacing != geometry.REGULAR:
            return False
        return end < self.counted if self.counted >= 0 else not self.before and end < self.n

    def least_count(self) -> int:
        """How many positions every window has and counts, at least: those at the ends have least.

        Or 1, if that is less.
        """
        if self.is_uncut():
            return self.k
        if self.spacing != geometry.REGULAR or self.d > 1:
            return 1
        ends = (-self.before, (self.out - 1) * self.s - self.before)
        return max(min(min(start + self.k, self.n) - max(start, 0) for start in ends), 1)

    def tiles(self) -> bool:
        """Whether the windows lie side by side, from one end of the axis to the other."""
        apart = self.d * (self.k - 1) < self.s
        apart = apart and self.n == self.out * self.s and not self.before
        return apart and self.spacing == geometry.REGULAR


ALONE = Axis(1, 1, 1, 1, 1, 0, -1, 0, 0)


def plan_for(
    request: Request,
    x_shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    x_dtype: np.dtype[Any],
    out_shape: tuple[int, ...],
    out_strides: tuple[int, ...],
    out_dtype: np.dtype[Any],
    windows: dict[int, Window],
) -> tuple[Plan, int]:
    """Return the plan, and about how many elements it combines."""
    axes = []
    steps = iter(out_strides)
    for a, n in enumerate(x_shape):
        # Axes that are pooled whole and not kept have no place in the output.
        xs, os = x_strides[a], next(steps) if request.keepdims or a not in windows else 0
        w = windows.get(a, Window(n, n, 1, 1, 1, 0, 0))
        counted = n + w.after if request.count_include_pad else -1
        # A single window has no stride, and a single tap no dilation (but where it lies).
        s = w.stride if w.out > 1 else 1
        d = w.dilation if w.size > 1 or w.spacing == geometry.TRANSPOSED else 1
        step = 0
        if request.indices and a in windows:
            step = math.prod(m for b, m in enumerate(x_shape) if b > a and b in windows)
        os = os if w.out > 1 else 0
        axes.append(
            Axis(n, w.out, w.size, s, d, w.before, counted, xs, os, step, w.spacing, *w.turned)
        )
    taps = math.prod(min(axis.k, axis.n) for axis in axes)
    # What is read once, and what slides: a window of k takes some log2(k) combines along an axis.
    slid = 1 + sum(doublings(axis.k) for axis in axes if axis.out > 1)
    work = math.prod(x_shape) + math.prod(out_shape) * slid
    # If all windows have all their positions, there is one divisor for all.
    divisor_override = request.divisor_override
    averages = request.kind == "avg" and divisor_override is None
    if averages and not request.omits and all(axis.is_uncut() for axis in axes):
        averages, divisor_override = False, math.prod(axis.k for axis in axes)
    merged = merge(axes)
    size, out_size = x_dtype.itemsize, out_dtype.itemsize

    positions = math.prod(n for a, n in enumerate(x_shape) if a in windows)
    most = max(math.prod(axis.k for axis in axes), abs(request.divisor_override or 1))
    sums = request.kind not in ("max", "min")
    wraps = request.kind == "sum" and not is_float(out_dtype)
    mapping = mapping_of(request, x_dtype, out_dtype, positions)
    if sums:
        acc = accumulator(request, x_dtype, out_dtype, most, not wraps)
        kind, acc_code, acc_size = "sum", list(ACCUMULATORS).index(acc), ACCUMULATORS[acc]
        if mapping == "power" and request.p == 2 and x_dtype.name == "float32" and acc == "double":
            mapping = "square"
    else:
        acc, acc_code = "", 0
        # Ranks are always ordered by the greatest.
        kind = request.kind if mapping == "none" else "max"
        acc_size = {"pack": 8, "pack_wide": 16}.get(mapping, size)

    # The lanes: the last axis, or the last pooled one with a short run of elements beside it.
    inner = ALONE._replace(xs=size, os=out_size)
    lane = merged.pop() if merged else ALONE._replace(xs=size, os=out_size)
    long_run = LONG_RUN
    if merged and merged[-1].spreads():
        sources = math.prod(axis.k for axis in merged[:-1])
        if few_rows(request, "none", sources, ALONE, merged[-1], 2, x_dtype, out_dtype, 0, False):
            long_run = LONG_SPREAD
    short_run = lane.is_plain() and lane.n * size < long_run and lane.xs == size
    if short_run and merged and not merged[-1].is_plain():
        inner, lane = lane, merged.pop()
    if lane.out == 1:
        lane = lane._replace(os=inner.n * out_size)
    row = merged.pop() if merged else ALONE
    rows_above = math.prod(axis.k for axis in merged)
    planes = merged[-1].out if merged and merged[-1].is_plain() else 1
    unpaired = acc in ("wide", "sparse")
    rounds = acc in ("double", "twin", "sparse")
    # Each row has one index, which has to fit in 32 bits or, beside elements of 8 bytes, in 64.
    ordered = x_dtype.kind in "iub" or (x_dtype.kind == "f" and size > 2)
    firsts = mapping == ("pack" if size <= 4 else "pack_wide") and not request.omits and ordered
    # Of equal elements the first is kept that comes: in memory they have to lie in C order.
    index_steps = [axis.step for axis in (*merged, row, lane) if axis.k > 1]
    firsts = firsts and index_steps == sorted(index_steps, reverse=True)
    if lane.is_plain() and lane.step == 0:
        firsts = firsts and rows_above * row.k <= FIRST_AT_ONCE
    else:
        firsts = firsts and inner.n == 1 and rows_above * row.k * lane.k <= FIRST_ALONG
        firsts = firsts and is_near(lane)
    divides = 0 if averages else divisor_override or 1
    shares = mapping == "none" and acc != "twin" and rows_are_shared(rows_above, row, lane)
    few = few_rows(
        request, mapping, rows_above, row, lane, inner.n, x_dtype, out_dtype, divides, shares
    )
    shares = shares and few
    tiling = tiling_of(
        rows_above,
        row,
        lane,
        inner.n,
        acc_size,
        unpaired,
        rounds,
        mapping not in ("none", "square"),
        firsts or (few and acc == "twin"),
        few,
        shares,
        not sums and mapping == "none" and not (is_float(x_dtype) and size == 2),
    )

    halves = sums and is_float(x_dtype) and size == 2 and mapping == "none"
    alone = not (tiling.lifts or tiling.joins or tiling.reduces)
    alone = alone and row.spacing != geometry.ADAPTIVE
    if halves and alone and lane.n * inner.n < SHORT_HALVES:
        mapping = "widen"
    short = lane.n * inner.n < SHORT_KEYS
    if not sums and is_float(x_dtype) and size == 2 and mapping == "none" and short:
        mapping, kind = "rank", "max"

    # Few items with large windows: split the windows, to have work for every thread, and into so
    # many parts that a sum is as shallow as it can be.
    tiles = -(-row.out // tiling.tile) * -(-lane.out // tiling.lanes)
    items = math.prod(axis.out for axis in merged) * tiles
    passes = -(-min(lane.k, lane.n) // tiling.taps)
    parts, parts_rows = 1, False
    even = row.spacing == lane.spacing == geometry.REGULAR
    if items < 16 and work > items * SERIAL and even and not (tiling.lifts or tiling.joins):
        parts_rows = passes < 8
        room = PARTS_BYTES // (items * tiling.tile * tiling.lanes * inner.n * acc_size)
        most_parts = min(row.k // 8 if parts_rows else passes, room)
        parts = max(1, min(most_parts, max(64 // items, math.isqrt(row.k // 3))))
    stack = stack_of(planes, row, lane, inner.n * acc_size, tiling) if parts == 1 else 1

    # The most additions that an element goes through: of rows, three at a time; of cells along
    # them, by 16 lanes and eighths of long runs, or by doubling; of passes; of parts.
    rows = -(-rows_above * row.k // (parts if parts_rows else 1) // 3) + 3
    if tiling.lifts:
        rows = rows_above // 3 + 3 + doublings(row.k)
    if tiling.joins:
        rows = rows_above // 3 + 3 + row.k // 2 + 1  # half a block on the average
    cells = tiling.taps // 64 + 64 if tiling.reduces else tiling.taps
    if even and not (tiling.reduces or tiling.bare) and (lane.s == 1 or tiling.slides):
        cells = doublings(tiling.taps)
    depth = rows + cells
    depth += passes if parts_rows else -(-passes // parts)
    depth += parts

    least = math.prod(axis.least_count() for axis in axes) if averages else divisor_override or 1
    margin = margin_of(taps * depth / abs(least))
    few = few and (margin > 0 or acc != "double") and (shares or not tiling.lifts)

    plan = Plan(
        KINDS[kind],
        ELEMENTS[x_dtype.name],
        MAPPINGS.index(mapping),
        acc_code,
        ELEMENTS[out_dtype.name],
        x_shape=x_shape,
        x_strides=x_strides,
        out_shape=out_shape,
        out_strides=out_strides,
        outer=merged,
        row=row,
        lane=lane,
        inner=(inner.n, inner.xs, inner.os if inner.n > 1 else out_size, inner.step),
        swap=not x_dtype.isnative,
        averages=averages,
        divisor=request.p or float(divisor_override or 1),
        terms=taps,
        depth=depth,
        wraps=wraps,
        least=request.kind == "min",
        omits=request.omits,
        scans=not sums_are_safe(request, x_dtype, taps),
        checks=checks_pay(row, lane, tiling),
        at_once=(firsts or few) and tiling.taps == lane.k,  # in one pass
        margin=margin,
        stack=stack,
        room=2 * BLOCK,
        parts=parts,
        parts_rows=parts_rows,
        beside=None if request.beside is None else ELEMENTS[request.beside.name],
        **tiling._asdict(),
    )
    return plan, work


def mapping_of(request: Request, x: np.dtype[Any], out: np.dtype[Any], positions: int) -> str:
    """Choose what elements become before they are lifted; `positions` have an index each."""
    if request.kind in ("lp", "weight"):
        return "power"
    if request.kind in ("sum", "avg", "slope"):
        small = is_float(x) and x.itemsize == 2
        twins = out.itemsize > 4 or not is_float(out)
        return "number" if request.omits or (small and twins) else "none"
    if request.indices:
        return "pack" if x.itemsize <= 4 and positions < 1 << 31 else "pack_wide"
    return "rank" if request.omits else "none"


def sums_are_safe(request: Request, x: np.dtype[Any], count: int) -> bool:
    """Return whether sums of `count` elements are exact enough, whatever the elements are."""
    if request.beside is not None:
        return True
    if request.kind == "lp":
        # Powers stay far from the ends of double's range.
        return not request.omits and request.p * (149 if x.itemsize < 8 else 1074) < 900
    # Multiples of 2**-24 below 2**16, of which double holds 2**13 times as much.
    return x.kind == "f" and x.itemsize == 2 and count <= 1 << 12


class Tiling(NamedTuple):
    """How the rows and lanes of an item are folded; the kernels say what each word means."""

    leading: bool
    reduces: bool
    slides: bool
    lifts: bool
    joins: bool
    bare: bool
    pairs: bool
    tile: int
    lanes: int
    taps: int
    pitch: int


def tiling_of(
    rows_above: int,
    row: Axis,
    lane: Axis,
    inner: int,
    acc_size: int,
    unpaired: bool,
    rounds: bool,
    mapped: bool,
    direct: bool,
    few: bool,
    shares: bool,
    compared: bool,
) -> Tiling:
    """Choose the path of the kernels, and a tile that stays in the cache.

    If `direct`, each row is folded for each of its windows.  With `few`, rows and pairs along them
    become output at once; with `shares`, windows that share rows do, too.  Elements may be
    `compared` as they are, and so may what lies behind rows.
    """
    cell = inner * acc_size
    if lane.spacing != geometry.REGULAR:
        # What becomes output at once needs no room.
        block = SPREAD_BLOCK if few and lane.spreads() else BLOCK
        return uneven_tiling(row, lane, max(block // cell, 1))
    leading = lane.k == lane.s == 1 and not lane.before and lane.out <= lane.n
    apart = lane.out == 1 or (lane.k >= 16 and 2 * lane.s >= lane.k) or lane.s > 16
    reduces = apart and lane.d == 1 and not leading
    # A window of k slides in about 2 log2(k) combines at every position, and takes k directly.
    # Cells of several elements are dealt out slowly, so that it pays to pick few of them.
    slides = lane.s > 1 and (inner > 1 or lane.k > lane.s * (doublings(lane.k) + 1))
    reach = row.d * (row.k - 1) + 1
    path = "direct"
    small = 16 * cell * reach <= LARGEST_BLOCK and lane.s <= max(BLOCK // cell, 1)
    if row.out > 1 and row.spacing == geometry.REGULAR and small and not direct:
        passes = 0 if leading else passes_along(lane, reduces, slides)
        path = row_path(rows_above, row, lane.n * cell, passes, mapped)
    if shares:
        path = "lifts"  # as what is doubtful is done
    if path == "joins" and rounds and row.k > DEEPEST:
        path = "lifts"
    lifts, joins = path == "lifts", path == "joins"
    tile, cap = row.out, max(BLOCK // cell, 1)
    if joins:
        # A block of rows is kept while the rows of the next one are read; a tile is some blocks,
        # as it shares the rows of one with the next tile.
        most = LARGEST_BLOCK // cell
        wanted = 1 if leading else 36 * lane.d * lane.k
        cap = max(2 * BLOCK // (cell * reach), min(wanted, BLOCK // cell, most // reach), 1)
        whole = row.k * row.d
        height = min(max(3 * whole, 64 * row.s), most // cap)
        blocks = -(-row.out * row.s // whole)
        blocks = -(-blocks // -(-blocks // max(height // whole, 1)))  # tiles of one size
        tile = min(max(blocks * whole // row.s, 1), row.out)
    if lifts:
        # Neighbouring tiles share the rows that their windows reach over: a tile should be tall,
        # and as wide as the lane windows need if there is room.
        cells = (lane.out - 1) * lane.s + lane.d * (lane.k - 1) + 1
        tile = max(3 * reach // row.s, (BLOCK // (cells * cell) - reach) // row.s + 1, 1)
        tile = -(-row.out // -(-row.out // tile))  # tiles of one size
        while tile > 1 and 16 * cell * ((tile - 1) * row.s + reach) > LARGEST_BLOCK:
            tile //= 2
        bytes_per_lane = cell * ((tile - 1) * row.s + reach)
        wanted = 1 if leading else min(12 * lane.d * lane.k, BLOCK // cell)
        cap = max(LARGE_BLOCK // bytes_per_lane, min(wanted, LARGEST_BLOCK // bytes_per_lane), 1)
    if shares:
        # Rows are kept a few at a time, and each is read once: as many as there are.
        tile = -(-row.out // -(-row.out // MOST_SHARED))
        cap = max(LARGEST_BLOCK // (cell * ((tile - 1) * row.s + reach)), 1)
    taps = min(lane.k, max(cap // (1 if lane.out == 1 or lane.s >= cap else 2) // lane.d, 1))
    reach = lane.d * (taps - 1) + 1
    couples = lane.k == lane.s == 2 and inner == lane.d == 1
    # Pairs that become output at once fill no scratch, and run on along the whole row: memory is
    # read faster so.
    width = max(cap, PAIRED) if (few or compared) and couples and path == "direct" else cap
    lanes = min(lane.out, max(width - reach, 0) // lane.s + 1)
    lanes = -(-lane.out // -(-lane.out // lanes))  # blocks of one size
    pairs = (
        # Pairs need no scratch rows at all, but each row ends in a remainder.
        couples
        and (few or lane.out * acc_size >= 128)
        and taps == lane.k
        and not (lifts or joins or unpaired)
    )
    pitch = (lanes - 1) * lane.s + reach
    if (lanes > 1 or lifts or joins) and not (leading or reduces or pairs):
        pitch = -(-pitch // lane.s) * lane.s  # so that rows slide together
        line = max(64 // cell, 1) * lane.s
        each = math.lcm(max(VECTOR // cell, 1), lane.s)
        uncut = (lane.out - 1) * lane.s - lane.before + lane.d * (lane.k - 1) < lane.n
        if lifts or joins:
            if pitch >= 8 * line:
                pitch = -(-pitch // line) * line  # so that each begins a cache line
        elif compared and inner == 1 < lane.s and uncut and pitch >= 3 * each:
            pitch = -(-pitch // each) * each  # for what is behind them, to have no remainder
    if not (lifts or joins):
        # Runs are mostly read where they lie, and need no room.
        room = 4 * cap if reduces else cap
        if room < 2 * pitch and row.k > row.s:
            room = LARGE_BLOCK // cell  # maybe for two rows, which share what they are made of
        tile = min(row.out, max(room // (lanes if pairs else pitch), 1))
        if lanes == 1 < lane.s and not reduces:
            tile = 1
    # Short rows are cheapest side by side as they are, if padding cuts few of their windows.
    last_whole = (lane.n - reach + lane.before) // lane.s
    cut = -(-lane.before // lane.s) + max(lane.out - last_whole - 1, 0)
    bare = (
        0 < cut <= 2
        and lane.before >= 0
        and inner == lane.d == 1
        and lane.n % lane.s == 0
        and lane.out * lane.s <= lane.n
        and tile > 1
        and lanes == lane.out
        and taps == lane.k <= lane.n
        and not (leading or reduces or lifts or joins or slides or pairs)
    )
    if bare:
        pitch = lane.n
    return Tiling(leading, reduces, slides, lifts, joins, bare, pairs, tile, lanes, taps, pitch)


def few_rows(
    request: Request,
    mapping: str,
    rows_above: int,
    row: Axis,
    lane: Axis,
    inner: int,
    x: np.dtype[Any],
    out: np.dtype[Any],
    divisor: int,
    shares: bool,
) -> bool:
    """Return whether sums of windows' rows, or of pairs along them, may be finished at once.

    Windows have `rows_above` rows above each position of the row axis.  `divisor` is 0 if they have
    divisors of their own; `shares`, if they may share rows.
    """
    if request.kind not in ("sum", "avg", "lp") or request.beside is not None or request.omits:
        return False
    if request.kind == "lp":
        known = mapping == "square"
    elif is_float(x):
        known = x.itemsize <= 4 or lane.spacing == geometry.REGULAR
    else:
        known = x.itemsize <= 2 and divisor > 1 and divisor & (divisor - 1) == 0
    pays = lane.k != 2 or (
        lane.out >= FEWEST_PAIRS and (x.name != "float32" or lane.out not in PAIRS_ONE_BY_ONE)
    )
    whole = not lane.before and (lane.out - 1) * lane.s + lane.k <= lane.n
    rows = rows_above * row.k
    most = ROWS_AT_ONCE
    if x.itemsize == 2 and is_float(x) and lane.k == 1:
        most = HALVES_AT_ONCE
    if x.name == "float64":
        apart = row.s if row.out > 1 and row.spacing == geometry.REGULAR else row.k
        most = min(DOUBLES_AT_ONCE, OVERLAPPING_DOUBLES + 3 * rows_above * apart // 2)
        if lane.k == lane.s == 2:
            whole = whole and inner == lane.d == 1
        elif lane.k > 1:
            # Two or three cells, which may also overlap or stick out.
            whole = lane.k <= 3 and lane.s <= 2 and lane.d == 1
            whole = whole and (inner == 1 or lane.s == 1)
            pays = True
    elif lane.spacing != geometry.REGULAR:
        whole = lane.repeats() and inner == 1
        if lane.spreads() and x.name == "float32":
            whole = inner > 1 or (lane.turned_s == 2 and lane.out >= FEWEST_WOVEN)
        pays = True
    elif inner > 1 and lane.k > 1:
        # Pairs of cells: rows beside each other, of which half is thrown away.
        most = ROWS_AT_ONCE // 2
        pays = lane.k == lane.s == 2 and lane.d == 1 and not (is_float(x) and x.itemsize == 2)
        pays = pays and mapping == "none"
    return known and pays and whole and x == out and (rows <= most or (shares and is_float(x)))


def is_near(lane: Axis) -> bool:
    """Return whether the elements of windows along the lanes may be compared one by one.

    Those of stride 1 share what they are made of, and slide; and no window may be without elements.
    """
    return (
        lane.spacing == geometry.REGULAR
        and lane.k > 1
        and 1 < lane.s <= MOST_PHASES
        and lane.d * (lane.k - 1) <= MOST_REACH
        and lane.out >= FEWEST_LANES
        and lane.d <= lane.n
        and 0 <= lane.before <= lane.d * (lane.k - 1)
        and (lane.out - 1) * lane.s - lane.before < lane.n
    )


def rows_are_shared(rows_above: int, row: Axis, lane: Axis) -> bool:
    """Return whether windows of three overlap along the row axis, with nothing along the lanes.

    Each has `rows_above` rows there, of which there have to be some to add up and to share.
    """
    overlap = row.k == 3 and row.s < 3 and row.d == 1 and row.out > 1
    return (
        overlap
        and row.spacing == lane.spacing == geometry.REGULAR
        and 1 < rows_above <= ROWS_TO_SHARE
        and lane.k == lane.s == 1
    )


def margin_of(doubt: float) -> int:
    """Return how far means that are finished at once may be below an element, in powers of two.

    0 if that is nothing.  The kernels suspect a sum that is less than `doubt` times its divisor, in
    units of 2**-26 of its greatest element.  One that is finished at once has to be twice as much,
    so that it is none of these.
    """
    return max(25 - math.ceil(math.log2(max(doubt, 1))), 0)


def checks_pay(row: Axis, lane: Axis, tiling: Tiling) -> bool:
    """Return whether to look for NaN before rows are combined, which is cheaper without.

    It takes a pass over all of them, or over one of each block that windows are joined of; and
    what was combined in an earlier pass was not looked at.
    """
    combines = 2 if tiling.joins else doublings(row.k)
    combines += 0 if tiling.leading else doublings(lane.k)
    return (tiling.lifts or tiling.joins) and tiling.taps == lane.k and combines >= 5


def stack_of(planes: int, row: Axis, lane: Axis, cell: int, tiling: Tiling) -> int:
    """Choose how many planes an item has: as many as stay in the cache, if one has them all."""
    whole = tiling.tile == row.out and tiling.lanes == lane.out and tiling.taps == lane.k
    if tiling.joins or tiling.reduces or not whole:
        return 1
    rows = row.d * (row.k - 1) + 1 + (row.out - 1) * row.s if tiling.lifts else row.out
    return max(1, min(planes, STACK // (rows * tiling.pitch * cell)))


def uneven_tiling(row: Axis, lane: Axis, cap: int) -> Tiling:
    """Choose the tile where lane windows are uneven: each is folded by itself, or each phase."""
    # Lanes whose taps fit a row of `cap` cells; or one lane, whose taps come in several passes.
    lanes, taps = 1, cap
    if lane.k < cap:
        taps = lane.k
        lanes = max(min((cap - lane.k - 1) * lane.out // lane.n, cap, lane.out), 1)
        if lane.turned_s:
            lanes = max(min((cap - lane.k - 1) * lane.turned_s, cap, lane.out), 1)
    reach = (taps - 1) * lane.d + 1
    if lanes > 1:
        reach = lanes // lane.turned_s if lane.turned_s else -(-lanes * lane.n // lane.out)
        reach += lane.d * lane.k + 1
    if taps < lane.k or lane.turned_d != 1:
        reach = min(reach, lane.n)  # only windows that slide take cells beyond the axis
    tile = min(row.out, max(cap // max(reach, lanes), 1))
    return Tiling(False, False, False, False, False, False, False, tile, lanes, taps, reach)


def doublings(k: int) -> int:
    """Return how many combines it takes to slide a window of k."""
    return k.bit_length() + k.bit_count() - 2


def passes_along(lane: Axis, reduces: bool, slides: bool) -> int:
    """Return about how many row operations it takes to fold along a row of cells."""
    if reduces:
        return 1
    sliding = lane.k.bit_length() - 1
    if lane.s == 1:
        return sliding
    return sliding + 2 if slides else 1 - (-lane.k // 3)


def row_path(rows_above: int, row: Axis, row_bytes: int, passes: int, mapped: bool) -> str:
    """Choose how row windows are folded: directly, or where they overlap much in another way.

    A tile's rows may be lifted once and slid over each other, all of them as one; or joined of
    suffixes and prefixes of blocks of rows, one by one.  The work for one output row is counted
    in vectors of 64 bytes; a fold of up to three rows costs about 15 of them before its first, and
    a map of elements as much as a fold.
    """
    vectors = -(-min(row_bytes, BLOCK) // 64)
    sources = rows_above * row.k
    lift = -(-rows_above // 3) * 15 + (rows_above + 1) * vectors
    direct = -(-sources // 3) * 15 + sources * vectors
    if mapped:
        direct += sources * (15 + vectors)
        lift += rows_above * (15 + vectors)
    # What slides is stored at each step, and tiles have a third of their rows in common.
    slid = row.s * (15 + 3 * (lift - 15 + doublings(row.k) * vectors) // 2)
    # Accumulated to suffixes, and to prefixes; joined; and folded along each row by itself.
    joined = (2 * row.s - 1) * (15 + vectors) + 20 + 2 * vectors + 8 * passes
    if rows_above > 1 or mapped:
        joined += row.s * 4 * lift // 3
    return min((direct, "direct"), (joined, "joins"), (slid, "lifts"))[1]


def merge(axes: list[Axis]) -> list[Axis]:
    """Put axes in memory order, and neighbours that act as one axis into one."""
    merged: list[Axis] = []
    # Broadcast axes go outermost: nothing is contiguous along them.
    for axis in sorted(axes, key=lambda axis: -abs(axis.xs) if axis.xs else -math.inf):
        if axis.n == 1 and axis.is_plain():
            continue
        one_line = merged and merged[-1].xs == axis.n * axis.xs
        if one_line and merged[-1].step == axis.n * axis.step:
            last, n = merged[-1], merged[-1].n * axis.n
            if last.is_plain() and axis.is_plain() and last.os == axis.n * axis.os:
                merged[-1] = axis._replace(n=n, out=n, counted=-1)
                continue
            if last.covers_all() and axis.covers_all():
                merged[-1] = axis._replace(n=n, k=n, counted=-1)
                continue
            if last.is_plain() and axis.tiles() and last.os == axis.out * axis.os:
                merged[-1] = axis._replace(n=n, out=last.out * axis.out, counted=-1)
                continue
        merged.append(axis)
    return merged


def accumulator(
    request: Request, x: np.dtype[Any], out: np.dtype[Any], count: int, divides: bool
) -> str:
    """Choose how sums of `count` elements are held, so that the result can be rounded right."""
    if request.omits:
        return "sparse"
    if request.kind == "weight" and request.beside is not None:
        out = request.beside  # what is as exact as that will do
    if is_float(x) or request.kind in ("lp", "weight"):
        return "double" if out.itemsize <= 4 and is_float(out) else "twin"
    bits = 8 * x.itemsize
    # A quotient by way of double is the right one while the sum has fewer than 53 bits, and, on
    # the way to float32, the divisor fewer than 29.
    if divides and (bits == 64 or count << bits >= 1 << 52 or count >= 1 << 28):
        return "wide"
    if bits < 32 and count <= 1 << bits:
        return f"uint{2 * bits}"
    return "uint64"


def plain_array(x: Any) -> Array:
    """Return x as an ndarray, without a copy where that is possible."""
    foreign, dlpack = hasattr(x, "__array__"), hasattr(x, "__dlpack__")
    try:
        array = np.from_dlpack(x) if dlpack and not foreign else np.asanyarray(x)
    except (TypeError, RuntimeError, BufferError) as error:
        if not (foreign or dlpack):
            raise
        what = f"x is a {type(x).__module__}.{type(x).__name__} that NumPy does not take: {error}"
        if "bfloat16" in str(getattr(x, "dtype", "")):
            what += "; use x.float(), or x.view(torch.int16).numpy().view(ml_dtypes.bfloat16)"
        raise TypeError(what) from error
    masked = array if isinstance(array, np.ma.MaskedArray) else masked_array_in(x)
    if masked is not None:
        raise TypeError(
            f"x {'holds' if isinstance(x, (list, tuple)) else 'is'} a MaskedArray of"
            f" {masked.dtype}: its mask would be ignored; fill it first, for example with"
            " filled(value)"
        )
    return np.asarray(array)


def contiguous(x: Array) -> Array:
    """Return an array as a native C-contiguous one: itself, or if it is none a copy."""
    native = np.require(x, x.dtype.newbyteorder("="), ["C", "A"])
    return native.reshape(-1).reshape(x.shape)  # axes of length 1 may have any stride


def masked_array_in(x: Any, depth: int = 64) -> np.ma.MaskedArray[Any, Any] | None:
    """Return the first masked array in a nest of lists as deep as an array can be."""
    if isinstance(x, np.ma.MaskedArray):
        return x
    if depth == 0 or not isinstance(x, (list, tuple)):
        return None
    return next((found for y in x if (found := masked_array_in(y, depth - 1)) is not None), None)


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is ml_dtypes' bfloat16, which NumPy takes for a kind of bytes."""
    return dtype.name == "bfloat16"


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype has NaNs."""
    return dtype.kind == "f" or is_bfloat16(dtype)


def as_bits(x: Array) -> Array:
    """Return an array as one whose buffer has a format that everyone knows."""
    return x.view(BITS) if is_bfloat16(x.dtype) else x


def check_element(dtype: np.dtype[Any]) -> None:
    """Refuse elements that cannot be pooled."""
    if dtype.name not in ELEMENTS:
        raise TypeError(
            f"x has dtype {dtype}, which cannot be pooled; use bool, an integer type, {FLOATS}"
        )


def element_type(dtype: Any) -> np.dtype[Any]:
    """Return a `dtype` argument as a dtype."""
    try:
        element: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype is {dtype!r}; it must be an integer type, {FLOATS}") from None
    return element


def result_dtype(kind: str, x: np.dtype[Any], dtype: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the dtype of the result, in native byte order."""
    if kind in ("max", "min"):
        return np.dtype(x.type)
    if dtype is None:
        if is_float(x):
            return np.dtype(x.type)
        if kind == "sum":
            return np.dtype(np.uint64 if x.kind == "u" else np.int64)
        return np.dtype(np.float32 if x.itemsize < 4 else np.float64)
    if dtype.name not in ELEMENTS or dtype.kind == "b":
        raise TypeError(f"dtype is {dtype}; it must be an integer type, {FLOATS}")
    if kind == "sum" and is_float(x) and not is_float(dtype):
        raise TypeError(f"dtype is {dtype}, but the sum of {x} is not an integer; use a float type")
    return np.dtype(dtype.type)


def divisor(value: Any) -> int:
    """Check a `divisor_override`."""
    d = geometry.integer(value, "divisor_override")
    if d == 0 or abs(d) > 1 << 53:
        raise ValueError(f"divisor_override is {d}; it must be neither 0 nor beyond 2**53")
    return d


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse an `out` that cannot hold the result."""
    if type(out) is not np.ndarray and (
        not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray)
    ):
        raise TypeError(f"out must be an ndarray, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; the result has shape {shape}")
    if out.dtype is not dtype and out.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"out has dtype {out.dtype}; the result has dtype {dtype}")
    flags = out.flags
    if not flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    if not flags.c_contiguous and out.size and overlaps_itself(out):
        raise ValueError(
            f"elements of out overlap (shape {out.shape}, strides {out.strides}); each needs a"
            " place of its own"
        )


def overlaps_itself(x: Array) -> bool:
    """Return whether elements of an array share memory."""
    axes = sorted((abs(s), n) for s, n in zip(x.strides, x.shape, strict=True) if n > 1)
    extent = 0
    for stride, n in axes:
        if stride < extent + x.itemsize:
            break
        extent += stride * (n - 1)
    else:
        return False  # each axis steps past all that the ones inside it reach
    offsets = np.zeros(1, np.int64)
    for stride, n in axes:
        offsets = np.add.outer(offsets, stride * np.arange(n)).ravel()
    return bool((np.diff(np.sort(offsets)) < x.itemsize).any())


def contiguous_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the strides of a C-contiguous array."""
    strides = []
    for n in reversed(shape):
        strides.append(itemsize)
        itemsize *= n
    return tuple(reversed(strides))


def frozen(value: Any, name: str, depth: int = 2) -> Any:
    """Return sizes, axes or paddings as something hashable: names, integers, tuples of them."""
    if type(value) is tuple:
        for v in value:
            if type(v) is not int:
                break
        else:
            return value
    if isinstance(value, (tuple, list)) and depth > 0:
        return tuple(frozen(v, name, depth - 1) for v in value)
    if isinstance(value, str) or value is None:
        return value
    return geometry.integer(value, name)
