"""The pooling functions of ``torch.nn.functional``, for NumPy arrays.

Names, parameters, their order, their defaults and the results are PyTorch's: arrays are (N, C, …)
or (C, …), and the last one, two or three axes are pooled.  Arrays of other libraries will do,
torch's tensors among them; the result is a NumPy array.

>>> import numpy as np
>>> import cypool.functional as F
>>> x = np.array([[[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]]], np.float32)
>>> F.max_pool2d(x, 2)
array([[[9., 2.],
        [6., 3.]]], dtype=float32)

Where torch's answer is wrong, undefined or missing, this one follows `cypool`'s rules:

* Averages are within one unit in the last place; torch gives 0.671 for the mean of 5000 x 5000
  ones in float32.
* A window that dilation leads past the whole input has the index -1; torch's points outside of
  the input.
* With several NaNs in a window, the index is that of the first one; torch's is that of the last.
* `lp_pool1d` and the others add powers of magnitudes, as a norm does, and only those present.
  torch adds powers of the numbers themselves, so that odd and fractional powers of negative numbers
  cancel or give NaN, scales the windows that `ceil_mode` cuts short as if they were whole, and
  overflows where the norm is representable.
* `max_unpool2d` and the others take the index -1 as a window without input.  Of equal indices the
  last one counts, for any number of threads.
* Every dtype that `cypool` pools is served: torch lacks integers in places, and bool and unsigned
  types nearly everywhere.  What torch's functions for one and two axes accept, those for three do
  too: a kernel that only fits with its padding (`avg_pool3d`), windows that need the whole length
  (`fractional_max_pool3d`), arrays without channels (`adaptive_avg_pool3d`).

Functions for gradients are in `cypool` itself, for example `cypool.max_pool_backward`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any, TypeVar

import numpy as np

import cypool

from . import geometry
from .arrays import Array, plain_array
from .engine import AS_GIVEN, ArrayOrPair, frozen
from .geometry import integer, per_axis
from .norms import magnitudes
from .pooling import order

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Function = TypeVar("Function", bound=Callable[..., Any])

Sizes = int | Sequence[int]

Lengths = int | Sequence[int | None] | None

# ------------------------------------------------------------------------------- documentation

#: What the docstrings share, by placeholder; {shape} and the like are filled in after it.
SHARED = {
    "input": """input : array_like
        An array of shape {shape}, or {unbatched} without a batch.  N may be 0.""",
    "window": """kernel_size : int or sequence of int
        The window's size: one for all pooled axes, or one per axis.
    stride : int or sequence of int, optional
        The step from one window to the next.  None, or an empty sequence, is `kernel_size`.""",
    "padding": """padding : int or sequence of int, optional
        How many positions are added at both ends: at most half of `kernel_size`.""",
    "ceil_mode": """ceil_mode : bool, optional
        Round the output length up; a window that would start in the padding behind is dropped.""",
    "max_window": """{window}
    {padding}
    dilation : int or sequence of int, optional
        The distance of neighbouring positions of a window.
    {ceil_mode}""",
    "return_indices": """return_indices : bool, optional
        Return the maxima's indices too, for `max_unpool{d}d` and `cypool.max_pool_backward`.""",
    "pooled": """Returns
    -------
    ndarray
        The pooled array.""",
    "pooled_with_indices": """Returns
    -------
    ndarray, or tuple of two
        The pooled array, and with indices the maxima's: int64, flat over the pooled axes.""",
    "errors": """Raises
    ------
    TypeError
        If an argument is of the wrong type, or `input` has a dtype that cannot be pooled.
    ValueError
        If `input` has another number of axes, or an empty one besides N; if a size is out of its
        range, or there is no room for a window.""",
    "try": """Examples
    --------
    >>> import numpy as np
    >>> import cypool.functional as F
    >>> x = np.ones({example}, np.float32)""",
}

MAX = """

    Parameters
    ----------
    {input}
    {max_window}
    {return_indices}

    {pooled_with_indices}

    {errors}

    {try}
    >>> y, indices = F.max_pool{d}d_with_indices(x, 2)
    >>> y.shape, indices.dtype
    ({halved}, dtype('int64'))
    >>> np.array_equal(F.max_pool{d}d(x, 2), y)
    True
    """

