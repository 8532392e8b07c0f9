"""Which windows become output at once, with nothing of them kept in scratch memory."""

from __future__ import annotations

import math

from .. import geometry
from ..arrays import is_float, is_half
from .arithmetic import Arithmetic
from .axes import Axis, Roles
from .request import Request
from .tiling import reduces_along

#: Forms of windows that the kernels make into output at once, in the order of their codes: whole
#: rows, pairs along them, pairs of cells of several elements, a few cells, runs, rows that windows
#: share, transposed windows side by side or overlapping; and what finds the greatest with its
#: index, row by row or also along them.
FORMS = (
    "none",
    "rows",
    "pairs",
    "couples",
    "windows",
    "runs",
    "shared",
    "repeated",
    "phases",
    "weighed",
    "first",
    "along",
)

#: Sums of at most so many rows are finished as soon as they are added up.
ROWS_AT_ONCE = 4

#: Of gradients that are multiplied before, so many.
ROWS_WEIGHED = 9

#: Of 16-bit floats with channels last, so many.
HALVES_AT_ONCE = 9

#: Of float64, so many; where windows overlap, only so many beside 3/2 of the rows from one window's
#: start to the next one's: else sums that slide are faster.
DOUBLES_AT_ONCE = 64
OVERLAPPING_DOUBLES = 16

#: Windows that overlap by rows share sums over at most so many rows above.
ROWS_TO_SHARE = 3

#: The greatest of at most so many elements is found with its index, row by row.
FIRST_AT_ONCE = 27

#: The same along rows of at least so many windows, if their stride and reach are at most these.
FIRST_ALONG = 16
FEWEST_LANES = 24
MOST_PHASES = 8
MOST_REACH = 64

#: Shorter runs of float64 are windows of a few cells.
SHORTEST_RUN = 4

#: Rows of fewer pairs are not worth being laid end to end.
FEWEST_PAIRS = 3

#: Rows of so many pairs of float32 are faster when they are added up one by one.
PAIRS_ONE_BY_ONE = range(16, 100)

#: Rows of fewer lanes that two phases make in turns are not worth it.
FEWEST_WOVEN = 48

#: Nor are rows of fewer 16-bit floats that repeat at most so many times what windows side by side
#: have.
FEWEST_REPEATED = 96
FEW_TIMES = 4


def finds_first(request: Request, arithmetic: Arithmetic, roles: Roles) -> bool:
    """Return whether the elements of windows may be compared with the index that a row has.

    That has to fit in 32 bits or, beside elements of 8 bytes, in 64.
    """
    x, lane = arithmetic.x, roles.lane
    packed = "pack" if x.itemsize <= 4 else "pack_wide"
    if arithmetic.mapping != packed or request.omits or is_half(arithmetic.x):
        return False
    # Of equal elements the first is kept that comes: in memory they have to lie in C order.
    steps = [axis.step for axis in (*roles.outer, roles.row, lane) if axis.k > 1]
    if steps != sorted(steps, reverse=True):
        return False
    rows = roles.rows_above * roles.row.k
    if lane.is_plain() and lane.step == 0:
        return rows <= FIRST_AT_ONCE
    return roles.inner.n == 1 and rows * lane.k <= FIRST_ALONG and is_near(lane)


def form_of(request: Request, arithmetic: Arithmetic, roles: Roles, divisor: float) -> str:
    """Return the form of windows that may become output at once: one of `FORMS`.

    `divisor` is 0 if windows have divisors of their own.
    """
    x, row, lane, inner = arithmetic.x, roles.row, roles.lane, roles.inner.n
    if finds_first(request, arithmetic, roles):
        return "along" if lane.k > 1 else "first"
    if arithmetic.mapping == "share":
        return form_of_shares(arithmetic, roles, divisor)
    if not adds_up(request, arithmetic, lane, divisor):
        return "none"
    if x.name == "float64":
        return form_of_doubles(roles)
    plain = arithmetic.mapping == "none" and arithmetic.accumulator == "double"
    if plain and rows_are_shared(roles):
        return "shared"
    form = "none"
    most = HALVES_AT_ONCE if is_half(x) and lane.k == 1 else ROWS_AT_ONCE
    if lane.spacing != geometry.REGULAR:
        if lane.repeats():
            few = is_half(x) and lane.out * inner < FEWEST_REPEATED
            form = "none" if few and lane.turned_s <= FEW_TIMES else "repeated"
        elif lane.spreads() and x.name == "float32":
            woven = lane.turned_s == 2 and lane.out >= FEWEST_WOVEN
            form = "phases" if inner > 1 or woven else "none"
    elif lane.k == lane.s == 1 and ends_inside(lane):
        form = "rows"
    elif lane.k == lane.s == 2 and lane.d == 1 and ends_inside(lane):
        if inner == 1:
            few = lane.out < FEWEST_PAIRS or (x.name == "float32" and lane.out in PAIRS_ONE_BY_ONE)
            form = "none" if few else "pairs"
        elif arithmetic.mapping == "none" and not is_half(x):
            form, most = "couples", ROWS_AT_ONCE // 2
    return form if roles.rows_above * row.k <= most else "none"


