"""From a call's arguments to a plan for the kernels, looked up when they were seen before."""

from __future__ import annotations

import math
from functools import lru_cache
from numbers import Number
from typing import Any, NamedTuple

import numpy as np

from . import geometry, threads
from .arrays import (
    BITS,
    MOST_DIVIDED,
    Array,
    Form,
    as_bits,
    check_element,
    check_out,
    contiguous,
    contiguous_strides,
    element_type,
    is_bfloat16,
    is_float,
    plain_array,
    result_dtype,
)
from .geometry import Window
from .kernels import Plan
from .planning import Request, plan_for

#: What a pooling returns: an array or, with its indices, two; the type system cannot tell.
ArrayOrPair = Any

#: Types of arguments that `frozen` would give back as they are.
AS_GIVEN = (int, type(None), str)


class Recipe(NamedTuple):
    """What a call signature comes to."""

    shape: tuple[int, ...]  # of the result
    dtype: np.dtype[Any]
    plan: Plan | None  # None if the result has no elements
    parallel: bool
    x_as_bits: bool  # x is bfloat16, whose buffers only its own package understands
    as_bits: bool  # so is the result
    again: tuple[Any, ...]  # the same with more care, to be planned


def pool(
    kind: str,
    x: Any,
    kernel_size: Any = None,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    *,
    axis: Any,
    windows: str = "local",
    output_size: Any = None,
    turned_shape: Any = None,
    ceil_mode: bool = False,
    keepdims: bool = True,
    count_include_pad: bool = False,
    divisor_override: Any = None,
    p: float = 0.0,
    dtype: Any = None,
    return_indices: bool = False,
    nan_policy: str = "propagate",
    beside: Array | None = None,
    of_large: bool = False,
    out: Any = None,
    num_threads: int | None = None,
) -> ArrayOrPair:
    """Pool x, and return the result, or it and its indices.

    The `windows` are "local" ones, of `kernel_size` and what follows it; or "global", one over the
    whole of each pooled axis; or "adaptive", `output_size` of which share out an axis.  With a
    `turned_shape`, x is the result of pooling an array of that shape, and each position of that
    array pools the windows that it was in; of averages, each element over its window's divisor.

    Two kinds make the gradient of a norm, with an array `beside` the result, as large as that.
    "weight" takes x to what is beside it over y ** (p - 1), y being the norm of a window; "slope"
    adds such weights up, times sign(v) * abs(v) ** (p - 1) for v beside the result.  Powers and
    products have to stay in float64's range.

    If x is a part of a large array (`of_large`), rows are fetched before they are folded.
    """
    if type(x) is not np.ndarray:
        x = plain_array(x)
    if windows == "local":
        if type(kernel_size) not in AS_GIVEN:
            kernel_size = frozen(kernel_size, "kernel_size")
        if type(stride) not in AS_GIVEN:
            stride = frozen(stride, "stride")
        if type(padding) not in AS_GIVEN:
            padding = frozen(padding, "padding")
        if type(dilation) not in AS_GIVEN:
            dilation = frozen(dilation, "dilation")
    elif windows == "adaptive":
        output_size = frozen(output_size, "output_size")
    request = (
        kind,
        kernel_size,
        stride,
        padding,
        dilation,
        axis if type(axis) in AS_GIVEN else frozen(axis, "axis"),
        windows,
        output_size,
        turned_shape,
        ceil_mode,
        keepdims,
        count_include_pad,
        None if divisor_override is None else divisor(divisor_override),
        p,
        None if dtype is None else element_type(dtype),
        nan_policy == "omit" and is_float(x.dtype),
        return_indices,
        None if beside is None else beside.dtype.newbyteorder("="),
        of_large,
    )
    if beside is not None:
        beside = as_bits(contiguous(beside))
    try:
        recipe = planned(x.shape, x.strides, x.dtype, None, request)
    except TypeError:
        check_flags(Request(*request))  # an array cannot be looked up
        raise
    if nan_policy != "propagate":
        check_nan_policy(nan_policy, x, Request(*request), num_threads)
    result = np.empty(recipe.shape, recipe.dtype) if out is None else out
    indices = np.empty(recipe.shape, np.int64) if return_indices else None
    # What fits as it is needs no closer look.
    fits = out is None or (
        type(out) is np.ndarray and out.dtype is recipe.dtype and out.flags.writeable
    )
    if not (fits and run(recipe, x, result, indices, num_threads, beside)):
        fill(out, recipe, request, x, indices, num_threads, beside)
    return result if indices is None else (result, indices)