AVG = """

    Parameters
    ----------
    {input}
    {window}
    {padding}
    {ceil_mode}
    count_include_pad : bool, optional
        Divide by the number of positions in the input and its padding, not only in the input.{more}

    {pooled}  Its dtype is that of `input`; bool and integers but int64 give floats.

    {errors}

    Notes
    -----
    The average is within one unit in the last place, for any window.  Those of int64 are rounded
    towards zero, as torch's are.

    {try}
    >>> F.avg_pool{d}d(x, 2).shape
    {halved}
    >>> float(F.avg_pool{d}d(x, 2).min())
    1.0
    """

DIVISOR = """
    divisor_override : int, optional
        Divide by this instead."""

LP = """

    Parameters
    ----------
    {input}
    norm_type : float
        The power p: above 0, or inf for the greatest magnitude, or -inf for the least.
    {window}
    {ceil_mode}

    {pooled}  Its dtype is that of `input`, float32 for integers (inf and -inf keep them).

    {errors}

    Notes
    -----
    The result is ``(sum of |x| ** p) ** (1 / p)`` over the elements of a window.  It is torch's if
    none is negative or p is even, and `ceil_mode` cuts no window short; for other negative elements
    torch gives NaN or what is left after they cancel.

    {try}
    >>> F.lp_pool{d}d(-4 * x, 2, {two_of_them}).ravel()[0]
    np.float32({norm})
    """

ADAPTIVE_MAX = """

    Parameters
    ----------
    {input}
    output_size : int, or sequence of int or None
        The output's length: one for all pooled axes, or one per axis.  None keeps the input's.
    {return_indices}

    {pooled_with_indices}

    {errors}

    {try}
    >>> y, indices = F.adaptive_max_pool{d}d_with_indices(x, 3)
    >>> y.shape, indices.shape
    ({thirds}, {thirds})
    """

ADAPTIVE_AVG = """

    Parameters
    ----------
    {input}
    output_size : int, or sequence of int or None
        The output's length: one for all pooled axes, or one per axis.  None keeps the input's.

    {pooled}

    {errors}

    {try}
    >>> F.adaptive_avg_pool{d}d(x, 3).shape
    {thirds}
    """

UNPOOL = """

    Parameters
    ----------
    {input}
    indices : array_like
        Where each element came from: the indices that `max_pool{d}d` returned, of `input`'s shape.
    kernel_size, stride, padding : int or sequence of int
        What `max_pool{d}d` was given: they tell the output's size, ``(n - 1) * stride +
        kernel_size - 2 * padding`` along an axis of length n.
    output_size : sequence of int, optional
        The output's size, if it is another: of the pooled axes, or its whole shape.  It may be less
        than a stride away from the one above.

    Returns
    -------
    ndarray
        The elements at their old places, and zeros.

    {errors}
        If `indices` has another shape, or one of them is outside of the output.

    {try}
    >>> y, indices = F.max_pool{d}d(x, 2, return_indices=True)
    >>> F.max_unpool{d}d(y, indices, 2).shape
    {example}
    """

FRACTIONAL = """

    The windows start at pseudorandom steps, whose mean is that of the lengths [1]_.

    Parameters
    ----------
    {input}
    kernel_size : int or sequence of int
        The window's size: one for all pooled axes, or one per axis.
    output_size : int or sequence of int, optional
        The output's length: one for all pooled axes, or one per axis.
    output_ratio : float or sequence of float, optional
        The output's length as a part of the input's, if there is no `output_size`.
    {return_indices}
    _random_samples : array_like, optional
        A number from 0 to 1 per sample, channel and pooled axis, of shape (N, C, {d}), which
        settles the steps as in torch{order}.
    rng : numpy.random.Generator or int, optional
        Where the numbers are drawn from otherwise, or its seed.

    {pooled_with_indices}

    {errors}

    References
    ----------
    .. [1] B. Graham, "Fractional max-pooling", arXiv:1412.6071.

    {try}
    >>> F.fractional_max_pool{d}d(x, 2, output_size=5, rng=0).shape
    {fifths}
    >>> y, indices = F.fractional_max_pool{d}d_with_indices(x, 2, output_ratio=0.5)
    >>> y.shape
    {halved}
    """


