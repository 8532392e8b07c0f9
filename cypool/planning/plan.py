"""The plan of a pooling: what the kernels are told."""

from __future__ import annotations

import math

from .. import geometry, threads
from ..arrays import ELEMENTS, Array, Form, is_half
from ..geometry import Window
from ..kernels import Plan
from .arithmetic import (
    ACCUMULATORS,
    KINDS,
    MAPPINGS,
    Arithmetic,
    arithmetic_of,
    sums_are_safe,
)
from .at_once import FORMS, form_of, margin_of
from .axes import ALONE, Axis, Roles, axes_of, merge
from .request import Request
from .shares import shares_of
from .tiling import BLOCK, Tiling, checks_pay, doublings, stack_of, tiling_of

#: Runs of at least this many bytes beside the last pooled axis are worth rows of their own.
LONG_RUN = 128

#: The same where transposed windows overlap, and positions are in a few of them.
LONG_SPREAD = 640

#: Rows of pixels up to so many bytes are not, where windows of so many strides or more are above.
LONG_PIXEL = 512
FAR = 12

#: Smaller inputs, in bytes, are likely to be in a cache.
LARGE_INPUT = 1 << 23

#: Bytes of the results of parts of windows.
PARTS_BYTES = 1 << 20

#: For each element of input and output so many are added up again: then more care with all is less.
PATIENCE = 1

#: Shorter rows of 16-bit floats are made floats together, before they are added up.
SHORT_HALVES = 100

#: Shorter ones are ranked together before they are ordered, not as they are compared.
SHORT_KEYS = 64


def plan_for(
    request: Request, x: Form, out: Form, windows: dict[int, Window], means: dict[int, Window]
) -> tuple[Plan, int]:
    """Return the plan, and about how many elements it combines.

    If x has the gradients of the `means` of windows, each is shared out over what these count.
    """
    shares = shares_of(means, request.count_include_pad)
    axes = axes_of(request, x, out, windows, shares.axes)
    # What is read once, and what slides: a window of k takes some log2(k) combines along an axis.
    slid = 1 + sum(doublings(axis.k) for axis in axes if axis.out > 1)
    work = math.prod(x.shape) + math.prod(out.shape) * slid
    # If all windows have all their positions, there is one divisor for all.
    divisor = request.divisor_override or shares.divisor
    averages = request.kind == "avg" and request.divisor_override is None and not means
    if averages and not request.omits and all(axis.is_uncut() for axis in axes):
        averages, divisor = False, math.prod(axis.k for axis in axes)
    most = max(math.prod(axis.k for axis in axes), abs(request.divisor_override or 1))
    positions = math.prod(n for a, n in enumerate(x.shape) if a in windows)
    arithmetic = arithmetic_of(request, x.dtype, out.dtype, most, positions, bool(shares.axes))
    roles = roles_of(request, arithmetic, merge(axes))
    outer, row, lane, inner = roles
    divides = bool(shares.axes) and not shares.wholes
    form = form_of(request, arithmetic, roles, 0 if averages or divides else divisor)
    tiling = tiling_of(arithmetic, roles, form)
    parts, parts_rows = parts_of(arithmetic, roles, tiling, work)
    stack = 1 if parts > 1 else stack_of(arithmetic, roles, tiling)
    depth = depth_of(roles, tiling, parts, parts_rows)
    terms = math.prod(min(axis.k, axis.n) for axis in axes)
    fewest = math.prod(axis.least_count() for axis in axes) if averages else divisor
    margin = margin_of(terms * depth / abs(fewest))
    # At once is in one pass, over rows that are not lifted unless windows share them.
    whole = tiling.taps == lane.k and tiling.lifts == (form == "shared") and not tiling.joins
    if not whole or (arithmetic.accumulator == "double" and not margin):
        form = "none"
    arithmetic = short_rows_together(arithmetic, roles, tiling)

    patience = float(PATIENCE * (math.prod(x.shape) + math.prod(out.shape)))
    # Which of what becomes output at once is done again depends on what a thread did before.
    gives_up = request.kind in ("sum", "avg") and arithmetic.accumulator == "double"
    if not gives_up or form != "none":
        patience = math.inf

    plan = Plan(
        KINDS[arithmetic.kind],
        ELEMENTS[x.dtype.name],
        MAPPINGS.index(arithmetic.mapping),
        list(ACCUMULATORS).index(arithmetic.accumulator) if arithmetic.accumulator else 0,
        ELEMENTS[out.dtype.name],
        x_shape=x.shape,
        x_strides=x.strides,
        out_shape=out.shape,
        out_strides=out.strides,
        outer=outer,
        row=row,
        lane=lane,
        inner=(inner.n, inner.xs, inner.os if inner.n > 1 else out.dtype.itemsize, inner.step),
        swap=not x.dtype.isnative,
        averages=averages,
        divisor=request.p or float(divisor),
        terms=terms,
        depth=depth,
        wraps=arithmetic.wraps,
        least=request.kind == "min",
        omits=request.omits,
        patience=patience,
        scans=bool(shares.axes) or not sums_are_safe(request, x.dtype, terms),
        checks=checks_pay(roles, tiling),
        form=FORMS.index(form),
        margin=margin,
        stack=stack,
        room=2 * BLOCK,
        parts=parts,
        parts_rows=parts_rows,
        beside=None if request.beside is None else ELEMENTS[request.beside.name],
        shared=list(shares.axes.values()),
        wholes=shares.wholes,
        large=request.of_large or is_large(x),
        **tiling._asdict(),
    )
    return plan, work