def fill(
    out: Any,
    recipe: Recipe,
    request: tuple[Any, ...],
    x: Array,
    indices: Array | None,
    num_threads: int | None,
    beside: Array | None,
) -> None:
    """Pool x into an `out` of any kind and strides, or refuse it."""
    check_out(out, recipe.shape, recipe.dtype)
    target = out.view(np.ndarray)  # a subclass may have its own idea of strides
    flags = target.flags
    packed = flags.c_contiguous
    alone = indices is None and beside is None
    if flags.aligned and target.dtype.isnative and (packed or alone):
        fitting = recipe
        if not packed:
            fitting = planned(x.shape, x.strides, x.dtype, target.strides, request)
        if run(fitting, x, target, indices, num_threads, beside):
            return
    # The kernels write elements as they are, and may not read what they have written.
    result = np.empty(recipe.shape, recipe.dtype)
    run(recipe, x, result, indices, num_threads, beside)
    np.copyto(target, result)


def run(
    recipe: Recipe,
    x: Array,
    result: Array,
    indices: Array | None,
    num_threads: int | None,
    beside: Array | None = None,
) -> bool:
    """Let the kernels fill the result, with more care if they give up.

    False, with nothing done, if it is not laid out as planned or may overlap what is read.
    """
    n = threads.resolve(num_threads) if recipe.parallel or num_threads is not None else 1
    if recipe.plan is None:
        return result.shape == recipe.shape
    if recipe.x_as_bits:
        x = x.view(BITS)
    if recipe.as_bits:
        result = result.view(BITS)
    n = n if recipe.parallel else 1
    done = recipe.plan.run(x, result, indices, n, beside)
    if done is None:
        return run(planned(*recipe.again), x, result, indices, n, beside)
    return done


def check_nan_policy(policy: str, x: Array, request: Request, num_threads: int | None) -> None:
    """Refuse unknown policies and, if the policy is to raise, windows with a NaN."""
    if policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy is {policy!r}; it must be 'propagate', 'omit' or 'raise'")
    if policy != "raise" or not is_float(x.dtype) or x.size == 0:
        return
    everywhere = Request("max", axis=None, windows="global")
    if not np.isnan(greatest(everywhere, x, num_threads)).any():
        return
    here = request._replace(kind="max", p=0.0, divisor_override=None, dtype=None, indices=False)
    if np.isnan(greatest(here, x, num_threads)).any():
        raise ValueError(
            "nan_policy is 'raise' and x has a NaN in a window; use 'omit' to leave NaNs out or"
            " 'propagate' to pass them on"
        )


def greatest(request: Request, x: Array, num_threads: int | None) -> Array:
    """Pool by the greatest element, which is NaN where there is one."""
    recipe = planned(x.shape, x.strides, x.dtype, None, request)
    result = np.empty(recipe.shape, recipe.dtype)
    run(recipe, x, result, None, num_threads)
    return result


