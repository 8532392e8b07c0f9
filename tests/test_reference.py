"""The exact reference itself, against struct, NumPy's casts, hand computation and brute force."""

import doctest
import importlib
import math
import pkgutil
import random
import struct
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

import reference
from reference import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool,
    global_avg_pool,
    global_max_pool,
    global_min_pool,
    global_sum_pool,
    lp_pool,
    max_pool,
    min_pool,
    output_length,
    sum_pool,
)
from reference.rounding import (
    FLOATS,
    INTEGERS,
    round_to_float,
    to_dtype,
    to_integer,
    wrap_integer,
)

ROOT = Path(__file__).resolve().parents[1]
INF, NAN = math.inf, math.nan


# ---------------------------------------------------------------------------- the package


def test_imports_only_the_standard_library():
    code = """if True:
        import sys
        before = set(sys.modules)
        import reference, reference.examples, reference.__main__
        names = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(*sorted(names - {"reference"} - sys.stdlib_module_names))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


MODULES = ["reference", *(f"reference.{m.name}" for m in pkgutil.iter_modules(reference.__path__))]
WITH_DOCTESTS = sorted({*MODULES} - {"reference.__main__", "reference.examples"})


@pytest.mark.parametrize("name", WITH_DOCTESTS)
def test_doctests(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_exports_what_it_says():
    assert all(callable(getattr(reference, name)) for name in reference.__all__)


# ------------------------------------------------------------------------------- rounding


def random_fractions(count, largest_exponent):
    """Fractions of every size from below the subnormals to beyond the largest number."""
    rng = random.Random(0)
    for _ in range(count):
        exponent = rng.randint(-largest_exponent - 60, largest_exponent + 2)
        value = Fraction(rng.getrandbits(70) + 1, rng.getrandbits(70) + 1)
        yield rng.choice((-1, 1)) * value * Fraction(2) ** exponent


def nearest_by_search(value, dtype):
    """Round by looking at NumPy's two neighbours of a first guess; ties to the even pattern."""
    kind = np.dtype(dtype)
    bits = f"i{kind.itemsize}"
    greatest = np.finfo(kind).max
    # Half a step past the greatest number everything becomes infinite, the tie included.
    limit = (
        Fraction(float(greatest))
        + Fraction(float(greatest) - float(np.nextafter(greatest, kind.type(0)))) / 2
    )
    if abs(value) >= limit:
        return math.copysign(INF, value)
    with np.errstate(over="ignore"):
        guess = np.clip(kind.type(float(value)), -greatest, greatest)
    candidates = [guess, np.nextafter(guess, kind.type(-INF)), np.nextafter(guess, kind.type(INF))]
    candidates = [c for c in candidates if np.isfinite(c)]
    return float(min(candidates, key=lambda c: (abs(Fraction(float(c)) - value), c.view(bits) & 1)))


@pytest.mark.parametrize(
    ("dtype", "largest_exponent"), [("float16", 15), ("float32", 127), ("float64", 960)]
)
def test_rounding_finds_the_nearest_number(dtype, largest_exponent):
    for value in random_fractions(2000, largest_exponent):
        assert round_to_float(value, *FLOATS[dtype]) == nearest_by_search(value, dtype), value


def test_rounding_to_float64_is_true_division():
    for value in random_fractions(5000, 1000):
        try:
            expected = value.numerator / value.denominator
        except OverflowError:
            expected = math.copysign(INF, value)
        assert to_dtype(value, "float64") == expected


@pytest.mark.parametrize(("code", "dtype"), [("e", "float16"), ("f", "float32")])
def test_rounding_agrees_with_struct_and_numpy_on_doubles(code, dtype):
    rng = random.Random(1)
    exponent = FLOATS[dtype][2]
    for _ in range(5000):
        double = rng.uniform(-2, 2) * 2.0 ** rng.randint(-exponent - 30, exponent + 1)
        rounded = to_dtype(double, dtype)
        with np.errstate(over="ignore"):
            assert rounded == float(np.array(double).astype(dtype))
        assert to_dtype(Fraction(double), dtype) == rounded
        if math.isfinite(rounded):
            assert rounded == struct.unpack(code, struct.pack(code, double))[0]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_representable_numbers_stay(dtype):
    info = np.finfo(dtype)
    for number in (info.max, info.min, info.tiny, info.smallest_subnormal, info.eps):
        assert to_dtype(Fraction(float(number)), dtype) == float(number)


def test_every_float16_stays_and_every_midpoint_goes_to_the_even_one():
    numbers = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(float).tolist()
    assert [to_dtype(Fraction(v), "float16") for v in numbers] == numbers
    for i, (low, high) in enumerate(pairwise(numbers)):
        assert to_dtype((Fraction(low) + Fraction(high)) / 2, "float16") == (high if i % 2 else low)


