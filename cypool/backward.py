"""From a pooling's gradient to its input's: what `gradients` needs of arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import geometry
from .arrays import Array, check_out, is_float, plain_array
from .engine import check_flag, pool
from .scatter import whole_shape


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


def with_kept_axes(grad: Array, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Array:
    """Return an array of global poolings' results with the pooled axes, of length 1."""
    check_flag(keepdims, "keepdims")
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
    **pooling: Any,
) -> Array:
    """Hand each gradient, over its divisor, to its window: a pooling of the windows' gradients."""
    grad = gradient(grad_output)
    shape = whole_shape(input_shape, "input_shape")
    check_axes(grad, shape)
    result: Array = pool("avg", grad, *sizes, turned_shape=shape, **pooling)
    return result


def shared_out(
    grad: Array,
    shape: tuple[int, ...],
    axis: Any,
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
    target = out.view(np.ndarray)  # a subclass may have its own idea of shapes
    if min(axes, default=0) + len(axes) < len(shape) or count == 1:
        pool("max", np.broadcast_to(each, shape), 1, axis=(), out=target, num_threads=num_threads)
    elif each.dtype.itemsize <= 4 and target.size and target.flags.c_contiguous:
        # The last axes: each gradient goes to neighbours, which the kernels know for these types.
        pool(
            "sum",
            each.reshape(-1),
            count,
            axis=0,
            turned_shape=(target.size,),
            out=target.reshape(-1),
            num_threads=num_threads,
        )
    else:
        np.copyto(target, each)
    return out
