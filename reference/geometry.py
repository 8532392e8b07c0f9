"""Which elements of the input does each window see?

Along each axis a pooling lays windows of some kind: sliding ones, with a size, a stride, padding
and dilation; one over everything (global); or a given number of them (adaptive). One window of
each axis together make one block of the input. An axis that is not pooled has one window for
each of its positions.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from operator import mul
from typing import Any, NamedTuple

from .arrays import position_of, steps_of

Sizes = int | tuple[int, ...] | list[int]
OutputSizes = int | Sequence[int | None] | None
Padding = int | str | Sequence[int | Sequence[int]]
Axes = int | tuple[int, ...] | list[int] | None


class Window(NamedTuple):
    """One window along one axis."""

    inside: range | list[int]  # the positions of the input that it sees
    counted: int  # how many positions it has in the input and its padding


class Block(NamedTuple):
    """One window of each axis, all together."""

    places: list[int]  # in C order, of the elements that it sees
    counted: int  # how many positions it has in the input and its padding


Geometry = list[list[Window]]  # for each axis, its windows from first to last


# --------------------------------------------------------------- windows along one axis


def output_length(
    n: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int | str | tuple[int, int] = 0,
    dilation: int = 1,
    *,
    ceil_mode: bool = False,
) -> int:
    """Count the windows along one axis of length `n`; the parameters are as in `max_pool`.

    >>> output_length(7, 3, 2), output_length(6, 3, 2), output_length(6, 3, 2, ceil_mode=True)
    (3, 2, 3)
    """
    stride = kernel_size if stride is None else stride
    for name, size in ("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation):
        if size < 1:
            raise ValueError(f"{name} is {size}; it must be at least 1")
    before, after = padding_amounts(n, kernel_size, stride, padding, dilation)
    room = n + before + after - (dilation * (kernel_size - 1) + 1)
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= n + before:
        count -= 1
    if n < 1 or count < 1:
        raise ValueError(
            f"an axis of length {n}, padded by {before} and {after}, has no window of"
            f" {kernel_size} with dilation {dilation}"
        )
    return count


def padding_amounts(
    n: int, kernel_size: int, stride: int, padding: int | str | Sequence[int], dilation: int
) -> tuple[int, int]:
    """Say how many positions are put before and after an axis of length `n`.

    >>> padding_amounts(6, 3, 2, "same", 1), padding_amounts(6, 3, 2, "same_lower", 1)
    ((0, 1), (1, 0))
    """
    if padding == "valid":
        return 0, 0
    if padding in ("same", "same_lower"):
        count = -(-n // stride)
        total = max((count - 1) * stride + dilation * (kernel_size - 1) + 1 - n, 0)
        half, rest = total // 2, total - total // 2
        return (half, rest) if padding == "same" else (rest, half)
    if isinstance(padding, str):
        raise ValueError(f"padding is {padding!r}; the names are 'valid', 'same', 'same_lower'")
    before, after = padding if isinstance(padding, (tuple, list)) else (padding, padding)
    if min(before, after) < 0:
        raise ValueError(f"padding is {padding}; it must not be negative")
    return before, after


def axis_windows(
    n: int, kernel_size: int, stride: int, padding: Any, dilation: int, ceil_mode: bool
) -> list[Window]:
    """List the sliding windows along one axis of length `n`.

    >>> axis_windows(3, 2, 2, 1, 1, False)
    [Window(inside=[0], counted=2), Window(inside=[1, 2], counted=2)]
    """
    count = output_length(n, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    before, after = padding_amounts(n, kernel_size, stride, padding, dilation)
    windows = []
    for i in range(count):
        positions = [i * stride - before + j * dilation for j in range(kernel_size)]
        inside = [p for p in positions if 0 <= p < n]
        counted = sum(-before <= p < n + after for p in positions)  # no ceil_mode overhang
        windows.append(Window(inside, counted))
    return windows


def adaptive_windows(n: int, count: int) -> list[Window]:
    """List `count` windows that cover an axis of length `n` as evenly as can be.

    >>> [list(window.inside) for window in adaptive_windows(5, 3)]
    [[0, 1], [1, 2, 3], [3, 4]]
    >>> [list(window.inside) for window in adaptive_windows(2, 3)]
    [[0], [0, 1], [1]]
    """
    if n < 1 or count < 1:
        raise ValueError(f"output_size is {count} for an axis of length {n}; both must be over 0")
    insides = [range(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
    return [Window(inside, len(inside)) for inside in insides]


# ------------------------------------------------------------------------- every axis


def pooled_axes(axis: Axes, ndim: int) -> list[int]:
    """List the pooled axes, none negative, in the order given; `None` is every axis.

    >>> pooled_axes((-1, 0), 3), pooled_axes(None, 3)
    ([2, 0], [0, 1, 2])
    """
    given = axis if isinstance(axis, (tuple, list)) else range(ndim) if axis is None else [axis]
    for a in given:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} is out of range for an array of {ndim} dimensions")
    axes = [a % ndim for a in given]
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis is {axis}, which names an axis twice")
    return axes


def per_axis(name: str, value: Any, axes: Sequence[int]) -> list[Any]:
    """List what a parameter says for each of the pooled axes: one value is for them all."""
    values = list(value) if isinstance(value, (tuple, list)) else [value] * len(axes)
    if len(values) != len(axes):
        raise ValueError(f"{name} is {value}; it needs one entry for each of {len(axes)} axes")
    return values


def unpooled(shape: Sequence[int]) -> Geometry:
    """List every axis's windows before anything is pooled: one for each position."""
    return [[Window([i], 1) for i in range(n)] for n in shape]