def documented(kind: str, d: int) -> Callable[[Function], Function]:
    """Put what a kind of pooling says over `d` axes behind a function's summary."""
    axes = ("L",) if d == 1 else ("D", "H", "W")[-d:]
    lengths = (8,) * d
    places = {
        "d": d,
        "shape": f"(N, C, {', '.join(axes)})",
        "unbatched": f"(C, {', '.join(axes)})",
        "more": DIVISOR if d > 1 else "",
        "order": ", the one of the last axis first" if d == 2 else "",
        "two_of_them": 4 if d == 1 else (2, 2) if d == 2 else (1, 2, 2),
        "norm": 8.0,
        "example": (2, 3, *lengths),
        "halved": (2, 3, *(4 for _ in lengths)),
        "thirds": (2, 3, *(3 for _ in lengths)),
        "fifths": (2, 3, *(5 for _ in lengths)),
    }

    def fill(function: Function) -> Function:
        if function.__doc__:  # python -OO drops docstrings
            text = kind
            for _ in range(2):  # the shared parts have places of their own
                text = text.format(**SHARED, **{name: f"{{{name}}}" for name in places})
            function.__doc__ += text.format(**places)
        return function

    return fill


# ------------------------------------------------------------------------------- translations


def array_of(x: Any) -> Array:
    return x if type(x) is np.ndarray else plain_array(x)


def pooled_axes(d: int, shape: tuple[int, ...], empty: tuple[int, ...] = (0,)) -> tuple[int, ...]:
    """Return the last d axes; only the axes `empty` may have no elements."""
    axes = tuple(range(len(shape) - d, len(shape)))
    if len(axes) + 1 > len(shape) or len(shape) > d + 2:
        names = ", ".join("DHW"[-d:]) if d > 1 else "L"
        raise ValueError(
            f"input has shape {shape}, of {len(shape)} axes; give {d + 2}, (N, C, {names}), or"
            f" {d + 1}, (C, {names})"
        )
    for axis, n in enumerate(shape):
        if n == 0 and axis not in empty:
            raise ValueError(
                f"input has shape {shape}: axis {axis} has length 0, and"
                f" {f'only axes {empty} may be' if empty else 'none may be'} empty"
            )
    return axes


def spread(value: Any, name: str, axes: tuple[int, ...]) -> tuple[Any, ...]:
    """Return one value per axis; torch takes a single one in a sequence for all, too."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(given) == 1:
        given *= len(axes)
    if len(given) != len(axes):
        raise ValueError(
            f"{name} {value!r} has {len(given)} values for {len(axes)} pooled axes; give one, or"
            " one per pooled axis"
        )
    return given


def per_pooled_axis(value: Any, name: str, axes: tuple[int, ...]) -> tuple[int, ...]:
    return per_axis(spread(value, name, axes), name, axes)


def paddings(value: Any, kernel_size: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return one amount of padding per axis: at most half a window."""
    given = spread(value, "padding", axes)
    for axis, p, k in zip(axes, given, kernel_size, strict=True):
        if not 0 <= integer(p, "padding", axis) <= k // 2:
            raise ValueError(
                f"padding is {p} for axis {axis}; it must be from 0 to half of kernel_size {k},"
                f" {k // 2}"
            )
    return given


@lru_cache(maxsize=1024)
def local_windows(
    d: int, shape: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Any, ...]:
    """Return the pooled axes, and the windows' four sizes along them."""
    axes = pooled_axes(d, shape, (0,) if len(shape) == d + 2 else ())
    sizes = per_pooled_axis(kernel_size, "kernel_size", axes)
    strides = sizes if stride in (None, ()) else per_pooled_axis(stride, "stride", axes)
    dilations = per_pooled_axis(dilation, "dilation", axes)
    pads = paddings(padding, sizes, axes)
    # One number for all axes is looked up faster than one for each.
    return axes, *(v if len(set(v)) > 1 else v[0] for v in (sizes, strides, pads, dilations))


