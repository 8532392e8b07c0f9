"""Windows, then max or mean: the pooling family, one definition each.

Every pooling here is the same four steps:

1. geometry: along each axis, which input positions does each window see?
2. walk the output: one window of each axis together make one block of the input;
3. gather the numbers of that block;
4. reduce them to one: the greatest, the least, the sum or the mean.

Only step 4 tells the kinds apart, and only step 1 knows of strides, padding and dilation.
An array is nested lists (or has `.tolist()`) of Python numbers; a plain number is 0-dimensional.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from operator import mul
from typing import Any, NamedTuple

from .rounding import Number, to_dtype

Nested = Any  # a number, or a list of Nested: more than the type system can say
Sizes = int | tuple[int, ...] | list[int]
Padding = int | str | Sequence[int | Sequence[int]]
Axes = int | tuple[int, ...] | list[int] | None


class Window(NamedTuple):
    """One window along one axis."""

    inside: range | list[int]  # the positions of the input that it sees
    counted: int  # how many positions it has in the input and its padding


Geometry = list[list[Window]]  # for each axis, its windows from first to last


# ---------------------------------------------------------------- 1. geometry


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
    """List the windows along one axis of length `n`.

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


def pooled_axes(axis: Axes, ndim: int) -> list[int]:
    """List the pooled axes, none negative, in the order given; `None` is every axis."""
    given = axis if isinstance(axis, (tuple, list)) else range(ndim) if axis is None else [axis]
    for a in given:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} is out of range for an array of {ndim} dimensions")
    axes = [a % ndim for a in given]
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis is {axis}, which names an axis twice")
    return axes


def unpooled(x: Nested) -> Geometry:
    """List every axis's windows before anything is pooled: one for each position."""
    return [[Window([i], 1) for i in range(n)] for n in shape_of(x)]


def window_geometry(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Padding,
    dilation: Sizes,
    axis: Axes,
    ceil_mode: bool,
) -> Geometry:
    """List every axis's windows; an axis that is not pooled keeps one for each position."""
    geometry = unpooled(x)
    axes = pooled_axes(axis, len(geometry))

    def per_axis(name: str, value: Any) -> list[Any]:
        values = list(value) if isinstance(value, (tuple, list)) else [value] * len(axes)
        if len(values) != len(axes):
            raise ValueError(f"{name} is {value}; it needs one entry for each of {len(axes)} axes")
        return values

    sizes = zip(
        axes,
        per_axis("kernel_size", kernel_size),
        per_axis("stride", kernel_size if stride is None else stride),
        per_axis("padding", padding),
        per_axis("dilation", dilation),
        strict=True,
    )
    for a, k, s, p, d in sizes:
        geometry[a] = axis_windows(len(geometry[a]), k, s, p, d, ceil_mode)
    return geometry


def global_geometry(x: Nested, axis: Axes) -> Geometry:
    """List every axis's windows when one window covers each pooled axis."""
    geometry = unpooled(x)
    for a in pooled_axes(axis, len(geometry)):
        n = len(geometry[a])
        if n == 0:
            raise ValueError(f"axis {a} has length 0: there is nothing to pool")
        geometry[a] = [Window(range(n), n)]
    return geometry


# ------------------------------------- 2 and 3. walk the output, gather each window


def pool(
    x: Nested,
    geometry: Geometry,
    reduce: Callable[[list[Number], int], Number],
    drop: Sequence[int] = (),
) -> Nested:
    """Turn each window of `x` into one number of the result.

    `reduce(numbers, counted)` gets the numbers a window sees, in C order, and how many positions
    it counts; `drop` names axes with one window, to leave out of the result.
    """
    shape = shape_of(x)
    flat = flatten(x, shape)
    steps = [math.prod(shape[a + 1 :]) for a in range(len(shape))]
    results = []
    for block in product(*geometry):  # one window of each axis
        places = product(*(window.inside for window in block))
        numbers = [flat[sum(map(mul, place, steps))] for place in places]
        results.append(reduce(numbers, math.prod(window.counted for window in block)))
    return nest(iter(results), [len(w) for a, w in enumerate(geometry) if a not in drop])