def test_ties_and_overflow():
    assert to_dtype(2**24 + 1, "float32") == 2**24
    assert to_dtype(2**24 + 3, "float32") == 2**24 + 4
    assert to_dtype(Fraction(2**25 + 2 * 2 + 1, 2**40), "float32") == (2**25 + 4) / 2**40
    # Just past a tie, by less than a float64 can hold: rounding twice would go down.
    assert to_dtype(1 + Fraction(1, 2**24) + Fraction(1, 2**80), "float32") == 1 + 2**-23
    assert to_dtype(Fraction(1, 2**150), "float32") == 0
    assert to_dtype(Fraction(1, 2**150) + Fraction(1, 2**300), "float32") == 2**-149
    assert to_dtype(2**128 - 2**103 - 1, "float32") == float(np.finfo(np.float32).max)
    assert to_dtype(2**128 - 2**103, "float32") == INF
    assert to_dtype(-(10**400), "float64") == -INF
    assert to_dtype(Fraction(1, 10**400), "float64") == 0


def test_special_values_pass_through_rounding():
    for name in FLOATS:
        assert math.isnan(to_dtype(NAN, name))
        assert to_dtype(INF, name) == INF
        assert to_dtype(-INF, name) == -INF
    assert math.copysign(1, to_dtype(-0.0, "float32")) == -1
    assert math.copysign(1, to_dtype(Fraction(-1, 10**60), "float32")) == -1


def test_bfloat16_is_the_upper_half_of_float32():
    rng = random.Random(2)
    for _ in range(2000):
        single = struct.unpack("f", struct.pack("f", rng.uniform(-1e6, 1e6)))[0]
        (bits,) = struct.unpack("I", struct.pack("f", single))
        upper = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
        assert to_dtype(single, "bfloat16") == struct.unpack("f", struct.pack("I", upper))[0]


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_round_half_to_even_saturate_and_wrap(name):
    bits, signed = INTEGERS[name]
    info = np.iinfo(name)
    least, greatest = int(info.min), int(info.max)
    assert [to_integer(Fraction(n, 2), bits, signed) for n in (1, 3, 5, 7)] == [0, 2, 2, 4]
    assert to_integer(greatest, bits, signed) == greatest
    assert to_integer(greatest + Fraction(1, 3), bits, signed) == greatest
    assert to_integer(greatest - Fraction(1, 3), bits, signed) == greatest
    assert to_integer(INF, bits, signed) == greatest
    assert to_integer(-INF, bits, signed) == least
    assert to_integer(least - 10**30, bits, signed) == least
    assert wrap_integer(greatest + 1, bits, signed) == least
    assert wrap_integer(least - 1, bits, signed) == greatest
    assert wrap_integer(greatest, bits, signed) == greatest
    with pytest.raises(ValueError, match="NaN"):
        to_integer(NAN, bits, signed)
    for odd in (Fraction(1, 2), 0.5, NAN, INF):
        with pytest.raises(ValueError, match="whole number"):
            wrap_integer(odd, bits, signed)


def test_dtype_names():
    assert to_dtype(Fraction(1, 10), np.dtype("float32")) == float(np.float32(0.1))
    assert to_dtype(Fraction(1, 3), "bool") is True
    assert to_dtype(0, "bool") is False
    with pytest.raises(ValueError, match="'complex64'"):
        to_dtype(1, "complex64")


# ---------------------------------------------------------------------------------- rules


def spelled_out(n, k, s, before, after, d, ceil_mode):
    """Slide a window over marked cells: '.' for padding, 'o' for overhang, else a position.

    Floor mode takes each window that fits; ceil mode adds the first one that does not, if the
    positions that are left over ask for one, and takes away one that starts past the input.
    """
    span = d * (k - 1) + 1
    cells = ["."] * before + list(range(n)) + ["."] * after
    starts = [start for start in range(0, len(cells), s) if start + span <= len(cells)]
    if ceil_mode:
        following = starts[-1] + s if starts else 0
        last_fits = bool(starts) and starts[-1] + span == len(cells)
        # With nothing fitting, the formula still gives one window if less than a stride is missing.
        if not last_fits and (starts or span - len(cells) < s):
            starts.append(following)
        if starts and starts[-1] >= before + n:
            starts.pop()
    cells += ["o"] * (span + s)
    return [cells[start : start + span : d] for start in starts]


SETTINGS = [
    (n, k, s, pads, d, ceil_mode)
    for n in (1, 2, 5, 8)
    for k, s in product((1, 2, 3, 4), (1, 2, 3, 5))
    for pads in ((0, 0), (1, 1), (0, 2), (3, 1))
    for d in (1, 2)
    for ceil_mode in (False, True)
]


