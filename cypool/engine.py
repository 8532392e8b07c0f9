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

KINDS = {"max": 0, "min": 1, "sum": 2, "avg": 2}

#: The kernels' codes of element types, by kind and item size.
ELEMENTS = {
    name: code
    for code, name in enumerate(["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
}
ELEMENTS["b1"] = ELEMENTS["u1"]

#: The kernels' accumulators of sums, in the order of their codes, and their bytes.
ACCUMULATORS = {"uint16": 2, "uint32": 4, "uint64": 8, "double": 8, "twin": 16, "wide": 16}

#: Bytes of a tile's scratch rows: with their phases and results they stay near an L1 cache in size.
BLOCK = 16384

#: The same where tiles are made tall, for windows that overlap much.
LARGE_BLOCK = 24576

#: No block is larger, whatever the window: a thread has four.
LARGEST_BLOCK = 393216

#: Runs of at least this many bytes beside the last pooled axis are worth rows of their own.
LONG_RUN = 128

#: Calls that combine fewer elements than this run on one thread: two were no faster.
SERIAL = 80_000


#: Types of arguments that `frozen` would give back as they are.
AS_GIVEN = (int, type(None), str)


#: Bytes of the results of parts of windows.
PARTS_BYTES = 1 << 20


class Recipe(NamedTuple):
    """What a call signature comes to."""

    shape: tuple[int, ...]  # of the result, as the caller sees it
    kept: tuple[int, ...]  # the same with the pooled axes kept, as the plan sees it
    reduced: tuple[int, ...]  # the axes to put back into `out` to get from one to the other
    dtype: np.dtype[Any]
    plan: Plan | None  # None if the result has no elements
    parallel: bool


def pool(
    kind: str,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    *,
    axis: Any,
    whole: bool = False,
    ceil_mode: bool = False,
    keepdims: bool = True,
    count_include_pad: bool = False,
    divisor_override: Any = None,
    dtype: Any = None,
    out: Any = None,
    num_threads: int | None = None,
) -> Array:
    """Pool x; if `whole`, by one window over the whole of each pooled axis."""
    if type(x) is not np.ndarray:
        x = plain_array(x)
    signature = (
        kind,
        x.shape,
        x.strides,
        x.dtype,
        kernel_size if type(kernel_size) in AS_GIVEN else frozen(kernel_size, "kernel_size"),
        stride if type(stride) in AS_GIVEN else frozen(stride, "stride"),
        padding if type(padding) in AS_GIVEN else frozen(padding, "padding"),
        dilation if type(dilation) in AS_GIVEN else frozen(dilation, "dilation"),
        axis if type(axis) in AS_GIVEN else frozen(axis, "axis"),
        whole,
        bool(ceil_mode),
        bool(keepdims),
        bool(count_include_pad),
        None if divisor_override is None else divisor(divisor_override),
        None if dtype is None else element_type(dtype),
    )
    recipe = planned(*signature, None)
    if out is None:
        result = np.empty(recipe.kept, recipe.dtype)
        run(recipe, x, result, num_threads)
        return result if recipe.shape is recipe.kept else result.reshape(recipe.shape)
    check_out(out, recipe)
    given: Array = out
    target = given.view(np.ndarray)  # a subclass may have its own idea of reshaping
    if target.flags.aligned and target.dtype.isnative:
        if target.flags.c_contiguous:
            kept = target.reshape(recipe.kept)
        else:
            kept = np.expand_dims(target, recipe.reduced)
        strided = recipe if kept.flags.c_contiguous else planned(*signature, kept.strides)
        if run(strided, x, kept, num_threads):
            return given
    # The kernels write elements as they are, and may not read what they have written.
    result = np.empty(recipe.kept, recipe.dtype)
    run(recipe, x, result, num_threads)
    np.copyto(target, result.reshape(recipe.shape))
    return given


def run(recipe: Recipe, x: Array, result: Array, num_threads: int | None) -> bool:
    """Let the kernels fill the result; False, with nothing done, if it may overlap x."""
    n = threads.resolve(num_threads) if recipe.parallel or num_threads is not None else 1
    if recipe.plan is None:
        return True
    return recipe.plan.run(x, result, n if recipe.parallel else 1)


@lru_cache(maxsize=1024)
def planned(
    kind: str,
    x_shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    x_dtype: np.dtype[Any],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    axis: Any,
    whole: bool,
    ceil_mode: bool,
    keepdims: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    dtype: np.dtype[Any] | None,
    out_strides: tuple[int, ...] | None,
) -> Recipe:
    """Check a call's arguments and plan it; `out_strides` None is a new C-contiguous result."""
    check_element(x_dtype)
    axes = geometry.pooled_axes(axis, len(x_shape))
    if whole:
        windows = geometry.global_windows(x_shape, axes)
    else:
        windows = geometry.local_windows(
            x_shape, axes, kernel_size, stride, padding, dilation, ceil_mode
        )
    at = dict(zip(axes, windows, strict=True))
    out_dtype = result_dtype(kind, x_dtype, dtype)
    if kind == "avg" and out_dtype.kind in "iu" and divisor_override is None:
        for a, window in at.items():
            if window.some_are_empty() and not count_include_pad:
                raise ValueError(
                    f"a window along axis {a} lies wholly in the padding: its average is NaN, which"
                    f" {out_dtype} cannot hold; use a float dtype or less padding"
                )
    if count_include_pad and math.prod(w.size for w in windows) > 1 << 53:
        raise ValueError(
            f"windows of kernel_size {tuple(w.size for w in windows)} over the axes {axes} count"
            " more than 2**53 positions with their padding, which no divisor can be"
        )
    kept = tuple(at[a].out if a in at else n for a, n in enumerate(x_shape))
    shape = kept if keepdims else tuple(n for a, n in enumerate(kept) if a not in at)
    reduced = () if keepdims else tuple(sorted(axes))
    if math.prod(kept) == 0:
        return Recipe(shape, kept, reduced, out_dtype, None, False)
    if out_strides is None:
        out_strides = contiguous_strides(kept, out_dtype.itemsize)
    plan, work = plan_for(
        kind,
        x_shape,
        x_strides,
        x_dtype,
        kept,
        out_strides,
        out_dtype,
        at,
        count_include_pad,
        divisor_override,
    )
    return Recipe(shape, kept, reduced, out_dtype, plan, work >= SERIAL)


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

    def is_plain(self) -> bool:
        """Whether the axis is as good as not pooled."""
        return self.k == self.s == 1 and self.n == self.out and not self.before

    def covers_all(self) -> bool:
        """Whether one window is the whole axis."""
        return self.out == 1 and self.k == self.n and self.d == 1 and not self.before

    def is_uncut(self) -> bool:
        """Whether every window has all its positions, or counts them at least."""
        end = (self.out - 1) * self.s - self.before + (self.k - 1) * self.d
        return end < self.counted if self.counted >= 0 else not self.before and end < self.n

    def tiles(self) -> bool:
        """Whether the windows lie side by side, from one end of the axis to the other."""
        apart = self.d * (self.k - 1) < self.s
        return apart and self.n == self.out * self.s and not self.before


ALONE = Axis(1, 1, 1, 1, 1, 0, -1, 0, 0)


def plan_for(
    kind: str,
    x_shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    x_dtype: np.dtype[Any],
    out_shape: tuple[int, ...],
    out_strides: tuple[int, ...],
    out_dtype: np.dtype[Any],
    windows: dict[int, Window],
    count_include_pad: bool,
    divisor_override: int | None,
) -> tuple[Plan, int]:
    """Return the plan, and about how many elements it combines."""
    axes = []
    for a, n in enumerate(x_shape):
        xs, os = x_strides[a], out_strides[a]
        w = windows.get(a, Window(n, n, 1, 1, 1, 0, 0))
        counted = n + w.after if count_include_pad else -1
        # A single window has no stride, and a single tap no dilation.
        s, d = (w.stride if w.out > 1 else 1), (w.dilation if w.size > 1 else 1)
        axes.append(Axis(n, w.out, w.size, s, d, w.before, counted, xs, os if w.out > 1 else 0))
    taps = math.prod(min(axis.k, axis.n) for axis in axes)
    # What is read once, and what slides: a window of k takes some log2(k) combines along an axis.
    slid = 1 + sum(doublings(axis.k) for axis in axes if axis.out > 1)
    work = math.prod(x_shape) + math.prod(out_shape) * slid
    # If all windows have all their positions, there is one divisor for all.
    averages = kind == "avg" and divisor_override is None
    if averages and all(axis.is_uncut() for axis in axes):
        averages, divisor_override = False, math.prod(axis.k for axis in axes)
    merged = merge(axes)
    size, out_size = x_dtype.itemsize, out_dtype.itemsize

    wraps = kind == "sum" and out_dtype.kind != "f"
    acc, acc_size = None, size
    if KINDS[kind] == KINDS["sum"]:
        most = max(math.prod(axis.k for axis in axes), abs(divisor_override or 1))
        acc = accumulator(x_dtype, out_dtype, most, not wraps)
        acc_size = ACCUMULATORS[acc]

    # The lanes: the last axis, or the last pooled one with a short run of elements beside it.
    inner = ALONE._replace(xs=size, os=out_size)
    lane = merged.pop() if merged else ALONE._replace(xs=size, os=out_size)
    short_run = lane.is_plain() and lane.n * size < LONG_RUN and lane.xs == size
    if short_run and merged and not merged[-1].is_plain():
        inner, lane = lane, merged.pop()
    if lane.out == 1:
        lane = lane._replace(os=inner.n * out_size)
    row = merged.pop() if merged else ALONE
    rows_above = math.prod(axis.k for axis in merged)
    tiling = tiling_of(rows_above, row, lane, inner.n, acc_size, acc in ("twin", "wide"))

    # Few items with large windows: split the windows, to have work for every thread, and into so
    # many parts that a sum is as shallow as it can be.
    tiles = -(-row.out // tiling.tile) * -(-lane.out // tiling.lanes)
    items = math.prod(axis.out for axis in merged) * tiles
    passes = -(-min(lane.k, lane.n) // tiling.taps)
    parts, parts_rows = 1, False
    if items < 16 and work > items * SERIAL and not tiling.lifts:
        parts_rows = passes < 8
        room = PARTS_BYTES // (items * tiling.tile * tiling.lanes * inner.n * acc_size)
        most = min(row.k // 8 if parts_rows else passes, room)
        parts = max(1, min(most, max(64 // items, math.isqrt(row.k // 3))))

    # The most additions that an element goes through: of rows, three at a time; of cells along
    # them, by 16 lanes and eighths of long runs, or by doubling; of passes; of parts.
    rows = -(-rows_above * row.k // (parts if parts_rows else 1) // 3) + 3
    if tiling.lifts:
        rows = rows_above // 3 + 3 + doublings(row.k)
    depth = rows + (tiling.taps // 64 + 64 if tiling.reduces else tiling.taps)
    depth += passes if parts_rows else -(-passes // parts)
    depth += parts

    plan = Plan(
        KINDS[kind],
        ELEMENTS[f"{x_dtype.kind}{size}"],
        list(ACCUMULATORS).index(acc) if acc else 0,
        ELEMENTS[f"{out_dtype.kind}{out_size}"],
        x_shape=x_shape,
        x_strides=x_strides,
        out_shape=out_shape,
        out_strides=out_strides,
        outer=merged,
        row=row,
        lane=lane,
        inner=(inner.n, inner.xs, inner.os if inner.n > 1 else out_size),
        swap=not x_dtype.isnative,
        averages=averages,
        divisor=float(divisor_override or 1),
        terms=taps,
        depth=depth,
        wraps=wraps,
        parts=parts,
        parts_rows=parts_rows,
        **tiling._asdict(),
    )
    return plan, work


class Tiling(NamedTuple):
    """How the rows and lanes of an item are folded; the kernels say what each word means."""

    leading: bool
    reduces: bool
    slides: bool
    lifts: bool
    bare: bool
    pairs: bool
    tile: int
    lanes: int
    taps: int
    pitch: int


def tiling_of(
    rows_above: int, row: Axis, lane: Axis, inner: int, acc_size: int, wide_sums: bool
) -> Tiling:
    """Choose the path of the kernels, and a tile that stays in the cache."""
    cell = inner * acc_size
    leading = lane.k == lane.s == 1 and not lane.before and lane.out <= lane.n
    apart = lane.out == 1 or (lane.k >= 16 and 2 * lane.s >= lane.k) or lane.s > 16
    reduces = apart and lane.d == 1 and not leading
    # A window of k slides in about 2 log2(k) combines at every position, and takes k directly.
    # Cells of several elements are dealt out slowly, so that it pays to pick few of them.
    slides = lane.s > 1 and (inner > 1 or lane.k > lane.s * (doublings(lane.k) + 1))
    reach = row.d * (row.k - 1) + 1
    lifts = (
        row.out > 1
        and 16 * cell * reach <= LARGEST_BLOCK
        and lane.s <= max(BLOCK // cell, 1)
        and lifting_pays(rows_above, row, lane.n * cell)
    )
    tile, cap = row.out, max(BLOCK // cell, 1)
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
    taps = min(lane.k, max(cap // (1 if lane.out == 1 or lane.s >= cap else 2) // lane.d, 1))
    reach = lane.d * (taps - 1) + 1
    lanes = min(lane.out, max(cap - reach, 0) // lane.s + 1)
    lanes = -(-lane.out // -(-lane.out // lanes))  # blocks of one size
    pairs = (
        # Pairs need no scratch rows at all, but each row ends in a remainder.
        lane.k == lane.s == 2
        and inner == lane.d == 1
        and lane.out * acc_size >= 128
        and taps == lane.k
        and not (lifts or wide_sums)
    )
    pitch = (lanes - 1) * lane.s + reach
    if (lanes > 1 or lifts) and not (leading or reduces or pairs):
        pitch = -(-pitch // lane.s) * lane.s  # so that rows slide together
        line = max(64 // cell, 1) * lane.s
        if lifts and pitch >= 8 * line:
            pitch = -(-pitch // line) * line  # so that each begins a cache line
    if not lifts:
        # Runs are mostly read where they lie, and need no room.
        room = 4 * cap if reduces else cap
        tile = min(row.out, max(room // (lanes if pairs else pitch), 1))
        if lanes == 1 < lane.s and not reduces:
            tile = 1
    # Short rows are cheapest side by side as they are, if padding cuts few of their windows.
    last_whole = (lane.n - reach + lane.before) // lane.s
    cut = -(-lane.before // lane.s) + max(lane.out - last_whole - 1, 0)
    bare = (
        0 < cut <= 2
        and inner == lane.d == 1
        and lane.n % lane.s == 0
        and lane.out * lane.s <= lane.n
        and tile > 1
        and lanes == lane.out
        and taps == lane.k <= lane.n
        and not (leading or reduces or lifts or slides or pairs)
    )
    if bare:
        pitch = lane.n
    return Tiling(leading, reduces, slides, lifts, bare, pairs, tile, lanes, taps, pitch)


def doublings(k: int) -> int:
    """Return how many combines it takes to slide a window of k."""
    return k.bit_length() + k.bit_count() - 2


def lifting_pays(rows_above: int, row: Axis, row_bytes: int) -> bool:
    """Return whether the rows of a tile should be lifted once and slid over each other.

    The work for one output row is counted in vectors of 64 bytes; a fold of up to three rows
    costs about 15 of them before its first.
    """
    vectors = -(-min(row_bytes, BLOCK) // 64)
    sources = rows_above * row.k
    directly = -(-sources // 3) * 15 + sources * vectors
    lifted = -(-rows_above // 3) * 15 + (rows_above + 1 + doublings(row.k)) * vectors
    return row.s * lifted < directly


def merge(axes: list[Axis]) -> list[Axis]:
    """Put axes in memory order, and neighbours that act as one axis into one."""
    merged: list[Axis] = []
    # Broadcast axes go outermost: nothing is contiguous along them.
    for axis in sorted(axes, key=lambda axis: -abs(axis.xs) if axis.xs else -math.inf):
        if axis.n == 1 and axis.is_plain():
            continue
        if merged and merged[-1].xs == axis.n * axis.xs:
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


def accumulator(x: np.dtype[Any], out: np.dtype[Any], count: int, divides: bool) -> str:
    """Choose how sums of `count` elements are held, so that the result can be rounded right."""
    if x.kind == "f":
        return "double" if x.itemsize == out.itemsize == 4 and out.kind == "f" else "twin"
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
    array = np.asanyarray(x)
    masked = array if isinstance(array, np.ma.MaskedArray) else masked_array_in(x)
    if masked is not None:
        raise TypeError(
            f"x {'holds' if isinstance(x, (list, tuple)) else 'is'} a MaskedArray of"
            f" {masked.dtype}: its mask would be ignored; fill it first, for example with"
            " filled(value)"
        )
    return np.asarray(array)


def masked_array_in(x: Any, depth: int = 64) -> np.ma.MaskedArray[Any, Any] | None:
    """Return the first masked array in a nest of lists as deep as an array can be."""
    if isinstance(x, np.ma.MaskedArray):
        return x
    if depth == 0 or not isinstance(x, (list, tuple)):
        return None
    return next((found for y in x if (found := masked_array_in(y, depth - 1)) is not None), None)


def check_element(dtype: np.dtype[Any]) -> None:
    """Refuse elements that cannot be pooled."""
    if f"{dtype.kind}{dtype.itemsize}" not in ELEMENTS:
        raise TypeError(
            f"x has dtype {dtype}, which cannot be pooled; use bool, an integer type, float32 or"
            " float64"
        )


def element_type(dtype: Any) -> np.dtype[Any]:
    """Return a `dtype` argument as a dtype."""
    try:
        element: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"dtype is {dtype!r}; it must be an integer type, float32 or float64"
        ) from None
    return element


def result_dtype(kind: str, x: np.dtype[Any], dtype: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the dtype of the result, in native byte order."""
    if kind in ("max", "min"):
        return x.newbyteorder("=")
    if dtype is None:
        if x.kind == "f":
            return x.newbyteorder("=")
        if kind == "sum":
            return np.dtype(np.uint64 if x.kind == "u" else np.int64)
        return np.dtype(np.float32 if x.itemsize < 4 else np.float64)
    if dtype.kind not in "uif" or f"{dtype.kind}{dtype.itemsize}" not in ELEMENTS:
        raise TypeError(f"dtype is {dtype}; it must be an integer type, float32 or float64")
    if kind == "sum" and x.kind == "f" and dtype.kind != "f":
        raise TypeError(f"dtype is {dtype}, but the sum of {x} is not an integer; use a float type")
    return dtype.newbyteorder("=")


def divisor(value: Any) -> int:
    """Check a `divisor_override`."""
    d = geometry.integer(value, "divisor_override")
    if d == 0 or abs(d) > 1 << 53:
        raise ValueError(f"divisor_override is {d}; it must be neither 0 nor beyond 2**53")
    return d


def check_out(out: Any, recipe: Recipe) -> None:
    """Refuse an `out` that cannot hold the result."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be an ndarray, not {type(out).__name__}")
    if out.shape != recipe.shape:
        raise ValueError(f"out has shape {out.shape}; the result has shape {recipe.shape}")
    if out.dtype.newbyteorder("=") != recipe.dtype:
        raise TypeError(f"out has dtype {out.dtype}; the result has dtype {recipe.dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    if not out.flags.c_contiguous and out.size and overlaps_itself(out):
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
