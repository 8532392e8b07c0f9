"""Gradients of norms: the slopes by which elements get those of the windows that they are in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from . import geometry
from .arrays import Array, check_element, check_out, contiguous, is_float, plain_array
from .backward import check_axes, gradient, turned
from .engine import check_flags, check_turned, pool, windows_of
from .geometry import Window
from .planning import Request, is_large
from .scatter import scatter

#: Of so many windows at a time is kept what they give for a slope of 1, in float64.
WINDOWS = 1 << 17


class Part(NamedTuple):
    """Some elements, and all windows that they are in."""

    own: tuple[Any, ...]  # where the elements are,
    rows: tuple[Any, ...]  # all elements of the windows,
    own_in_rows: tuple[Any, ...]
    windows: tuple[Any, ...]  # and the windows
    sizes: tuple[Any, ...]  # of windows of the rows
    own_sizes: tuple[Any, ...]  # the same, of windows to which other elements are padding


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
    dtype = grad.dtype.newbyteorder("=")
    if out is not None:
        check_out(out, array.shape, dtype)
    result: Array
    if out is None or np.may_share_memory(out, array) or np.may_share_memory(out, grad):
        result = np.empty(array.shape, dtype)
    else:
        result = out
    slopes: Callable[..., None]
    if p == math.inf:
        slopes = slopes_of_greatest
    else:
        slopes = slopes_of_any
        if stay_in_range(grad, array, p):
            slopes = partial(slopes_in_range, of_large=is_large(array))
    target = result.view(np.ndarray)  # a subclass may have its own idea of parts
    given = {"axis": tuple(at), "num_threads": num_threads}
    for part in parts_of(array.shape, at):
        slopes(grad[part.windows], array[part.rows], part, p, target[part.own], **given)
    for a, window in at.items():
        # Infinities and NaNs too get nothing if they are in no window.
        if not window.plainly_cover():
            target[(slice(None),) * a + (missed(window),)] = 0.0
    if out is None or result is out:
        return result
    np.copyto(out, result)
    return out


def windows_at(shape: tuple[int, ...], sizes: tuple[Any, ...], **windows: Any) -> dict[int, Window]:
    """Return the windows along each pooled axis."""
    request = Request("avg", *sizes, **windows)
    check_flags(request)
    axes = geometry.pooled_axes(request.axis, len(shape))
    return dict(zip(axes, windows_of(request, shape, axes), strict=True))


def parts_of(shape: tuple[int, ...], at: dict[int, Window]) -> Iterator[Part]:
    """Cut an array into parts of about `WINDOWS` windows, and not many more elements, each."""
    along = []
    windows = [at.get(a, Window(n, n, 1, 1, 1, 0, 0)) for a, n in enumerate(shape)]
    # Where windows are large, half the positions count for as many.
    left = math.prod(max(w.out, w.length // 2) for w in windows)
    for w in windows:
        # Most windows of a part are in no other one.
        most = w.out // (4 * w.starts_within() or 1)
        pieces = max(min(-(-left // WINDOWS), most), 1)
        bounds = [w.out * i // pieces for i in range(pieces + 1)]
        along.append([w.stretch(*pair) for pair in pairwise(bounds)])
        left = -(-left // pieces)
    kernel_size = tuple(w.size for w in at.values())
    stride = tuple(w.stride for w in at.values())
    dilation = tuple(w.dilation for w in at.values())
    for stretches in product(*along):
        if all(s.own.start < s.own.stop for s in stretches):
            pooled = [stretches[a] for a in at]
            padding = tuple(s.padding for s in pooled)
            own_padding = tuple(s.own_padding for s in pooled)
            yield Part(
                own=(*(s.own for s in stretches), ...),
                rows=(*(s.rows for s in stretches), ...),
                own_in_rows=(*(s.own_in_rows for s in stretches), ...),
                windows=(*(s.windows for s in stretches), ...),
                sizes=(kernel_size, stride, padding, dilation),
                own_sizes=(kernel_size, stride, own_padding, dilation),
            )


def slopes_in_range(grad: Array, x: Array, part: Part, p: float, out: Array, **given: Any) -> None:
    """Put gradients into `out`, in two poolings."""
    x = contiguous(x)
    own = x[part.own_in_rows]
    weight = pool("weight", x, *part.sizes, p=p, beside=grad, dtype=np.float64, **given)
    given |= {"turned_shape": own.shape, "dtype": out.dtype, "out": out}
    pool("slope", weight, *part.own_sizes, p=p, beside=own, **given)


def slopes_of_greatest(
    grad: Array, x: Array, part: Part, p: float, out: Array, **given: Any
) -> None:
    """Put gradients into `out`: the first of the greatest magnitudes gets all."""
    _, indices = pool("max", magnitudes(x), *part.sizes, return_indices=True, **given)

    def back(weight: Array) -> Array:
        return scatter("add", weight, indices, x.shape, "x", **given)[part.own_in_rows]

    put(back(grad.astype(np.float64)), x[part.own_in_rows], out)
    if is_float(x.dtype) and not np.isfinite(x).all():
        # Infinities and NaNs that get nothing get no NaN either.
        out[back(np.ones(grad.shape)) == 0] = 0.0


def slopes_of_any(grad: Array, x: Array, part: Part, p: float, out: Array, **given: Any) -> None:
    """Put gradients into `out`, whatever the exponents of what they are made of."""
    size = magnitudes(x).astype(np.float64)
    own = size[part.own_in_rows]

    def back(weight: Array) -> Array:
        return turned(weight, own.shape, part.own_sizes, divisor_override=1, **given)

    with np.errstate(all="ignore"):
        norm, exponent = wide_norm(size, part.sizes, p, **given)
        result = slopes_of(grad.astype(np.float64), own, norm, exponent, p, back)
    put(result, x[part.own_in_rows], out)


def missed(window: Window) -> Array:
    """Return the positions along an axis that are in no window."""
    all_ = window.stretch(0, window.out)
    counts: Array = pool(
        "sum",
        np.ones(all_.windows.stop - all_.windows.start),
        window.size,
        window.stride,
        (all_.own_padding,),
        window.dilation,
        axis=0,
        turned_shape=(window.length,),
    )
    return np.flatnonzero(counts == 0.0)


def put(size: Array, x: Array, out: Array) -> None:
    """Put gradients of magnitudes into `out`, as those of x."""
    with np.errstate(all="ignore"):
        result = np.asarray(size * np.sign(x.astype(np.float64)))
        result[x == 0] = 0.0
        np.copyto(out, result, casting="unsafe")


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
