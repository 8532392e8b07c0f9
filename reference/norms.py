"""The p-norm of a few numbers, (Σ|x|^p)^(1/p), to the last bit, and how it grows with each.

A norm is seldom a fraction, so that it cannot be given exactly. What `p_norm` gives instead is a
fraction that every data type rounds to the same number as the norm. A type turns from one number
to the next at a point in the middle between them, and all such points near the norm lie on a grid
that is fine enough. So all there is to know is whether the norm is on the grid, and at which
point, or between which two: then their middle does as well.

Whole p are compared by their powers, in integers. Other p, and great ones, take `decimal`: the
norm is calculated to more and more digits until no point of the grid is within the error, or
until one is proved to be the norm itself.
"""

import math
from collections.abc import Iterable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction

from .rounding import Number, is_finite

HALF = Fraction(1, 2)
GRID_BITS = 130  # of precision: more than any type's, and halves up to 2**129 are on the grid
GREATEST_WHOLE = 64  # the powers of integers grow long; above this p decimals are shorter
FAR = 10_000  # a power of ten that no type comes near


def p_norm(numbers: Sequence[Number], p: Number) -> Number:
    """Give a number that rounds to every data type as (Σ|x|^p)^(1/p) does.

    No number, or only zeros, have norm 0; with a NaN it is NaN, else with an infinity infinite.

    >>> p_norm([3, -4], 2), p_norm([3, -4], 1), p_norm([3, -4], math.inf)
    (Fraction(5, 1), Fraction(7, 1), Fraction(4, 1))
    >>> float(p_norm([1, 1], 2)), float(p_norm([1, 1], 0.5))
    (1.4142135623730951, 4.0)
    """
    if any(number != number for number in numbers):
        return math.nan
    if any(size_of(number) == math.inf for number in numbers):
        return math.inf
    sizes = [Fraction(size_of(number)) for number in numbers if number != 0]
    if len(sizes) < 2 or p == math.inf:
        return max(sizes, default=0)
    if p <= GREATEST_WHOLE and p == int(p):
        return whole_norm(sizes, int(p))
    return decimal_norm(sizes, Fraction(p))


def checked_power(p: Number) -> Number:
    """Return p if it is greater than 0, which NaN is not."""
    if not p > 0:
        raise ValueError(f"p is {p}; it must be greater than 0")
    return p


# -------------------------------------------------------------------------- whole p


