"""Gradients: each function takes the gradient of a pooling's result to that of its input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import geometry
from .docstrings import documented
from .engine import Array, check_out, is_float, plain_array, pool
from .pooling import Ints, Padding, order
from .scatter import gather, scatter, whole_shape


@documented
def max_pool_backward(
    grad_output: Any,
    indices: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `max_pool`: each element's goes to where the greatest was.

    Parameters
    ----------
    {grad_output}
    {places}
    {input_shape}
    {pooled}
    {plain_calls}

    Returns
    -------
    {gradient}

    {scatter_errors}

    See Also
    --------
    max_pool : returns the indices.

    Notes
    -----
    {added}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import max_pool, max_pool_backward
    >>> x = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    >>> y, indices = max_pool(x, 3, 1, return_indices=True)
    >>> max_pool_backward(np.ones_like(y), indices, x.shape)
    array([0., 0., 2., 0., 1., 1.])
    """
    return scatter(
        "add",
        gradient(grad_output),
        indices,
        input_shape,
        "input_shape",
        axis=axis,
        out=out,
        num_threads=num_threads,
    )


@documented
def min_pool_backward(
    grad_output: Any,
    indices: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `min_pool`: each element's goes to where the least was.

    Parameters
    ----------
    {grad_output}
    {places}
    {input_shape}
    {pooled}
    {plain_calls}

    Returns
    -------
    {gradient}

    {scatter_errors}

    See Also
    --------
    min_pool : returns the indices.

    Notes
    -----
    {added}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import min_pool, min_pool_backward
    >>> x = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    >>> y, indices = min_pool(x, 3, 1, return_indices=True)
    >>> min_pool_backward(np.ones_like(y), indices, x.shape)
    array([0., 2., 0., 2., 0., 0.])
    """
    return scatter(
        "add",
        gradient(grad_output),
        indices,
        input_shape,
        "input_shape",
        axis=axis,
        out=out,
        num_threads=num_threads,
    )


@documented
def adaptive_max_pool_backward(
    grad_output: Any,
    indices: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `adaptive_max_pool`: each element's goes to where the greatest was.

    Parameters
    ----------
    {grad_output}
    {places}
    {input_shape}
    {pooled}
    {plain_calls}

    Returns
    -------
    {gradient}

    {scatter_errors}

    See Also
    --------
    adaptive_max_pool : returns the indices.

    Notes
    -----
    {added}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import adaptive_max_pool, adaptive_max_pool_backward
    >>> x = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    >>> y, indices = adaptive_max_pool(x, 2, return_indices=True)
    >>> adaptive_max_pool_backward(np.ones_like(y), indices, x.shape)
    array([0., 0., 1., 0., 1.])
    """
    return scatter(
        "add",
        gradient(grad_output),
        indices,
        input_shape,
        "input_shape",
        axis=axis,
        out=out,
        num_threads=num_threads,
    )


@documented
def max_unpool_backward(
    grad_output: Any,
    indices: Any,
    *,
    axis: Ints | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `max_unpool`: what is at the indices; 0 where an index is -1.

    Parameters
    ----------
    {grad_output}
    {places}
    {pooled}
    {plain_calls}

    Returns
    -------
    ndarray
        The gradient with respect to what was put back: of the shape of `indices`.

    {scatter_errors}

    See Also
    --------
    max_unpool : the unpooling.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import max_unpool_backward
    >>> max_unpool_backward(np.array([0.5, 1.5, 2.5, 3.5]), np.array([0, 2]))
    array([0.5, 2.5])
    """
    return gather(gradient(grad_output), indices, axis=axis, out=out, num_threads=num_threads)


@documented
def avg_pool_backward(
    grad_output: Any,
    input_shape: Ints,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    divisor_override: int | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `avg_pool`: each element's is shared out over its window.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    {windows}
    count_include_pad : bool, optional
        As in `avg_pool`.
    divisor_override : int, optional
        As in `avg_pool`.
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}

    See Also
    --------
    avg_pool : the pooling.

    Notes
    -----
    An element's gradient is the sum, over the windows that it is in, of their gradients over their
    divisors: the transpose of the average.  It is accumulated in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import avg_pool_backward
    >>> avg_pool_backward(np.array([1.0, 2.0]), (5,), 3, 2)
    array([0.33333333, 0.33333333, 1.        , 0.66666667, 0.66666667])
    """
    return turned(
        grad_output,
        input_shape,
        (kernel_size, stride, padding, dilation),
        axis=axis,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
        out=out,
        num_threads=num_threads,
    )


@documented
def sum_pool_backward(
    grad_output: Any,
    input_shape: Ints,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `sum_pool`: each element's goes to all of its window.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    {windows}
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}

    See Also
    --------
    sum_pool : the pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import sum_pool_backward
    >>> sum_pool_backward(np.array([1.0, 2.0]), (5,), 3, 2)
    array([1., 1., 3., 2., 2.])
    """
    return turned(
        grad_output,
        input_shape,
        (kernel_size, stride, padding, dilation),
        axis=axis,
        ceil_mode=ceil_mode,
        divisor_override=1,
        out=out,
        num_threads=num_threads,
    )


@documented
def adaptive_avg_pool_backward(
    grad_output: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `adaptive_avg_pool`: each element's is shared out over its window.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    {pooled}
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}

    See Also
    --------
    adaptive_avg_pool : the pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import adaptive_avg_pool_backward
    >>> adaptive_avg_pool_backward(np.array([3.0, 6.0]), (5,))
    array([1., 1., 3., 2., 2.])
    """
    grad = gradient(grad_output)
    shape = whole_shape(input_shape, "input_shape")
    axes = geometry.pooled_axes(axis, len(shape))
    check_axes(grad, shape)
    return turned(
        grad,
        shape,
        (),
        axis=axes,
        windows="adaptive",
        output_size=tuple(grad.shape[a] for a in axes),
        out=out,
        num_threads=num_threads,
    )


@documented
def lp_pool_backward(
    grad_output: Any,
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    p: float = 2,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `lp_pool`.

    Parameters
    ----------
    {grad_output}
    x : array_like
        The array that was pooled.
    {windows}
    {order}
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}
    {order_errors}

    See Also
    --------
    lp_pool : the pooling.

    Notes
    -----
    {norm_gradient}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import lp_pool_backward
    >>> lp_pool_backward(np.array([1.0, 1.0]), np.array([3.0, 4.0, 0.0, -2.0]), 2)
    array([ 0.6,  0.8,  0. , -1. ])
    """
    return norm_turned(
        grad_output,
        x,
        (kernel_size, stride, padding, dilation),
        p=order(p),
        axis=axis,
        ceil_mode=ceil_mode,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_max_pool_backward(
    grad_output: Any,
    indices: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `global_max_pool`: each element's goes to where the greatest was.

    Parameters
    ----------
    {grad_output}
    {places}
    {input_shape}
    {kept}
    {plain_calls}

    Returns
    -------
    {gradient}

    {scatter_errors}

    See Also
    --------
    global_max_pool : returns the indices.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_max_pool, global_max_pool_backward
    >>> x = np.array([[3.0, 1.0, 4.0], [5.0, 1.0, 2.0]])
    >>> y, indices = global_max_pool(x, axis=1, return_indices=True)
    >>> global_max_pool_backward(np.array([4.0, 3.0]), indices, x.shape, axis=1)
    array([[0., 0., 4.],
           [3., 0., 0.]])
    """
    shape = whole_shape(input_shape, "input_shape")
    return max_pool_backward(
        with_kept_axes(gradient(grad_output), shape, axis, keepdims),
        with_kept_axes(plain_array(indices), shape, axis, keepdims),
        shape,
        axis=axis,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_min_pool_backward(
    grad_output: Any,
    indices: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `global_min_pool`: each element's goes to where the least was.

    Parameters
    ----------
    {grad_output}
    {places}
    {input_shape}
    {kept}
    {plain_calls}

    Returns
    -------
    {gradient}

    {scatter_errors}

    See Also
    --------
    global_min_pool : returns the indices.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_min_pool, global_min_pool_backward
    >>> x = np.array([[3.0, 1.0, 4.0], [5.0, 1.0, 2.0]])
    >>> y, indices = global_min_pool(x, axis=1, return_indices=True)
    >>> global_min_pool_backward(np.array([4.0, 3.0]), indices, x.shape, axis=1)
    array([[0., 4., 0.],
           [0., 3., 0.]])
    """
    shape = whole_shape(input_shape, "input_shape")
    return min_pool_backward(
        with_kept_axes(gradient(grad_output), shape, axis, keepdims),
        with_kept_axes(plain_array(indices), shape, axis, keepdims),
        shape,
        axis=axis,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_avg_pool_backward(
    grad_output: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `global_avg_pool`: each element's is shared out over the pooled axes.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    {kept}
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}

    See Also
    --------
    global_avg_pool : the pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_avg_pool_backward
    >>> global_avg_pool_backward(np.array([2.0, 4.0]), (2, 2), axis=1)
    array([[1., 1.],
           [2., 2.]])
    """
    shape = whole_shape(input_shape, "input_shape")
    grad = with_kept_axes(gradient(grad_output), shape, axis, keepdims)
    return shared_out(grad, shape, axis, True, out, num_threads)


@documented
def global_sum_pool_backward(
    grad_output: Any,
    input_shape: Ints,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `global_sum_pool`: each element's goes to all of the pooled axes.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    {kept}
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}

    See Also
    --------
    global_sum_pool : the pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_sum_pool_backward
    >>> global_sum_pool_backward(np.array([2.0, 4.0]), (2, 2), axis=1)
    array([[2., 2.],
           [4., 4.]])
    """
    shape = whole_shape(input_shape, "input_shape")
    grad = with_kept_axes(gradient(grad_output), shape, axis, keepdims)
    return shared_out(grad, shape, axis, False, out, num_threads)


@documented
def global_lp_pool_backward(
    grad_output: Any,
    x: Any,
    *,
    p: float = 2,
    axis: Ints | None = None,
    keepdims: bool = False,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Gradient of `global_lp_pool`.

    Parameters
    ----------
    {grad_output}
    x : array_like
        The array that was pooled.
    {order}
    {kept}
    {plain_calls}

    Returns
    -------
    {gradient}

    {gradient_errors}
    {order_errors}

    See Also
    --------
    global_lp_pool : the pooling.

    Notes
    -----
    {norm_gradient}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_lp_pool_backward
    >>> global_lp_pool_backward(np.array(1.0), np.array([3.0, -4.0]))
    array([ 0.6, -0.8])
    """
    array = plain_array(x)
    return norm_turned(
        with_kept_axes(gradient(grad_output), array.shape, axis, keepdims),
        array,
        (),
        p=order(p),
        axis=axis,
        windows="global",
        out=out,
        num_threads=num_threads,
    )


def gradient(grad_output: Any) -> Array:
    """Return a gradient as an array, or refuse one that is no float."""
    grad = plain_array(grad_output)
    if not is_float(grad.dtype):
        raise TypeError(
            f"grad_output has dtype {grad.dtype}; a gradient is float16, bfloat16, float32 or"
            " float64"
        )
    return grad


def check_axes(grad: Array, shape: tuple[int, ...]) -> None:
    """Refuse a gradient with more or fewer axes than what was pooled."""
    if grad.ndim != len(shape):
        raise ValueError(
            f"grad_output has shape {grad.shape}, and the pooled array {shape}; they need as many"
            " axes"
        )


def check_pooled(grad: Array, shape: tuple[int, ...], pooled: tuple[int, ...]) -> None:
    """Refuse a gradient of another shape than that of the pooled array."""
    if grad.shape != pooled:
        raise ValueError(
            f"grad_output has shape {grad.shape}; pooling an array of shape {shape} gives {pooled}"
        )


def with_kept_axes(grad: Array, shape: tuple[int, ...], axis: Ints | None, keepdims: bool) -> Array:
    """Return an array of global poolings' results with the pooled axes, of length 1."""
    axes = geometry.pooled_axes(axis, len(shape))
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    given = kept if keepdims else tuple(n for a, n in enumerate(shape) if a not in axes)
    if grad.shape != given:
        raise ValueError(
            f"grad_output (or its indices) has shape {grad.shape}; pooling an array of shape"
            f" {shape} over the axes {axes} gives {given}"
        )
    return grad.reshape(kept)


def turned(
    grad_output: Any,
    input_shape: Any,
    sizes: tuple[Any, ...],
    *,
    divisor_override: int | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
    dtype: Any = None,
    **windows: Any,
) -> Array:
    """Hand each gradient, over its divisor, to its window: a pooling of the windows' gradients."""
    grad = gradient(grad_output)
    shape = whole_shape(input_shape, "input_shape")
    check_axes(grad, shape)
    result: Array
    if divisor_override is None:
        counts = window_counts(shape, sizes, **windows)
        if all(count.min() == count.max() for count in counts.values()):
            divisor_override = math.prod(int(count[0]) for count in counts.values()) or 1
        else:
            dtype = grad.dtype if dtype is None else dtype
            grad = divided(grad, counts)
            divisor_override = 1
    windows.pop("count_include_pad", None)
    result = pool(
        "avg",
        grad,
        *sizes,
        turned_shape=shape,
        divisor_override=divisor_override,
        dtype=dtype,
        out=out,
        num_threads=num_threads,
        **windows,
    )
    return result


def divided(grad: Array, counts: dict[int, Array]) -> Array:
    """Return gradients over the counts of their windows, in float64."""
    result = grad.astype(np.float64)
    for axis, count in counts.items():
        if count.size == grad.shape[axis]:  # else the pooling will refuse it
            # Nobody is in a window without input.
            along = np.maximum(count, 1).reshape(-1, *(1,) * (grad.ndim - axis - 1))
            result /= along
    return result


def norm_turned(
    grad_output: Any,
    x: Any,
    sizes: tuple[Any, ...],
    *,
    p: float,
    out: Array | None = None,
    num_threads: int | None = None,
    **windows: Any,
) -> Array:
    """Hand each gradient to its window by the slopes of the norm."""
    grad = gradient(grad_output)
    array = plain_array(x)
    check_axes(grad, array.shape)
    if out is not None:
        check_out(out, array.shape, grad.dtype.newbyteorder("="))
    size = magnitudes(array)
    sign = np.sign(array.astype(np.float64))
    back: Callable[[Array], Array]
    with np.errstate(all="ignore"):
        if p == math.inf:
            _, indices = pool("max", size, *sizes, return_indices=True, **windows)
            check_pooled(grad, array.shape, indices.shape)

            def back(weight: Array) -> Array:
                return scatter(
                    "add",
                    weight,
                    indices,
                    array.shape,
                    "x",
                    axis=windows["axis"],
                    num_threads=num_threads,
                )

            result = back(grad)
        else:

            def back(weight: Array) -> Array:
                return turned(
                    weight,
                    array.shape,
                    sizes,
                    divisor_override=1,
                    num_threads=num_threads,
                    **windows,
                )

            size = size.astype(np.float64)
            norm, exponent = wide_norm(size, sizes, p, num_threads=num_threads, **windows)
            check_pooled(grad, array.shape, norm.shape)
            result = slopes_of(grad.astype(np.float64), size, norm, exponent, p, back)
        result = np.asarray(result * sign)
        result[size == 0] = 0.0
        if is_float(array.dtype) and not np.isfinite(array).all():
            # Nor does it matter what is in no window.
            result[back(np.ones(grad.shape)) == 0] = 0.0
        result = result.astype(grad.dtype.newbyteorder("="), copy=False)
    if out is None:
        return result
    np.copyto(out, result)
    return out


def magnitudes(x: Array) -> Array:
    """Return what is exactly the size of each element."""
    native = np.asarray(x).astype(x.dtype.newbyteorder("="), copy=False)
    if native.dtype.kind == "i":  # the least has a size, unsigned
        return np.asarray(np.abs(native)).view(f"u{native.itemsize}")
    return np.asarray(np.abs(native))


def wide_norm(size: Array, sizes: tuple[Any, ...], p: float, **windows: Any) -> tuple[Array, Array]:
    """Return the norms of windows as numbers and exponents of two: out of no type's range."""
    norm = pool("lp", size, *sizes, p=p, **windows)
    exponent = np.zeros(norm.shape, np.int64)
    # Few bits are left of the least numbers, and none of what is greater than the greatest.
    for scale, wrong in ((200, (norm > 0) & (norm < 2.0**-960)), (-200, np.isinf(norm))):
        if wrong.any():
            again = pool("lp", np.ldexp(size, scale), *sizes, p=p, **windows)
            norm = np.where(wrong, again, norm)
            exponent = np.where(wrong, -scale, exponent)
    return norm, exponent


def power(x: Array, exponent: Array, q: float) -> tuple[Array, Array]:
    """Return ``(x * 2 ** exponent) ** q`` as numbers near 1 and exponents of two."""
    mantissa, more = np.frexp(x)
    below = mantissa < math.sqrt(0.5)
    mantissa = np.where(below, 2 * mantissa, mantissa)
    exponent = exponent + more - below
    # The product of an exponent and the first bits of q is exact; no greater q tells more apart.
    q = min(max(q, -(2.0**60)), 2.0**60)
    first = math.ldexp(round(math.ldexp(q, 20)), -20)
    whole = exponent * first
    rest = exponent * (q - first) + q * np.log2(mantissa)
    result = np.floor(whole + rest)
    return np.exp2((whole - result) + rest), result


def slopes_of(
    grad: Array,
    size: Array,
    norm: Array,
    exponent: Array,
    p: float,
    back: Callable[[Array], Array],
) -> Array:
    """Return, for each element, what comes back of ``grad * (size / norm) ** (p - 1)``.

    The power is that of the size times that of the norm.  Either may be out of range; then windows
    are taken in turns, those with weights of much the same exponent at a time.
    """
    plain = np.isfinite(grad) & np.isfinite(norm)
    number, high = power(np.where(plain & (norm > 0), norm, 1.0), exponent, 1.0 - p)
    mantissa, more = np.frexp(np.where(plain & (norm > 0), grad, 0.0))
    number, high = number * mantissa, high + more
    finite = np.isfinite(size)
    factor, rise = power(np.where(finite & (size > 0), size, 1.0), np.zeros(size.shape), p - 1.0)
    total = np.zeros(size.shape)
    band = np.where(number == 0.0, np.nan, np.floor((high.max(initial=0.0) - high) / 512))
    for b in np.unique(band[band == band]):
        base = high.max(initial=0.0) - 512 * b
        weight = np.where(band == b, ldexp(number, high - base), 0.0)
        total += ldexp(back(weight) * factor, rise + base)
    if not (plain.all() and finite.all()):
        # What is infinite or no number goes where it would if all else were 1.
        weight = np.where(np.isfinite(norm), grad, grad * norm ** (1.0 - p))
        weight = np.where(plain | (norm == 0.0), 0.0, weight)
        total = np.where(finite, total, 0.0)
        total += back(weight) * np.where(finite, 1.0, size ** (p - 1.0))
    return total


def ldexp(x: Array, exponent: Array) -> Array:
    """Scale by powers of two of any size, which come as floats."""
    return np.ldexp(x, np.clip(exponent, -5000, 5000).astype(np.int32))


def window_counts(
    shape: tuple[int, ...],
    sizes: tuple[Any, ...],
    *,
    axis: Any,
    windows: str = "local",
    output_size: Any = None,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> dict[int, Array]:
    """Return, for each pooled axis, how many positions each window counts along it."""
    axes = geometry.pooled_axes(axis, len(shape))
    if windows == "adaptive":
        along = geometry.adaptive_windows(shape, axes, output_size)
    else:
        kernel_size, stride, padding, dilation = sizes
        along = geometry.local_windows(
            shape, axes, kernel_size, stride, padding, dilation, ceil_mode
        )
    return {a: w.counts(count_include_pad) for a, w in zip(axes, along, strict=True)}


def shared_out(
    grad: Array,
    shape: tuple[int, ...],
    axis: Ints | None,
    divide: bool,
    out: Array | None,
    num_threads: int | None,
) -> Array:
    """Repeat gradients, perhaps over the number of elements, along the pooled axes."""
    axes = geometry.pooled_axes(axis, len(shape))
    count = math.prod(w.length for w in geometry.global_windows(shape, axes))
    # A pooling by windows of one element divides, and rounds once.
    each = pool(
        "avg", grad, 1, axis=(), divisor_override=count if divide else 1, num_threads=num_threads
    )
    if out is None:
        out = np.empty(shape, each.dtype)
    check_out(out, shape, each.dtype)
    np.copyto(out, each)
    return out
