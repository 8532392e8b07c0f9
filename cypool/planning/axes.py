"""The axes of a pooling as the kernels know them: in memory order, and as few as there can be."""

from __future__ import annotations

import math
from typing import NamedTuple

from .. import geometry
from ..arrays import Form
from ..geometry import Window
from .request import Request

#: Positions are in so many transposed windows that overlap, at most, if these are spread.
MOST_COLUMNS = 3


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
    turned_inverse: int = 0  # of their stride, as a `Window` has it

    def is_plain(self) -> bool:
        """Whether the axis is as good as not pooled."""
        alone = self.k == self.s == 1 and self.n == self.out and not self.before
        return alone and self.spacing == geometry.REGULAR

    def covers_all(self) -> bool:
        """Whether one window is the whole axis."""
        alone = self.out == 1 and self.k == self.n and self.d == 1 and not self.before
        return alone and self.spacing == geometry.REGULAR

    def overlaps(self) -> int:
        """How many windows most positions are in, at least."""
        return self.k // self.s if self.spacing == geometry.REGULAR else 0

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
        if self.spacing == geometry.ADAPTIVE:
            return self.k if self.n % self.out == math.gcd(self.n, self.out) else self.k - 1
        if self.spacing != geometry.REGULAR or self.d > 1:
            return 1
        ends = (-self.before, (self.out - 1) * self.s - self.before)
        return max(min(min(start + self.k, self.n) - max(start, 0) for start in ends), 1)

    def most_count(self) -> int:
        """How many positions a window counts, at most."""
        return self.k if self.counted >= 0 else min(self.k, -(-self.n // self.d))

    def tiles(self) -> bool:
        """Whether the windows lie side by side, from one end of the axis to the other."""
        apart = self.d * (self.k - 1) < self.s
        apart = apart and self.n == self.out * self.s and not self.before
        return apart and self.spacing == geometry.REGULAR


#: An axis that is not there.
ALONE = Axis(1, 1, 1, 1, 1, 0, -1, 0, 0)


class Roles(NamedTuple):
    """What the axes are for; a missing one is `ALONE`."""

    outer: list[Axis]
    row: Axis  # the one before the lanes
    lane: Axis  # the last one in memory, or the last pooled one
    inner: Axis  # what lies beside each of its positions, which is a cell of so many elements

    @property
    def rows_above(self) -> int:
        """How many rows of a window there are for each position of the row axis."""
        return math.prod(axis.k for axis in self.outer)

    @property
    def planes(self) -> int:
        """How many planes of rows and lanes lie one after the other."""
        return self.outer[-1].out if self.outer and self.outer[-1].is_plain() else 1

    def is_even(self) -> bool:
        """Whether windows along rows and lanes are of one size, a stride apart."""
        return self.row.spacing == self.lane.spacing == geometry.REGULAR


def axis_of(w: Window, count_include_pad: bool, xs: int = 0, os: int = 0, step: int = 0) -> Axis:
    """Return an axis with its windows."""
    counted = w.length + w.after if count_include_pad else -1
    # A single window has no stride, and a single tap no dilation (but where it lies).
    s = w.stride if w.out > 1 else 1
    d = w.dilation if w.size > 1 or w.spacing == geometry.TRANSPOSED else 1
    return Axis(
        w.length, w.out, w.size, s, d, w.before, counted, xs, os, step, w.spacing, *w.turned
    )


def axes_of(
    request: Request, x: Form, out: Form, windows: dict[int, Window], shared: dict[int, Axis]
) -> list[Axis]:
    """Return each axis of an array, with the windows along those that are pooled.

    Along those that are `shared` out, positions have an index, too.
    """
    axes = []
    steps = iter(out.strides)
    for a, n in enumerate(x.shape):
        # Axes that are pooled whole and not kept have no place in the output.
        xs, os = x.strides[a], next(steps) if request.keepdims or a not in windows else 0
        w = windows.get(a, Window(n, n, 1, 1, 1, 0, 0))
        step = shared[a].step if a in shared else 0
        if request.indices and a in windows:
            step = math.prod(m for b, m in enumerate(x.shape) if b > a and b in windows)
        axes.append(axis_of(w, request.count_include_pad, xs, os if w.out > 1 else 0, step))
    return axes


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
