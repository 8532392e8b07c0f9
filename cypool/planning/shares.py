"""Gradients of averages: each is shared out over the positions that its window counts."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..arrays import MOST_DIVIDED
from ..geometry import Window
from .axes import Axis, axis_of


class Shares(NamedTuple):
    """What gradients are multiplied or divided by before they are added up."""

    axes: dict[int, Axis]  # windows, along the axes where they do not count the same
    wholes: list[float]  # along each of these what is multiplied by, over the count; or they divide
    divisor: float  # of the sums


def shares_of(means: dict[int, Window], count_include_pad: bool) -> Shares:
    """Return what is made of the gradients of the means of windows, if there are any.

    They are multiplied by a common multiple of the counts over their window's count, which is
    exact, so that products are rounded once, or not at all: of float32 up to 2**29.  As multiples
    are scaled to 1 or less, by powers of two, no product overflows.
    """
    axes = {}
    multiples = []
    divisor = step = 1
    for a in sorted(means, reverse=True):
        axis = axis_of(means[a], count_include_pad)
        count = axis.least_count()
        if axis.out == 1:
            count = max(int(means[a].counts(count_include_pad)[0]), 1)  # nobody gets any of 0
        if axis.out == 1 or count == axis.most_count():
            divisor *= count
            continue
        # Not a multiple of the length: two such axes never look like one.
        axes[a] = axis._replace(step=step)
        step *= axis.out + 1
        multiples.append(common_multiple(axis))
    if 0 in multiples or math.prod(multiples) * divisor > MOST_DIVIDED:
        return Shares(axes, [], divisor)
    wholes = [math.ldexp(m, -(m - 1).bit_length()) for m in multiples]
    return Shares(axes, wholes, divisor * math.prod(wholes))


def common_multiple(axis: Axis) -> int:
    """Return one of all that windows count along an axis, or 0 if it is too large."""
    multiple = 1
    for count in range(axis.least_count(), axis.most_count() + 1):
        multiple = math.lcm(multiple, count)
        if multiple > MOST_DIVIDED:
            return 0
    return multiple