def shape_of(x: Nested) -> tuple[int, ...]:
    """Measure an array: its own word if it has one, else the first list of each level.

    >>> shape_of([[1, 2, 3], [4, 5, 6]]), shape_of(7)
    ((2, 3), ())
    """
    if hasattr(x, "shape"):  # a list cannot tell a shape of (0, 3) from (0, 4)
        return tuple(x.shape)
    x = x.tolist() if hasattr(x, "tolist") else x
    if not isinstance(x, (list, tuple)):
        return ()
    return len(x), *(shape_of(x[0]) if x else ())


def flatten(x: Nested, shape: Sequence[int]) -> list[Number]:
    """List the numbers of nested lists in C order."""
    x = x.tolist() if hasattr(x, "tolist") else x
    if not shape and isinstance(x, (int, float, Fraction)):
        return [x]
    if not shape or not isinstance(x, (list, tuple)) or len(x) != shape[0]:
        raise ValueError("x must be nested lists of numbers, all lists of a level equally long")
    return [number for part in x for number in flatten(part, shape[1:])]


def nest(numbers: Iterator[Any], shape: Sequence[int]) -> Nested:
    """Fold numbers in C order into nested lists: the inverse of `flatten`."""
    if not shape:
        return next(numbers)
    return [nest(numbers, shape[1:]) for _ in range(shape[0])]


# ------------------------------------------------- 4. reduce a window to a number


def extreme(choose: Callable[..., Number], numbers: list[Number], empty: Number) -> Number:
    """Choose the `max` or `min`; any NaN wins, and a window that sees nothing gives `empty`."""
    nans = (number for number in numbers if number != number)
    return next(nans, choose(numbers, default=empty))


def exact_sum(numbers: list[Number]) -> Number:
    """Add without rounding; NaN and the infinities add up as floats do (inf - inf is NaN)."""
    special = [v for v in numbers if isinstance(v, float) and not math.isfinite(v)]
    if special:
        return sum(special)
    return sum(Fraction(v) if isinstance(v, float) else v for v in numbers)


def mean(numbers: list[Number], divisor: int, dtype: object) -> Number:
    """Divide the exact sum, then round at most once; over 0 positions it is NaN."""
    total = exact_sum(numbers)
    average: Number = math.nan
    if divisor != 0:
        average = total / divisor if isinstance(total, float) else Fraction(total, divisor)
    return average if dtype is None else to_dtype(average, dtype)


def rounded_sum(numbers: list[Number], dtype: object) -> Number:
    """Add exactly, then round at most once; integer types wrap around, as `numpy.sum` does."""
    if str(dtype) == "bool":  # a sum of bools is their "or"
        return any(numbers)
    return exact_sum(numbers) if dtype is None else to_dtype(exact_sum(numbers), dtype, wrap=True)


# ---------------------------------------------------------------- the functions


def max_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    empty: Number = -math.inf,
) -> Nested:
    """Take the greatest number of each window.

    Parameters
    ----------
    x : nested lists, or an array with `.tolist()`
    kernel_size, stride, dilation : int or sequence of int
        For all pooled axes, or one per pooled axis in the order of `axis`. Without `stride`,
        windows lie side by side: the stride is `kernel_size`.
    padding : int, sequence of int, sequence of (before, after), or str
        Positions around the input, which hold no number. "same" gives ⌈n / stride⌉ windows,
        an odd position going to the end; "same_lower" to the start; "valid" is no padding.
    axis : int or sequence of int, optional
        The axes to pool; every axis by default.
    ceil_mode : bool
        Whether a last window may hang over the end; it must start before the end of the input.
    empty : number
        The result of a window that sees no number: Python's numbers have no least one.

    Returns
    -------
    nested lists
        A plain number for a 0-dimensional `x`. Of -0.0 and 0.0, equal, either may be chosen.

    Examples
    --------
    >>> max_pool([1, 3, 2, 9, 4, 4], 2)
    [3, 9, 4]
    >>> max_pool([[1, 3, 2], [2, 9, 1]], (2, 1), axis=(1, 0), stride=1)
    [[3, 3], [9, 9]]
    """
    windows = window_geometry(x, kernel_size, stride, padding, dilation, axis, ceil_mode)
    return pool(x, windows, lambda numbers, counted: extreme(max, numbers, empty))


def min_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    empty: Number = math.inf,
) -> Nested:
    """Take the least number of each window; the parameters are as in `max_pool`.

    >>> min_pool([1, 3, 2, 9, 4, 4], 2)
    [1, 2, 4]
    """
    windows = window_geometry(x, kernel_size, stride, padding, dilation, axis, ceil_mode)
    return pool(x, windows, lambda numbers, counted: extreme(min, numbers, empty))


