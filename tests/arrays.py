"""Arrays of every dtype, layout and kind of value, for the tests of the compiled core."""

from __future__ import annotations

import importlib.util
import math
from typing import Any, NamedTuple

import numpy as np

#: bfloat16 is a dtype of its own package.
BFLOATS = ("bfloat16",) if importlib.util.find_spec("ml_dtypes") else ()
if BFLOATS:
    import ml_dtypes

INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", *BFLOATS, "float32", "float64")
WIDE_FLOATS = ("float32", "float64")
DTYPES = ("bool", *INTEGERS, *FLOATS)

#: Bytes around every array that nobody may write to.
MARGIN = 64


def is_float(dtype) -> bool:
    """Tell floats from integers and bool; NumPy takes bfloat16 for a kind of bytes."""
    return np.dtype(dtype).name in FLOATS


def finfo(dtype) -> Any:
    """Return what is to know of a float type."""
    if np.dtype(dtype).name in BFLOATS:
        return ml_dtypes.finfo(dtype)
    return np.finfo(dtype)


def plain(x):
    """Return an array whose elements NumPy can compare: the same numbers, none in 16 bits."""
    x = np.asarray(x)
    return x.astype(np.float64) if x.dtype.name in FLOATS else x


class Layout(NamedTuple):
    """How the elements of an array lie in memory."""

    order: str = "C"  # or "F", or "rotated": the first axis is the innermost
    steps: tuple[int, ...] = (1,)  # of each axis in turn: 2 leaves every other element out
    flips: tuple[bool, ...] = (False,)  # which axes run backwards
    gap: int = 0  # bytes between elements, as in a field of packed records
    offset: int = 0  # bytes off alignment
    swap: bool = False  # the other byte order


#: Layouts in which every element has a place of its own: for inputs and for `out`.
LAYOUTS = {
    "c": Layout(),
    "fortran": Layout("F"),
    "rotated": Layout("rotated"),
    "stepped": Layout(steps=(2, 3)),
    "outer_stepped": Layout(steps=(3, 1, 1)),
    "reversed": Layout(flips=(True,)),
    "half_reversed": Layout(flips=(False, True)),
    "packed_field": Layout(gap=1),
    "aligned_field": Layout(gap=8),
    "unaligned": Layout(offset=1),
    "swapped": Layout(swap=True),
    "tangled": Layout("rotated", (1, 2), (True, False), 3, 1, True),
}

#: Layouts for inputs only: they share elements or cannot be written to.
SHARED = ("readonly", "broadcast", "all_broadcast", "overlapping", "memmap")


def place(shape, dtype, layout="c"):
    """Return the bytes of a buffer and an array of a shape and layout in the middle of it."""
    how = LAYOUTS[layout]
    dtype = np.dtype(dtype)
    if how.swap:
        dtype = dtype.newbyteorder()
    order = list(range(len(shape)))[::-1]  # innermost first
    if how.order == "F":
        order.reverse()
    elif how.order == "rotated":
        order = order[-1:] + order[:-1]
    strides = [0] * len(shape)
    extent = dtype.itemsize + how.gap
    start = MARGIN + how.offset
    for place, axis in enumerate(order):
        strides[axis] = extent * how.steps[place % len(how.steps)]
        extent = strides[axis] * max(shape[axis], 1)
        if how.flips[place % len(how.flips)] and shape[axis]:
            start += strides[axis] * (shape[axis] - 1)
            strides[axis] *= -1
    root = np.full(extent + 2 * MARGIN + 8, 0x5A, np.uint8)
    return root, np.ndarray(shape, dtype, root, start, strides)


def arrange(values, layout, folder=None):
    """Return an array like `values` in a layout; the shared ones repeat some of the values."""
    if layout == "readonly":
        array = values.copy()
        array.flags.writeable = False
        return array
    if layout == "broadcast":
        return np.broadcast_to(values[:1], values.shape) if values.ndim else values
    if layout == "all_broadcast":
        return np.broadcast_to(values[(slice(1),) * values.ndim], values.shape)
    if layout == "overlapping":
        return overlapping(values)
    if layout == "memmap":
        array = np.memmap(folder / "array.bin", values.dtype, "w+", shape=values.shape)
        array[...] = values
        return array
    array = place(values.shape, values.dtype, layout)[1]
    array[...] = values
    return array