@lru_cache(maxsize=1024)
def planned(
    x_shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    x_dtype: np.dtype[Any],
    out_strides: tuple[int, ...] | None,
    asked: tuple[Any, ...],
) -> Recipe:
    """Check a call's arguments, those of a `Request`, and plan it.

    With `out_strides` None the result is a new C-contiguous array.
    """
    request = Request(*asked)
    check_flags(request)
    check_element(x_dtype)
    shape = x_shape if request.turned_shape is None else request.turned_shape
    axes = geometry.pooled_axes(request.axis, len(shape))
    at = dict(zip(axes, windows_of(request, shape, axes), strict=True))
    out_dtype = result_dtype(request.kind, x_dtype, request.dtype)
    counts = request.divisor_override is None and request.count_include_pad
    if counts and math.prod(w.size for w in at.values()) > MOST_DIVIDED:
        raise ValueError(
            f"windows of kernel_size {tuple(w.size for w in at.values())} over the axes {axes}"
            " count more than 2**53 positions with their padding, which no divisor can be: use"
            " smaller ones or count_include_pad=False"
        )
    means = {}
    if request.turned_shape is not None:
        check_turned(x_shape, shape, at)
        if request.kind == "avg" and request.divisor_override is None:
            means = at
        at = {a: window.transposed() for a, window in at.items()}
    elif request.kind == "avg" and out_dtype.kind in "iu" and request.divisor_override is None:
        for a, window in at.items():
            if window.some_are_empty() and not request.count_include_pad:
                raise ValueError(
                    f"a window along axis {a} lies wholly in the padding: its average is NaN, which"
                    f" {out_dtype} cannot hold; use a float dtype or less padding"
                )
    kept = tuple(at[a].out if a in at else n for a, n in enumerate(x_shape))
    shape = kept if request.keepdims else tuple(n for a, n in enumerate(kept) if a not in at)
    bits = (is_bfloat16(x_dtype), is_bfloat16(out_dtype))
    again = (x_shape, x_strides, x_dtype, out_strides, tuple(request._replace(careful=True)))
    if math.prod(kept) == 0:
        return Recipe(shape, out_dtype, None, False, *bits, again)
    if out_strides is None:
        out_strides = contiguous_strides(shape, out_dtype.itemsize)
    out = Form(shape, out_strides, out_dtype)
    plan, work = plan_for(request, Form(x_shape, x_strides, x_dtype), out, at, means)
    return Recipe(shape, out_dtype, plan, work >= threads.SERIAL, *bits, again)


def check_turned(
    grad_shape: tuple[int, ...], shape: tuple[int, ...], windows: dict[int, Window]
) -> None:
    """Refuse a gradient of another shape than that of the pooled array."""
    pooled = tuple(windows[a].out if a in windows else n for a, n in enumerate(shape))
    if grad_shape != pooled:
        raise ValueError(
            f"grad_output has shape {grad_shape}; pooling an array of shape {shape} gives {pooled}"
        )


def windows_of(
    request: Request, shape: tuple[int, ...], axes: tuple[int, ...]
) -> tuple[Window, ...]:
    """Return the windows along each pooled axis, in the order of `axes`."""
    if request.windows == "global":
        return geometry.global_windows(shape, axes)
    if request.windows == "adaptive":
        return geometry.adaptive_windows(shape, axes, request.output_size)
    return geometry.local_windows(
        shape,
        axes,
        request.kernel_size,
        request.stride,
        request.padding,
        request.dilation,
        request.ceil_mode,
    )


def check_flags(request: Request) -> None:
    """Refuse flags that are neither true nor false."""
    check_flag(request.ceil_mode, "ceil_mode")
    check_flag(request.keepdims, "keepdims")
    check_flag(request.count_include_pad, "count_include_pad")
    check_flag(request.indices, "return_indices")


def check_flag(flag: Any, name: str) -> None:
    """Refuse what is neither true nor false; numbers that equal these are looked up as these."""
    if not (isinstance(flag, (Number, np.bool_)) and flag in (0, 1)):
        raise TypeError(f"{name} is {flag!r}; it must be True or False")


def divisor(value: Any) -> int:
    """Check a `divisor_override`."""
    d = geometry.integer(value, "divisor_override")
    if d == 0 or abs(d) > MOST_DIVIDED:
        raise ValueError(f"divisor_override is {d}; it must be neither 0 nor beyond 2**53")
    return d


def frozen(value: Any, name: str, depth: int = 2) -> Any:
    """Return sizes, axes or paddings as something hashable: names, integers, tuples of them."""
    if type(value) is tuple:
        for v in value:
            if type(v) is not int:
                break
        else:
            return value
    if isinstance(value, (tuple, list)) and depth > 0:
        return tuple(frozen(v, name, depth - 1) for v in value)
    if isinstance(value, str) or value is None:
        return value
    return geometry.integer(value, name)