def local(
    pool: Callable[..., Any],
    d: int,
    x: Array,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    **options: Any,
) -> Any:
    """Pool windows of the last d axes."""
    axes, size, step, pad, distance = local_windows(
        d,
        x.shape,
        kernel_size if type(kernel_size) in AS_GIVEN else frozen(kernel_size, "kernel_size", 1),
        stride if type(stride) in AS_GIVEN else frozen(stride, "stride", 1),
        padding if type(padding) in AS_GIVEN else frozen(padding, "padding", 1),
        dilation if type(dilation) in AS_GIVEN else frozen(dilation, "dilation", 1),
    )
    return pool(x, size, step, pad, distance, axis=axes, **options)


def average(
    d: int, input: Any, kernel_size: Any, stride: Any, padding: Any, **options: Any
) -> Array:
    """Average windows of the last d axes."""
    x = array_of(input)
    y: Array
    if x.dtype.kind != "i" or x.dtype.itemsize != 8:
        y = local(cypool.avg_pool, d, x, kernel_size, stride, padding, 1, **options)
        return y
    # torch keeps int64, and divides as C does: a step back to zero where rounding led away from it.
    windows = (kernel_size, stride, padding, 1)
    y = local(cypool.avg_pool, d, x, *windows, dtype=np.int64, **options)
    total = local(cypool.sum_pool, d, x, *windows, ceil_mode=options["ceil_mode"])
    count = local(divisors, d, x, *windows, **options)
    rest, half = total - y * count, np.abs(count) // 2  # of a quotient that fits into 64 bits
    away = np.sign(y) * np.sign(rest) * np.sign(count) < 0
    return y - np.sign(y) * (away & (-half <= rest) & (rest <= half))


