"""From an exact number to the nearest one that a data type can hold: one rounding, half to even.

A value is an `int`, a `Fraction`, or a `float` (the only way to write NaN and the infinities).
"""

import math
from fractions import Fraction

Number = int | float | Fraction

# Bits of precision (the hidden one included), exponent of the smallest and largest normal number.
FLOATS = {
    "float16": (11, -14, 15),
    "bfloat16": (8, -126, 127),
    "float32": (24, -126, 127),
    "float64": (53, -1022, 1023),
}
# Bits, and whether there is a sign.
INTEGERS = {f"{sign}int{bits}": (bits, not sign) for sign in ("", "u") for bits in (8, 16, 32, 64)}


def round_to_float(value: Number, precision: int, min_exponent: int, max_exponent: int) -> float:
    """Round to the nearest binary floating-point number of a format, ties to even.

    Parameters
    ----------
    value : int, float or Fraction
        The exact value. NaN, infinities and the float -0.0 come back as they are.
    precision : int
        Bits of the significand, the hidden one included; at most 53.
    min_exponent, max_exponent : int
        Exponents of two of the smallest and largest normal numbers.

    Examples
    --------
    >>> round_to_float(Fraction(1, 3), 11, -14, 15)
    0.333251953125
    >>> round_to_float(65520, 11, -14, 15)
    inf
    """
    if value == 0 or not is_finite(value):
        return float(value)
    size = abs(Fraction(value))
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    # Below the smallest normal number the steps stop shrinking: these are the subnormals.
    step = Fraction(2) ** (max(exponent, min_exponent) - precision + 1)
    rounded = round(size / step) * step
    result = math.inf if rounded >= Fraction(2) ** (max_exponent + 1) else float(rounded)
    return -result if value < 0 else result


def to_integer(value: Number, bits: int, signed: bool) -> int:
    """Round half to even, then saturate at the type's least or greatest number.

    >>> [to_integer(Fraction(n, 2), 8, signed=False) for n in (-3, 1, 3, 5, 999)]
    [0, 0, 2, 2, 255]
    """
    if value != value:
        raise ValueError("NaN has no integer")
    least, greatest = (
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    )
    if value <= least:
        return least
    return greatest if value >= greatest else round(Fraction(value))


def wrap_integer(value: Number, bits: int, signed: bool) -> int:
    """Reduce a whole number modulo 2**bits, as a sum in that type wraps around.

    >>> wrap_integer(200, 8, signed=True), wrap_integer(-1, 8, signed=False)
    (-56, 255)
    """
    if not is_finite(value) or value != int(value):
        raise ValueError(f"{value} is not a whole number: its sum in an integer type is undefined")
    offset = 1 << (bits - 1) if signed else 0
    return (int(value) + offset) % (1 << bits) - offset


def to_dtype(value: Number, dtype: object, *, wrap: bool = False) -> Number:
    """Round to the data type of a NumPy-style name: a float, an integer, or bool (not zero).

    Parameters
    ----------
    value : int, float or Fraction
    dtype : str, or anything whose `str` is such a name
        "bool", "int8" to "uint64", "float16", "bfloat16", "float32" or "float64".
    wrap : bool
        Whether integers wrap around, as sums do, in place of rounding and saturating.

    Examples
    --------
    >>> to_dtype(Fraction(513, 2), "uint8"), to_dtype(257, "uint8", wrap=True)
    (255, 1)
    >>> to_dtype(Fraction(1, 10), "float32"), to_dtype(10**400, "float64")
    (0.10000000149011612, inf)
    """
    name = str(dtype)
    if name == "bool":
        return value != 0
    if name in FLOATS:
        return round_to_float(value, *FLOATS[name])
    if name not in INTEGERS:
        raise ValueError(f"dtype is {name!r}; choose bool, {', '.join([*INTEGERS, *FLOATS])}")
    return (wrap_integer if wrap else to_integer)(value, *INTEGERS[name])


def is_finite(value: Number) -> bool:
    """Tell NaN and the infinities from numbers, however great those are."""
    return not isinstance(value, float) or math.isfinite(value)
