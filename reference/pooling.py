"""Windows, then max or mean: the pooling family, one definition each.

Every pooling here is the same four steps:

1. geometry: along each axis, which input positions does each window see?
2. walk the output: one window of each axis together make one block of the input;
3. gather the numbers of that block;
4. reduce them to one: the greatest, the least, the sum, the mean or the norm.

Only step 4 tells the kinds apart, and only step 1 knows of strides, padding and dilation; it and
the walk are in `geometry.py`. A NaN policy is a choice of numbers, between steps 3 and 4.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from .arrays import Nested, flatten, nest, shape_of
from .geometry import (
    Axes,
    Geometry,
    OutputSizes,
    Padding,
    Sizes,
    adaptive_geometry,
    blocks,
    global_geometry,
    index_of,
    output_shape,
    pooled_axes,
    window_geometry,
)
from .norms import checked_power, p_norm
from .rounding import INTEGERS, Number, is_finite, to_dtype

# ------------------------------------- 2 and 3. walk the output, gather each window


class View(NamedTuple):
    """What one window sees."""

    numbers: list[Number]  # in C order
    places: list[int]  # where each of them is in the input
    counted: int  # how many positions the window has in the input and its padding


def views(x: Nested, geometry: Geometry, nan_policy: str) -> Iterator[View]:
    """Gather what each window sees, in C order of the output."""
    if nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy is {nan_policy!r}; choose 'propagate', 'omit' or 'raise'")
    shape = shape_of(x)
    flat = flatten(x, shape)
    for places, counted in blocks(geometry, shape):
        view = View([flat[place] for place in places], places, counted)
        yield view if nan_policy == "propagate" else heed(nan_policy, view)


def heed(nan_policy: str, view: View) -> View:
    """Leave NaNs out ("omit"), unless there is nothing else; or refuse them ("raise").

    >>> heed("omit", View([1.0, math.nan, 3.0], [4, 5, 6], 4))
    View(numbers=[1.0, 3.0], places=[4, 6], counted=3)
    """
    kept = [i for i, number in enumerate(view.numbers) if number == number]
    nans = len(view.numbers) - len(kept)
    if nans and nan_policy == "raise":
        raise ValueError("x has a NaN, which nan_policy='raise' refuses")
    if not kept:
        return view
    return View(
        [view.numbers[i] for i in kept], [view.places[i] for i in kept], view.counted - nans
    )


def pool(
    x: Nested,
    geometry: Geometry,
    nan_policy: str,
    reduce: Callable[[View], Number],
    drop: Sequence[int] = (),
) -> Nested:
    """Turn each window of `x` into one number; `drop` names axes to leave out of the result."""
    return nest(map(reduce, views(x, geometry, nan_policy)), output_shape(geometry, drop))


# ------------------------------------------------- 4. reduce a window to a number


def extreme(choose: Callable[..., Number], numbers: Sequence[Number]) -> int:
    """Find the number that is the `max` or `min`: the first NaN, or else the first of equals.

    >>> extreme(max, [3, 7, 7]), extreme(max, [3, math.nan, 7])
    (1, 1)
    """
    for i, number in enumerate(numbers):
        if number != number:
            return i
    return numbers.index(choose(numbers))


def exact_sum(numbers: Sequence[Number]) -> Number:
    """Add without rounding; NaN and the infinities add up as floats do (inf - inf is NaN)."""
    special = [v for v in numbers if not is_finite(v)]
    if special:
        return sum(special)
    return sum(Fraction(v) if isinstance(v, float) else v for v in numbers)


def mean(view: View, divisor: int, dtype: object) -> Number:
    """Divide the exact sum, then round at most once; over 0 positions it is NaN."""
    total = exact_sum(view.numbers)
    average: Number = math.nan
    if divisor != 0:
        average = total / divisor if isinstance(total, float) else Fraction(total, divisor)
    elif str(dtype) in INTEGERS:
        raise ValueError(f"the mean of no number is NaN, which {dtype} does not have")
    return average if dtype is None else rounded(average, dtype)


def rounded(value: Number, dtype: object) -> Number:
    """Round once; an integer type has 0 for NaN.

    >>> rounded(Fraction(5, 2), "int8"), rounded(math.nan, "int8")
    (2, 0)
    """
    return 0 if value != value and str(dtype) in INTEGERS else to_dtype(value, dtype)


def rounded_sum(numbers: Sequence[Number], dtype: object) -> Number:
    """Add exactly, then round at most once; integer types wrap around, as `numpy.sum` does."""
    if str(dtype) == "bool":  # a sum of bools is their "or"
        return any(numbers)
    return exact_sum(numbers) if dtype is None else to_dtype(exact_sum(numbers), dtype, wrap=True)


# ---------------------------------------------------------------- sliding windows


def max_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    return_indices: bool = False,
    nan_policy: str = "propagate",
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
    return_indices : bool
        Whether to give (result, indices). An index is the place of the chosen number among the
        pooled axes alone, in C order of the array's own axes: of equal numbers the first one's
        (-0.0 equals 0.0), with NaN the first NaN's; -1 for a window that sees no number.
    nan_policy : str
        "propagate": a NaN in a window is its result. "omit": NaNs are not there, but a window
        that sees nothing else gives NaN. "raise": a NaN in a window is a `ValueError`.
    empty : number
        The result of a window that sees no number: Python's numbers have no least one.

    Returns
    -------
    nested lists
        A plain number for a 0-dimensional `x`.

    Examples
    --------
    >>> max_pool([1, 3, 2, 9, 4, 4], 2)
    [3, 9, 4]
    >>> max_pool([[1, 3, 2], [2, 9, 1]], (2, 1), axis=(1, 0), stride=1)
    [[3, 3], [9, 9]]
    >>> max_pool([[1, 3, 2], [2, 9, 1]], 2, stride=1, padding=(0, 1), return_indices=True)
    ([[2, 9, 9, 2]], [[3, 4, 4, 2]])
    """
    geometry = window_geometry(shape_of(x), kernel_size, stride, padding, dilation, axis, ceil_mode)
    return extreme_pool(x, geometry, max, empty, axis, return_indices, nan_policy)


