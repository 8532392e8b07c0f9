"""The public functions: what they mean is said here, how it is done in `engine`."""

from __future__ import annotations

from typing import Any, Literal

from .arrays import Array
from .docstrings import documented
from .engine import ArrayOrPair, pool
from .scatter import scatter

Ints = int | tuple[int, ...]
Sizes = int | tuple[int | None, ...] | None
Padding = int | str | tuple[int | tuple[int, int], ...]
NanPolicy = Literal["propagate", "omit", "raise"]


@documented
def max_pool(
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    return_indices: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool by the greatest element of each window.

    Parameters
    ----------
    {x}
    {windows}
    {indices}
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s dtype and number of dimensions: a new C-contiguous one, or `out`.
        {shape}
    indices : ndarray of int64
        Only if `return_indices`.

    {local_errors}

    See Also
    --------
    global_max_pool : the same over whole axes.
    min_pool : the least element of each window.

    Notes
    -----
    Along each pooled axis, ``y[o]`` is the greatest of the elements {window}

    Padding is never the greatest element: a window without input gives -inf (for
    integers the dtype's least value).  The result is exact; of -0.0 and 0.0, equal, it may be
    either.

    {source}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import max_pool
    >>> picture = np.array([[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]])
    >>> max_pool(picture, 2)
    array([[9, 2],
           [6, 3]])

    Feature maps (N, C, H, W), with the padding of a ResNet's first pooling:

    >>> max_pool(np.zeros((8, 64, 112, 112), np.float32), 3, 2, 1, axis=(2, 3)).shape
    (8, 64, 56, 56)

    Where the greatest elements are, for `max_unpool` or a gradient:

    >>> max_pool(picture, 2, return_indices=True)[1]
    array([[ 5,  2],
           [13, 11]])
    """
    return pool(
        "max",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
        return_indices=return_indices,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def min_pool(
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    return_indices: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool by the least element of each window.

    Parameters
    ----------
    {x}
    {windows}
    {indices}
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s dtype and number of dimensions: a new C-contiguous one, or `out`.
        {shape}
    indices : ndarray of int64
        Only if `return_indices`.

    {local_errors}

    See Also
    --------
    global_min_pool : the same over whole axes.
    max_pool : the greatest element of each window.

    Notes
    -----
    Along each pooled axis, ``y[o]`` is the least of the elements {window}

    Padding is never the least element: a window without input gives inf (for
    integers the dtype's greatest value).  The result is exact.

    {source}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import min_pool
    >>> min_pool(np.array([3, 1, 4, 1, 5, 9, 2, 6]), 4)
    array([1, 2])
    """
    return pool(
        "min",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
        return_indices=return_indices,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def avg_pool(
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    divisor_override: int | None = None,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool by the mean of each window.

    Parameters
    ----------
    {x}
    {windows}
    count_include_pad : bool, optional
        Divide by the number of the window's positions in the input and its padding, instead of
        those in the input; what `ceil_mode` lets stick out is never counted.
    divisor_override : int, optional
        Divide by this instead.
    dtype : dtype, optional
        The result's dtype: an integer type, float32 or float64.  None keeps a float type, gives
        float32 for bool and integers of 8 and 16 bits, and float64 for wider ones.  Into an
        integer type the mean is rounded half to even, and saturated; NaN becomes 0.
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s number of dimensions: a new C-contiguous one, or `out`.
        {shape}

    {local_errors}
    ValueError
        If `divisor_override` is 0 or its magnitude beyond 2**53, if a window counts more than
        2**53 positions with its padding, or if `dtype` is an integer type and some window lies
        wholly in the padding, so that its mean is NaN.

    See Also
    --------
    global_avg_pool : the same over whole axes.
    sum_pool : the sum of each window.

    Notes
    -----
    Along each pooled axis, ``y[o]`` is the sum of the elements {window}
    It is divided by their number: padding is not counted.  A window without input gives NaN (0
    if `count_include_pad` or `divisor_override` gives it a divisor).

    Integers are added exactly and the quotient is rounded once.  Sums of float32 are held in
    float64, those of float64 in two float64 [2]_.

    {source}
    .. [2] T. J. Dekker, "A floating-point technique for extending the available precision",
       Numerische Mathematik 18 (1971).

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import avg_pool
    >>> picture = np.array([[1, 3, 2, 1], [2, 9, 1, 1], [1, 4, 2, 3], [5, 6, 1, 2]])
    >>> avg_pool(picture, 2)
    array([[3.75, 1.25],
           [4.  , 2.  ]])
    >>> avg_pool(picture.astype(np.uint8), 2, dtype=np.uint8)
    array([[4, 1],
           [4, 2]], dtype=uint8)
    """
    return pool(
        "avg",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def sum_pool(
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool by the sum of each window.

    Parameters
    ----------
    {x}
    {windows}
    {sum_dtype}
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s number of dimensions: a new C-contiguous one, or `out`.
        {shape}

    {local_errors}
    {sum_errors}

    See Also
    --------
    global_sum_pool : the same over whole axes.
    avg_pool : the mean of each window.

    Notes
    -----
    Along each pooled axis, ``y[o]`` is the sum of the elements {window}

    A window without input gives 0.

    {source}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import sum_pool
    >>> sum_pool(np.arange(10), 3)
    array([ 3, 12, 21])
    """
    return pool(
        "sum",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def lp_pool(
    x: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Padding = 0,
    dilation: Ints = 1,
    *,
    p: float = 2,
    axis: Ints | None = None,
    ceil_mode: bool = False,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool by the norm of each window, of order p.

    Parameters
    ----------
    {x}
    {windows}
    {order}
    {norm_dtype}
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s number of dimensions: a new C-contiguous one, or `out`.
        {shape}

    {local_errors}
    {order_errors}

    See Also
    --------
    global_lp_pool : the same over whole axes.
    avg_pool : the mean of each window.

    Notes
    -----
    Along each pooled axis, ``y[o]`` is ``sum(|v| ** p) ** (1 / p)`` of the elements v = {window}

    With p = inf it is the greatest ``|v|``.  A window without input gives 0.  Powers are added in
    float64, those of float64 and 64-bit results in two of them; a window whose powers would
    overflow or vanish is scaled first.

    {source}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import lp_pool
    >>> lp_pool(np.array([3.0, 4.0, 5.0, -12.0]), 2)
    array([ 5., 13.])
    >>> lp_pool(np.array([3.0, 4.0, 5.0, -12.0]), 2, p=1)
    array([ 7., 17.])
    """
    return pool(
        "lp",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
        p=order(p),
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


def order(p: Any, name: str = "p") -> float:
    """Check the order of a norm."""
    if isinstance(p, (str, bytes, bytearray)):  # which float() would read
        raise TypeError(f"{name} is {p!r}; the order of a norm is a number")
    try:
        value = float(p)
    except OverflowError:
        raise ValueError(
            f"{name} is an integer beyond float64; for so high an order use inf"
        ) from None
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {p!r}; the order of a norm is a number") from None
    if not value > 0:
        raise ValueError(f"{name} is {p}; the order of a norm is above 0, or math.inf")
    return value


@documented
def global_max_pool(
    x: Any,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    return_indices: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool whole axes by their greatest element.

    Parameters
    ----------
    {x}
    {axes}
    {indices}
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others), of `x`'s dtype.
    indices : ndarray of int64
        Only if `return_indices`.

    {global_errors}

    See Also
    --------
    max_pool : the same over local windows, with the same rules.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_max_pool
    >>> global_max_pool(np.arange(24).reshape(2, 3, 4), axis=(1, 2))
    array([11, 23])
    """
    return pool(
        "max",
        x,
        axis=axis,
        windows="global",
        keepdims=keepdims,
        return_indices=return_indices,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_min_pool(
    x: Any,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    return_indices: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool whole axes by their least element.

    Parameters
    ----------
    {x}
    {axes}
    {indices}
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others), of `x`'s dtype.
    indices : ndarray of int64
        Only if `return_indices`.

    {global_errors}

    See Also
    --------
    min_pool : the same over local windows, with the same rules.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_min_pool
    >>> global_min_pool(np.arange(24).reshape(2, 3, 4), axis=0, keepdims=True).shape
    (1, 3, 4)
    """
    return pool(
        "min",
        x,
        axis=axis,
        windows="global",
        keepdims=keepdims,
        return_indices=return_indices,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_avg_pool(
    x: Any,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool whole axes by their mean.

    Parameters
    ----------
    {x}
    {axes}
    dtype : dtype, optional
        The result's dtype, as in `avg_pool`.
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others).

    {global_errors}

    See Also
    --------
    avg_pool : the same over local windows, with the same rules.

    Examples
    --------
    Global average pooling of feature maps (N, C, H, W) to (N, C):

    >>> import numpy as np
    >>> from cypool import global_avg_pool
    >>> global_avg_pool(np.ones((2, 3, 7, 7), np.float32), axis=(2, 3))
    array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)
    """
    return pool(
        "avg",
        x,
        axis=axis,
        windows="global",
        keepdims=keepdims,
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_sum_pool(
    x: Any,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool whole axes by their sum.

    Parameters
    ----------
    {x}
    {axes}
    {sum_dtype}
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others).

    {global_errors}
    {sum_errors}

    See Also
    --------
    sum_pool : the same over local windows, with the same rules.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_sum_pool
    >>> int(global_sum_pool(np.full((100, 100), 255, np.uint8)))
    2550000
    """
    return pool(
        "sum",
        x,
        axis=axis,
        windows="global",
        keepdims=keepdims,
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_lp_pool(
    x: Any,
    *,
    p: float = 2,
    axis: Ints | None = None,
    keepdims: bool = False,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool whole axes by their norm of order p.

    Parameters
    ----------
    {x}
    {order}
    {axes}
    {norm_dtype}
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others).

    {global_errors}
    {order_errors}

    See Also
    --------
    lp_pool : the same over local windows, with the same rules.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import global_lp_pool
    >>> float(global_lp_pool(np.array([[2.0, 3.0], [6.0, 0.0]])))
    7.0
    """
    return pool(
        "lp",
        x,
        axis=axis,
        windows="global",
        keepdims=keepdims,
        p=order(p),
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def adaptive_max_pool(
    x: Any,
    output_size: Sizes,
    *,
    axis: Ints | None = None,
    return_indices: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool to a given size by the greatest element of each window.

    Parameters
    ----------
    {x}
    {output_size}
    {indices}
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s dtype and number of dimensions: a new C-contiguous one, or `out`.
    indices : ndarray of int64
        Only if `return_indices`.

    {adaptive_errors}

    See Also
    --------
    adaptive_avg_pool : the mean of the same windows.
    max_pool : windows of a given size.

    Notes
    -----
    {adaptive_windows}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import adaptive_max_pool
    >>> adaptive_max_pool(np.array([3, 1, 4, 1, 5, 9, 2, 6]), 3)
    array([4, 9, 9])
    """
    return pool(
        "max",
        x,
        axis=axis,
        windows="adaptive",
        output_size=output_size,
        return_indices=return_indices,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def adaptive_avg_pool(
    x: Any,
    output_size: Sizes,
    *,
    axis: Ints | None = None,
    dtype: Any = None,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool to a given size by the mean of each window.

    Parameters
    ----------
    {x}
    {output_size}
    dtype : dtype, optional
        The result's dtype, as in `avg_pool`.
    {calls}

    Returns
    -------
    ndarray
        The pooled array, of `x`'s number of dimensions: a new C-contiguous one, or `out`.

    {adaptive_errors}

    See Also
    --------
    adaptive_max_pool : the greatest element of the same windows.
    avg_pool : windows of a given size, with the same rules.

    Notes
    -----
    {adaptive_windows}

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import adaptive_avg_pool
    >>> adaptive_avg_pool(np.arange(5.0), 2)
    array([1., 3.])
    >>> adaptive_avg_pool(np.ones((8, 64, 13, 9), np.float32), (7, None), axis=(2, 3)).shape
    (8, 64, 7, 9)
    """
    return pool(
        "avg",
        x,
        axis=axis,
        windows="adaptive",
        output_size=output_size,
        dtype=dtype,
        nan_policy=nan_policy,
        out=out,
        num_threads=num_threads,
    )


@documented
def max_unpool(
    x: Any,
    indices: Any,
    output_shape: Ints,
    *,
    axis: Ints | None = None,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Put pooled elements back where they were, into zeros.

    Parameters
    ----------
    {x}
    {places}
    output_shape : tuple of int
        The shape of the array that was pooled, with all its axes.
    axis : int or tuple of int, optional
        The pooled axes.  None is every axis.
    {plain_calls}

    Returns
    -------
    ndarray
        An array of `output_shape` and of `x`'s dtype: a new C-contiguous one, or `out`.

    {scatter_errors}

    See Also
    --------
    max_pool : returns the indices.
    max_unpool_backward : the gradient.

    Notes
    -----
    Where several elements have one index, the last of them in C order stays.

    Examples
    --------
    >>> import numpy as np
    >>> from cypool import max_pool, max_unpool
    >>> x = np.array([3, 1, 4, 1, 5, 9])
    >>> y, indices = max_pool(x, 2, return_indices=True)
    >>> max_unpool(y, indices, x.shape)
    array([3, 0, 4, 0, 0, 9])
    """
    return scatter(
        "put", x, indices, output_shape, "output_shape", axis=axis, out=out, num_threads=num_threads
    )
