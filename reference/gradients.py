"""The way back: unpooling, and the gradient of each pooling.

Pooling makes each number of its result of some elements of the input. Backward, the gradient of
that number goes to those elements, to each as much as the number grows with it; an element adds
up what it gets from all the windows that see it. So each gradient here is the transpose of its
pooling, by definition: walk the windows, and hand back what each has been given.

What is handed back is a `Fraction` that is exact (for `lp_pool_backward` to 45 digits and more).
A `dtype` asks for one rounding at the end, of the sum. NaN and infinities add as floats do.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .arrays import Nested, flatten, nest, shape_of
from .geometry import (
    Axes,
    Block,
    Geometry,
    Padding,
    Sizes,
    adaptive_geometry,
    blocks,
    global_geometry,
    output_shape,
    place_of,
    pooled_axes,
    window_geometry,
)
from .norms import checked_power, norm_slopes, sign
from .pooling import checked_divisor, divisor_of, exact_sum
from .rounding import Number, is_finite, to_dtype

Share = Callable[[Number, Block], Iterable[tuple[int, Number]]]  # places, and what each gets


# -------------------------------------------------------------------- by windows


def hand_back(
    grad_output: Nested,
    shape: Sequence[int],
    geometry: Geometry,
    share: Share,
    dtype: object,
    left_out: Sequence[int] = (),
) -> Nested:
    """Walk the windows, let each `share` its gradient, and add up what the elements get.

    `left_out` names axes with one window that the pooling has dropped from its result.
    """
    gradients = flatten(grad_output, output_shape(geometry, left_out), "grad_output")
    pairs = (
        pair
        for gradient, block in zip(gradients, blocks(geometry, shape), strict=True)
        for pair in share(gradient, block)
    )
    return added_up(pairs, shape, dtype)


def added_up(pairs: Iterable[tuple[int, Number]], shape: Sequence[int], dtype: object) -> Nested:
    """Add up the numbers that come to each place of an array; 0 where none comes.

    >>> added_up([(0, 5), (2, 1), (0, Fraction(1, 2))], (3,), None)
    [Fraction(11, 2), 0, 1]
    """
    handed: list[list[Number]] = [[] for _ in range(math.prod(shape))]
    for place, number in pairs:
        handed[place].append(number)
    sums = map(exact_sum, handed)
    return nest(sums if dtype is None else (to_dtype(total, dtype) for total in sums), shape)


def divided(gradient: Number, divisor: int) -> Number:
    """Divide without rounding, unless it is NaN or infinite."""
    if not is_finite(gradient):
        return gradient / divisor
    return Fraction(gradient) / divisor


def whole_to_each(gradient: Number, block: Block) -> Iterator[tuple[int, Number]]:
    """Share the gradient of a sum: each element has all of it."""
    return ((place, gradient) for place in block.places)


def equal_parts(include_pad: bool = False, override: int | None = None) -> Share:
    """Share the gradient of a mean: each element has it over what the sum was divided by."""

    def share(gradient: Number, block: Block) -> Iterator[tuple[int, Number]]:
        divisor = divisor_of(len(block.places), block.counted, include_pad, override)
        return ((place, divided(gradient, divisor)) for place in block.places)

    return share


def by_slopes(x: Nested, p: Number) -> Share:
    """Share the gradient of a norm: to each element as much as the norm grows with it."""
    flat = flatten(x, shape_of(x))
    p = checked_power(p)

    def share(gradient: Number, block: Block) -> Iterator[tuple[int, Number]]:
        slopes = norm_slopes([flat[place] for place in block.places], p)
        for i, slope in slopes.items():  # the others get nothing, not even of NaN
            yield block.places[i], times(gradient, slope)

    return share


def times(a: Number, b: Number) -> Number:
    """Multiply without rounding, unless one of the two is NaN or infinite.

    >>> times(0.1, 3) == Fraction(0.1) * 3, times(Fraction(1, 10**400), -math.inf)
    (True, -inf)
    """
    if is_finite(a) and is_finite(b):
        return Fraction(a) * Fraction(b)
    # The size of a finite one no longer matters, only its sign: a float may not hold it.
    a, b = (sign(v) if is_finite(v) else v for v in (a, b))
    return a * b


def sum_pool_backward(
    grad_output: Nested,
    input_shape: Sequence[int],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    axis: Axes = None,
    ceil_mode: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each element the gradients of all windows that see it.

    Parameters
    ----------
    grad_output : nested lists
        The gradient of the pooling's result, and so of its shape.
    input_shape : sequence of int
        The shape of what was pooled, all axes.
    kernel_size, stride, padding, dilation, axis, ceil_mode
        As they were for the pooling.
    dtype : str, optional
        The type to round to, once.

    Returns
    -------
    nested lists
        The gradient of the input: ints or fractions, and floats if NaN or infinite.

    Examples
    --------
    >>> sum_pool_backward([1, 10], (4,), 3, 1)
    [1, 11, 11, 10]
    """
    geometry = window_geometry(input_shape, kernel_size, stride, padding, dilation, axis, ceil_mode)
    return hand_back(grad_output, input_shape, geometry, whole_to_each, dtype)


