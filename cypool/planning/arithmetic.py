"""What elements become, and how they are combined."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..arrays import is_float, is_half
from .request import Request

#: The kernels' codes of what they do: order by the greatest or the least, or add.
KINDS = {"max": 0, "min": 1, "sum": 2}

#: The kernels' accumulators of sums, in the order of their codes, and their bytes.
ACCUMULATORS = {
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "double": 8,
    "twin": 16,
    "wide": 16,
    "sparse": 32,
}

#: What the kernels can make of elements before they lift them, in the order of their codes.
MAPPINGS = (
    "none",
    "widen",
    "rank",
    "power",
    "number",
    "pack",
    "pack_wide",
    "square",
    "share",
    "size",
)


class Arithmetic(NamedTuple):
    """How elements are combined, and what they become before."""

    x: np.dtype[Any]
    out: np.dtype[Any]
    kind: str  # a key of KINDS
    mapping: str  # one of MAPPINGS
    accumulator: str  # of sums a key of ACCUMULATORS; otherwise ""
    wraps: bool  # sums are those of integers, which may overflow

    @property
    def size(self) -> int:
        """Bytes of what is combined."""
        if self.accumulator:
            return ACCUMULATORS[self.accumulator]
        return {"pack": 8, "pack_wide": 16, "size": 8}.get(self.mapping, self.x.itemsize)

    def is_plain_order(self) -> bool:
        """Whether elements are compared as they are."""
        return not self.accumulator and self.mapping == "none" and not is_half(self.x)


def arithmetic_of(
    request: Request,
    x: np.dtype[Any],
    out: np.dtype[Any],
    count: int,
    positions: int,
    shared: bool,
) -> Arithmetic:
    """Choose it for windows of up to `count` elements; `positions` have an index each.

    Elements that are `shared` out are multiplied or divided.
    """
    mapping = "share" if shared else mapping_of(request, x, out, positions)
    if mapping == "size" or request.kind in ("max", "min"):
        # Ranks and magnitudes are always ordered by the greatest.
        kind = request.kind if mapping == "none" else "max"
        return Arithmetic(x, out, kind, mapping, "", False)
    wraps = request.kind == "sum" and not is_float(out)
    acc = accumulator(request, x, out, count, not wraps)
    if mapping == "power" and request.p == 2 and x.name == "float32" and acc == "double":
        mapping = "square"
    return Arithmetic(x, out, "sum", mapping, acc, wraps)


def mapping_of(request: Request, x: np.dtype[Any], out: np.dtype[Any], positions: int) -> str:
    """Choose what elements become before they are lifted; `positions` have an index each."""
    if request.kind in ("lp", "weight"):
        return "size" if request.p == math.inf else "power"
    if request.kind in ("sum", "avg", "slope"):
        twins = out.itemsize > 4 or not is_float(out) or request.careful
        return "number" if request.omits or (is_half(x) and twins) else "none"
    if request.indices:
        return "pack" if x.itemsize <= 4 and positions < 1 << 31 else "pack_wide"
    return "rank" if request.omits else "none"


def accumulator(
    request: Request, x: np.dtype[Any], out: np.dtype[Any], count: int, divides: bool
) -> str:
    """Choose how sums of `count` elements are held, so that the result can be rounded right."""
    if request.omits:
        return "sparse"
    if request.kind == "weight" and request.beside is not None:
        out = request.beside  # what is as exact as that will do
    if is_float(x) or request.kind in ("lp", "weight"):
        narrow = out.itemsize <= 4 and is_float(out) and not request.careful
        return "double" if narrow else "twin"
    bits = 8 * x.itemsize
    # A quotient by way of double is the right one while the sum has fewer than 53 bits, and, on
    # the way to float32, the divisor fewer than 29.
    if divides and (bits == 64 or count << bits >= 1 << 52 or count >= 1 << 28):
        return "wide"
    for wider in (16, 32):
        if bits < wider and count <= 1 << (wider - bits):
            return f"uint{wider}"
    return "uint64"


def sums_are_safe(request: Request, x: np.dtype[Any], count: int) -> bool:
    """Return whether sums of `count` elements are exact enough, whatever the elements are."""
    if request.beside is not None:
        return True
    if request.kind == "lp":
        # Powers stay far from the ends of double's range.
        return not request.omits and request.p * (149 if x.itemsize < 8 else 1074) < 900
    # Multiples of 2**-24 below 2**16, of which double holds 2**13 times as much.
    return x.kind == "f" and x.itemsize == 2 and count <= 1 << 12
