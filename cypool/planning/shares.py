"""Gradients of averages: each is shared out over the positions that its window counts."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..arrays import Form
from ..geometry import Window
from .axes import Axis, axis_of

#: Of 24 bits of an element, multiples up to this one are exact in float64.
MOST_EXACT = 1 << 29


class Shares(NamedTuple):
    """What gradients are multiplied by, or divided by, before they are added up."""

    axes: dict[int, Axis]  # windows, along the axes where they do not count the same
    whole: int  # is, along each of these, over the count what is exact; 0 where counts divide
    divisor: int  # of the sums


def shares_of(x: Form, means: dict[int, Window], count_include_pad: bool) -> Shares:
    """Return what is made of gradients x of the means of windows, if there are any."""
    axes = {}
    divisor = step = 1
    for a in sorted(means, reverse=True):
        axis = axis_of(means[a], count_include_pad)
        if axis.is_uncut():
            divisor *= axis.k
            continue
        # Not a multiple of the length: two such axes never look like one.
        axes[a] = axis._replace(step=step)
        step *= axis.out + 1
    whole = common_multiple(list(axes.values())) if x.dtype.itemsize <= 4 else 0
    return Shares(axes, whole, divisor * max(whole, 1) ** len(axes))


def common_multiple(axes: list[Axis]) -> int:
    """Return one of all that windows count along any of these axes, or 0 if it is too large."""
    whole = 1
    for axis in axes:
        for count in range(axis.least_count(), axis.k + 1):
            whole = math.lcm(whole, count)
            if whole ** len(axes) > MOST_EXACT:
                return 0
    return whole