def test_rules_by_brute_force():
    refused = 0
    for n, k, s, pads, d, ceil_mode in SETTINGS:
        x = [(7 * i + 3) % 11 - 4 for i in range(n)]
        windows = spelled_out(n, k, s, *pads, d, ceil_mode)
        options = {"padding": (pads,), "dilation": d, "ceil_mode": ceil_mode}
        setting = (n, k, s, pads, d, ceil_mode)
        if not windows:
            refused += 1
            with pytest.raises(ValueError, match="no window"):
                max_pool(x, k, s, **options)
            continue
        assert output_length(n, k, s, pads, d, ceil_mode=ceil_mode) == len(windows), setting
        seen = [[x[c] for c in window if c not in ("o", ".")] for window in windows]
        counted = [sum(c != "o" for c in window) for window in windows]
        assert max_pool(x, k, s, **options) == [max(v, default=-INF) for v in seen], setting
        assert min_pool(x, k, s, **options) == [min(v, default=INF) for v in seen], setting
        assert sum_pool(x, k, s, **options) == [sum(v) for v in seen], setting
        assert avg_pool(x, k, s, **options, count_include_pad=True) == [
            Fraction(sum(v), c) for v, c in zip(seen, counted, strict=True)
        ], setting
        assert avg_pool(x, k, s, **options, divisor_override=7) == [
            Fraction(sum(v), 7) for v in seen
        ], setting
        for average, v in zip(avg_pool(x, k, s, **options), seen, strict=True):
            assert average == Fraction(sum(v), len(v)) if v else math.isnan(average), setting
    assert refused > 0


def test_ceil_mode_drops_a_window_that_starts_past_the_input():
    # 4 positions, k=1, s=3: the ceiling adds no window; k=2, s=4, p=1: windows at -1 and 3.
    assert max_pool([1, 2, 3, 4], 1, 3, ceil_mode=True) == [1, 4]
    assert max_pool([1, 2, 3, 4], 2, 4, padding=1, ceil_mode=True) == [1, 4]
    # k=1, s=2, p=1 over 2 positions: -1, 1 and by the ceiling 3, which is past the input.
    assert max_pool([1, 2], 1, 2, padding=1, ceil_mode=True) == [-INF, 2]
    # k=3, s=2 over 6: floor leaves the last position out, ceil sees it.
    assert max_pool([1, 2, 3, 4, 5, 6], 3, 2) == [3, 5]
    assert max_pool([1, 2, 3, 4, 5, 6], 3, 2, ceil_mode=True) == [3, 5, 6]


def test_ceil_mode_overhang_is_never_counted():
    x = [2, 4, 6, 8, 10]
    assert avg_pool(x, 2, ceil_mode=True) == [3, 7, 10]
    assert avg_pool(x, 2, ceil_mode=True, count_include_pad=True) == [3, 7, 10]
    # The last window covers 8, 10, one position of padding and one of overhang.
    assert avg_pool(x, 4, 4, padding=1, ceil_mode=True, count_include_pad=True) == [3, 6]
    assert avg_pool(x, 4, 4, padding=1, ceil_mode=True) == [4, 9]


def test_counted_positions_multiply_over_axes():
    x = [[4, 8], [12, 16]]
    assert avg_pool(x, 2, padding=1, count_include_pad=True) == [[1, 2], [3, 4]]
    assert avg_pool(x, 2, padding=1) == [[4, 8], [12, 16]]
    assert avg_pool(x, 2, divisor_override=-5) == [[-8]]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 7, 12])
