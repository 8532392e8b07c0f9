"""Parts that several docstrings share, and the decorator that puts them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

#: Parameters that several functions share, put into their docstrings below.
SHARED = {
    "x": """x : array_like
        The array: bool, any integer type, float16, bfloat16 (of ml_dtypes), float32 or float64,
        of any number of dimensions and with any strides.  It is neither changed nor copied
        whole.""",
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
        Return the position of each result too: flat, in C order, over the pooled axes of `x`
        without its padding (the array's own order of axes, not that of `axis`).  Of equal elements
        it is the first; of NaNs, too.  A window without input has -1.""",
    "calls": """nan_policy : {"propagate", "omit", "raise"}, optional
        What a NaN in a window does: "propagate" makes the result NaN; "omit" leaves it out, and the
        result is NaN if nothing else is there; "raise" is a ValueError.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, with any strides.
    num_threads : int, optional
        The most threads to use.  None is `get_num_threads()`; small inputs run on one.""",
    "sum_dtype": """dtype : dtype, optional
        The result's dtype.  None is that of `numpy.sum`: a float type is kept, bool and integers
        give the 64-bit type of their signedness.  Integer sums wrap around, as NumPy's do.""",
    "order": """p : float, optional
        The order of the norm: above 0, or `math.inf` for the greatest magnitude.""",
    "norm_dtype": """dtype : dtype, optional
        The result's dtype.  None keeps a float type, gives float32 for bool and integers of 8 and
        16 bits, and float64 for wider ones.  Into an integer type the norm is rounded half to even,
        and saturated; NaN becomes 0.""",
    "output_size": """output_size : int, None, or tuple of them
        The length of each pooled axis: one for all, or one per axis of `axis`.  None keeps the
        axis as it is.
    axis : int or tuple of int, optional
        The pooled axes; a tuple of sizes pairs with it.  None is every axis.""",
    "adaptive_windows": """Along an axis of length n pooled to m, window i goes from
    ``floor(i * n / m)`` to ``ceil((i + 1) * n / m)``: windows may share elements, and where m is
    greater than n, repeat them.  There is no padding.""",
    "places": """indices : array_like of int
        Where each element was, as `return_indices` gives it: flat, in C order, over the pooled
        axes.  -1 is nowhere.""",
    "plain_calls": """out : ndarray, optional
        Where to put the result: of its shape and dtype, with any strides.
    num_threads : int, optional
        The most threads to use.  None is `get_num_threads()`; small inputs run on one.""",
    "grad_output": """grad_output : array_like
        The gradient with respect to the result of the pooling: float16, bfloat16, float32 or
        float64.""",
    "input_shape": """input_shape : tuple of int
        The shape of the array that was pooled, with all its axes.""",
    "pooled": """axis : int or tuple of int, optional
        The pooled axes.  None is every axis.""",
    "kept": """axis : int or tuple of int, optional
        The pooled axes.  None is every axis.
    keepdims : bool, optional
        Whether `grad_output` has the pooled axes, with length 1.""",
    "gradient": """ndarray
        The gradient with respect to the pooled array: of its shape and `grad_output`'s dtype, a
        new C-contiguous one, or `out`.""",
    "added": """Gradients that go to one place are added in C order, whatever the number of threads:
    16-bit floats in float32, others in their own type.""",
    "norm_gradient": """With y the norm of a window and g its gradient, an element v of it gets
    ``g * sign(v) * (|v| / y) ** (p - 1)``, and 0 if it is 0; with p = inf, the first of the
    greatest magnitudes gets all.  What is made on the way grows with the largest window,
    not with the array.""",
    "local_errors": """Raises
    ------
    TypeError
        If `x` is a masked array or has a dtype that cannot be pooled, `out` is no ndarray of the
        result's dtype, or an argument is of the wrong type.
    ValueError
        If an axis is out of range, repeated or of length 0, a tuple has the wrong length, a size
        is below 1, a padding is negative, no window fits an axis, `out` does not fit, is read-only
        or overlaps itself, `num_threads` is below 1, or `nan_policy` is "raise" and a window has a
        NaN.
    MemoryError
        If there is no memory for the result.""",
    "global_errors": """Raises
    ------
    TypeError
        If `x` is a masked array or has a dtype that cannot be pooled, `out` is no ndarray of the
        result's dtype, or an argument is of the wrong type.
    ValueError
        If an axis is out of range, repeated or of length 0, `out` does not fit, is read-only or
        overlaps itself, `num_threads` is below 1, or `nan_policy` is "raise" and there is a NaN.
    MemoryError
        If there is no memory for the result.""",
    "adaptive_errors": """Raises
    ------
    TypeError
        If `x` is a masked array or has a dtype that cannot be pooled, `out` is no ndarray of the
        result's dtype, or an argument is of the wrong type.
    ValueError
        If an axis is out of range, repeated or of length 0, `output_size` has the wrong length or
        is below 1, `out` does not fit, is read-only or overlaps itself, `num_threads` is below 1,
        or `nan_policy` is "raise" and there is a NaN.
    MemoryError
        If there is no memory for the result.""",
    "scatter_errors": """Raises
    ------
    TypeError
        If an array is masked or of a dtype that cannot be pooled, `indices` are no integers, or
        `out` is no ndarray of the result's dtype.
    ValueError
        If shapes do not fit each other, an index is below -1 or past the end of the pooled axes, an
        axis is out of range or repeated, `out` does not fit, is read-only or overlaps itself, or
        `num_threads` is below 1.
    MemoryError
        If there is no memory for the result.""",
    "gradient_errors": """Raises
    ------
    TypeError
        If `grad_output` is masked or no float, `out` is no ndarray of its dtype, or an argument is
        of the wrong type.
    ValueError
        If `grad_output` has not the shape of the pooling's result, or for what the pooling itself
        refuses.
    MemoryError
        If there is no memory for the result.""",
    "order_errors": """ValueError
        If `p` is not above 0.""",
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
    """Put the shared parts into a function's docstring."""
    if function.__doc__:  # python -OO drops docstrings
        function.__doc__ = function.__doc__.format(**SHARED)
    return function