def window_geometry(
    shape: Sequence[int],
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Padding,
    dilation: Sizes,
    axis: Axes,
    ceil_mode: bool,
) -> Geometry:
    """List every axis's windows when those of the pooled axes slide."""
    geometry = unpooled(shape)
    axes = pooled_axes(axis, len(shape))
    sizes = zip(
        axes,
        per_axis("kernel_size", kernel_size, axes),
        per_axis("stride", kernel_size if stride is None else stride, axes),
        per_axis("padding", padding, axes),
        per_axis("dilation", dilation, axes),
        strict=True,
    )
    for a, k, s, p, d in sizes:
        geometry[a] = axis_windows(shape[a], k, s, p, d, ceil_mode)
    return geometry


def global_geometry(shape: Sequence[int], axis: Axes) -> Geometry:
    """List every axis's windows when one window covers each pooled axis."""
    geometry = unpooled(shape)
    for a in pooled_axes(axis, len(shape)):
        n = shape[a]
        if n == 0:
            raise ValueError(f"axis {a} has length 0: there is nothing to pool")
        geometry[a] = [Window(range(n), n)]
    return geometry


def adaptive_geometry(shape: Sequence[int], output_size: OutputSizes, axis: Axes) -> Geometry:
    """List every axis's windows when there are `output_size` along the pooled axes.

    A size of `None` is the length that the axis has.
    """
    geometry = unpooled(shape)
    axes = pooled_axes(axis, len(shape))
    for a, count in zip(axes, per_axis("output_size", output_size, axes), strict=True):
        geometry[a] = adaptive_windows(shape[a], shape[a] if count is None else count)
    return geometry


def output_shape(geometry: Geometry, left_out: Iterable[int] = ()) -> list[int]:
    """Measure the result of a pooling; `left_out` names axes with one window that it drops."""
    return [len(windows) for a, windows in enumerate(geometry) if a not in left_out]


def blocks(geometry: Geometry, shape: Sequence[int]) -> Iterator[Block]:
    """Walk the output in C order, and say which elements of the input each number is made of.

    >>> windows = window_geometry((2, 3), (2, 1), None, 0, 1, None, False)
    >>> [block.places for block in blocks(windows, (2, 3))]
    [[0, 3], [1, 4], [2, 5]]
    """
    steps = steps_of(shape)
    for windows in product(*geometry):  # one window of each axis
        positions = product(*(window.inside for window in windows))
        places = [sum(map(mul, position, steps)) for position in positions]
        yield Block(places, math.prod(window.counted for window in windows))


# ------------------------------------------------------------------------------ indices


def index_of(place: int, shape: Sequence[int], axis: Axes) -> int:
    """Turn the place of an element into its index: its place among the pooled axes alone.

    The axes come in the array's own order, whatever their order in `axis`.

    >>> index_of(11, (2, 3, 5), (1, 2)), index_of(11, (2, 3, 5), (2, 1)), index_of(11, (2, 3, 5), 1)
    (11, 11, 2)
    """
    axes = sorted(pooled_axes(axis, len(shape)))
    position = position_of(place, shape)
    return sum(map(mul, (position[a] for a in axes), steps_of([shape[a] for a in axes])))


def place_of(index: int, position: Sequence[int], shape: Sequence[int], axis: Axes) -> int:
    """Find the place that an index means: the inverse of `index_of`.

    `position` is that of a result, and says where along the axes that are not pooled.

    >>> place_of(2, (0, 0, 1), (2, 3, 5), 1)
    11
    """
    axes = sorted(pooled_axes(axis, len(shape)))
    lengths = [shape[a] for a in axes]
    if not 0 <= index < math.prod(lengths):
        raise ValueError(f"indices has {index}; the pooled axes have {math.prod(lengths)} elements")
    pooled = dict(zip(axes, position_of(index, lengths), strict=True))
    whole = [pooled.get(a, p) for a, p in enumerate(position)]
    return sum(map(mul, whole, steps_of(shape)))