def whole_norm(sizes: Sequence[Fraction], p: int) -> Fraction:
    """Find the norm on the grid, or the middle of the two points that it is between."""
    scale = math.lcm(*(size.denominator for size in sizes))
    total = sum(int(size * scale) ** p for size in sizes)  # the norm is its root over `scale`
    step = grid_step(total.bit_length() // p - scale.bit_length())
    power = total / (scale * step) ** p  # of the norm, in steps
    steps = integer_root(math.floor(power), p)
    return steps * step if steps**p == power else (steps + HALF) * step


def grid_step(exponent: int) -> Fraction:
    """Say how far apart the points of the grid are for norms near 2**exponent."""
    return Fraction(2) ** (exponent - GRID_BITS)


def integer_root(n: int, degree: int) -> int:
    """Take the integer part of a root, by Newton's method from above.

    >>> integer_root(26, 3), integer_root(27, 3), integer_root(10**40, 4)
    (2, 3, 10000000000)
    """
    if degree == 1 or n < 2:
        return n
    if degree == 2:
        return math.isqrt(n)
    root = 1 << -(-n.bit_length() // degree)
    while True:
        better = ((degree - 1) * root + n // root ** (degree - 1)) // degree
        if better >= root:
            return root
        root = better


# -------------------------------------------------------------------------- any p


def decimal_norm(sizes: Sequence[Fraction], p: Fraction) -> Number:
    """Find the norm of two or more sizes, none 0, on the grid or between two of its points."""
    greatest = max(sizes)
    digits = enough_digits(p, len(sizes))
    while True:
        with localcontext(wide(digits)):
            quotients = [to_decimal(size / greatest) for size in sizes]
            factor = from_decimal(root_of_powers(quotients, p))
        if isinstance(factor, float):
            return factor  # infinite
        # The quotients are off by a relative 10**(1 - digits), so their powers by p times that,
        # their sum by one more for each, its root by 1/p of all this: together, less than
        error = 10 * (1 + len(sizes) / p) * Fraction(10) ** (1 - digits)
        # Of two numbers the norm is greater than both, be it by a hair.
        low = greatest * max(factor * (1 - error), Fraction(1))
        high = greatest * factor * (1 + error)
        step = grid_step(low.numerator.bit_length() - low.denominator.bit_length())
        point = math.floor(low / step) * step
        if high <= point + step:
            return point + HALF * step
        if is_norm(point + step, sizes, p):
            return point + step
        digits *= 2


def enough_digits(p: Fraction, count: int) -> int:
    """Say how many digits leave 45 or more of a norm: p and 1/p magnify what the others lack."""
    return 50 + len(str(math.ceil(p))) + len(str(math.ceil(1 / p))) + len(str(count))


def wide(digits: int) -> Context:
    """Make a context of so many digits, in which nothing is too great or too small."""
    return Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def root_of_powers(quotients: Iterable[Decimal], p: Fraction) -> Decimal:
    """Calculate the norm of numbers up to 1 in the current context."""
    power = to_decimal(p)
    return sum((q**power for q in quotients), Decimal(0)) ** (1 / power)


def to_decimal(value: Fraction) -> Decimal:
    """Write a fraction with the digits of the current context."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def from_decimal(value: Decimal) -> Number:
    """Write a decimal as a fraction; beyond any type's reach it is 0 or infinite."""
    if value.is_infinite() or value.adjusted() > FAR:
        return math.copysign(math.inf, value)
    return Fraction(0) if value.adjusted() < -FAR else Fraction(value)


def is_norm(candidate: Fraction, sizes: Sequence[Fraction], p: Fraction) -> bool:
    """Prove that a fraction is the norm, or that it is not.

    With p = a/q, it is if the powers (size / candidate)^(a/q) add up to 1. These are roots of
    fractions, and positive: irrational ones, of one kind or of several, never add up to something
    rational, because roots of different kinds are linearly independent over the rationals and none
    is negative to cancel another. So every one of them must be a fraction, which can be summed.

    >>> is_norm(Fraction(9), [Fraction(1), Fraction(4)], Fraction(1, 2))
    True
    >>> is_norm(Fraction(9), [Fraction(2), Fraction(3)], Fraction(1, 2))
    False
    """
    roots = [rational_root(size / candidate, p.denominator) for size in sizes]
    return None not in roots and sum(root**p.numerator for root in roots if root) == 1


def rational_root(value: Fraction, degree: int) -> Fraction | None:
    """Take a root that is a fraction; `None` if it is not one.

    >>> rational_root(Fraction(8, 27), 3), rational_root(Fraction(8, 27), 2)
    (Fraction(2, 3), None)
    """
    roots = []
    for n in (value.numerator, value.denominator):
        if n > 1 and degree >= n.bit_length():  # less than 2**degree
            return None
        root = integer_root(n, degree)
        if root**degree != n:
            return None
        roots.append(root)
    return Fraction(*roots)


# ---------------------------------------------------------------------- the slope of it


def norm_slopes(numbers: Sequence[Number], p: Number) -> dict[int, Number]:
    """Say which of the numbers the norm grows with, and how fast: sign(x) (|x| / norm)^(p - 1).

    A number that is 0 is not among them. The slopes are right to 45 digits or more, and exact at
    p = 1 and infinity. With p infinite there is but one, the first of the greatest in size, for
    which a NaN counts. With NaN or infinities the slopes are what floats give.

    >>> norm_slopes([-3, 0, 7], 1), norm_slopes([3, -7, 7], math.inf)
    ({0: -1, 2: 1}, {1: -1})
    >>> {i: float(slope) for i, slope in norm_slopes([3, -4], 2).items()}
    {0: 0.6, 1: -0.8}
    """
    signs = {i: sign(number) for i, number in enumerate(numbers) if number != 0}
    sizes = {i: size_of(numbers[i]) for i in signs}
    if not signs or p == 1:
        return signs
    if p == math.inf:
        first = next((i for i in sizes if sizes[i] != sizes[i]), max(sizes, key=sizes.__getitem__))
        return {first: signs[first]}
    norm = p_norm([v for v in sizes.values() if not is_finite(v)], p)
    if norm != 0:  # NaN or infinite
        return {i: signs[i] * float_power(sizes[i] / norm, p - 1) for i in signs}
    power = Fraction(p)
    greatest = Fraction(max(sizes.values()))
    with localcontext(wide(enough_digits(power, len(sizes)))):
        quotients = {i: to_decimal(Fraction(size) / greatest) for i, size in sizes.items()}
        root = root_of_powers(quotients.values(), power)  # the norm is root * greatest
        exponent = to_decimal(power - 1)
        return {i: signs[i] * from_decimal((q / root) ** exponent) for i, q in quotients.items()}


def sign(number: Number) -> Number:
    """Give -1, 0 or 1, and NaN for NaN.

    >>> sign(-0.5), sign(0), sign(math.inf)
    (-1, 0, 1)
    """
    return math.nan if number != number else (number > 0) - (number < 0)


def size_of(number: Number) -> Number:
    """Give a number without its sign: `abs`, of whose result a type checker knows nothing."""
    return -number if number < 0 else number


def float_power(base: Number, exponent: Number) -> float:
    """Raise a float, not negative, as C does: 0 to a negative power is infinite."""
    return math.inf if base == 0 and exponent < 0 else math.pow(base, exponent)