def avg_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    divisor_override: int | None = None,
    dtype: object = None,
) -> Nested:
    """Take the mean of each window: its sum over a divisor, which is how many numbers it sees.

    Parameters
    ----------
    count_include_pad : bool
        Whether the divisor is how many positions the window has in the input and its padding,
        though never beyond: what `ceil_mode` hangs over is not counted.
    divisor_override : int, optional
        The divisor itself, not 0.
    dtype : str, optional
        Round once to this type, an integer one half to even and saturating. Without it the
        result is a `Fraction`, or a float where it is NaN or infinite; a `Fraction` has no -0.

    The others are as in `max_pool`. A mean over a divisor of 0 is NaN.

    Examples
    --------
    >>> avg_pool([1, 2, 5, 5], 2)
    [Fraction(3, 2), Fraction(5, 1)]
    >>> avg_pool([1, 2, 5, 5], 2, padding=1, count_include_pad=True, dtype="float32")
    [0.5, 3.5, 2.5]
    """
    if divisor_override == 0:
        raise ValueError("divisor_override is 0; nothing can be divided by it")

    def divisor(numbers: list[Number], counted: int) -> int:
        if divisor_override is not None:
            return divisor_override
        return counted if count_include_pad else len(numbers)

    windows = window_geometry(x, kernel_size, stride, padding, dilation, axis, ceil_mode)
    return pool(
        x, windows, lambda numbers, counted: mean(numbers, divisor(numbers, counted), dtype)
    )


def sum_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    dtype: object = None,
) -> Nested:
    """Add each window up, exactly; the parameters are as in `max_pool`.

    With `dtype` the sum is rounded once to a float type; in an integer type it wraps around
    modulo 2**bits, as `numpy.sum` does. Without it, it is an int, a `Fraction` or (NaN, ±∞) a
    float. A window that sees no number adds up to 0.

    >>> sum_pool([100, 100, 1, 2], 2), sum_pool([100, 100, 1, 2], 2, dtype="int8")
    ([200, 3], [-56, 3])
    """
    windows = window_geometry(x, kernel_size, stride, padding, dilation, axis, ceil_mode)
    return pool(x, windows, lambda numbers, counted: rounded_sum(numbers, dtype))


def global_max_pool(x: Nested, *, axis: Axes = None, keepdims: bool = False) -> Nested:
    """Take the greatest number over whole axes, kept with length 1 if `keepdims`.

    >>> global_max_pool([[1, 2], [3, 4]], axis=0), global_max_pool([[1, 2], [3, 4]])
    ([3, 4], 4)
    """
    return global_pool(x, axis, keepdims, lambda numbers: extreme(max, numbers, -math.inf))


def global_min_pool(x: Nested, *, axis: Axes = None, keepdims: bool = False) -> Nested:
    """Take the least number over whole axes, kept with length 1 if `keepdims`."""
    return global_pool(x, axis, keepdims, lambda numbers: extreme(min, numbers, math.inf))


def global_avg_pool(
    x: Nested, *, axis: Axes = None, keepdims: bool = False, dtype: object = None
) -> Nested:
    """Take the mean over whole axes, kept with length 1 if `keepdims`; `dtype` as in `avg_pool`.

    >>> global_avg_pool([[[1, 2], [3, 5]], [[4, 4], [4, 4]]], axis=(1, 2), dtype="float64")
    [2.75, 4.0]
    """
    return global_pool(x, axis, keepdims, lambda numbers: mean(numbers, len(numbers), dtype))


def global_sum_pool(
    x: Nested, *, axis: Axes = None, keepdims: bool = False, dtype: object = None
) -> Nested:
    """Add up over whole axes, kept with length 1 if `keepdims`; `dtype` as in `sum_pool`."""
    return global_pool(x, axis, keepdims, lambda numbers: rounded_sum(numbers, dtype))


def global_pool(
    x: Nested, axis: Axes, keepdims: bool, reduce: Callable[[list[Number]], Number]
) -> Nested:
    """Pool with one window over each pooled axis, and leave those axes out unless `keepdims`."""
    drop = () if keepdims else pooled_axes(axis, len(shape_of(x)))
    return pool(x, global_geometry(x, axis), lambda numbers, counted: reduce(numbers), drop)
