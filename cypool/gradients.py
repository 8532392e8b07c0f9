"""Gradients: each function takes the gradient of a pooling's result to that of its input."""

from __future__ import annotations

from typing import Any

from . import geometry
from .arrays import Array, plain_array
from .backward import (
    check_axes,
    gradient,
    shared_out,
    turned,
    with_kept_axes,
)
from .docstrings import documented
from .norms import norm_turned
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
