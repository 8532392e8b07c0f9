"""How the rows and lanes of an item are folded: the path with the least work, counted."""

from __future__ import annotations

import math
from typing import NamedTuple

from .. import geometry
from .arithmetic import Arithmetic
from .axes import Axis, Roles

#: Bytes of a tile's scratch rows: with their phases and results they stay near an L1 cache in size.
BLOCK = 16384

#: The same where rows are dealt out into the phases of a stride, which take as much again.
STRIDED_BLOCK = 6144

#: The same where tiles are made tall, for windows that overlap much.
LARGE_BLOCK = 24576

#: Bytes of the rows that windows are joined of: as near an L1 cache as long windows let them be.
JOINED_BLOCK = 49152

#: They are no more than so many, whatever the windows.
LARGEST_JOINED = 27 << 16

#: Windows of so many rows or less are joined of blocks of their own size, which is less work.
WHOLE = 64

#: Joined rows are whole multiples of so many cells, unless there are no more.
ALIGNED = 64

#: Bytes of the results of joined rows that are finished together.
STRIP = 131072

#: No block is larger, whatever the window: a thread has four.
LARGEST_BLOCK = 524288

#: Nor are those of rows that slide along long windows, whose results take as much again.
LONGEST_BLOCK = 196608

#: Bytes of the rows of a tile of transposed windows that become output at once, or of gradients
#: that are multiplied before.
SPREAD_BLOCK = 131072

#: Bytes of the adaptive windows that slide along rows, at most: longer ones are folded one by one.
SLID = 128

#: The same in single elements: of Twins these are more bytes.
FEW_SLID = 16

#: Bytes of the rows that those slide along, at most, if lanes are not to be cut into blocks.
PICKED_BLOCK = 98304

#: Bytes of the rows of planes that are done together: less, as they gain less.
STACK = 10240

#: Windows that share rows have so many rows of their results in an item, at most.
MOST_SHARED = 64

#: Rows of so many elements are paired at once.
PAIRED = 8192

#: Sums of floats that chain more rows than this leave too many in doubt, to be added up anew.
DEEPEST = 300

#: Bytes of the vectors that rows had better be whole ones of; the kernels have it, too.
VECTOR = 32