@pytest.mark.parametrize(("k", "s", "d"), list(product((1, 2, 3, 5), (1, 2, 3), (1, 2))))
def test_same_padding(n, k, s, d):
    x = list(range(n))
    span = d * (k - 1) + 1
    count = math.ceil(n / s)
    total = max((count - 1) * s + span - n, 0)
    for name, before in (("same", total // 2), ("same_lower", total - total // 2)):
        explicit = ((before, total - before),)
        for ceil_mode in (False, True):
            options = {"dilation": d, "ceil_mode": ceil_mode}
            result = sum_pool(x, k, s, name, **options)
            assert len(result) == count
            assert result == sum_pool(x, k, s, explicit, **options)


def test_same_puts_the_odd_position_last_and_same_lower_first():
    assert max_pool([3, 1, 2, 0], 2, 1, "same") == [3, 2, 2, 0]
    assert max_pool([3, 1, 2, 0], 2, 1, "same_lower") == [3, 3, 2, 2]
    assert max_pool([3, 1, 2, 0], 2, 1, "valid") == [3, 2, 2]


def test_padding_spellings():
    x = [[1, 2, 3], [4, 5, 6]]
    row_before = sum_pool(x, (2, 3), 1, ((1, 0), (0, 0)))
    assert row_before == [[6], [21]]
    assert sum_pool(x, (3, 2), 1, ((0, 0), (1, 0)), axis=(1, 0)) == row_before
    assert sum_pool(x, 2, 1, (1, 0)) == sum_pool(x, 2, 1, ((1, 1), (0, 0)))
    assert sum_pool(x, 2, 1, [1, 1]) == sum_pool(x, 2, 1, 1)
    assert sum_pool([1, 2], 2, 1, 1) == sum_pool([1, 2], 2, 1, (1,)) == [1, 3, 2]
    assert sum_pool([1, 2], 2, 1, ((1, 2),)) == [1, 3, 2, 0]


def test_empty_windows():
    wide = {"stride": 1, "padding": 2, "axis": 0}
    assert max_pool([5], 2, **wide) == [-INF, 5, 5, -INF]
    assert min_pool([5], 2, **wide) == [INF, 5, 5, INF]
    assert max_pool([5], 2, **wide, empty=-128) == [-128, 5, 5, -128]
    assert min_pool([5], 2, **wide, empty=127) == [127, 5, 5, 127]
    assert sum_pool([5], 2, **wide) == [0, 5, 5, 0]
    first, *middle, last = avg_pool([5], 2, **wide)
    assert middle == [5, 5]
    assert math.isnan(first)
    assert math.isnan(last)
    assert avg_pool([5], 2, **wide, count_include_pad=True) == [
        0,
        Fraction(5, 2),
        Fraction(5, 2),
        0,
    ]
    assert avg_pool([5], 2, **wide, divisor_override=5) == [0, 1, 1, 0]
    # Dilation steps over the input: both positions lie in the padding.
    assert max_pool([5], 2, padding=1, dilation=2) == [-INF]


# --------------------------------------------------------------------------- NaN and infinity


@pytest.mark.parametrize("pool", [max_pool, min_pool, avg_pool, sum_pool])
@pytest.mark.parametrize("place", range(4))
def test_nan_spoils_its_window_and_no_other(pool, place):
    x = [1.0, 2.0, 3.0, 4.0, INF, -1.0, 7.0, 8.0]
    x[place] = NAN
    first, second = pool(x, 4)
    assert math.isnan(first)
    assert not math.isnan(second)


def test_infinities():
    x = [INF, 1.0, -INF, 2.0, INF, -INF]
    assert max_pool(x, 2) == [INF, 2, INF]
    assert min_pool(x, 2) == [1, -INF, -INF]
    for pool in (avg_pool, sum_pool):
        first, second, third = pool(x, 2)
        assert (first, second) == (INF, -INF)
        assert math.isnan(third)
    assert avg_pool([INF, 1.0], 2, divisor_override=-2) == [-INF]
    assert avg_pool([INF, 1.0], 2, dtype="int8") == [127]


# -------------------------------------------------------------------------------- indices


def test_indices_by_brute_force():
    ties = 0
    for n, k, s, pads, d, ceil_mode in SETTINGS:
        x = [i // 2 % 2 for i in range(n)]
        windows = spelled_out(n, k, s, *pads, d, ceil_mode)
        if not windows:
            continue
        options = {"padding": (pads,), "dilation": d, "ceil_mode": ceil_mode}
        seen = [[c for c in window if c not in ("o", ".")] for window in windows]
        greatest = [min(cells, key=lambda c: (-x[c], c), default=-1) for cells in seen]
        least = [min(cells, key=lambda c: (x[c], c), default=-1) for cells in seen]
        ties += sum(sum(x[c] == x[g] for c in v) > 1 for v, g in zip(seen, greatest, strict=True))
        setting = (n, k, s, pads, d, ceil_mode)
        result, indices = max_pool(x, k, s, **options, return_indices=True)
        assert indices == greatest, setting
        assert result == max_pool(x, k, s, **options), setting
        result, indices = min_pool(x, k, s, **options, return_indices=True)
        assert indices == least, setting
        assert result == min_pool(x, k, s, **options), setting
    assert ties > 100


@pytest.mark.parametrize("axis", [(1, 2), (2, 1), (0, 3), (3, 0), (-2, 1), (0, 1, 2, 3)])
def test_indices_are_among_the_pooled_axes_in_the_array_s_own_order(block, axis):
    axes = sorted(a % 4 for a in axis)
    lengths = [n for a, n in enumerate(block.shape) if a in axes]
    sizes = [2 if a in axes else 1 for a in range(4)]
    x = block // 40  # few values, and so many ties
    shape = [n // k for n, k in zip(x.shape, sizes, strict=True)]
    expected = np.empty(shape, int)
    for place in np.ndindex(*shape):
        start = [p * k for p, k in zip(place, sizes, strict=True)]
        part = x[tuple(slice(p, p + k) for p, k in zip(start, sizes, strict=True))]
        chosen = np.add(start, np.unravel_index(part.argmax(), part.shape))
        expected[place] = np.ravel_multi_index([chosen[a] for a in axes], lengths)
    _, indices = max_pool(x, 2, axis=axis, return_indices=True)
    assert indices == expected.tolist()


@pytest.mark.parametrize("axis", [None, 1, (1, 3), (3, 1)])
def test_indices_of_whole_axes(block, axis):
    axes = range(4) if axis is None else sorted(np.atleast_1d(axis).tolist())
    others = [a for a in range(4) if a not in axes]
    # The pooled axes moved to the end and made one, on which NumPy finds the first of equals.
    lines = (block // 40).transpose(*others, *axes).reshape(*(block.shape[a] for a in others), -1)
    for pool, find in ((global_max_pool, np.argmax), (global_min_pool, np.argmin)):
        result, indices = pool(block // 40, axis=axis, return_indices=True)
        assert indices == find(lines, axis=-1).tolist()
        assert result == pool(block // 40, axis=axis)
        _, kept = pool(block // 40, axis=axis, keepdims=True, return_indices=True)
        assert np.shape(kept) == tuple(1 if a in axes else n for a, n in enumerate(block.shape))
        assert np.ravel(kept).tolist() == np.ravel(indices).tolist()


def test_zeros_tie_whatever_their_signs():
    for pool in (max_pool, min_pool):
        for x in ([0.0, -0.0], [-0.0, 0.0]):
            (zero,), (index,) = pool(x, 2, return_indices=True)
            assert index == 0
            assert math.copysign(1, zero) == math.copysign(1, x[0])


def test_the_first_nan_is_chosen():
    x = [5.0, NAN, 7.0, NAN, 3.0, INF]
    for pool in (max_pool, min_pool):
        result, indices = pool(x, 3, 1, return_indices=True)
        assert indices == [1, 1, 3, 3]
        assert all(map(math.isnan, result))
        _, index = (global_max_pool if pool is max_pool else global_min_pool)(
            x, return_indices=True
        )
        assert index == 1


def test_a_window_that_sees_nothing_has_index_minus_1():
    wide = {"stride": 1, "padding": 2, "axis": 0, "return_indices": True}
    assert max_pool([5], 2, **wide) == ([-INF, 5, 5, -INF], [-1, 0, 0, -1])
    assert min_pool([5], 2, **wide, empty=7) == ([7, 5, 5, 7], [-1, 0, 0, -1])
    # Nor has -inf itself, or a NaN policy, to do with it.
    assert max_pool([-INF], 2, **wide) == ([-INF] * 4, [-1, 0, 0, -1])
    assert max_pool([5.0], 2, **wide, nan_policy="omit") == ([-INF, 5, 5, -INF], [-1, 0, 0, -1])


def test_zero_dimensions_have_index_0():
    assert max_pool(5, 3, return_indices=True) == (5, 0)
    assert global_min_pool(5, return_indices=True) == (5, 0)
    assert adaptive_max_pool(5, 3, return_indices=True) == (5, 0)
    assert max_pool([5, 6], 3, axis=(), return_indices=True) == ([5, 6], [0, 0])


# ------------------------------------------------------------------------- adaptive windows


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 12])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 12, 13])
def test_adaptive_windows_are_the_elements_that_even_parts_touch(n, count):
    x = [(7 * i + 3) % 5 for i in range(n)]
    # Cut the line from 0 to n evenly: a part sees each element [j, j + 1) that it overlaps.
    cuts = [Fraction(i * n, count) for i in range(count + 1)]
    seen = [[j for j in range(n) if low < j + 1 and j < high] for low, high in pairwise(cuts)]
    result, indices = adaptive_max_pool(x, count, return_indices=True)
    assert result == [max(x[j] for j in cells) for cells in seen]
    assert indices == [min(cells, key=lambda j: (-x[j], j)) for cells in seen]
    assert adaptive_max_pool(x, count) == result
    assert adaptive_avg_pool(x, count) == [
        Fraction(sum(x[j] for j in cells), len(cells)) for cells in seen
    ]


def test_adaptive_pooling_of_several_axes(block):
    # Sizes that divide the lengths are windows side by side.
    for axis, sizes, kernel in (((1, 2), (2, 3), (2, 2)), ((2, 1), (3, 4), (2, 1))):
        for return_indices in (False, True):
            options = {"axis": axis, "return_indices": return_indices}
            assert adaptive_max_pool(block, sizes, **options) == max_pool(block, kernel, **options)
        assert adaptive_avg_pool(block, sizes, axis=axis) == avg_pool(block, kernel, axis=axis)
    # Others are one axis after the other, as the greatest of the greatest is.
    by_steps = adaptive_max_pool(adaptive_max_pool(block, 4, axis=2), 3, axis=1)
    assert adaptive_max_pool(block, (4, 3), axis=(2, 1)) == by_steps


def test_adaptive_sizes():
    x = [[1, 2, 3], [4, 5, 6]]
    assert adaptive_max_pool(x, None) == adaptive_max_pool(x, (2, None)) == x
    assert adaptive_max_pool(x, (None, 1)) == [[3], [6]]
    assert adaptive_max_pool(x, 1, axis=0) == [[4, 5, 6]]
    assert adaptive_max_pool(x, [3, 1], axis=[-1, 0]) == [[4, 5, 6]]
    assert adaptive_avg_pool(x, 1) == [[Fraction(7, 2)]]
    assert adaptive_avg_pool(x, (1, 2), dtype="uint8") == [[3, 4]]
    assert adaptive_avg_pool([1, 2], 3) == [1, Fraction(3, 2), 2]
    assert adaptive_max_pool(np.zeros((2, 0, 4)), 2, axis=2) == [[], []]
    for size, options in ((0, {}), (-1, {}), ((1, 0), {}), (1, {"axis": 1})):
        with pytest.raises(ValueError, match=r"output_size is -?[01]"):
            adaptive_avg_pool(x if not options else [[], []], size, **options)
    with pytest.raises(ValueError, match=r"output_size is \(1, 2, 3\)"):
        adaptive_max_pool(x, (1, 2, 3))


# ---------------------------------------------------------------------------- NaN policies


HOLED = [1.0, NAN, NAN, 4.0, NAN, NAN, -INF, NAN]


def same(result, expected):
    """Compare lists in which NaN equals NaN."""
    assert len(result) == len(expected)
    for a, b in zip(result, expected, strict=True):
        assert a == b or (math.isnan(a) and math.isnan(b)), (result, expected)


def test_omitted_nans_are_not_there():
    for pool, options, expected in (
        (max_pool, {}, [1, 4, NAN, -INF]),
        (min_pool, {}, [1, 4, NAN, -INF]),
        (sum_pool, {}, [1, 4, NAN, -INF]),
        (avg_pool, {}, [1, 4, NAN, -INF]),
        (avg_pool, {"divisor_override": 4}, [Fraction(1, 4), 1, NAN, -INF]),
        (avg_pool, {"dtype": "uint8"}, [1, 4, 0, 0]),
        (lp_pool, {}, [1, 4, NAN, INF]),
        (lp_pool, {"p": INF}, [1, 4, NAN, INF]),
        (lp_pool, {"dtype": "int8"}, [1, 4, 0, 127]),
    ):
        same(pool(HOLED, 2, **options, nan_policy="omit"), expected)
    for pool in (max_pool, min_pool):
        _, indices = pool(HOLED, 2, nan_policy="omit", return_indices=True)
        assert indices == [0, 3, 4, 6]
    same(adaptive_max_pool(HOLED, 4, nan_policy="omit"), [1, 4, NAN, -INF])
    same(adaptive_avg_pool(HOLED, 4, nan_policy="omit"), [1, 4, NAN, -INF])


def test_omitting_is_pooling_without():
    rng = random.Random(5)
    for _ in range(50):
        x = [rng.choice((NAN, rng.uniform(-9, 9))) for _ in range(6)]
        kept = [v for v in x if v == v]
        where = [i for i, v in enumerate(x) if v == v]
        for name in ("max", "min", "sum", "avg", "lp"):
            pool = getattr(reference, f"global_{name}_pool")
            result = pool(x, nan_policy="omit")
            if not kept:
                assert math.isnan(result)
                continue
            assert result == pool(kept)
            if name in ("max", "min"):
                _, index = pool(x, nan_policy="omit", return_indices=True)
                assert index == where[pool(kept, return_indices=True)[1]]


def test_omitted_nans_are_not_counted():
    # Each window has 4 positions: the first has 1 in the padding and 2 NaNs, so that 2 count.
    options = {"padding": ((1, 0),), "nan_policy": "omit"}
    x = [8.0, NAN, NAN, NAN, NAN, 2.0, 6.0]
    assert avg_pool(x, 4, **options) == [8, 4]
    assert avg_pool(x, 4, **options, count_include_pad=True) == [4, 4]
    assert avg_pool(x, 4, **options, divisor_override=16) == [Fraction(1, 2), Fraction(1, 2)]
    # What the ceiling hangs over never counts, with or without a NaN.
    options = {"ceil_mode": True, "nan_policy": "omit", "count_include_pad": True}
    assert avg_pool([1.0, 1.0, 1.0, NAN, 6.0], 3, **options) == [1, 6]


def test_nothing_but_nan_is_nan_and_nothing_at_all_is_not():
    x = [NAN, NAN]
    wide = {"stride": 1, "padding": 2, "nan_policy": "omit"}
    same(max_pool(x, 1, **wide), [-INF, -INF, NAN, NAN, -INF, -INF])
    same(sum_pool(x, 1, **wide), [0, 0, NAN, NAN, 0, 0])
    same(lp_pool(x, 1, **wide), [0, 0, NAN, NAN, 0, 0])
    same(avg_pool(x, 1, **wide, count_include_pad=True), [0, 0, NAN, NAN, 0, 0])
    same(avg_pool(x, 1, **wide, divisor_override=3), [0, 0, NAN, NAN, 0, 0])
    for pool in (global_max_pool, global_min_pool):
        result, index = pool([[NAN, NAN]], axis=1, nan_policy="omit", return_indices=True)
        same(result, [NAN])
        assert index == [0]


def test_raise_refuses_nan_in_a_window_and_nowhere_else():
    calls = [
        lambda x, **policy: max_pool(x, 2, 3, **policy),
        lambda x, **policy: min_pool(x, 2, 3, **policy),
        lambda x, **policy: avg_pool(x, 2, 3, **policy),
        lambda x, **policy: sum_pool(x, 2, 3, **policy),
        lambda x, **policy: lp_pool(x, 2, 3, **policy),
    ]
    for call in calls:
        between, inside = [1.0, 2.0, NAN, INF, 5.0], [1.0, 2.0, 3.0, 4.0, NAN]
        assert call(between, nan_policy="raise") == call(between)
        with pytest.raises(ValueError, match="x has a NaN"):
            call(inside, nan_policy="raise")
    for name in ("max", "min", "avg", "sum", "lp"):
        with pytest.raises(ValueError, match="x has a NaN"):
            getattr(reference, f"global_{name}_pool")([1.0, NAN], nan_policy="raise")
    for pool in (adaptive_max_pool, adaptive_avg_pool):
        with pytest.raises(ValueError, match="x has a NaN"):
            pool([1.0, NAN], 1, nan_policy="raise")
    with pytest.raises(ValueError, match="nan_policy is 'ignore'"):
        global_max_pool([1.0], nan_policy="ignore")


# ------------------------------------------------------------------------------ exactness


def test_averages_are_exact_fractions():
    (third,) = avg_pool([1, 0, 0], 3)
    assert isinstance(third, Fraction)
    assert third == Fraction(1, 3)
    assert avg_pool([0.1, 0.2], 2) == [(Fraction(0.1) + Fraction(0.2)) / 2]
    assert avg_pool([1e300, 1.0, -1e300], 3) == [Fraction(1, 3)]
    assert avg_pool([1.5e308] * 2, 2, dtype="float64") == [1.5e308]


def test_dtype_rounds_once():
    # The mean is a hair over a tie between 1 and the next float32, hidden from a float64.
    x = [1.0, 1 + 2**-23, 2**-76, -(2**-77)]
    assert avg_pool(x, 4, divisor_override=2, dtype="float32") == [1 + 2**-23]
    assert avg_pool([1, 2, 3, 4, 250, 255], 2, dtype="uint8") == [2, 4, 252]
    assert avg_pool([-300, -301], 2, dtype="int8") == [-128]
    assert avg_pool([1, 2], 2, dtype="float16") == [1.5]
    assert avg_pool([NAN, 1.0], 1, dtype="int8") == [0, 1]
    with pytest.raises(ValueError, match="the mean of no number is NaN"):
        avg_pool([1.0], 1, padding=1, dtype="int8")
    assert avg_pool([8.0], 1, padding=1, divisor_override=2, dtype="int8") == [0, 4, 0]


def test_sums_are_exact_and_wrap_in_integer_types():
    assert sum_pool([2**63, 2**63], 2) == [2**64]
    assert sum_pool([2**63, 2**63], 2, dtype="uint64") == [0]
    rng = random.Random(3)
    x = [rng.randint(-128, 127) for _ in range(60)]
    expected = np.array(x, np.int8).reshape(10, 6).sum(axis=1, dtype=np.int8).tolist()
    assert sum_pool(x, 6, dtype="int8") == expected
    assert sum_pool([True, True, False, False], 2) == [2, 0]
    assert sum_pool([1, -1, 0, 0], 2, dtype="bool") == [True, False]
    assert sum_pool([1e16, 1.0, 1.0], 3, dtype="float64") == [1e16 + 2]


def test_bools_stay_bools():
    assert max_pool([True, False, False, False], 2) == [True, False]
    assert all(isinstance(v, bool) for v in max_pool([True, False, False, False], 2))
    assert avg_pool([True, False], 2) == [Fraction(1, 2)]


# ------------------------------------------------------------------------ axes and shapes


@pytest.fixture(scope="module")
def block():
    rng = np.random.default_rng(4)
    return rng.integers(-99, 99, (2, 4, 6, 3))


@pytest.mark.parametrize("axis", [(1, 2), (2, 1), (-3, 2), (0, 3), (3, 1), (-1, 0)])
def test_axes_pair_with_sizes_in_the_order_given(block, axis):
    sizes = (2, 1)
    result = max_pool(block, sizes, axis=axis)
    kernel = [1] * 4
    for a, k in zip(axis, sizes, strict=True):
        kernel[a] = k
    # Side by side windows that fit: splitting each axis in two gives the same blocks.
    kept = block[tuple(slice(n // k * k) for n, k in zip(block.shape, kernel, strict=True))]
    split = [part for n, k in zip(kept.shape, kernel, strict=True) for part in (n // k, k)]
    assert result == kept.reshape(split).max(axis=(1, 3, 5, 7)).tolist()


def test_one_axis_and_every_axis(block):
    assert max_pool(block, 2, axis=1) == np.maximum(block[:, ::2], block[:, 1::2]).tolist()
    assert max_pool(block, 1) == block.tolist()
    assert max_pool(block, 2, axis=()) == block.tolist()
    assert min_pool(block, block.shape) == [[[[block.min()]]]]


@pytest.mark.parametrize("axis", [None, 0, -1, (1, 2), (2, 0), (0, 1, 2, 3), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pools_are_reductions(block, axis, keepdims):
    options = {"axis": axis, "keepdims": keepdims}
    assert global_max_pool(block, **options) == block.max(**options).tolist()
    assert global_min_pool(block, **options) == block.min(**options).tolist()
    assert global_sum_pool(block, **options) == block.sum(**options).tolist()
    averages = global_avg_pool(block, **options, dtype="float64")
    assert averages == block.mean(**options).tolist()


def test_zero_dimensions():
    for pool in (max_pool, min_pool, avg_pool, sum_pool):
        assert pool(5, 3) == 5
        assert pool(np.float32(2.5), 2, 1, 1) == 2.5
    assert avg_pool(5, 3, dtype="float32") == 5
    assert global_max_pool(5) == global_avg_pool(np.array(5)) == 5


def test_axes_of_length_zero():
    assert max_pool(np.zeros((2, 0, 4)), 2, axis=2) == [[], []]
    assert max_pool(np.zeros((0, 4, 4)), 2, axis=(1, 2)) == []
    assert global_sum_pool(np.zeros((3, 0, 2)), axis=2) == [[], [], []]
    assert global_sum_pool([[], []], axis=0) == []
    for call in (
        lambda: max_pool(np.zeros((2, 0)), 1),
        lambda: max_pool([], 1, padding=1),
        lambda: global_max_pool(np.zeros((2, 0))),
    ):
        with pytest.raises(ValueError, match="length 0"):
            call()


def test_input_is_not_changed():
    x = [[1, 2], [3, 4]]
    max_pool(x, 1)[0][0] = 9
    avg_pool(x, 2, padding=1)
    assert x == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 0}, "kernel_size is 0"),
        ({"kernel_size": 2, "stride": 0}, "stride is 0"),
        ({"kernel_size": 2, "dilation": -1}, "dilation is -1"),
        ({"kernel_size": 2, "padding": -1}, "padding is -1"),
        ({"kernel_size": 2, "padding": "full"}, "padding is 'full'"),
        ({"kernel_size": (2, 2, 2)}, r"kernel_size is \(2, 2, 2\)"),
        ({"kernel_size": 2, "stride": (1,)}, r"stride is \(1,\)"),
        ({"kernel_size": 2, "padding": (1, 2), "axis": 0}, r"padding is \(1, 2\)"),
        ({"kernel_size": 2, "axis": 2}, "axis 2 is out of range"),
        ({"kernel_size": 2, "axis": (0, -2)}, "names an axis twice"),
        ({"kernel_size": 4}, "no window of 4"),
        ({"kernel_size": 2, "dilation": 3}, "no window of 2 with dilation 3"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        max_pool([[1, 2, 3], [4, 5, 6]], **options)


def test_more_errors():
    with pytest.raises(ValueError, match="divisor_override is 0"):
        avg_pool([1], 1, divisor_override=0)
    for ragged in ([[1, 2], [3]], [1, [2]], [[1], 2], ["a"], None):
        with pytest.raises(ValueError, match="nested lists"):
            global_max_pool(ragged)
