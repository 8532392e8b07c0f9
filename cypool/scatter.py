"""From arrays and the indices of their elements to routes for the kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import geometry, kernels, threads
from .arrays import Array, as_bits, check_element, check_out, plain_array
from .engine import pool

#: The kernels' codes of what is done.
WAYS = {"put": 0, "take": 1, "add": 2}


def scatter(
    way: str,
    x: Any,
    indices: Any,
    shape: Any,
    name: str,
    *,
    axis: Any,
    out: Any = None,
    num_threads: int | None = None,
) -> Array:
    """Put (or add) the elements of x where their indices say, into zeros of a shape."""
    x = native(x)
    threads.resolve(num_threads)  # before anything is written
    lengths = whole_shape(shape, name)
    places, axes = checked(x, indices, lengths, name, axis)
    # 16-bit floats are added up as wider ones.
    wide = np.dtype(np.float32) if way == "add" and x.dtype.itemsize == 2 else x.dtype
    if out is not None:
        check_out(out, lengths, x.dtype)
        target = out.view(np.ndarray)
        if (
            target.flags.aligned
            and target.dtype == wide
            and not np.may_share_memory(target, x)
            and not np.may_share_memory(target, places)
        ):
            check_indices(places, [lengths[a] for a in axes], num_threads)
            route(way, x, places, target, axes, num_threads, clears=True)
            return out
    result = np.empty(lengths, wide)
    route(way, x.astype(wide, copy=False), places, result, axes, num_threads, clears=True)
    with np.errstate(over="ignore"):  # what is too large is infinite, as in the kernels
        result = result.astype(x.dtype, copy=False)
    if out is None:
        return result
    np.copyto(out, result)
    return out


def gather(
    x: Any, indices: Any, *, axis: Any, out: Any = None, num_threads: int | None = None
) -> Array:
    """Return the elements of x that the indices name; 0 where an index is -1."""
    x = native(x)
    axes = geometry.pooled_axes(axis, x.ndim)
    places = index_array(indices)
    if places.ndim != x.ndim:
        raise ValueError(
            f"indices has shape {places.shape} and grad_output {x.shape}; they need as many axes"
        )
    check_lengths(places.shape, x.shape, axes, "indices", "grad_output")
    if out is not None:
        check_out(out, places.shape, x.dtype)
    result = np.zeros(places.shape, x.dtype)
    route("take", result, places, x, axes, num_threads)
    if out is None:
        return result
    np.copyto(out, result)
    return out


def checked(
    x: Array, indices: Any, shape: tuple[int, ...], name: str, axis: Any
) -> tuple[Array, tuple[int, ...]]:
    """Return the indices of x and the pooled axes, or refuse what does not fit."""
    places = index_array(indices)
    if places.shape != x.shape:
        raise ValueError(f"indices has shape {places.shape}; the values have shape {x.shape}")
    if len(shape) != x.ndim:
        raise ValueError(
            f"{name} {shape} has {len(shape)} axes; the values, of shape {x.shape}, have {x.ndim}"
        )
    axes = geometry.pooled_axes(axis, x.ndim)
    check_lengths(x.shape, shape, axes, "the values' shape", name)
    return places, axes


def check_lengths(
    a: tuple[int, ...], b: tuple[int, ...], axes: tuple[int, ...], a_name: str, b_name: str
) -> None:
    """Refuse shapes that differ where they are not pooled."""
    for axis, (n, m) in enumerate(zip(a, b, strict=True)):
        if n != m and axis not in axes:
            raise ValueError(
                f"{a_name} has length {n} along axis {axis}, which is not pooled, and {b_name}"
                f" length {m}; they must be equal"
            )


def check_indices(indices: Array, lengths: list[int], num_threads: int | None) -> None:
    """Refuse indices outside the pooled axes before anything is done."""
    if kernels.strays(
        indices,
        axes=end_to_end(list(zip(indices.shape, indices.strides, strict=True))) or [(1, 0)],
        positions=math.prod(lengths),
        threads=threads.resolve(num_threads) if indices.size >= threads.SERIAL else 1,
    ):
        check_range(indices, lengths)


def check_range(indices: Array, lengths: list[int]) -> None:
    """Refuse indices outside the pooled axes; -1 is that of a window without elements."""
    if indices.size == 0:
        return
    positions = math.prod(lengths)
    least, most = (
        int(pool(kind, indices, axis=None, windows="global", keepdims=False))
        for kind in ("min", "max")
    )
    if least < -1 or most >= positions:
        raise ValueError(
            f"indices has {least if least < -1 else most}; over pooled axes of lengths"
            f" {tuple(lengths)} they go from 0 to {positions - 1} (-1 for none)"
        )


def native(x: Any) -> Array:
    """Return an array of elements of this machine's byte order."""
    array = x if type(x) is np.ndarray else plain_array(x)
    check_element(array.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def index_array(indices: Any) -> Array:
    """Return indices as int64."""
    array = plain_array(indices)
    if array.dtype.kind not in "iu":
        raise TypeError(f"indices has dtype {array.dtype}; it must be an integer type")
    if array.dtype == np.uint64 and array.size and (most := int(array.max())) >= 1 << 63:
        raise ValueError(f"indices has {most}; they are below the number of positions")
    return array.astype(np.int64, copy=False)


def whole_shape(shape: Any, name: str) -> tuple[int, ...]:
    """Return a shape argument as a tuple of lengths."""
    listed = shape if isinstance(shape, (tuple, list)) else (shape,)
    lengths = tuple(geometry.integer(n, name) for n in listed)
    if min(lengths, default=0) < 0:
        raise ValueError(f"{name} is {lengths}; lengths must be at least 0")
    return lengths


def route(
    way: str,
    values: Array,
    indices: Array,
    places: Array,
    axes: tuple[int, ...],
    num_threads: int | None,
    *,
    clears: bool = False,
) -> None:
    """Let the kernels move values to or from places; refuse indices of none.

    If it `clears`, places where nothing comes become 0.
    """
    n = threads.resolve(num_threads)
    if values.size == 0:
        if clears:
            places[...] = 0
        return
    values, places = as_bits(values), as_bits(places)
    steps = list(zip(values.shape, values.strides, indices.strides, places.strides, strict=True))
    last = values.ndim - 1
    inner = [(n, value, index, 0) for a, (n, value, index, _) in enumerate(steps) if a in axes]
    slots = [(places.shape[a], places.strides[a]) for a in sorted(axes)]
    outer = [steps[a] for a in range(last) if a not in axes]
    if last >= 0 and last not in axes:
        inner.append(steps[last])
    strays = kernels.route(
        values,
        indices,
        places,
        outer=outer,
        inner=end_to_end(inner) or [(1, 0, 0, 0)],
        slots=end_to_end(slots) or [(1, 0)],
        way=WAYS[way],
        clears=clears,
        kind=-values.itemsize if way == "add" else values.itemsize,
        threads=n if values.size >= threads.SERIAL else 1,
    )
    if strays:
        check_range(indices, [places.shape[a] for a in axes])


def end_to_end(axes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Join neighbouring axes that are steps along one line: (length, strides …) each."""
    joined: list[tuple[int, ...]] = []
    for n, *strides in axes:
        if joined and all(s == n * t for s, t in zip(joined[-1][1:], strides, strict=True)):
            n *= joined.pop()[0]
        joined.append((n, *strides))
    return joined
