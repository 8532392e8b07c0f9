"""The public functions: what they mean is said here, how it is done in `engine`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from .engine import Array, pool

Function = TypeVar("Function", bound=Callable[..., Array])

Ints = int | tuple[int, ...]
Padding = int | str | tuple[int | tuple[int, int], ...]
NanPolicy = Literal["propagate", "omit", "raise"]

#: Parameters that several functions share, put into their docstrings below.
SHARED = {
    "x": """x : array_like
        The array: bool, any integer type, float32 or float64, of any number of dimensions and
        with any strides.  It is neither changed nor copied whole.""",
    "windows": """kernel_size : int or tuple of int
        The window's size along each pooled axis: one for all, or one per axis of `axis`.
    stride : int or tuple of int, optional
        The step from one window to the next.  None is `kernel_size`.
    padding : int, tuple, or {"valid", "same", "same_lower"}, optional
        How many positions are added around each pooled axis: an int, one int per axis, or one
        ``(before, after)`` pair per axis; there is no limit of half a window.  "valid" is none;
        "same" gives ``ceil(n / stride)`` windows, an odd position going behind ("same_lower": in
        front).
    dilation : int or tuple of int, optional
        The distance of neighbouring positions of a window.
    axis : int or tuple of int, optional
        The pooled axes; tuples of sizes pair with it.  None is every axis.
    ceil_mode : bool, optional
        Round the output length up; a window that would start in the padding behind is dropped.""",
    "axes": """axis : int or tuple of int, optional
        The pooled axes.  None is every axis.
    keepdims : bool, optional
        Keep the pooled axes, with length 1.""",
    "indices": """return_indices : bool, optional
        Reserved: True is not served yet.""",
    "calls": """nan_policy : {"propagate", "omit", "raise"}, optional
        "propagate": a NaN in a window makes its result NaN.  The others are not served yet.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, with any strides.
    num_threads : int, optional
        The most threads to use.  None is `get_num_threads()`; small inputs run on one.""",
    "sum_dtype": """dtype : dtype, optional
        The result's dtype.  None is that of `numpy.sum`: a float type is kept, bool and integers
        give the 64-bit type of their signedness.  Integer sums wrap around, as NumPy's do.""",
    "local_errors": """Raises
    ------
    TypeError
        If `x` is a masked array or has a dtype that cannot be pooled, `out` is no ndarray of the
        result's dtype, or an argument is of the wrong type.
    ValueError
        If an axis is out of range, repeated or of length 0, a tuple has the wrong length, a size
        is below 1, a padding is negative, no window fits an axis, `out` does not fit, is read-only
        or overlaps itself, or `num_threads` is below 1.
    NotImplementedError
        If a value is asked for that this version does not serve.
    MemoryError
        If there is no memory for the result.""",
    "global_errors": """Raises
    ------
    TypeError
        If `x` is a masked array or has a dtype that cannot be pooled, `out` is no ndarray of the
        result's dtype, or an argument is of the wrong type.
    ValueError
        If an axis is out of range, repeated or of length 0, `out` does not fit, is read-only or
        overlaps itself, or `num_threads` is below 1.
    NotImplementedError
        If a value is asked for that this version does not serve.
    MemoryError
        If there is no memory for the result.""",
    "sum_errors": """TypeError
        If `dtype` is an integer type and `x` has floats, whose sum is no integer.""",
    "shape": """Along a pooled axis of length n, padded to m, its length is
        ``floor((m - dilation * (kernel_size - 1) - 1) / stride) + 1`` [1]_; `ceil_mode` rounds
        up.""",
    "window": """``x[o * s - before + t * d]`` with
    0 <= t < k, for kernel size k, stride s and dilation d, as far as they lie in the input.""",
    "source": """References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
       arXiv:1603.07285, chapter 3.""",
}


def documented(function: Function) -> Function:
    """Put the shared parameters into a function's docstring."""
    if function.__doc__:  # python -OO drops docstrings
        function.__doc__ = function.__doc__.format(**SHARED)
    return function


def refuse_unserved(nan_policy: str, return_indices: bool = False) -> None:
    """Refuse what this version does not serve, rather than ignore it."""
    if nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy is {nan_policy!r}; it must be 'propagate', 'omit' or 'raise'")
    if nan_policy != "propagate":
        raise NotImplementedError(
            f"nan_policy {nan_policy!r} is not served yet; only 'propagate' is"
        )
    if return_indices:
        raise NotImplementedError("return_indices=True is not served yet")


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
) -> Array:
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

    {local_errors}

    See Also
    --------
    global_max_pool : the same over whole axes.
    min_pool : the least element of each window.

    Notes
    -----
    Along each pooled axis, ``y[o]`` is the greatest of the elements {window}

    Padding is never the greatest element: a window without input gives -inf (for
    integers the dtype's least value).  The result is exact.

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
    """
    if nan_policy != "propagate" or return_indices:
        refuse_unserved(nan_policy, return_indices)
    return pool(
        "max",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
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
) -> Array:
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
    if nan_policy != "propagate" or return_indices:
        refuse_unserved(nan_policy, return_indices)
    return pool(
        "min",
        x,
        kernel_size,
        stride,
        padding,
        dilation,
        axis=axis,
        ceil_mode=ceil_mode,
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
    if nan_policy != "propagate":
        refuse_unserved(nan_policy)
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
    if nan_policy != "propagate":
        refuse_unserved(nan_policy)
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
        out=out,
        num_threads=num_threads,
    )


@documented
def global_max_pool(
    x: Any,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool whole axes by their greatest element.

    Parameters
    ----------
    {x}
    {axes}
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others), of `x`'s dtype.

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
    if nan_policy != "propagate":
        refuse_unserved(nan_policy)
    return pool(
        "max",
        x,
        None,
        axis=axis,
        whole=True,
        keepdims=keepdims,
        out=out,
        num_threads=num_threads,
    )


@documented
def global_min_pool(
    x: Any,
    *,
    axis: Ints | None = None,
    keepdims: bool = False,
    nan_policy: NanPolicy = "propagate",
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Pool whole axes by their least element.

    Parameters
    ----------
    {x}
    {axes}
    {calls}

    Returns
    -------
    ndarray
        The array without the pooled axes (0-dimensional if there are no others), of `x`'s dtype.

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
    if nan_policy != "propagate":
        refuse_unserved(nan_policy)
    return pool(
        "min",
        x,
        None,
        axis=axis,
        whole=True,
        keepdims=keepdims,
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
    if nan_policy != "propagate":
        refuse_unserved(nan_policy)
    return pool(
        "avg",
        x,
        None,
        axis=axis,
        whole=True,
        keepdims=keepdims,
        dtype=dtype,
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
    if nan_policy != "propagate":
        refuse_unserved(nan_policy)
    return pool(
        "sum",
        x,
        None,
        axis=axis,
        whole=True,
        keepdims=keepdims,
        dtype=dtype,
        out=out,
        num_threads=num_threads,
    )
