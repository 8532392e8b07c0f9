"""Lp pooling in the exact reference: every result is the nearest, by powers and by hand."""

import decimal
import itertools
import math
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from reference import global_lp_pool, lp_pool, max_pool, sum_pool
from reference.norms import decimal_norm, integer_root, p_norm, rational_root, whole_norm
from reference.rounding import INTEGERS, to_dtype

INF, NAN = math.inf, math.nan
FLOATS = ("float16", "float32", "float64")


def neighbours(number, dtype):
    """Return the numbers of a type before and after one that is finite, as fractions."""
    kind = np.dtype(dtype).type
    return [Fraction(float(np.nextafter(kind(number), kind(to)))) for to in (-INF, INF)]


def numbers_of(rng, dtype, count):
    """Draw numbers of a type, of like and of unlike sizes."""
    spread = rng.choice((0, 3, 9))
    drawn = [rng.uniform(-1, 1) * 2.0 ** rng.randint(-spread, spread) for _ in range(count)]
    return [float(np.dtype(dtype).type(v)) for v in drawn]


# ---------------------------------------------------------------------- exactly rounded


@pytest.mark.parametrize("p", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("dtype", FLOATS)
def test_whole_powers_are_nearest_by_their_powers(p, dtype):
    rng = random.Random(p)
    for _ in range(60):
        x = numbers_of(rng, dtype, rng.randint(2, 9))
        (result,) = lp_pool(x, len(x), p=p, dtype=dtype)
        total = sum(abs(Fraction(v)) ** p for v in x)
        below, above = neighbours(result, dtype)
        assert (below + Fraction(result)) ** p <= 2**p * total <= (Fraction(result) + above) ** p


def half_power(value, doubled):
    """Raise to a power of halves, with 200 digits, by a square root alone."""
    power = value**doubled
    return (Decimal(power.numerator) / Decimal(power.denominator)).sqrt()


@pytest.mark.parametrize("doubled", [1, 3, 5, 9])
@pytest.mark.parametrize("dtype", FLOATS)
def test_half_powers_are_nearest_by_square_roots(doubled, dtype):
    rng = random.Random(doubled)
    with decimal.localcontext(prec=200):
        for _ in range(60):
            x = numbers_of(rng, dtype, rng.randint(2, 9))
            (result,) = lp_pool(x, len(x), p=doubled / 2, dtype=dtype)
            total = sum(half_power(abs(Fraction(v)), doubled) for v in x)
            low, high = ((Fraction(result) + n) / 2 for n in neighbours(result, dtype))
            assert half_power(low, doubled) <= total <= half_power(high, doubled)


@pytest.mark.parametrize("p", [0.1, 0.75, math.e, math.pi, 12.5, 100.3])
def test_any_power_is_nearest_by_logarithms(p):
    rng = random.Random(0)
    with decimal.localcontext(prec=150):
        for _ in range(20):
            x = numbers_of(rng, "float32", rng.randint(2, 6))
            (result,) = lp_pool(x, len(x), p=p, dtype="float32")
            total = sum((Decimal(abs(v)).ln() * Decimal(p)).exp() for v in x)
            norm = (total.ln() / Decimal(p)).exp()
            low, high = ((Fraction(result) + n) / 2 for n in neighbours(result, "float32"))
            assert low <= Fraction(norm) <= high
            assert math.isclose(norm, math.fsum(abs(v) ** p for v in x) ** (1 / p), rel_tol=1e-12)


def test_the_two_ways_agree():
    rng = random.Random(1)
    for p, _ in itertools.product((1, 2, 3, 5, 64), range(20)):
        sizes = [Fraction(rng.getrandbits(60) + 1, rng.getrandbits(40) + 1) for _ in range(5)]
        for dtype in (*FLOATS, "bfloat16", *INTEGERS):
            results = {to_dtype(way(sizes, p), dtype) for way in (whole_norm, decimal_norm_of)}
            assert len(results) == 1, (p, sizes, dtype)


def decimal_norm_of(sizes, p):
    return decimal_norm(sizes, Fraction(p))


#: Norms that lie in the middle between two numbers of float16, whose step is 2 from 2048 on.
TIES = [
    (1, [1000, 1049], 2048),
    (1, [1000, 1051], 2052),
    (2, [1263, 1684], 2104),  # 421 times 3, 4, 5
    (2, [1269, -1692], 2116),  # 423 times 3, 4, 5
    (0.5, [27] * 9, 2188),  # 9 of a kind are 9**(1/p) = 81 times as much
    (0.5, [29] * 9, 2348),
    (1.5, [229] * 27, 2060),
    (1.5, [231] * 27, 2080),
    (2.5, [-229] * 243, 2060),
    (2.5, [231] * 243, 2080),
]


@pytest.mark.parametrize(("p", "x", "expected"), TIES)
def test_ties_go_to_the_even_number_and_a_hair_more_goes_up(p, x, expected):
    (result,) = lp_pool(x, len(x), p=p, dtype="float16")
    exact = math.fsum(abs(v) ** p for v in x) ** (1 / p)
    assert result == expected
    assert abs(exact - result) == pytest.approx(1)
    (more,) = lp_pool([*x, 1e-250], len(x) + 1, p=p, dtype="float16")
    assert more == round(exact) + 1


def test_some_of_the_ties_are_ties():
    sizes = [
        (p, [Fraction(abs(v)) for v in x]) for p, x, _ in TIES if len({abs(v) for v in x}) == 1
    ]
    assert len(sizes) == 6
    for p, x in sizes:
        norm = decimal_norm(x, Fraction(p))
        assert norm == x[0] * round(len(x) ** (1 / p))
        assert norm % 2 == 1


def test_exact_norms():
    assert lp_pool([3, 4, 5, 12, 8, 15, 20, -21], 2) == [5, 13, 17, 29]
    assert lp_pool([1, 2, 2, 2, 3, 6], 3) == [3, 7]
    assert lp_pool([3, 4, 5], 3, p=3) == [6]
    assert lp_pool([1, -4, 9], 3, p=0.5) == [36]
    assert lp_pool([1.5, -2.5, 4], 3, p=1) == [8]
    assert lp_pool([1.5, -4.5, 4], 3, p=INF) == [4.5]
    assert lp_pool([2] * 32, 32, p=2.5) == [8]
    assert lp_pool([2] * 8, 8, p=Fraction(3, 2)) == [8]
    assert lp_pool([True, True, False, True], 4, p=1) == [3]
    assert lp_pool([-128, 0], 2, p=3) == [128]
    assert lp_pool([7, 0, 0], 1, p=math.pi) == [7, 0, 0]


def test_windows_are_those_of_the_others():
    rng = random.Random(2)
    settings = itertools.product((2, 3), (1, 2, 3), (0, 1, 3), (1, 2), (False, True))
    for k, s, pad, d, ceil_mode in settings:
        x = [[rng.randint(-9, 9) for _ in range(6)] for _ in range(5)]
        sizes = {abs(v): v * v for row in x for v in row}
        options = {"padding": pad, "dilation": d, "ceil_mode": ceil_mode, "axis": 1}
        result = lp_pool(x, k, s, **options)
        squares = sum_pool([[sizes[abs(v)] for v in row] for row in x], k, s, **options)
        assert result == [[math.sqrt(v) for v in row] for row in squares]
        absolute = [[abs(v) for v in row] for row in x]
        assert lp_pool(x, k, s, **options, p=1) == sum_pool(absolute, k, s, **options)
        greatest = max_pool(absolute, k, s, **options, empty=0)
        assert lp_pool(x, k, s, **options, p=INF) == greatest


@pytest.mark.parametrize("axis", [None, 0, (1, 2), (2, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_norms(axis, keepdims):
    x = np.random.default_rng(6).integers(-50, 50, (2, 3, 4))
    options = {"axis": axis, "keepdims": keepdims}
    # NumPy's sums of squares are whole, and its roots of these correctly rounded.
    assert global_lp_pool(x, **options) == np.sqrt((x * x).sum(**options)).tolist()
    assert global_lp_pool(x, p=INF, **options) == abs(x).max(**options).tolist()


# --------------------------------------------------------- great, small, special numbers


def test_nothing_overflows_or_vanishes_on_the_way():
    assert lp_pool([3e300, 4e300], 2) == [5e300]
    assert lp_pool([3 * 2.0**-1060, 4 * 2.0**-1060], 2) == [5 * 2.0**-1060]
    assert lp_pool([3 * 5e-324, 4 * 5e-324], 2) == [5 * 5e-324]
    assert lp_pool([1e308, 1e-308], 2, p=50) == [1e308]
    assert lp_pool([1e308] * 3, 3, p=1000) == pytest.approx([1e308 * 3 ** (1 / 1000)], rel=1e-15)
    assert lp_pool([1e-308] * 9, 9, p=0.5) == pytest.approx([81e-308], rel=1e-15)
    assert lp_pool([2.0**1000] * 2, 2, p=0.5) == [2.0**1002]
    assert lp_pool([1e300, 2e300], 2, p=1e300) == [2e300]
    assert lp_pool([300, 400], 2, dtype="float16") == [500]
    assert lp_pool([60000, 60000], 2, dtype="float16") == [INF]
    assert lp_pool([1.5e308] * 2, 2) == [INF]
    assert lp_pool([1, 1], 2, p=1e-300) == [INF]
    assert lp_pool([1, 0], 2, p=1e-300) == [1]


def test_a_hair_more_than_the_greatest_is_not_the_greatest():
    # The norms are hairs over a tie, which only the smallest of the numbers tells.
    tie = 1 + 2.0**-24
    for p in (1, 2, 3, 1.5, 2.5, math.pi, 65, 1e6):
        for hair in (0.0, 1e-300):
            (result,) = lp_pool([tie, hair], 2, p=p, dtype="float32")
            assert result == (1 + 2.0**-23 if hair else 1)


@pytest.mark.parametrize("p", [1, 2, 3, 0.5, 2.5, math.pi, INF])
def test_special_numbers(p):
    def norm(*x, **options):
        (result,) = lp_pool(list(x), len(x), p=p, **options)
        return result

    assert math.isnan(norm(1.0, NAN, INF))
    assert norm(1.0, -INF) == INF
    assert norm(NAN, -INF, nan_policy="omit") == INF
    assert norm(NAN, -2.0, nan_policy="omit") == 2
    assert math.isnan(norm(NAN, NAN, nan_policy="omit"))
    assert norm(NAN, 1.0, dtype="int16") == 0
    assert norm(INF, 1.0, dtype="int16") == 32767
    for x in ((0, 0), (-0.0,), (-0.0, 0.0)):
        assert str(norm(*x)) == "0.0"
    assert lp_pool([5], 1, 1, 1, p=p) == [0, 5, 0]


def test_integer_types_round_half_to_even_and_saturate():
    x = [Fraction(3, 2), 2, Fraction(21, 10), Fraction(28, 10), 300, 400, 0, 0]
    assert lp_pool(x, 2, dtype="uint8") == [2, 4, 255, 0]  # 2.5, 3.5, 500
    assert lp_pool([2**62] * 4, 4, p=2, dtype="int64") == [2**63 - 1]
    assert lp_pool([2**62] * 4, 4, p=2, dtype="uint64") == [2**63]
    assert lp_pool([2**53 + 1], 1, p=math.pi, dtype="int64") == [2**53 + 1]
    assert lp_pool([2**62 - 1, 1], 2, p=1, dtype="int64") == [2**62]


@pytest.mark.parametrize("p", [0, -1, -INF, NAN])
def test_p_is_greater_than_0(p):
    for call in (lambda: lp_pool([1, 2], 2, p=p), lambda: global_lp_pool([1], p=p)):
        with pytest.raises(ValueError, match=f"p is {p}; it must be greater than 0"):
            call()


# ----------------------------------------------------------------------------- the tools


def test_integer_roots():
    rng = random.Random(3)
    for degree, bits in itertools.product((1, 2, 3, 5, 17, 64), (0, 1, 5, 60, 700)):
        for n in (rng.getrandbits(bits) if bits else 0, 1 << bits, (1 << bits) - 1):
            root = integer_root(n, degree)
            assert root**degree <= n < (root + 1) ** degree
            assert integer_root(n**degree, degree) == n


def test_rational_roots():
    assert rational_root(Fraction(4, 9), 2) == Fraction(2, 3)
    assert rational_root(Fraction(4, 3), 2) is None
    assert rational_root(Fraction(3, 4), 2) is None
    assert rational_root(Fraction(1), 2**48) == 1
    assert rational_root(Fraction(2), 2**48) is None
    assert rational_root(Fraction(1, 2**48), 48) == Fraction(1, 2)


def test_norms_of_fractions_are_close():
    norm = p_norm([Fraction(1, 3), Fraction(2, 3), Fraction(2, 3)], 2)
    assert abs(norm - 1) < Fraction(1, 2**120)