def min_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    return_indices: bool = False,
    nan_policy: str = "propagate",
    empty: Number = math.inf,
) -> Nested:
    """Take the least number of each window; the parameters are as in `max_pool`.

    >>> min_pool([1, 3, 2, 9, 4, 4], 2)
    [1, 2, 4]
    """
    geometry = window_geometry(shape_of(x), kernel_size, stride, padding, dilation, axis, ceil_mode)
    return extreme_pool(x, geometry, min, empty, axis, return_indices, nan_policy)


def extreme_pool(
    x: Nested,
    geometry: Geometry,
    choose: Callable[..., Number],
    empty: Number,
    axis: Axes,
    return_indices: bool,
    nan_policy: str,
    drop: Sequence[int] = (),
) -> Nested:
    """Choose the `max` or `min` of each window, and say where it was if that is asked for."""
    results, indices = [], []
    for view in views(x, geometry, nan_policy):
        chosen = extreme(choose, view.numbers) if view.numbers else None
        results.append(empty if chosen is None else view.numbers[chosen])
        if return_indices:
            indices.append(
                -1 if chosen is None else index_of(view.places[chosen], shape_of(x), axis)
            )
    shape = output_shape(geometry, drop)
    result = nest(iter(results), shape)
    return (result, nest(iter(indices), shape)) if return_indices else result


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
    nan_policy: str = "propagate",
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
        Round once to this type, an integer one half to even and saturating, with 0 for NaN.
        Without it the result is a `Fraction`, or a float where it is NaN or infinite; a
        `Fraction` has no -0.

    The others are as in `max_pool`; a NaN that is left out is in no divisor but that of
    `divisor_override`. A mean over a divisor of 0 is NaN, and refused if `dtype` is an integer's.

    Examples
    --------
    >>> avg_pool([1, 2, 5, 5], 2)
    [Fraction(3, 2), Fraction(5, 1)]
    >>> avg_pool([1, 2, 5, 5], 2, padding=1, count_include_pad=True, dtype="float32")
    [0.5, 3.5, 2.5]
    >>> avg_pool([1, 2, math.nan, 5], 2, nan_policy="omit")
    [Fraction(3, 2), Fraction(5, 1)]
    """
    geometry = window_geometry(shape_of(x), kernel_size, stride, padding, dilation, axis, ceil_mode)

    def reduce(view: View) -> Number:
        seen = len(view.numbers)
        return mean(view, divisor_of(seen, view.counted, count_include_pad, divisor), dtype)

    divisor = checked_divisor(divisor_override)
    return pool(x, geometry, nan_policy, reduce)


def checked_divisor(divisor_override: int | None) -> int | None:
    """Return the divisor if it is not 0."""
    if divisor_override == 0:
        raise ValueError("divisor_override is 0; nothing can be divided by it")
    return divisor_override


def divisor_of(seen: int, counted: int, include_pad: bool, override: int | None) -> int:
    """Say what the sum of a window is divided by, in which `seen` numbers were seen."""
    if override is not None:
        return override
    return counted if include_pad else seen


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
    nan_policy: str = "propagate",
) -> Nested:
    """Add each window up, exactly; the parameters are as in `max_pool`.

    With `dtype` the sum is rounded once to a float type; in an integer type it wraps around
    modulo 2**bits, as `numpy.sum` does. Without it, it is an int, a `Fraction` or (NaN, ±∞) a
    float. A window that sees no number adds up to 0.

    >>> sum_pool([100, 100, 1, 2], 2), sum_pool([100, 100, 1, 2], 2, dtype="int8")
    ([200, 3], [-56, 3])
    """
    geometry = window_geometry(shape_of(x), kernel_size, stride, padding, dilation, axis, ceil_mode)
    return pool(x, geometry, nan_policy, lambda view: rounded_sum(view.numbers, dtype))


def lp_pool(
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    p: Number = 2,
    axis: Axes = None,
    ceil_mode: bool = False,
    dtype: object = "float64",
    nan_policy: str = "propagate",
) -> Nested:
    """Take the p-norm of each window, (Σ|x|^p)^(1/p), rounded once.

    Parameters
    ----------
    p : int, float or Fraction
        Greater than 0. 1 adds up sizes, 2 is the length of a vector, `math.inf` takes the
        greatest size.
    dtype : str
        The type to round to, an integer one half to even and saturating, with 0 for NaN. There
        is no exact result to give without it: a norm is seldom a fraction.

    The others are as in `max_pool`. A window that sees no number has norm 0.

    Examples
    --------
    >>> lp_pool([3, -4, 1, 1], 2), lp_pool([3, -4, 1, 1], 2, p=0.5, dtype="int8")
    ([5.0, 1.4142135623730951], [14, 4])
    >>> lp_pool([3e300, 4e300, 3e-300, 4e-300], 2)
    [5e+300, 5e-300]
    """
    geometry = window_geometry(shape_of(x), kernel_size, stride, padding, dilation, axis, ceil_mode)
    p = checked_power(p)
    return pool(x, geometry, nan_policy, lambda view: rounded(p_norm(view.numbers, p), dtype))


# -------------------------------------------------------------- windows over everything


def global_max_pool(
    x: Nested,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    return_indices: bool = False,
    nan_policy: str = "propagate",
) -> Nested:
    """Take the greatest number over whole axes, kept with length 1 if `keepdims`.

    The other parameters are as in `max_pool`.

    >>> global_max_pool([[1, 2], [3, 4]], axis=0), global_max_pool([[1, 2], [3, 4]])
    ([3, 4], 4)
    >>> global_max_pool([[1, 5], [3, 4]], axis=1, return_indices=True)
    ([5, 4], [1, 1])
    """
    drop = dropped_axes(x, axis, keepdims)
    geometry = global_geometry(shape_of(x), axis)
    return extreme_pool(x, geometry, max, -math.inf, axis, return_indices, nan_policy, drop)


def global_min_pool(
    x: Nested,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    return_indices: bool = False,
    nan_policy: str = "propagate",
) -> Nested:
    """Take the least number over whole axes; the parameters are as in `global_max_pool`.

    >>> global_min_pool([[1, 5], [3, 4]], axis=0, keepdims=True)
    [[1, 4]]
    """
    drop = dropped_axes(x, axis, keepdims)
    geometry = global_geometry(shape_of(x), axis)
    return extreme_pool(x, geometry, min, math.inf, axis, return_indices, nan_policy, drop)


def global_avg_pool(
    x: Nested,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
    nan_policy: str = "propagate",
) -> Nested:
    """Take the mean over whole axes, kept with length 1 if `keepdims`; `dtype` as in `avg_pool`.

    >>> global_avg_pool([[[1, 2], [3, 5]], [[4, 4], [4, 4]]], axis=(1, 2), dtype="float64")
    [2.75, 4.0]
    """
    drop = dropped_axes(x, axis, keepdims)
    geometry = global_geometry(shape_of(x), axis)
    return pool(x, geometry, nan_policy, lambda view: mean(view, len(view.numbers), dtype), drop)


def global_sum_pool(
    x: Nested,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
    nan_policy: str = "propagate",
) -> Nested:
    """Add up over whole axes, kept with length 1 if `keepdims`; `dtype` as in `sum_pool`.

    >>> global_sum_pool([[1, 5], [3, 4]], axis=0)
    [4, 9]
    """
    drop = dropped_axes(x, axis, keepdims)
    geometry = global_geometry(shape_of(x), axis)
    return pool(x, geometry, nan_policy, lambda view: rounded_sum(view.numbers, dtype), drop)


def global_lp_pool(
    x: Nested,
    *,
    p: Number = 2,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = "float64",
    nan_policy: str = "propagate",
) -> Nested:
    """Take the p-norm over whole axes, kept with length 1 if `keepdims`; `p` as in `lp_pool`.

    >>> global_lp_pool([[3, -4], [5, 12]], axis=1)
    [5.0, 13.0]
    """
    drop = dropped_axes(x, axis, keepdims)
    geometry = global_geometry(shape_of(x), axis)
    p = checked_power(p)
    return pool(x, geometry, nan_policy, lambda view: rounded(p_norm(view.numbers, p), dtype), drop)


def dropped_axes(x: Nested, axis: Axes, keepdims: bool) -> list[int]:
    """List the axes that a global pooling leaves out of its result."""
    return [] if keepdims else pooled_axes(axis, len(shape_of(x)))


# ------------------------------------------------------------ a given number of windows


def adaptive_max_pool(
    x: Nested,
    output_size: OutputSizes,
    *,
    axis: Axes = None,
    return_indices: bool = False,
    nan_policy: str = "propagate",
) -> Nested:
    """Take the greatest number of each of `output_size` windows along the pooled axes.

    Parameters
    ----------
    output_size : int, None, or a sequence of these
        How many windows each pooled axis gets, more than its length if need be; `None` is its
        length. Window i of o covers the positions from ⌊i n / o⌋ to before ⌈(i + 1) n / o⌉.

    The others are as in `max_pool`.

    Examples
    --------
    >>> adaptive_max_pool([1, 9, 2, 4, 3], 3), adaptive_max_pool([1, 9], 4)
    ([9, 9, 4], [1, 1, 9, 9])
    >>> adaptive_max_pool([[1, 2, 3], [6, 5, 4]], (None, 1), return_indices=True)
    ([[3], [6]], [[2], [3]])
    """
    geometry = adaptive_geometry(shape_of(x), output_size, axis)
    return extreme_pool(x, geometry, max, -math.inf, axis, return_indices, nan_policy)


def adaptive_avg_pool(
    x: Nested,
    output_size: OutputSizes,
    *,
    axis: Axes = None,
    dtype: object = None,
    nan_policy: str = "propagate",
) -> Nested:
    """Take the mean of each of `output_size` windows along the pooled axes.

    `output_size` is as in `adaptive_max_pool`, `dtype` as in `avg_pool`.

    >>> adaptive_avg_pool([1, 9, 2, 4, 3], 3, dtype="float64")
    [5.0, 5.0, 3.5]
    """
    geometry = adaptive_geometry(shape_of(x), output_size, axis)
    return pool(x, geometry, nan_policy, lambda view: mean(view, len(view.numbers), dtype))