def is_large(x: Form | Array) -> bool:
    """Return whether an array is likely to be in no cache."""
    return math.prod(x.shape) * x.dtype.itemsize >= LARGE_INPUT


def roles_of(request: Request, arithmetic: Arithmetic, axes: list[Axis]) -> Roles:
    """Choose what each axis is for, of those that are left in memory order.

    The lanes are the last one, or the last pooled one with a short run of elements beside it.
    """
    size, out_size = arithmetic.x.itemsize, arithmetic.out.itemsize
    outer = list(axes)
    inner = ALONE._replace(xs=size, os=out_size)
    lane = outer.pop() if outer else inner
    long_run = LONG_RUN
    if outer and (outer[-1].spreads() or outer[-1].repeats()):
        beside = Roles(outer[:-1], ALONE, outer[-1], inner._replace(n=max(lane.n, 2)))
        if form_of(request, arithmetic, beside, 0) != "none":
            # What is but repeated is made once, however long the run is.
            long_run = LONG_SPREAD if outer[-1].spreads() else lane.n * size + 1
    short_run = lane.n * size < long_run
    if len(outer) > 1 and outer[-2].overlaps() >= FAR:
        short_run |= lane.n * arithmetic.size <= LONG_PIXEL  # what is above slides only as rows
    if short_run and lane.is_plain() and lane.xs == size and outer and not outer[-1].is_plain():
        inner, lane = lane, outer.pop()
    if lane.out == 1:
        lane = lane._replace(os=inner.n * out_size)
    row = outer.pop() if outer else ALONE
    return Roles(outer, row, lane, inner)


def parts_of(arithmetic: Arithmetic, roles: Roles, tiling: Tiling, work: int) -> tuple[int, bool]:
    """Choose into how many parts windows are split, and whether by rows, or by passes along them.

    Few items with large windows are split to have work for every thread, and into so many parts
    that a sum is as shallow as it can be.
    """
    row, lane = roles.row, roles.lane
    tiles = -(-row.out // tiling.tile) * -(-lane.out // tiling.lanes)
    items = math.prod(axis.out for axis in roles.outer) * tiles
    splits = roles.is_even() and not (tiling.lifts or tiling.joins)
    if not splits or items >= 16 or work <= items * threads.SERIAL:
        return 1, False
    passes = tiling.passes(lane)
    by_rows = passes < 8
    result = tiling.tile * tiling.lanes * roles.inner.n * arithmetic.size
    most = min(row.k // 8 if by_rows else passes, PARTS_BYTES // (items * result))
    return max(1, min(most, max(64 // items, math.isqrt(row.k // 3)))), by_rows


def depth_of(roles: Roles, tiling: Tiling, parts: int, parts_rows: bool) -> int:
    """Return the most additions that an element goes through.

    Of rows, three at a time; of cells along them, by 16 lanes and eighths of long runs, or by
    doubling; of passes; of parts.
    """
    row, lane, rows_above = roles.row, roles.lane, roles.rows_above
    rows = -(-rows_above * row.k // (parts if parts_rows else 1) // 3) + 3
    if tiling.lifts:
        rows = rows_above // 3 + 3 + doublings(row.k)
    if tiling.joins:
        # Half a block on the average, and what is common to windows, a block more.
        rows = rows_above // 3 + 3 + tiling.block // 2 + 1
        if tiling.block < row.k:
            rows += tiling.block + row.k // tiling.block + row.k % tiling.block // 3
    cells = tiling.taps // 64 + 64 if tiling.reduces else tiling.taps
    slides = (lane.s == 1 or tiling.slides) and not (tiling.reduces or tiling.bare)
    if roles.is_even() and slides:
        cells = doublings(tiling.taps)
    passes = tiling.passes(lane)
    return rows + cells + (passes if parts_rows else -(-passes // parts)) + parts


def short_rows_together(arithmetic: Arithmetic, roles: Roles, tiling: Tiling) -> Arithmetic:
    """Let 16-bit floats of short rows become wider ones, or ranks, before they are combined."""
    if not is_half(arithmetic.x) or arithmetic.mapping != "none":
        return arithmetic
    n = roles.lane.n * roles.inner.n
    if not arithmetic.accumulator:
        return arithmetic._replace(mapping="rank", kind="max") if n < SHORT_KEYS else arithmetic
    alone = not (tiling.lifts or tiling.joins or tiling.reduces)
    alone = alone and roles.row.spacing != geometry.ADAPTIVE
    return arithmetic._replace(mapping="widen") if alone and n < SHORT_HALVES else arithmetic
