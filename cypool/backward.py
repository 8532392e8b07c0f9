"""From a pooling's gradient to its input's: what `gradients` needs of arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import geometry
from .arrays import (
    Array,
    check_element,
    check_out,
    contiguous,
    is_float,
    plain_array,
)
from .engine import check_flag, check_flags, check_turned, pool, windows_of
from .geometry import Window
from .planning import Request
from .scatter import scatter, whole_shape


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
    check_element(array.dtype)
    check_axes(grad, array.shape)
    at = windows_at(array.shape, sizes, **windows)
    check_turned(grad.shape, array.shape, at)
    if out is not None:
        check_out(out, array.shape, grad.dtype.newbyteorder("="))
    result: Array
    if p < math.inf and stay_in_range(grad, array, p):
        array = contiguous(array)
        given: dict[str, Any] = {"p": p, "num_threads": num_threads, **windows}
        weight = pool("weight", array, *sizes, beside=grad, dtype=np.float64, **given)
        given.update(turned_shape=array.shape, dtype=grad.dtype, out=out)
        result = pool("slope", weight, *sizes, beside=array, **given)
        for a, w in at.items():
            # Infinities too get nothing if they are in no window.
            if not w.plainly_cover():
                result[(slice(None),) * a + (missed(w, **windows),)] = 0.0
        return result
    size = magnitudes(array)
    sign = np.sign(array.astype(np.float64))
    back: Callable[[Array], Array]
    with np.errstate(all="ignore"):
        if p == math.inf:
            _, indices = pool("max", size, *sizes, return_indices=True, **windows)

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
    check_element(x.dtype)
    native = np.asarray(x).astype(x.dtype.newbyteorder("="), copy=False)
    if native.dtype.kind == "i":  # the least has a size, unsigned
        return np.asarray(np.abs(native)).view(f"u{native.itemsize}")
    return np.asarray(np.abs(native))


def stay_in_range(grad: Array, x: Array, p: float) -> bool:
    """Return whether all that gradients of norms are made of is far from the ends of float64's.

    The types often tell; if they do not, the elements are looked at.
    """
    many = math.log2(max(grad.size, x.size, 2))
    for reach in (exponent_of_type, exponent_of_elements):
        high = reach(x)
        powers = p * high + many
        norms = high + many / p
        slopes = reach(grad) + abs(p - 1.0) * (high + norms) + many
        if max(powers, norms, slopes) < 1000:
            return True
    return False


def exponent_of_type(x: Array) -> float:
    """Return the greatest power of two that finite magnitudes, or their inverses, can reach."""
    if not is_float(x.dtype):
        return 8.0 * x.itemsize
    return 1074.0 if x.itemsize == 8 else 149.0


def exponent_of_elements(x: Array) -> float:
    """Return the greatest power of two that finite magnitudes, or their inverses, do reach."""
    least = most = 1.0
    parts = np.nditer(
        x,
        ["external_loop", "buffered", "zerosize_ok"],
        op_dtypes=[np.dtype(np.float64)],
        casting="same_kind",
        buffersize=1 << 13,
    )
    for part in parts:
        size = np.abs(part)
        size[~((size > 0.0) & (size < math.inf))] = 1.0
        least, most = size.min(initial=least), size.max(initial=most)
    return max(math.log2(most), -math.log2(least))


def missed(window: Window, *, ceil_mode: bool = False, **_: Any) -> Array:
    """Return the positions along an axis that are in no window."""
    counts: Array = pool(
        "sum",
        np.ones(window.out),
        window.size,
        window.stride,
        ((window.before, window.after),),
        window.dilation,
        axis=0,
        turned_shape=(window.length,),
        ceil_mode=ceil_mode,
    )
    return np.flatnonzero(counts == 0.0)


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


def windows_at(shape: tuple[int, ...], sizes: tuple[Any, ...], **windows: Any) -> dict[int, Window]:
    """Return the windows along each pooled axis."""
    request = Request("avg", *sizes, **windows)
    check_flags(request)
    axes = geometry.pooled_axes(request.axis, len(shape))
    return dict(zip(axes, windows_of(request, shape, axes), strict=True))


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