def divisors(
    x: Array,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    *,
    axis: tuple[int, ...],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Array:
    """Return what the sums of windows are divided by."""
    if divisor_override is not None:
        return np.array(divisor_override)
    windows = geometry.local_windows(
        x.shape, axis, kernel_size, stride, padding, dilation, ceil_mode
    )
    return reduce(np.multiply.outer, [w.counts(count_include_pad) for w in windows])


def norm(
    d: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Array:
    """Take norms of windows of the last d axes."""
    x = array_of(input)
    windows = (kernel_size, stride, 0, 1)
    integral = x.dtype.kind in "biu"
    y: Array
    # torch's way with infinite orders is its own.
    if not (isinstance(norm_type, float) and math.isinf(norm_type)):
        norm_type = order(norm_type, "norm_type")
    if norm_type == -math.inf or (norm_type == math.inf and integral):
        pool = cypool.max_pool if norm_type > 0 else cypool.min_pool
        y = local(pool, d, magnitudes(x), *windows, ceil_mode=ceil_mode)
        if x.dtype.kind != "i":
            return y
        most = np.iinfo(x.dtype).max  # one less than the magnitude of the least
        return np.minimum(y, most).astype(x.dtype.newbyteorder("="))
    dtype = np.float32 if integral else None
    y = local(cypool.lp_pool, d, x, *windows, p=norm_type, ceil_mode=ceil_mode, dtype=dtype)
    return y


def adaptive(pool: Callable[..., Any], d: int, input: Any, size: Any, **options: Any) -> Any:
    """Pool the last d axes to the lengths `size`."""
    x = array_of(input)
    # torch lets channels be missing in averages of a batch, but not in maxima.
    averages_batch = pool is cypool.adaptive_avg_pool and x.ndim == d + 2
    axes = pooled_axes(d, x.shape, (0, 1) if averages_batch else (0,))
    given = size if isinstance(size, (tuple, list)) else (size,) * d
    if 0 not in given:
        return pool(x, size, axis=axes, **options)
    # torch's result is empty then.
    pooled = pool(x, tuple(1 if n == 0 else n for n in given), axis=axes, **options)
    none = (..., *(slice(0 if n == 0 else None) for n in given))
    return tuple(y[none] for y in pooled) if isinstance(pooled, tuple) else pooled[none]


def unpool(
    d: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Array:
    """Put elements back to where they came from."""
    x, places = array_of(input), array_of(indices)
    axes = pooled_axes(d, x.shape)
    if places.shape != x.shape:
        raise ValueError(f"indices has shape {places.shape}; input has {x.shape}, which it must be")
    sizes = per_pooled_axis(kernel_size, "kernel_size", axes)
    strides = sizes if stride is None else per_pooled_axis(stride, "stride", axes)
    pads = spread(padding, "padding", axes)
    lengths = tuple(
        (x.shape[axis] - 1) * s + k - 2 * integer(p, "padding", axis)
        for axis, k, s, p in zip(axes, sizes, strides, pads, strict=True)
    )
    if output_size is not None:
        if not isinstance(output_size, (tuple, list)):
            raise TypeError(f"output_size is {output_size!r}; it must be a tuple of {d} integers")
        wanted = tuple(integer(n, "output_size") for n in output_size)
        if len(wanted) not in (d, d + 2):
            raise ValueError(
                f"output_size {wanted} has {len(wanted)} values; give {d}, or {d + 2} for a whole"
                " shape"
            )
        for axis, n, default, s in zip(axes, wanted[-d:], lengths, strides, strict=True):
            if not default - s < n < default + s:
                raise ValueError(
                    f"output_size is {n} for axis {axis}; it must be more than {default - s} and"
                    f" less than {default + s}"
                )
        lengths = wanted[-d:]
    for axis, n in zip(axes, lengths, strict=True):
        if n < 0:
            raise ValueError(f"the output would have length {n} along axis {axis}; pad less")
    y: Array = cypool.max_unpool(x, places, x.shape[:-d] + lengths, axis=axes)
    return y


def fractional(
    d: int,
    input: Any,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Any,
    rng: Any,
) -> ArrayOrPair:
    """Pick windows with fractional steps from all there are."""
    x = array_of(input)
    axes = pooled_axes(d, x.shape)
    lengths, outer = x.shape[-d:], x.shape[:-d]
    kernels = per_pooled_axis(kernel_size, "kernel_size", axes)
    if output_size is None:
        if output_ratio is None:
            raise ValueError("neither output_size nor output_ratio is given; give one of them")
        ratios = spread(output_ratio, "output_ratio", axes)
        for axis, ratio in zip(axes, ratios, strict=True):
            if not isinstance(ratio, (int, float, np.floating)):
                raise TypeError(f"output_ratio is {ratio!r} for axis {axis}; it must be a number")
            if not 0 <= ratio <= 1:
                raise ValueError(f"output_ratio is {ratio} for axis {axis}; it must be from 0 to 1")
        output_size = tuple(int(n * r) for n, r in zip(lengths, ratios, strict=True))
    sizes = spread(output_size, "output_size", axes)
    for axis, n, o, k in zip(axes, lengths, sizes, kernels, strict=True):
        if not 0 <= integer(o, "output_size", axis) <= n - k + 1:
            raise ValueError(
                f"output_size is {o} for axis {axis}; it must be from 0 to {n - k + 1}, as many"
                f" places as a window of {k} has in {n} positions"
            )
    drawn = (outer[0] if len(outer) == 2 else 1, outer[-1], d)
    if samples is None:
        u = np.random.default_rng(rng).random(drawn)
    else:
        u = array_of(samples)
        if u.shape != drawn:
            raise ValueError(f"_random_samples has shape {u.shape}; it must be {drawn}")
        if not ((u >= 0) & (u <= 1)).all():
            raise ValueError("_random_samples has numbers outside of the range from 0 to 1")
    u = u.reshape(-1, d)
    # torch has the last axis' number first if there are two, but not if there are three.
    columns = u.T[::-1] if d == 2 else u.T
    starts = [
        fractional_starts(column, n, o, k).reshape(len(u), *(o if i == j else 1 for j in range(d)))
        for i, (column, n, o, k) in enumerate(zip(columns, lengths, sizes, kernels, strict=True))
    ]
    planes = np.arange(len(u)).reshape(len(u), *(1,) * d)

    def picked(y: Array) -> Any:
        return y.reshape(len(u), *y.shape[-d:])[planes, *starts].reshape(*outer, *sizes)

    pooled = cypool.max_pool(x, kernels, 1, axis=axes, return_indices=return_indices)
    return tuple(map(picked, pooled)) if return_indices else picked(pooled)


def fractional_starts(u: Array, n: int, out: int, k: int) -> Array:
    """Return where windows of k start in n positions, a row for each number of u.

    It is torch's formula, in the numbers' own dtype, so that the same steps come out.
    """
    starts = np.full((len(u), out), n - k)  # the last window ends where the axis does
    if out > 1:
        number = u.dtype.type
        alpha = number(n - k) / number(out - 1)
        steps = (np.arange(out - 1).astype(u.dtype) + u[:, None]) * alpha
        starts[:, :-1] = steps.astype(np.int64) - (u * alpha).astype(np.int64)[:, None]
    # Rounding leads 16-bit floats past the end of long axes, where torch reads all the same.
    return np.minimum(starts, n - k)


# ------------------------------------------------------------------------------- the functions


@documented(MAX, 1)
def max_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> ArrayOrPair:
    """Take the maximum of each window over the last axis."""
    return local(
        cypool.max_pool,
        1,
        array_of(input),
        kernel_size,
        stride,
        padding,
        dilation,
        ceil_mode=ceil_mode,
        return_indices=return_indices,
    )


@documented(MAX, 1)
def max_pool1d_with_indices(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Array, Array]:
    """Take the maximum of each window over the last axis, with its index in any case."""
    pooled: tuple[Array, Array] = max_pool1d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return pooled


@documented(MAX, 2)
def max_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> ArrayOrPair:
    """Take the maximum of each window over the last two axes."""
    return local(
        cypool.max_pool,
        2,
        array_of(input),
        kernel_size,
        stride,
        padding,
        dilation,
        ceil_mode=ceil_mode,
        return_indices=return_indices,
    )


@documented(MAX, 2)
def max_pool2d_with_indices(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Array, Array]:
    """Take the maximum of each window over the last two axes, with its index in any case."""
    pooled: tuple[Array, Array] = max_pool2d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return pooled


@documented(MAX, 3)
def max_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> ArrayOrPair:
    """Take the maximum of each window over the last three axes."""
    return local(
        cypool.max_pool,
        3,
        array_of(input),
        kernel_size,
        stride,
        padding,
        dilation,
        ceil_mode=ceil_mode,
        return_indices=return_indices,
    )


@documented(MAX, 3)
def max_pool3d_with_indices(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Array, Array]:
    """Take the maximum of each window over the last three axes, with its index in any case."""
    pooled: tuple[Array, Array] = max_pool3d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return pooled


@documented(AVG, 1)
def avg_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Take the average of each window over the last axis."""
    return average(
        1,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


@documented(AVG, 2)
def avg_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Take the average of each window over the last two axes."""
    return average(
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )


@documented(AVG, 3)
def avg_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Take the average of each window over the last three axes."""
    return average(
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )


@documented(LP, 1)
def lp_pool1d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Take the p-norm of each window over the last axis."""
    return norm(1, input, norm_type, kernel_size, stride, ceil_mode)


@documented(LP, 2)
def lp_pool2d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Take the p-norm of each window over the last two axes."""
    return norm(2, input, norm_type, kernel_size, stride, ceil_mode)


@documented(LP, 3)
def lp_pool3d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Take the p-norm of each window over the last three axes."""
    return norm(3, input, norm_type, kernel_size, stride, ceil_mode)


@documented(ADAPTIVE_MAX, 1)
def adaptive_max_pool1d(
    input: Any, output_size: Lengths, return_indices: bool = False
) -> ArrayOrPair:
    """Take the maxima of as many parts of the last axis as the output has elements."""
    return adaptive(cypool.adaptive_max_pool, 1, input, output_size, return_indices=return_indices)


@documented(ADAPTIVE_MAX, 1)
def adaptive_max_pool1d_with_indices(
    input: Any, output_size: Lengths, return_indices: bool = False
) -> tuple[Array, Array]:
    """Take the maxima of parts of the last axis, with their indices in any case."""
    pooled: tuple[Array, Array] = adaptive_max_pool1d(input, output_size, True)
    return pooled


@documented(ADAPTIVE_MAX, 2)
def adaptive_max_pool2d(
    input: Any, output_size: Lengths, return_indices: bool = False
) -> ArrayOrPair:
    """Take the maxima of as many parts of the last two axes as the output has elements."""
    return adaptive(cypool.adaptive_max_pool, 2, input, output_size, return_indices=return_indices)


@documented(ADAPTIVE_MAX, 2)
def adaptive_max_pool2d_with_indices(
    input: Any, output_size: Lengths, return_indices: bool = False
) -> tuple[Array, Array]:
    """Take the maxima of parts of the last two axes, with their indices in any case."""
    pooled: tuple[Array, Array] = adaptive_max_pool2d(input, output_size, True)
    return pooled


@documented(ADAPTIVE_MAX, 3)
def adaptive_max_pool3d(
    input: Any, output_size: Lengths, return_indices: bool = False
) -> ArrayOrPair:
    """Take the maxima of as many parts of the last three axes as the output has elements."""
    return adaptive(cypool.adaptive_max_pool, 3, input, output_size, return_indices=return_indices)


@documented(ADAPTIVE_MAX, 3)
def adaptive_max_pool3d_with_indices(
    input: Any, output_size: Lengths, return_indices: bool = False
) -> tuple[Array, Array]:
    """Take the maxima of parts of the last three axes, with their indices in any case."""
    pooled: tuple[Array, Array] = adaptive_max_pool3d(input, output_size, True)
    return pooled


@documented(ADAPTIVE_AVG, 1)
def adaptive_avg_pool1d(input: Any, output_size: Lengths) -> Array:
    """Take the averages of as many parts of the last axis as the output has elements."""
    pooled: Array = adaptive(cypool.adaptive_avg_pool, 1, input, output_size)
    return pooled


@documented(ADAPTIVE_AVG, 2)
def adaptive_avg_pool2d(input: Any, output_size: Lengths) -> Array:
    """Take the averages of as many parts of the last two axes as the output has elements."""
    pooled: Array = adaptive(cypool.adaptive_avg_pool, 2, input, output_size)
    return pooled


@documented(ADAPTIVE_AVG, 3)
def adaptive_avg_pool3d(input: Any, output_size: Lengths) -> Array:
    """Take the averages of as many parts of the last three axes as the output has elements."""
    pooled: Array = adaptive(cypool.adaptive_avg_pool, 3, input, output_size)
    return pooled


@documented(UNPOOL, 1)
def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """Undo `max_pool1d` as far as that is possible: put the maxima back, and zeros around them."""
    return unpool(1, input, indices, kernel_size, stride, padding, output_size)


@documented(UNPOOL, 2)
def max_unpool2d(
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """Undo `max_pool2d` as far as that is possible: put the maxima back, and zeros around them."""
    return unpool(2, input, indices, kernel_size, stride, padding, output_size)


@documented(UNPOOL, 3)
def max_unpool3d(
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """Undo `max_pool3d` as far as that is possible: put the maxima back, and zeros around them."""
    return unpool(3, input, indices, kernel_size, stride, padding, output_size)


@documented(FRACTIONAL, 2)
def fractional_max_pool2d(
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: Any = None,
) -> ArrayOrPair:
    """Take the maxima of windows over the last two axes whose steps vary."""
    return fractional(
        2,
        input,
        kernel_size,
        output_size,
        output_ratio,
        return_indices,
        _random_samples,
        rng,
    )


@documented(FRACTIONAL, 2)
def fractional_max_pool2d_with_indices(
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: Any = None,
) -> tuple[Array, Array]:
    """Take the maxima of windows whose steps vary, with their indices in any case."""
    pooled: tuple[Array, Array] = fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples, rng=rng
    )
    return pooled


@documented(FRACTIONAL, 3)
def fractional_max_pool3d(
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: Any = None,
) -> ArrayOrPair:
    """Take the maxima of windows over the last three axes whose steps vary."""
    return fractional(
        3,
        input,
        kernel_size,
        output_size,
        output_ratio,
        return_indices,
        _random_samples,
        rng,
    )


@documented(FRACTIONAL, 3)
def fractional_max_pool3d_with_indices(
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: Any = None,
) -> tuple[Array, Array]:
    """Take the maxima of windows whose steps vary, with their indices in any case."""
    pooled: tuple[Array, Array] = fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples, rng=rng
    )
    return pooled