def avg_pool_backward(
    grad_output: Nested,
    input_shape: Sequence[int],
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
    """Give each element its part of the gradients: each window's over what it divides by.

    The parameters are as in `sum_pool_backward` and `avg_pool`.

    >>> avg_pool_backward([1, 10], (4,), 2, dtype="float64")
    [0.5, 0.5, 5.0, 5.0]
    """
    geometry = window_geometry(input_shape, kernel_size, stride, padding, dilation, axis, ceil_mode)
    share = equal_parts(count_include_pad, checked_divisor(divisor_override))
    return hand_back(grad_output, input_shape, geometry, share, dtype)


def lp_pool_backward(
    grad_output: Nested,
    x: Nested,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    *,
    p: Number = 2,
    axis: Axes = None,
    ceil_mode: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each element of `x` the gradients times sign(x) (|x| / norm)^(p - 1).

    That is 0 where x is 0. With p infinite the first of the greatest in size has it all. The
    parameters are as in `sum_pool_backward` and `lp_pool`.

    >>> lp_pool_backward([5, 26], [3, -4, 5, 12], 2, dtype="float64")
    [3.0, -4.0, 10.0, 24.0]
    """
    shape = shape_of(x)
    geometry = window_geometry(shape, kernel_size, stride, padding, dilation, axis, ceil_mode)
    return hand_back(grad_output, shape, geometry, by_slopes(x, p), dtype)


def adaptive_avg_pool_backward(
    grad_output: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    dtype: object = None,
) -> Nested:
    """Give each element its part of the gradients of the means that it is in.

    How many windows there were is seen from `grad_output`.

    >>> adaptive_avg_pool_backward([6, 12], (3,), dtype="float64")
    [3.0, 9.0, 6.0]
    """
    axes = pooled_axes(axis, len(input_shape))
    if 0 in input_shape and all(input_shape[a] for a in axes):
        return nest(iter(()), input_shape)  # lists do not tell how long what is not there is
    lengths = shape_of(grad_output)
    if len(lengths) != len(input_shape):
        raise ValueError(
            f"grad_output has shape {lengths}; it needs as many axes as {tuple(input_shape)}"
        )
    geometry = adaptive_geometry(input_shape, [lengths[a] for a in axes], axes)
    return hand_back(grad_output, input_shape, geometry, equal_parts(), dtype)


def global_sum_pool_backward(
    grad_output: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each element the gradient of the sum that it is in.

    `axis` and `keepdims` are as they were for the pooling.

    >>> global_sum_pool_backward([5, 7], (2, 3), axis=1)
    [[5, 5, 5], [7, 7, 7]]
    """
    geometry = global_geometry(input_shape, axis)
    drop = [] if keepdims else pooled_axes(axis, len(input_shape))
    return hand_back(grad_output, input_shape, geometry, whole_to_each, dtype, drop)


def global_avg_pool_backward(
    grad_output: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each element its part of the gradient of the mean that it is in.

    >>> global_avg_pool_backward([6, 9], (2, 3), axis=1, dtype="float64")
    [[2.0, 2.0, 2.0], [3.0, 3.0, 3.0]]
    """
    geometry = global_geometry(input_shape, axis)
    drop = [] if keepdims else pooled_axes(axis, len(input_shape))
    return hand_back(grad_output, input_shape, geometry, equal_parts(), dtype, drop)


def global_lp_pool_backward(
    grad_output: Nested,
    x: Nested,
    *,
    p: Number = 2,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each element of `x` the gradient times sign(x) (|x| / norm)^(p - 1).

    >>> global_lp_pool_backward(10, [3, -4], dtype="float64")
    [6.0, -8.0]
    """
    shape = shape_of(x)
    geometry = global_geometry(shape, axis)
    drop = [] if keepdims else pooled_axes(axis, len(shape))
    return hand_back(grad_output, shape, geometry, by_slopes(x, p), dtype, drop)


# -------------------------------------------------------------------- by indices


def pointed_at(
    indices: Nested, shape: Sequence[int], axis: Axes, drop: Sequence[int] = ()
) -> list[int | None]:
    """List the places in an array of `shape` that indices mean, `None` for the index -1.

    `drop` names axes that a global pooling has left out of its result.
    """
    axes = pooled_axes(axis, len(shape))
    found = iter(shape_of(indices))
    lengths = [1 if a in drop else next(found, 0) for a in range(len(shape))]
    flat: list[Any] = flatten(
        indices, [n for a, n in enumerate(lengths) if a not in drop], "indices"
    )
    if any(n != shape[a] for a, n in enumerate(lengths) if a not in axes and 0 not in lengths):
        raise ValueError(
            f"indices has lengths {lengths} for an array of shape {tuple(shape)};"
            f" only those of the pooled axes, {axes}, may differ"
        )
    positions = product(*map(range, lengths))
    return [
        None if index == -1 else place_of(index, position, shape, axes)
        for index, position in zip(flat, positions, strict=True)
    ]


def max_unpool(
    x: Nested, indices: Nested, output_shape: Sequence[int], *, axis: Axes = None
) -> Nested:
    """Put each number of `x` back where its index says, into zeros.

    Parameters
    ----------
    x, indices : nested lists
        What `max_pool` gives with `return_indices`. An index of -1 is passed over. Of equal
        ones the last number in C order stays.
    output_shape : sequence of int
        The shape of the result, all axes.
    axis : int or sequence of int, optional
        The axes that were pooled; every axis by default.

    Examples
    --------
    >>> max_unpool([9, 4], [3, 4], (6,))
    [0, 0, 0, 9, 4, 0]
    """
    result: list[Number] = [0] * math.prod(output_shape)
    places = pointed_at(indices, output_shape, axis)
    for number, place in zip(flatten(x, shape_of(indices)), places, strict=True):
        if place is not None:
            result[place] = number
    return nest(iter(result), output_shape)


def max_unpool_backward(grad_output: Nested, indices: Nested, *, axis: Axes = None) -> Nested:
    """Take for each index the gradient where it points; 0 for -1.

    >>> max_unpool_backward([1, 2, 3, 4, 5, 6], [3, 4, -1])
    [4, 5, 0]
    """
    shape = shape_of(grad_output)
    flat = flatten(grad_output, shape, "grad_output")
    places = pointed_at(indices, shape, axis)
    gathered = [0 if place is None else flat[place] for place in places]
    return nest(iter(gathered), shape_of(indices))


def max_pool_backward(
    grad_output: Nested,
    indices: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    dtype: object = None,
) -> Nested:
    """Give each window's gradient to the element that it has chosen.

    Parameters
    ----------
    grad_output, indices : nested lists
        The gradient of the result and its indices, of one shape. An index of -1 is passed over.
    input_shape : sequence of int
        The shape of what was pooled, all axes.
    axis : int or sequence of int, optional
        The axes that were pooled; every axis by default.
    dtype : str, optional
        The type to round the sums to, once.

    Examples
    --------
    >>> max_pool_backward([1, 10, 100], [1, 1, 3], (5,))
    [0, 11, 0, 100, 0]
    """
    return to_the_chosen(grad_output, indices, input_shape, axis, dtype)


def min_pool_backward(
    grad_output: Nested,
    indices: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    dtype: object = None,
) -> Nested:
    """Give each window's gradient to the element that it has chosen, as `max_pool_backward`.

    >>> min_pool_backward([1, 10, 100], [1, 1, 3], (5,))
    [0, 11, 0, 100, 0]
    """
    return to_the_chosen(grad_output, indices, input_shape, axis, dtype)


def adaptive_max_pool_backward(
    grad_output: Nested,
    indices: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    dtype: object = None,
) -> Nested:
    """Give each window's gradient to the element that it has chosen, as `max_pool_backward`.

    >>> adaptive_max_pool_backward([1, 10, 100], [0, 0, 1], (2,))
    [11, 100]
    """
    return to_the_chosen(grad_output, indices, input_shape, axis, dtype)


def global_max_pool_backward(
    grad_output: Nested,
    indices: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each gradient to the element that was chosen; parameters as in `max_pool_backward`.

    `keepdims` is as it was for the pooling.

    >>> global_max_pool_backward([5, 7], [1, 0], (2, 3), axis=1)
    [[0, 5, 0], [7, 0, 0]]
    """
    drop = [] if keepdims else pooled_axes(axis, len(input_shape))
    return to_the_chosen(grad_output, indices, input_shape, axis, dtype, drop)


def global_min_pool_backward(
    grad_output: Nested,
    indices: Nested,
    input_shape: Sequence[int],
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: object = None,
) -> Nested:
    """Give each gradient to the element that was chosen, as `global_max_pool_backward`.

    >>> global_min_pool_backward([[5]], [[3]], (2, 3), keepdims=True)
    [[0, 0, 0], [5, 0, 0]]
    """
    drop = [] if keepdims else pooled_axes(axis, len(input_shape))
    return to_the_chosen(grad_output, indices, input_shape, axis, dtype, drop)


def to_the_chosen(
    grad_output: Nested,
    indices: Nested,
    shape: Sequence[int],
    axis: Axes,
    dtype: object,
    drop: Sequence[int] = (),
) -> Nested:
    """Add up the gradients at the places that their indices mean."""
    gradients = flatten(grad_output, shape_of(indices), "grad_output")
    places = pointed_at(indices, shape, axis, drop)
    pairs = zip(places, gradients, strict=True)
    return added_up(((place, g) for place, g in pairs if place is not None), shape, dtype)
