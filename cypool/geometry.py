"""Windows: output lengths, padding, dilation, along each pooled axis."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

PADDING_NAMES = ("valid", "same", "same_lower")

#: Positions are computed in 64 bits; this leaves room to add a few of them.
MOST = 2**60


class Window(NamedTuple):
    """The windows along one axis; one of `size` taps starts at ``o * stride - before``."""

    length: int  # input positions
    out: int  # how many windows
    size: int
    stride: int
    dilation: int
    before: int  # padding
    after: int

    def some_are_empty(self) -> bool:
        """Whether some window has no tap on the input."""
        last = (self.out - 1) * self.stride - self.before
        if last >= self.length or -(-self.before // self.dilation) >= self.size:
            return True
        # What is left are windows whose dilation steps over the whole input; the starts before it
        # repeat their remainders.
        starts = range(-self.before, 0, self.stride)[: min(self.out, self.dilation)]
        return self.length < self.dilation and any(
            start % self.dilation >= self.length for start in starts
        )


def pooled_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the pooled axes, none negative, in the order they were given."""
    if axis is None:
        return tuple(range(ndim))
    listed = axis if isinstance(axis, (tuple, list)) else (axis,)
    given = tuple(integer(a, "axis") for a in listed)
    for a in given:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} is out of range for an array of {ndim} dimensions")
    axes = tuple(a % ndim for a in given)
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis {given} names an axis twice; each can be pooled once")
    return axes


def local_windows(
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> tuple[Window, ...]:
    """Return the windows along each pooled axis, in the order of `axes`."""
    sizes = per_axis(kernel_size, "kernel_size", axes)
    strides = sizes if stride is None else per_axis(stride, "stride", axes)
    dilations = per_axis(dilation, "dilation", axes)
    paddings = padding_per_axis(padding, axes)
    return tuple(
        _windows_along(axis, shape[axis], k, s, d, pad, ceil_mode)
        for axis, k, s, d, pad in zip(axes, sizes, strides, dilations, paddings, strict=True)
    )


def global_windows(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[Window, ...]:
    """Return one window over the whole of each pooled axis."""
    for axis in axes:
        if shape[axis] == 0:
            raise ValueError(_nothing_to_pool(axis))
    return tuple(Window(shape[axis], 1, shape[axis], 1, 1, 0, 0) for axis in axes)


def per_axis(value: Any, name: str, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return one positive integer per pooled axis."""
    if isinstance(value, (tuple, list)):
        values = tuple(integer(v, name) for v in value)
        if len(values) != len(axes):
            raise ValueError(
                f"{name} {value!r} has {len(values)} values for {_counted(axes)};"
                " give one integer, or one per pooled axis"
            )
    else:
        values = (integer(value, name),) * len(axes)
    for axis, v in zip(axes, values, strict=True):
        if not 1 <= v <= MOST:
            raise ValueError(f"{name} is {v} for axis {axis}; it must be from 1 to {MOST}")
    return values


def padding_per_axis(padding: Any, axes: tuple[int, ...]) -> tuple[Any, ...]:
    """Return a (before, after) pair or a padding's name for each pooled axis."""
    if isinstance(padding, str):
        if padding not in PADDING_NAMES:
            raise ValueError(
                f"padding is {padding!r}; the names are 'valid', 'same' and 'same_lower'"
            )
        return (padding,) * len(axes)
    if not isinstance(padding, (tuple, list)):
        amount = integer(padding, "padding")
        pairs = [(amount, amount)] * len(axes)
    else:
        if len(padding) != len(axes):
            raise ValueError(
                f"padding {padding!r} has {len(padding)} values for {_counted(axes)};"
                " give one integer, or per pooled axis one integer or a (before, after) pair"
            )
        pairs = [_padding_pair(p) for p in padding]
    for axis, pair in zip(axes, pairs, strict=True):
        if not 0 <= min(pair) <= max(pair) <= MOST:
            raise ValueError(f"padding is {pair} for axis {axis}; it must be from 0 to {MOST}")
    return tuple(pairs)


def _padding_pair(value: Any) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)):
        amount = integer(value, "padding")
        return amount, amount
    if len(value) != 2:
        raise ValueError(f"padding {value!r} of an axis must be an integer or (before, after)")
    return integer(value[0], "padding"), integer(value[1], "padding")


def _windows_along(
    axis: int, n: int, k: int, s: int, d: int, padding: Any, ceil_mode: bool
) -> Window:
    if n == 0:
        raise ValueError(_nothing_to_pool(axis))
    reach = d * (k - 1) + 1
    if padding == "valid":
        before, after = 0, 0
    elif isinstance(padding, str):
        total = max((-(-n // s) - 1) * s + reach - n, 0)
        less, more = total // 2, total - total // 2
        before, after = (less, more) if padding == "same" else (more, less)
    else:
        before, after = padding
    room = n + before + after - reach
    out = (-(-room // s) if ceil_mode else room // s) + 1
    if ceil_mode and (out - 1) * s >= n + before:
        out -= 1  # the last window would start in the padding behind
    if out < 1:
        raise ValueError(
            f"axis {axis} has length {n}, {n + before + after} with padding, which is less than"
            f" the {reach} positions of a window (kernel_size {k}, dilation {d})"
        )
    if max(reach, n + before + after) > MOST:
        raise ValueError(f"the windows along axis {axis} reach past {MOST} positions")
    return Window(n, out, k, s, d, before, after)


def integer(value: Any, name: str) -> int:
    """Return value as an int, or raise an error that names the argument."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} takes integers, not {value!r}") from None


def _counted(axes: tuple[int, ...]) -> str:
    return f"{len(axes)} pooled {'axis' if len(axes) == 1 else 'axes'} {axes}"


def _nothing_to_pool(axis: int) -> str:
    return f"axis {axis} has length 0: there is nothing to pool along it"
