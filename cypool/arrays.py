"""What arrays may come and go: element types, masks, layouts, and what results are put into."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: The kernels' codes of element types.
ELEMENTS = {
    name: code
    for code, name in enumerate(
        [
            *("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
            *("float32", "float64", "float16", "bfloat16"),
        ]
    )
}
ELEMENTS["bool"] = ELEMENTS["uint8"]

#: The types of results that are no integers, in words.
FLOATS = "float16, bfloat16, float32 or float64"

#: Divisors are float64 to the kernels, which has all integers up to here.
MOST_DIVIDED = 1 << 53

#: What bfloat16 is handed to the kernels as.
BITS = np.dtype(np.uint16)


class Form(NamedTuple):
    """How an array is laid out, which is all that a plan depends on."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in bytes
    dtype: np.dtype[Any]


def plain_array(x: Any) -> Array:
    """Return x as an ndarray, without a copy where that is possible."""
    foreign, dlpack = hasattr(x, "__array__"), hasattr(x, "__dlpack__")
    try:
        array = np.from_dlpack(x) if dlpack and not foreign else np.asanyarray(x)
    except (TypeError, RuntimeError, BufferError) as error:
        if not (foreign or dlpack):
            raise
        what = f"x is a {type(x).__module__}.{type(x).__name__} that NumPy does not take: {error}"
        if "bfloat16" in str(getattr(x, "dtype", "")):
            what += "; use x.float(), or x.view(torch.int16).numpy().view(ml_dtypes.bfloat16)"
        raise TypeError(what) from error
    masked = array if isinstance(array, np.ma.MaskedArray) else masked_array_in(x)
    if masked is not None:
        raise TypeError(
            f"x {'holds' if isinstance(x, (list, tuple)) else 'is'} a MaskedArray of"
            f" {masked.dtype}: its mask would be ignored; fill it first, for example with"
            " filled(value)"
        )
    return np.asarray(array)


def masked_array_in(x: Any, depth: int = 64) -> np.ma.MaskedArray[Any, Any] | None:
    """Return the first masked array in a nest of lists as deep as an array can be."""
    if isinstance(x, np.ma.MaskedArray):
        return x
    if depth == 0 or not isinstance(x, (list, tuple)):
        return None
    return next((found for y in x if (found := masked_array_in(y, depth - 1)) is not None), None)


def contiguous(x: Array) -> Array:
    """Return an array as a native C-contiguous one: itself, or if it is none a copy."""
    native = np.require(x, x.dtype.newbyteorder("="), ["C", "A"])
    return native.reshape(-1).reshape(x.shape)  # axes of length 1 may have any stride


def contiguous_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the strides of a C-contiguous array."""
    strides = []
    for n in reversed(shape):
        strides.append(itemsize)
        itemsize *= n
    return tuple(reversed(strides))


def as_bits(x: Array) -> Array:
    """Return an array as one whose buffer has a format that everyone knows."""
    return x.view(BITS) if is_bfloat16(x.dtype) else x


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is ml_dtypes' bfloat16, which NumPy takes for a kind of bytes."""
    return dtype.name == "bfloat16"


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype has NaNs."""
    return dtype.kind == "f" or is_bfloat16(dtype)


def is_half(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is a float of 16 bits."""
    return is_float(dtype) and dtype.itemsize == 2


def check_element(dtype: np.dtype[Any]) -> None:
    """Refuse elements that cannot be pooled."""
    if dtype.name not in ELEMENTS:
        raise TypeError(
            f"x has dtype {dtype}, which cannot be pooled; use bool, an integer type, {FLOATS}"
        )


def element_type(dtype: Any) -> np.dtype[Any]:
    """Return a `dtype` argument as a dtype."""
    try:
        element: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype is {dtype!r}; it must be an integer type, {FLOATS}") from None
    return element


def result_dtype(kind: str, x: np.dtype[Any], dtype: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the dtype of the result, in native byte order."""
    if kind in ("max", "min"):
        return np.dtype(x.type)
    if dtype is None:
        if is_float(x):
            return np.dtype(x.type)
        if kind == "sum":
            return np.dtype(np.uint64 if x.kind == "u" else np.int64)
        return np.dtype(np.float32 if x.itemsize < 4 else np.float64)
    if dtype.name not in ELEMENTS or dtype.kind == "b":
        raise TypeError(f"dtype is {dtype}; it must be an integer type, {FLOATS}")
    if kind == "sum" and is_float(x) and not is_float(dtype):
        raise TypeError(f"dtype is {dtype}, but the sum of {x} is not an integer; use a float type")
    return np.dtype(dtype.type)


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse an `out` that cannot hold the result."""
    if type(out) is not np.ndarray and (
        not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray)
    ):
        raise TypeError(f"out must be an ndarray, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; the result has shape {shape}")
    if out.dtype is not dtype and out.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"out has dtype {out.dtype}; the result has dtype {dtype}")
    flags = out.flags
    if not flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    if not flags.c_contiguous and out.size and overlaps_itself(out):
        raise ValueError(
            f"elements of out overlap (shape {out.shape}, strides {out.strides}); each needs a"
            " place of its own"
        )


def overlaps_itself(x: Array) -> bool:
    """Return whether elements of an array share memory."""
    axes = sorted((abs(s), n) for s, n in zip(x.strides, x.shape, strict=True) if n > 1)
    extent = 0
    for stride, n in axes:
        if stride < extent + x.itemsize:
            break
        extent += stride * (n - 1)
    else:
        return False  # each axis steps past all that the ones inside it reach
    offsets = np.zeros(1, np.int64)
    for stride, n in axes:
        offsets = np.add.outer(offsets, stride * np.arange(n)).ravel()
    return bool((np.diff(np.sort(offsets)) < x.itemsize).any())