class Tiling(NamedTuple):
    """How the rows and lanes of an item are folded, in the words of the kernels' `Pool`."""

    tile: int
    lanes: int
    taps: int
    pitch: int
    leading: bool = False
    reduces: bool = False
    slides: bool = False
    lifts: bool = False
    joins: bool = False
    bare: bool = False
    pairs: bool = False
    block: int = 1  # rows of a block that windows are joined of, for each phase of the dilation
    strip: int = 0  # rows that are finished before the next ones of a tile are folded

    def passes(self, lane: Axis) -> int:
        """How many times it takes to fold all taps along the lanes."""
        return -(-min(lane.k, lane.n) // self.taps)


def tiling_of(arithmetic: Arithmetic, roles: Roles, form: str) -> Tiling:
    """Choose the path of the kernels, and a tile that stays in the cache.

    `form` is that of windows that may become output at once.
    """
    row, lane, inner = roles.row, roles.lane, roles.inner.n
    cell = inner * arithmetic.size
    if lane.spacing != geometry.REGULAR:
        return uneven_tiling(roles, cell, form)
    leading = lane.k == lane.s == 1 and not lane.before and lane.out <= lane.n
    reduces = reduces_along(lane) and not leading
    # A window of k slides in about 2 log2(k) combines at every position, and takes k directly.
    # Cells of several elements are dealt out slowly, so that it pays to pick few of them.
    slides = lane.s > 1 and (inner > 1 or lane.k > lane.s * (doublings(lane.k) + 1))
    path = path_of(arithmetic, roles, form, 0 if leading else passes_along(lane, reduces, slides))
    lifts, joins = path == "lifts", path == "joins"
    room = room_of(arithmetic, roles, form, path, leading, reduces)
    # Elements may be compared as they are, and so may what lies behind rows.
    compared = arithmetic.is_plain_order()
    couples = lane.k == lane.s == 2 and inner == lane.d == 1
    width = room.cap
    if couples and path == "direct" and (form == "pairs" or compared):
        # Pairs that become output at once fill no scratch, and run on along the whole row: memory
        # is read faster so.
        width = max(width, PAIRED)
    taps, lanes = lanes_of(lane, room.cap, width, joins)
    reach = lane.d * (taps - 1) + 1
    pairs = (
        # Pairs need no scratch rows at all, but each row ends in a remainder.
        couples
        and (form == "pairs" or lane.out * arithmetic.size >= 128)
        and taps == lane.k
        and not (lifts or joins or arithmetic.accumulator in ("wide", "sparse"))
    )
    pitch = (lanes - 1) * lane.s + reach
    if (lanes > 1 or lifts) and not (leading or reduces or pairs):
        pitch = rounded_pitch(lane, pitch, cell, lifts or joins, compared and inner == 1)
    tile, strip = room.tile, room.strip
    if path == "direct":
        strided = lane.s > 1 and form == "none" and not (reduces or pairs)
        tile = direct_tile(lane, room.cap, cell, lanes if pairs else pitch, lanes, reduces, strided)
    elif joins and taps < lane.k:
        # Each pass along the lanes is over all rows of a tile.
        tile = strip = max(LARGEST_BLOCK // (lanes * cell), 1)
    tile = min(tile, row.out)
    strip = min(tile, strip) if joins else tile
    bare = (
        inner == 1 < tile
        and lanes == lane.out
        and taps == lane.k
        and not (leading or reduces or lifts or joins or slides or pairs)
        and fits_bare(lane)
    )
    if bare:
        pitch = lane.n
    path_flags = (leading, reduces, slides, lifts, joins, bare, pairs)
    return Tiling(tile, lanes, taps, pitch, *path_flags, room.block, strip)


def room_of(
    arithmetic: Arithmetic, roles: Roles, form: str, path: str, leading: bool, reduces: bool
) -> Room:
    """Choose the room for rows that are folded in a way."""
    row, lane, cell = roles.row, roles.lane, roles.inner.n * arithmetic.size
    if form == "shared":
        return shared_room(row, cell)
    if path == "lifts":
        return lifted_room(row, lane, cell, leading)
    if path == "joins":
        return joined_room(arithmetic, roles, leading)
    # What becomes output at once needs no room, and large items cost less.
    cap = max((SPREAD_BLOCK if form == "weighed" else BLOCK) // cell, 1)
    if lane.out > 1 and not reduces and 2 * lane.d * lane.k > cap:
        # Taps had better fit in one pass: each of several slides to every position again.
        cap = max(min(4 * lane.d * lane.k, LONGEST_BLOCK // cell), cap)
    return Room(row.out, cap)


def lanes_of(lane: Axis, cap: int, width: int, joins: bool) -> tuple[int, int]:
    """Choose the taps that are folded in a pass along rows of `cap` cells, and the lanes of it.

    Rows that need no room have `width` cells.
    """
    taps = min(lane.k, max(cap // (1 if lane.out == 1 or lane.s >= cap else 2) // lane.d, 1))
    if joins and lane.d * lane.k <= cap - 2 * ALIGNED:
        taps = lane.k  # another pass would be over all rows again
    lanes = min(lane.out, max(width - lane.d * (taps - 1) - 1, 0) // lane.s + 1)
    lanes = -(-lane.out // -(-lane.out // lanes))  # blocks of one size
    if joins and lanes >= ALIGNED:
        lanes = min(-(-lanes // ALIGNED) * ALIGNED, lane.out)
    return taps, lanes


def direct_tile(
    lane: Axis, cap: int, cell: int, cells: int, lanes: int, reduces: bool, strided: bool
) -> int:
    """Choose how many rows of so many cells are folded together, each for its own windows."""
    if lanes == 1 < lane.s and not reduces:
        return 1
    # Runs are mostly read where they lie, and need no room.
    room = 4 * cap if reduces else cap
    if strided:
        room = max(STRIDED_BLOCK // cell, 1)
    return max(room // cells, 1)


def reduces_along(lane: Axis) -> bool:
    """Return whether windows along the lanes are far apart, or hardly overlap if they are long."""
    apart = lane.out == 1 or (lane.k >= 16 and 2 * lane.s >= lane.k) or lane.s > 16
    return apart and lane.d == 1


def path_of(arithmetic: Arithmetic, roles: Roles, form: str, passes: int) -> str:
    """Choose how row windows are folded, where there are `passes` along each row afterwards."""
    if form == "shared":
        return "lifts"  # as what is doubtful is done
    by_itself = form != "none" and arithmetic.accumulator == "twin"
    if form in ("weighed", "first", "along") or by_itself:
        return "direct"  # each row is folded for each of its windows
    row, lane, cell = roles.row, roles.lane, roles.inner.n * arithmetic.size
    if row.out == 1 or row.spacing != geometry.REGULAR:
        return "direct"
    mapped = arithmetic.mapping not in ("none", "square")
    ways = work_of_rows(roles.rows_above, row, lane.n * cell, passes, mapped)
    # Not all that has to be kept finds room.
    reached = min((row.out - 1) * row.s, 3 * reach_of(row)) + reach_of(row)
    if 16 * cell * reached > LARGEST_BLOCK or lane.s > max(BLOCK // cell, 1):
        del ways["lifts"]
    far = 2 * cell * math.isqrt(row.k) > LARGEST_JOINED  # no block is small enough
    if far or cell * joined_rows(row, block_of(row.k), True) > LARGEST_JOINED:
        del ways["joins"]
    return min(ways, key=lambda path: ways[path])


class Room(NamedTuple):
    """Rows of a tile, and cells they may have; rows that are joined have blocks, and strips."""

    tile: int
    cap: int
    block: int = 1
    strip: int = 0


def joined_room(arithmetic: Arithmetic, roles: Roles, leading: bool) -> Room:
    """Choose how rows are joined.

    A thread has rows of suffixes and prefixes, and a block of rows that do not lie in the input as
    they are.  Wide rows have a small part in common with the next tile, and windows along them are
    folded in one pass.
    """
    row, lane, x = roles.row, roles.lane, arithmetic.x
    cell = roles.inner.n * arithmetic.size
    reach, wide = lane.d * lane.k, 1 if leading else 36 * lane.d * lane.k
    folded = roles.rows_above > 1
    made = folded or arithmetic.mapping != "none" or not x.isnative
    made = made or lane.xs != roles.inner.n * x.itemsize
    block = block_of(row.k)
    if folded and row.k <= DEEPEST and 2 * row.k * row.d * wide * cell <= LARGEST_JOINED:
        block = row.k  # each row is folded once
    whole = block * row.d
    rows = joined_rows(row, block, made)
    cap = max(JOINED_BLOCK // (cell * rows), min(wide, BLOCK // cell), 1 if leading else 3 * reach)
    room = LARGEST_JOINED // (cell * rows)
    cap = max(min(cap, max(room - ALIGNED, room // 2)), 1)
    blocks = -(-row.out * row.s // whole)
    height = max(3 * row.k * row.d, 64 * row.s)
    blocks = -(-blocks // -(-blocks // max(height // whole, 1)))  # tiles of one size
    return Room(max(blocks * whole // row.s, 1), cap, block, max(STRIP // (cap * cell), 1))


def joined_rows(row: Axis, block: int, made: bool) -> int:
    """Return how many rows are kept to be joined: one of which is a result's, and four slide."""
    return ((2 if made else 1) * block + 1 + row.k // block) * row.d + 5


def block_of(k: int) -> int:
    """Return the size of the blocks that windows of k are joined of.

    With blocks of B, a window takes the prefixes of k // B - 1 others and k % B rows: once for B
    windows.
    """
    if k <= WHOLE:
        return k
    root = math.isqrt(k)
    blocks = range(root, max(WHOLE, 3 * root // 2) + 1)
    return min(blocks, key=lambda block: (k // block - 1 + k % block) / block)


def lifted_room(row: Axis, lane: Axis, cell: int, leading: bool) -> Room:
    """Choose the room for lifted rows.

    Neighbouring tiles share the rows that their windows reach over: a tile should be tall, and as
    wide as the lane windows need if there is room.
    """
    reach = reach_of(row)
    cells = (lane.out - 1) * lane.s + lane.d * (lane.k - 1) + 1
    tile = max(3 * reach // row.s, (BLOCK // (cells * cell) - reach) // row.s + 1, 1)
    tile = -(-row.out // -(-row.out // tile))  # tiles of one size
    while tile > 1 and 16 * cell * ((tile - 1) * row.s + reach) > LARGEST_BLOCK:
        tile //= 2
    bytes_per_lane = cell * ((tile - 1) * row.s + reach)
    wanted = 1 if leading else min(12 * lane.d * lane.k, BLOCK // cell)
    cap = max(LARGE_BLOCK // bytes_per_lane, min(wanted, LARGEST_BLOCK // bytes_per_lane), 1)
    return Room(tile, cap)


def shared_room(row: Axis, cell: int) -> Room:
    """Choose the room for rows that windows share.

    They are kept a few at a time, and each is read once: a tile has as many as it may.
    """
    tile = -(-row.out // -(-row.out // MOST_SHARED))
    return Room(tile, max(LARGEST_BLOCK // (cell * ((tile - 1) * row.s + reach_of(row))), 1))


def reach_of(axis: Axis) -> int:
    """Return how many positions a window reaches over."""
    return axis.d * (axis.k - 1) + 1


def rounded_pitch(lane: Axis, pitch: int, cell: int, overlaps: bool, compared: bool) -> int:
    """Return how many cells of a row there had better be room for, if that is more than `pitch`."""
    pitch = -(-pitch // lane.s) * lane.s  # so that rows slide together
    line = max(64 // cell, 1) * lane.s
    each = math.lcm(max(VECTOR // cell, 1), lane.s)
    uncut = (lane.out - 1) * lane.s - lane.before + lane.d * (lane.k - 1) < lane.n
    if overlaps and pitch >= 8 * line:
        return -(-pitch // line) * line  # so that each begins a cache line
    if not overlaps and compared and uncut and lane.s > 1 and pitch >= 3 * each:
        return -(-pitch // each) * each  # for what is behind them, to have no remainder
    return pitch


def fits_bare(lane: Axis) -> bool:
    """Return whether short rows are cheapest side by side as they are: padding cuts few windows."""
    last_whole = (lane.n - lane.k + lane.before) // lane.s
    cut = -(-lane.before // lane.s) + max(lane.out - last_whole - 1, 0)
    return (
        0 < cut <= 2
        and lane.before >= 0
        and lane.d == 1
        and lane.n % lane.s == 0
        and lane.out * lane.s <= lane.n
        and lane.k <= lane.n
    )


def uneven_tiling(roles: Roles, cell: int, form: str) -> Tiling:
    """Choose the tile where lane windows are uneven.

    Each is folded by itself, or each phase; or short ones slide, and lanes pick theirs.
    """
    row, lane = roles.row, roles.lane
    # What becomes output at once needs no room.
    cap = max((SPREAD_BLOCK if form in ("phases", "repeated") else BLOCK) // cell, 1)
    slides = lane.k * cell <= SLID or (roles.inner.n == 1 and lane.k <= FEW_SLID)
    slides = slides and lane.spacing == geometry.ADAPTIVE and lane.k > 1
    if slides and max(lane.n + lane.k + 1, lane.out) * cell <= PICKED_BLOCK:
        cap = max(cap, lane.n + lane.k + 1, lane.out)  # what they pick is found once
    # Lanes whose taps fit a row of `cap` cells; or one lane, whose taps come in several passes.
    lanes, taps = 1, cap
    if lane.k < cap:
        taps = lane.k
        lanes = max(min((cap - lane.k - 1) * lane.out // lane.n, cap, lane.out), 1)
        if lane.turned_s:
            lanes = max(min((cap - lane.k - 1) * lane.turned_s, cap, lane.out), 1)
    rows = row.turned_s if form == "repeated" and row.repeats() else 1
    if rows > 1:  # what comes of a row of gradients is written together
        lanes = min(lanes, max(cap // rows, 1))
        lanes = -(-lane.out // -(-lane.out // lanes))  # blocks of one size
    reach = (taps - 1) * lane.d + 1
    if lanes > 1:
        reach = lanes // lane.turned_s if lane.turned_s else -(-lanes * lane.n // lane.out)
        reach += lane.d * lane.k + 1
    if taps < lane.k or lane.turned_d != 1:
        reach = min(reach, lane.n)  # only windows that slide take cells beyond the axis
    tile = max(cap // max(reach, lanes), 1)
    tile = min(row.out, max(tile // rows, 1) * rows if tile > 1 else tile)
    return Tiling(tile, lanes, taps, reach, slides=slides and lanes > 1, strip=tile)


def work_of_rows(
    rows_above: int, row: Axis, row_bytes: int, passes: int, mapped: bool
) -> dict[str, int]:
    """Return the work of each way to fold row windows: directly, or where they overlap otherwise.

    A tile's rows may be joined of suffixes and prefixes of blocks of rows, one by one; or lifted
    once and slid over each other, all of them as one.  The work for one output row is counted
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
    return {"direct": direct, "joins": joined, "lifts": slid}


def passes_along(lane: Axis, reduces: bool, slides: bool) -> int:
    """Return about how many row operations it takes to fold along a row of cells."""
    if reduces:
        return 1
    sliding = lane.k.bit_length() - 1
    if lane.s == 1:
        return sliding
    return sliding + 2 if slides else 1 - (-lane.k // 3)


def doublings(k: int) -> int:
    """Return how many combines it takes to slide a window of k."""
    return k.bit_length() + k.bit_count() - 2


def stack_of(arithmetic: Arithmetic, roles: Roles, tiling: Tiling) -> int:
    """Choose how many planes an item has: as many as stay in the cache, if one has them all."""
    row, lane, cell = roles.row, roles.lane, roles.inner.n * arithmetic.size
    whole = tiling.tile == row.out and tiling.lanes == lane.out and tiling.taps == lane.k
    if tiling.joins or tiling.reduces or not whole:
        return 1
    rows = row.d * (row.k - 1) + 1 + (row.out - 1) * row.s if tiling.lifts else row.out
    return max(1, min(roles.planes, STACK // (rows * tiling.pitch * cell)))


def checks_pay(roles: Roles, tiling: Tiling) -> bool:
    """Return whether to look for NaN before rows are combined, which is cheaper without.

    It takes a pass over all of them, or over one of each block that windows are joined of; and
    what was combined in an earlier pass was not looked at.
    """
    combines = 2 if tiling.joins else doublings(roles.row.k)
    combines += 0 if tiling.leading else doublings(roles.lane.k)
    return (tiling.lifts or tiling.joins) and tiling.taps == roles.lane.k and combines >= 5
