"""Windows: output lengths, padding, dilation, along each pooled axis."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PADDING_NAMES = ("valid", "same", "same_lower")

#: Positions are computed in 64 bits; this leaves room to add a few of them.
MOST = 2**60


#: How windows follow each other: in steps of the stride, by sharing out the axis, or as the windows
#: that a position of regular ones is in.
REGULAR, ADAPTIVE, TRANSPOSED = range(3)


class Stretch(NamedTuple):
    """Some positions along an axis, and all windows that they are in."""

    own: slice  # the positions
    rows: slice  # those that the windows reach over
    own_in_rows: slice
    windows: slice
    padding: tuple[int, int]  # of the rows
    own_padding: tuple[int, int]  # the same and the other rows, to which these windows are no fewer


class Window(NamedTuple):
    """The windows along one axis; a regular one starts at ``o * stride - before``."""

    length: int  # input positions
    out: int  # how many windows
    size: int  # taps; the most of them where they are not regular
    stride: int
    dilation: int
    before: int  # padding
    after: int
    spacing: int = REGULAR
    #: What was transposed: its size, stride and dilation; and the stride's inverse, see below.
    turned: tuple[int, int, int, int] = (0, 0, 0, 0)

    def centre(self, o: int) -> float:
        """Return the middle of the window's taps, those on the padding too, as a position."""
        return o * self.stride - self.before + self.dilation * (self.size - 1) / 2

    def transposed(self) -> Window:
        """Return, for each input position, the windows that it is in."""
        n, out, k, s, d = self[:5]
        if self.spacing == ADAPTIVE:
            return adaptive_window(out, n)  # those that share out an axis do so both ways
        if out == 1 or s == 1:
            reach = d * (k - 1)
            return Window(out, n, k, 1, d, reach - self.before, reach - self.after)
        # Window q has position p among its taps if q * s = p + before modulo d.
        common = math.gcd(s, d)
        step = d // common
        inverse = pow(s // common, -1, step)
        most = d * (k - 1) // (s * step) + 1
        return Window(out, n, most, 1, step, self.before, 0, TRANSPOSED, (k, s, d, inverse))

    def counts(self, count_include_pad: bool) -> NDArray[np.int64]:
        """Return how many positions each window counts."""
        o = np.arange(self.out)
        if self.spacing == ADAPTIVE:
            return -(-(o + 1) * self.length // self.out) - o * self.length // self.out
        low, high = (
            (-self.before, self.length + self.after) if count_include_pad else (0, self.length)
        )
        start = o * self.stride - self.before
        first = np.maximum(-((start - low) // self.dilation), 0)
        stop = np.minimum(-((start - high) // self.dilation), self.size)
        return np.maximum(stop - first, 0)

    def starts_within(self) -> int:
        """Return how many of the next windows start within a regular one."""
        return self.dilation * (self.size - 1) // self.stride

    def stretch(self, first: int, stop: int) -> Stretch:
        """Return the positions from where a regular window starts to where another one does.

        Those before the first window are the first one's, and those behind the last the last one's.
        """
        n, out, k, s, d, before = self[:6]
        reach = d * (k - 1) + 1
        begin = min(max(first * s - before, 0), n) if first > 0 else 0
        end = min(max(stop * s - before, begin), n) if stop < out else n
        # From the last window that starts at `begin` or before, or the first that reaches it.
        low = min(max(begin + before - max(reach - s, 0), 0) // s, out - 1)
        high = max(min((end - 1 + before) // s + 1, out), low + 1)
        start, back = low * s - before, (high - 1) * s - before + reach
        rows = slice(max(start, 0), n if stop == out else min(max(back, end), n))
        padding = rows.start - start, max(back - rows.stop, 0)
        return Stretch(
            slice(begin, end),
            rows,
            slice(begin - rows.start, end - rows.start),
            slice(low, high),
            padding,
            (padding[0] + begin - rows.start, padding[1] + rows.stop - end),
        )

    def plainly_cover(self) -> bool:
        """Whether it is easily seen that every position is in a window."""
        end = (self.out - 1) * self.stride - self.before + self.size
        return self.dilation == 1 and self.stride <= self.size and end >= self.length

    def some_are_empty(self) -> bool:
        """Whether some window has no tap on the input."""
        if self.spacing == ADAPTIVE:
            return False
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
            raise ValueError(
                f"axis {a} is out of range for an array of {_counted(ndim, 'dimension')}; "
                + (f"use {-ndim} to {ndim - 1}" if ndim else "it has no axes to name")
            )
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


def adaptive_windows(
    shape: tuple[int, ...], axes: tuple[int, ...], output_size: Any
) -> tuple[Window, ...]:
    """Return windows that share out each pooled axis; None keeps an axis as it is."""
    lengths = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * len(axes)
    named = [shape[a] if v is None else v for a, v in zip(axes, lengths, strict=False)]
    outs = per_axis(tuple(named) + tuple(lengths[len(axes) :]), "output_size", axes)
    for axis, out in zip(axes, outs, strict=True):
        n = shape[axis]
        if n == 0:
            raise ValueError(_nothing_to_pool(axis))
        if out * n > MOST:
            raise ValueError(
                f"output_size is {out} for axis {axis} of length {n}; it must be at most"
                f" {MOST // n}"
            )
    return tuple(adaptive_window(shape[a], out) for a, out in zip(axes, outs, strict=True))


def adaptive_window(n: int, out: int) -> Window:
    """Return `out` windows from ``floor(o * n / out)`` to ``ceil((o + 1) * n / out)``."""
    size, rest = divmod(n, out)
    if rest == 0:
        return Window(n, out, size, size, 1, 0, 0)
    size += 2 if rest > math.gcd(n, out) else 1
    return Window(n, out, size, 1, 1, 0, 0, ADAPTIVE)


def per_axis(value: Any, name: str, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return one positive integer per pooled axis."""
    if isinstance(value, (tuple, list)):
        if len(value) != len(axes):
            raise ValueError(
                f"{name} {value!r} has {_counted(len(value), 'value')} for {_pooled(axes)};"
                " give one integer, or one per pooled axis"
            )
        values = tuple(integer(v, name, axis) for axis, v in zip(axes, value, strict=True))
    else:
        values = (integer(value, name),) * len(axes)
    for axis, v in zip(axes, values, strict=True):
        if not 1 <= v <= MOST:
            raise ValueError(f"{name} is {v} for axis {axis}; it must be {_bound(v, 1)}")
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
                f"padding {padding!r} has {_counted(len(padding), 'value')} for {_pooled(axes)};"
                " give one integer, or per pooled axis one integer or a (before, after) pair"
            )
        pairs = [_padding_pair(p, axis) for axis, p in zip(axes, padding, strict=True)]
    for axis, pair in zip(axes, pairs, strict=True):
        for amount in pair:
            if not 0 <= amount <= MOST:
                raise ValueError(
                    f"padding is {pair} for axis {axis}; it must be {_bound(amount, 0)}"
                )
    return tuple(pairs)


def _padding_pair(value: Any, axis: int) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)):
        amount = integer(value, "padding", axis)
        return amount, amount
    if len(value) != 2:
        raise ValueError(
            f"padding is {value!r} for axis {axis}; it must be an integer or a (before, after) pair"
        )
    return integer(value[0], "padding", axis), integer(value[1], "padding", axis)


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
        missing = -room - (s - 1 if ceil_mode else 0)
        raise ValueError(
            f"axis {axis} has length {n}, {n + before + after} with padding, which is less than"
            f" the {reach} positions of a window (kernel_size {k}, dilation {d}); use a smaller"
            f" kernel_size or dilation, or {_counted(missing, 'more position')} of padding"
        )
    if max(reach, n + before + after) > MOST:
        raise ValueError(f"the windows along axis {axis} reach past {MOST} positions")
    return Window(n, out, k, s, d, before, after)


def integer(value: Any, name: str, axis: int | None = None) -> int:
    """Return value as an int, or raise an error that names the argument, and its axis if known."""
    try:
        return operator.index(value)
    except TypeError:
        shown = f"an array of shape {value.shape}" if hasattr(value, "shape") else repr(value)
        if axis is not None:
            shown += f" for axis {axis}"
        elif name == "axis":
            shown += "; give an integer, or a tuple of them"
        elif name != "divisor_override":
            shown += "; give an integer, or a tuple of one per pooled axis"
        raise TypeError(f"{name} takes integers, not {shown}") from None


def _bound(value: int, least: int) -> str:
    return f"at least {least}" if value < least else f"at most {MOST}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _pooled(axes: tuple[int, ...]) -> str:
    return f"{len(axes)} pooled {'axis' if len(axes) == 1 else 'axes'} {axes}"


def _nothing_to_pool(axis: int) -> str:
    return f"axis {axis} has length 0: there is nothing to pool along it; leave it out of `axis`"