def overlapping(values):
    """Return an array whose last two axes both step through the same line of elements."""
    if values.ndim < 2 or 0 in values.shape:
        return values
    line = np.concatenate([values[..., 0, :], values[..., 1:, -1]], axis=-1)
    return np.lib.stride_tricks.sliding_window_view(line, values.shape[-1], axis=-1)


def ordinary(rng, shape, dtype):
    """Return numbers of moderate size; integers from the whole range of their type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.asarray(rng.integers(info.min, info.max, shape, dtype, endpoint=True))
    return np.asarray(np.ldexp(rng.standard_normal(shape), rng.integers(-8, 9, shape)), dtype)


def sparse(rng, shape, dtype):
    """Return small numbers, many of them zero, as after a ReLU."""
    return np.asarray(np.maximum(rng.normal(0, 9, shape), 0)).astype(dtype)


def special(rng, shape, dtype):
    """Return ordinary numbers with the special ones of the type among them."""
    dtype = np.dtype(dtype)
    values = ordinary(rng, shape, dtype)
    if dtype.kind == "b":
        return values
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        numbers = [info.min, info.min + 1, 0, 1, info.max - 1, info.max]
    else:
        info = finfo(dtype)
        numbers = [math.nan, math.inf, -math.inf, -0.0, 0.0, info.smallest_subnormal, info.tiny]
        numbers = [float(v) for v in numbers]
    chosen = rng.choice(np.array(numbers, dtype), shape)
    return np.where(rng.random(shape) < rng.choice([0.02, 0.2, 0.8]), chosen, values)


def extreme(rng, shape, dtype):
    """Return the ends of an integer type, or floats of every size."""
    dtype = np.dtype(dtype)
    if not is_float(dtype):
        return special(rng, shape, dtype)
    info = finfo(dtype)
    exponents = rng.integers(info.minexp - info.nmant, info.maxexp, shape)
    signs = rng.choice([-1.0, 1.0], shape)
    numbers = np.ldexp(signs * (1 + rng.random(shape)), exponents)
    return np.asarray(np.clip(numbers, -float(info.max), float(info.max)), dtype)


def halfway(rng, shape, dtype):
    """Return whole floats of all digits, and little ones: their sums lie next to ties."""
    dtype = np.dtype(dtype)
    if not is_float(dtype):
        return special(rng, shape, dtype)
    digits = finfo(dtype).nmant + 1
    whole = rng.integers(2 ** (digits - 1), 2**digits, shape).astype(np.float64)
    little = np.ldexp(rng.integers(-1, 2, shape) / 2.0, -rng.integers(0, digits, shape))
    return np.asarray(np.where(rng.random(shape) < 0.5, whole, little), dtype)


def cancelling(rng, shape, dtype):
    """Return one great number with changing signs, and little ones, which are left of sums."""
    dtype = np.dtype(dtype)
    if not is_float(dtype):
        return special(rng, shape, dtype)
    great = np.ldexp(1 + rng.random(), int(rng.integers(0, finfo(dtype).maxexp - 4)))
    signs = 1 - 2 * (np.indices(shape).sum(axis=0) % 2)
    left = rng.random([(n + 1) // 2 for n in shape]) < 0.1
    for a, n in enumerate(shape):  # in pairs, so that the others still cancel
        left = left.repeat(2, a).take(range(n), a)
    return np.asarray(np.where(left, rng.standard_normal(shape), great * signs), dtype)


VALUES = {
    "ordinary": ordinary,
    "sparse": sparse,
    "special": special,
    "extreme": extreme,
    "halfway": halfway,
    "cancelling": cancelling,
}