def form_of_shares(arithmetic: Arithmetic, roles: Roles, divisor: float) -> str:
    """Return the same of gradients that are multiplied before they are added up, row by row."""
    row, lane, x = roles.row, roles.lane, arithmetic.x
    if x.name != "float32" or x != arithmetic.out or arithmetic.accumulator != "double":
        return "none"
    whole = lane.spacing == geometry.REGULAR and lane.k == lane.s == 1 and ends_inside(lane)
    if not divisor or not whole or lane.step:
        return "none"
    if rows_are_shared(roles):
        return "shared"
    return "weighed" if roles.rows_above * row.k <= ROWS_WEIGHED else "none"


def adds_up(request: Request, arithmetic: Arithmetic, lane: Axis, divisor: float) -> bool:
    """Return whether windows are sums that the kernels may know how to finish at once."""
    x = arithmetic.x
    if request.kind not in ("sum", "avg", "lp") or request.beside is not None:
        return False
    if arithmetic.mapping == "number":
        return False
    if request.kind == "lp":
        known = arithmetic.mapping == "square"
    elif is_float(x):
        known = x.itemsize <= 4 or lane.spacing == geometry.REGULAR
    else:
        known = x.itemsize <= 2 and divisor > 1 and int(divisor) & int(divisor - 1) == 0
    return known and x == arithmetic.out


def form_of_doubles(roles: Roles) -> str:
    """Return the same of float64, of which cells along the lanes may also overlap or stick out."""
    row, lane, inner, rows_above = roles.row, roles.lane, roles.inner.n, roles.rows_above
    if are_runs(roles):
        return "runs"
    apart = row.s if row.out > 1 and row.spacing == geometry.REGULAR else row.k
    if rows_above * row.k > min(DOUBLES_AT_ONCE, OVERLAPPING_DOUBLES + 3 * rows_above * apart // 2):
        return "none"
    if lane.k == lane.s == 1:
        return "rows" if ends_inside(lane) else "none"
    if lane.k == lane.s == 2:
        fits = ends_inside(lane) and inner == lane.d == 1 and lane.out >= FEWEST_PAIRS
        return "pairs" if fits else "none"
    fits = 1 < lane.k <= 3 and lane.s <= 2 and lane.d == 1 and (inner == 1 or lane.s == 1)
    return "windows" if fits else "none"


def are_runs(roles: Roles) -> bool:
    """Return whether each window is a run of elements, to be reduced by itself."""
    lane = roles.lane
    return (
        lane.spacing == geometry.REGULAR
        and lane.k >= SHORTEST_RUN
        and roles.rows_above * roles.row.k == roles.inner.n == 1
        and reduces_along(lane)
        and ends_inside(lane)
    )


def ends_inside(lane: Axis) -> bool:
    """Return whether windows that are not dilated stick out on neither side."""
    return not lane.before and (lane.out - 1) * lane.s + lane.k <= lane.n


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


def rows_are_shared(roles: Roles) -> bool:
    """Return whether windows of three overlap along the row axis, with nothing along the lanes.

    Each has some rows above each position, to add up and to share.
    """
    row, lane = roles.row, roles.lane
    overlap = row.k == 3 and row.s < 3 and row.d == 1 and row.out > 1
    return (
        overlap
        and roles.is_even()
        and 1 < roles.rows_above <= ROWS_TO_SHARE
        and lane.k == lane.s == 1
        and ends_inside(lane)
    )


def margin_of(doubt: float) -> int:
    """Return how far means that are finished at once may be below an element, in powers of two.

    0 if that is nothing.  The kernels suspect a sum that is less than `doubt` times its divisor, in
    units of 2**-26 of its greatest element.  One that is finished at once has to be twice as much,
    so that it is none of these.
    """
    return max(25 - math.ceil(math.log2(max(doubt, 1))), 0)
