"""How near results are to the exact ones, where windows are long and numbers uneven."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib import import_module
from typing import ClassVar

import numpy as np
import pytest
from arrays import BFLOATS, FLOATS, WIDE_FLOATS, finfo
from cases import ulps_apart
from planned import changed

import cypool
import reference
from cypool import kernels

#: Ulps that averages may be off.
ULPS = {"float32": 1, "float64": 2}


def numbers(kind, n, dtype):
    """Return numbers of one sign, of both, or of very different sizes."""
    rng = np.random.default_rng(n)
    if kind == "positive":
        x = rng.random(n) + 1e-3
    elif kind == "wide":
        x = np.exp(8 * rng.standard_normal(n))
    else:
        x = np.exp(8 * rng.standard_normal(n)) * rng.choice([-1, 1], n)
    return x.astype(dtype)


@pytest.mark.parametrize("kind", ["positive", "wide", "both signs"])
@pytest.mark.parametrize("dtype", WIDE_FLOATS)
@pytest.mark.parametrize("window", [2, 3, 7, 16, 100, 999, 4096, 20_011])
@pytest.mark.parametrize("pool", ["avg", "sum"])
def test_averages_are_those_of_fsum(kind, dtype, window, pool):
    x = numbers(kind, 20_011, dtype)
    listed = x.tolist()
    for stride in sorted({1, 2, 3, window - 1, window, 2 * window}):
        result = getattr(cypool, f"{pool}_pool")(x, window, stride)
        at = range(0, len(result), 1 + len(result) // 60)
        totals = [math.fsum(listed[i * stride : i * stride + window]) for i in at]
        divisor = window if pool == "avg" else 1
        expected = np.array([total / divisor for total in totals], dtype)
        assert np.max(ulps_apart(result[list(at)], expected)) <= ULPS[dtype]


@pytest.mark.parametrize("kind", ["positive", "wide", "both signs"])
@pytest.mark.parametrize("dtype", WIDE_FLOATS)
@pytest.mark.parametrize("window", [2, 3, 5, 31, 120])
def test_averages_of_pictures_are_those_of_fsum(kind, dtype, window):
    x = numbers(kind, 120 * 120, dtype).reshape(120, 120)
    rng = np.random.default_rng(0)
    for stride in sorted({1, 2, window}):
        result = cypool.avg_pool(x, window, stride)
        for _ in range(20):
            i, j = (int(rng.integers(n)) for n in result.shape)
            part = x[i * stride :, j * stride :][:window, :window]
            expected = np.array([math.fsum(part.ravel().tolist()) / part.size], dtype)
            assert ulps_apart(result[i, j : j + 1], expected).item() <= ULPS[dtype]


@pytest.mark.parametrize("kind", ["positive", "wide", "both signs"])
@pytest.mark.parametrize("dtype", WIDE_FLOATS)
@pytest.mark.parametrize("outs", [1, 7, 60, 300])
def test_adaptive_averages_are_those_of_fsum(kind, dtype, outs):
    x = numbers(kind, 20_011, dtype)
    listed, n = x.tolist(), x.size
    result = cypool.adaptive_avg_pool(x, outs)
    spans = [(i * n // outs, -(-(i + 1) * n // outs)) for i in range(outs)]
    expected = [math.fsum(listed[a:b]) / (b - a) for a, b in spans]
    assert np.max(ulps_apart(result, np.array(expected, dtype))) <= ULPS[dtype]


def shared(grads, spans, n):
    """Return exact gradients over the lengths of their spans, along the first axis of n."""
    result = np.full((n, *grads.shape[1:]), Fraction(0))
    for grad, (start, stop) in zip(grads, spans, strict=True):
        result[start:stop] += grad / (stop - start)
    return result


@pytest.mark.parametrize("layout", ["C", "F", "channels", "planes"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("window", [(3, 1), (3, 2), (5, 2), (9, 1), (31, 1), None])
def test_gradients_of_averages_of_unlike_windows_are_exact_until_they_are_rounded(
    window, dtype, layout
):
    shape = (37, 41)
    if window is None:
        outs = (16, 29)
        spans = [
            [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
            for n, m in zip(shape, outs, strict=True)
        ]
    else:
        k, s = window
        pad = k // 2
        outs = tuple((n + 2 * pad - k) // s + 1 for n in shape)
        spans = [
            [(max(i * s - pad, 0), min(i * s - pad + k, n)) for i in range(m)]
            for n, m in zip(shape, outs, strict=True)
        ]
    # Without a common multiple of all counts, what cancels is not exact.
    cancels = dtype != "float64" and window != (31, 1)
    for kind in ("positive", "both signs") if cancels else ("positive",):
        grad = np.clip(numbers(kind, math.prod(outs), "float64"), -6e4, 6e4)
        grad = grad.reshape(outs).astype(dtype)
        exact = np.vectorize(lambda g: Fraction(float(g)), otypes=[object])(grad)
        exact = shared(shared(exact, spans[0], shape[0]).T, spans[1], shape[1]).T
        expected = exact.astype(np.float64).astype(dtype)
        if layout == "channels":
            grad, expected = (np.stack([x, -x, x], -1) for x in (grad, expected))
        elif layout == "planes":
            grad, expected = (np.stack([x, -x] * 35) for x in (grad, expected))
        elif layout == "F":
            grad = np.asfortranarray(grad)
        options = {"axis": (-2, -1) if layout == "planes" else (0, 1), "num_threads": 3}
        if window is None:
            back = cypool.adaptive_avg_pool_backward(grad, expected.shape, **options)
        else:
            back = cypool.avg_pool_backward(grad, expected.shape, k, s, pad, **options)
        assert back.dtype == grad.dtype
        assert np.max(ulps_apart(back, expected)) <= ULPS.get(dtype, 1)


@pytest.mark.parametrize("dtype", [*BFLOATS, "float16", "float32"])
def test_gradients_of_averages_of_any_windows_are_exact_until_they_are_rounded(dtype):
    rng = np.random.default_rng(3)
    answered = 0
    while answered < 150:
        shape = tuple(rng.integers(1, 14, rng.integers(1, 4)).tolist())
        k, s, d = (tuple(rng.integers(1, most, len(shape)).tolist()) for most in (5, 4, 4))
        pad = tuple(int(rng.integers(e * (m - 1) + 1)) for m, e in zip(k, d, strict=True))
        options = {"ceil_mode": rng.random() < 0.5, "count_include_pad": rng.random() < 0.5}
        try:
            outs = cypool.max_pool(np.zeros(shape), k, s, pad, d, ceil_mode=options["ceil_mode"])
        except ValueError:
            continue
        grad = (rng.integers(-999, 1000, outs.shape) * 2.0 ** rng.integers(-9, 3)).astype(dtype)
        found = cypool.avg_pool_backward(grad, shape, k, s, pad, d, **options)
        exact = np.vectorize(lambda g: Fraction(float(g)), otypes=[object])(grad)
        expected = reference.avg_pool_backward(exact, shape, k, s, pad, d, **options)
        expected = np.array(expected, object).astype(float).astype(dtype)
        assert np.max(ulps_apart(found, expected)) <= 1, (shape, k, s, pad, d, options)
        answered += 1


@pytest.mark.parametrize(
    ("n", "size", "padding", "dilation"),
    [
        (3, 43, (42, 42), 1),
        (3, 50, (47, 52), 1),
        (7, 60, (118, 118), 2),
        (5, 2**40, (2**39 + 3, 2**39 + 3), 1),
    ],
)
def test_gradients_of_windows_far_larger_than_the_array_cancel(n, size, padding, dilation):
    outs = n + sum(padding) - dilation * (size - 1)
    rng = np.random.default_rng(size)
    for _ in range(20):
        grad = rng.integers(-50, 50, outs).astype(np.float32)
        grad[rng.integers(outs)] -= grad.sum()
        found = cypool.avg_pool_backward(grad, (n,), size, 1, (padding,), dilation)
        exact = [Fraction(0)] * n
        for i, g in enumerate(grad.tolist()):
            start = i - padding[0]
            end = start + dilation * (size - 1)
            at = [q for q in range(n) if start <= q <= end and (q - start) % dilation == 0]
            for q in at:
                exact[q] += Fraction(g) / len(at)
        expected = np.array(exact, object).astype(np.float32)
        assert np.max(ulps_apart(found, expected)) <= 1


def test_gradients_of_single_windows_along_very_many_axes():
    grad = np.full((1,) * 64, 3.0, np.float32)
    assert cypool.avg_pool_backward(grad, grad.shape, 3, 1, 1).item() == 3


@pytest.mark.parametrize("kind", ["positive", "wide", "both signs"])
@pytest.mark.parametrize("dtype", WIDE_FLOATS)
def test_averages_without_nans_are_those_of_fsum(kind, dtype):
    x = numbers(kind, 20_011, dtype)
    x[np.random.default_rng(1).random(x.size) < 0.3] = np.nan
    for window, stride in ((2, 1), (7, 3), (1000, 500), (20_011, 1)):
        result = cypool.avg_pool(x, window, stride, nan_policy="omit")
        for i in range(0, len(result), 1 + len(result) // 40):
            part = x[i * stride : i * stride + window]
            part = part[part == part].tolist()
            expected = math.fsum(part) / len(part) if part else math.nan
            far = ulps_apart(result[i : i + 1], np.array([expected], dtype))
            assert far.item() <= ULPS[dtype]


def test_the_mean_of_many_tenths():
    x = np.full((4096, 4096), 0.1, np.float32)
    assert cypool.global_avg_pool(x) == np.float32(0.1)
    assert cypool.avg_pool(x, 4096).item() == np.float32(0.1)
    assert cypool.adaptive_avg_pool(x, 1).item() == np.float32(0.1)
    assert cypool.global_avg_pool(x, nan_policy="omit") == np.float32(0.1)


class Counted(kernels.Plan):
    """A plan that tells which of its calls were given up."""

    given_up: ClassVar[list[bool]] = []

    def run(self, *args):
        done = super().run(*args)
        self.given_up.append(done is None)
        return done


@pytest.mark.parametrize("dtype", [*BFLOATS, "float32"])
@pytest.mark.parametrize("window", [(61, 61), (1, 4000), (5, 3)])
@pytest.mark.parametrize("pool", ["avg", "sum"])
def test_where_many_sums_nearly_cancel_all_are_added_up_with_more_care(pool, window, dtype):
    rng = np.random.default_rng(window[0])
    shape = (1, 8000) if window[0] == 1 else (150, 150)
    x = np.exp(8 * rng.standard_normal(shape)) * rng.choice([-1, 1], shape)
    x[:, 1::2] = -x[:, ::2] * (1 + 2.0**-20)  # in pairs
    x = x.astype(dtype)
    found = []
    for patience in (0, 1 << 40):
        for threads in (1, 3):
            Counted.given_up.clear()
            with changed(PATIENCE=patience, SERIAL=1, Plan=Counted):
                found.append(
                    getattr(cypool, f"{pool}_pool")(
                        x, window, 1, axis=(0, 1), dtype="float32", num_threads=threads
                    )
                )
            assert Counted.given_up == ([True, False] if patience == 0 else [False])
        np.testing.assert_array_equal(*found[-2:])
    divisor = math.prod(window) if pool == "avg" else 1
    for i, j in zip(*(rng.integers(0, n, 40) for n in found[0].shape), strict=True):
        part = x[i : i + window[0], j : j + window[1]].astype(float).ravel().tolist()
        expected = np.array([math.fsum(part) / divisor], "float32")
        for y in found:
            assert ulps_apart(y[i, j : j + 1], expected).item() <= 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("size", "stride", "padding", "dilation"),
    [(3, 1, 1, 1), (5, 2, 7, 1), (4, 1, 12, 3), (9, 1, 4, 1), (2, 70, 1, 60)],
)
def test_means_near_elements_that_are_far_greater(size, stride, padding, dilation, channels, dtype):
    rng = np.random.default_rng(size)
    x = rng.standard_normal((90, 150, channels)).astype(dtype)
    x.ravel()[::1999] = -3e38 if dtype == "float32" else -1e300
    given = {"axis": (0, 1), "stride": stride, "padding": padding, "dilation": dilation}
    found = [cypool.avg_pool(x, size, **given, num_threads=threads) for threads in (1, 3)]
    np.testing.assert_array_equal(*found)
    for i, j in np.ndindex(found[0].shape[:2]):
        if (i + j) % 7 > 0:
            continue
        taps = [
            [t for t in range(o * stride - padding, n + dilation * size, dilation)][:size]
            for o, n in ((i, 90), (j, 150))
        ]
        rows, columns = (
            [t for t in at if 0 <= t < n] for at, n in zip(taps, x.shape, strict=False)
        )
        part = x[np.ix_(rows, columns)].reshape(-1, channels).astype(float)
        if len(part) == 0:
            assert np.isnan(found[0][i, j]).all()
            continue
        expected = [math.fsum(part[:, c].tolist()) / len(part) for c in range(channels)]
        assert np.max(ulps_apart(found[0][i, j], np.array(expected, dtype))) <= ULPS[dtype]


@pytest.mark.parametrize("dtype", WIDE_FLOATS)
@pytest.mark.parametrize("dilation", [1, 2, 3, 5])
@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_what_cancels_at_the_ends_of_rows(padding, dilation, dtype):
    n, k = 20, 3
    for at in (0, 1, 2, n - 3, n - 2, n - 1):
        x = np.ones((3, n), dtype)
        x[:, at] = [2.0**60, 1.5, -(2.0**60)]
        found = cypool.avg_pool(x, k, 1, (0, padding), (1, dilation), axis=(0, 1))
        means = []
        for j in range(n + 2 * padding - dilation * (k - 1)):
            taps = (j - padding + t * dilation for t in range(k))
            part = x[:, [tap for tap in taps if 0 <= tap < n]]
            total = math.fsum(part.ravel().tolist())
            means.append(total / part.size if part.size else math.nan)
        assert np.max(ulps_apart(found[0], np.array(means, dtype))) <= ULPS[dtype]


@pytest.mark.parametrize("dtype", WIDE_FLOATS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("special", [0.0, math.inf, math.nan])
@pytest.mark.parametrize(
    ("size", "stride", "padding", "dilation"),
    [(15, 1, 7, 1), (9, 2, 0, 1), (9, 1, 9, 2), (21, 3, 10, 1), (21, 30, 10, 1)],
)
def test_sums_of_which_only_little_is_left(
    size, stride, padding, dilation, special, channels, dtype
):
    rng = np.random.default_rng(size)
    x = (rng.standard_normal((40, 190, channels)) * 1e-30).astype(dtype)
    few = rng.random(x.shape) < 0.01
    x[few] = rng.choice([-1.0, 1.0], few.sum()) * (3e38 if dtype == "float32" else 1e308)
    x[20, 100] = special
    geometry = {"axis": (0, 1), "stride": stride, "padding": padding, "dilation": dilation}
    found = {
        policy: cypool.avg_pool(x, size, **geometry, nan_policy=policy)
        for policy in ("propagate", "omit")
    }
    starts = [stride * np.arange(n) - padding for n in found["omit"].shape[:2]]
    for i, j in rng.integers(0, found["omit"].shape[:2], (40, 2)).tolist():
        rows, lanes = (
            [q for q in range(s[o], s[o] + size * dilation, dilation) if 0 <= q < n]
            for s, o, n in zip(starts, (i, j), x.shape, strict=False)
        )
        for c in range(channels):
            part = x[rows][:, lanes, c].astype(float).ravel().tolist()
            finite = [Fraction(v) for v in part if math.isfinite(v)]
            other = sum(v for v in part if not math.isfinite(v))
            for policy, means in found.items():
                if policy == "propagate" or other == other:
                    mean = other or (float(sum(finite) / len(part)) if part else math.nan)
                else:
                    mean = float(sum(finite) / len(finite))
                expected = np.array([mean], dtype)
                assert ulps_apart(means[i, j, c : c + 1], expected).item() <= ULPS[dtype]


@pytest.mark.parametrize("planes", [16, 24, 30, 36, 44, 60])
def test_threads_give_up_together(planes):
    # The first strip of each plane has exact sums, which are small against what comes later.
    x = np.full((planes, 400, 128), 2.0**-10, np.float32)
    x[:, 256] = 2.0**34
    x[:, 300] = 2.0**45
    found = []
    for threads in (1, 2, 3, 7):
        Counted.given_up.clear()
        with changed(Plan=Counted):
            y = cypool.avg_pool(x, 101, 1, axis=1, divisor_override=1, num_threads=threads)
        found.append((y.tobytes(), *Counted.given_up))
    assert len(set(found)) == 1


def test_threads_give_up_together_what_becomes_output_at_once():
    # Most planes are doubtful, and whether others after them are tried depends on the thread.
    x = np.ones((100, 18, 128), np.float32)
    x[:, 0, 0] = 1e30
    for plane in (0, 1, 4, 11, *range(26, 99, 15)):
        x[plane] = 1
        x[plane, :2, 0] = 1e30, -1e30
    x[-1] = 0
    x[-1, :3, 0] = 1 - 2.0**-24, 1.1 * 2.0**-53, 2.0**-23
    found = [
        cypool.avg_pool(x, 3, 1, axis=1, divisor_override=1, num_threads=threads).tobytes()
        for threads in (1, 2, 3, 7)
    ]
    assert len(set(found)) == 1


@pytest.mark.parametrize("dtype", ["float16", *BFLOATS])
def test_means_of_many_16_bit_floats(dtype):
    for value in (1.0, 0.1, 300.0, 1e-7):
        x = np.full((1500, 1501), value, dtype)
        assert cypool.global_avg_pool(x) == x[0, 0]
        assert cypool.avg_pool(x, x.shape).item() == x[0, 0]
        sums = cypool.sum_pool(x, x.shape, dtype="float64").item()
        assert sums == float(x[0, 0]) * x.size


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("terms", [2, 3, 6, 7, 12, 100, 255, 256, 257, 300, 1001, 65536])
def test_means_of_narrow_integers_are_rounded_once(dtype, terms):
    # Sums around those that are halfway between two integers, and some others.
    info = np.iinfo(dtype)
    rng = np.random.default_rng(terms)
    middles = np.unique(rng.integers(info.min, info.max, 400)) * terms + terms // 2
    sums = np.concatenate([middles - 1, middles, middles + 1])
    sums = sums[(sums >= info.min * terms) & (sums <= info.max * terms)][: 2**24 // terms]
    each, more = np.divmod(sums, terms)
    x = each[:, np.newaxis] + (np.arange(terms) < more[:, np.newaxis])
    x = x.astype(dtype)[:, np.newaxis]
    for divisor in sorted({terms, terms + 1, 256, 2 * terms}):
        options = {"axis": 2, "divisor_override": divisor}
        if divisor == terms:
            options = {"axis": 2, "padding": [(0, terms - 1)], "ceil_mode": True}
        if divisor < terms:
            continue
        expected = [round(Fraction(int(s), divisor)) for s in sums]
        y = cypool.avg_pool(x, terms, dtype=dtype, **options)
        assert y[:, 0, 0].tolist() == expected
        y = cypool.avg_pool(x, terms, dtype="float32", **options)
        np.testing.assert_array_equal(y[:, 0, 0], np.float32(sums / divisor))


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("into", ["int64", "uint64", "float64", "float32", "int8"])
def test_means_of_64_bit_integers_are_rounded_once(dtype, into):
    rng = np.random.default_rng(5)
    info, most = np.iinfo(dtype), np.iinfo("int8" if into[0] == "f" else into)
    for n, window, stride in (
        (4, 2, 1),
        (50, 5, 2),
        (50, 6, 1),
        (3000, 1000, 500),
        (3000, 3000, 1),
    ):
        ends = rng.integers(info.max - 1000, info.max, n, dtype, endpoint=True)
        for x in (ends, rng.integers(info.min, info.max, n, dtype, endpoint=True)):
            result = cypool.avg_pool(x, window, stride, dtype=into)
            for i, got in enumerate(result.tolist()):
                mean = Fraction(sum(x[i * stride : i * stride + window].tolist()), window)
                if into == "float64":
                    assert got == mean.numerator / mean.denominator
                elif into == "float32":
                    room = Fraction(float(np.spacing(np.float32(float(mean))))) / 2
                    assert abs(Fraction(got) - mean) <= abs(room)
                else:
                    assert got == min(max(round(mean), most.min), most.max)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
@pytest.mark.parametrize("x_dtype", ["float16", "float32", "float64", "int16"])
def test_norms_into_integers_are_rounded_and_saturated(dtype, x_dtype):
    info = np.iinfo(dtype)
    x = np.array([3, -4, 5, 12, 0, 0, 30_000, -30_000], x_dtype)
    result = cypool.lp_pool(x, 2, p=2, dtype=dtype)
    assert result.dtype == dtype
    expected = [5, 13, 0, min(info.max, round(math.sqrt(2) * float(x[6])))]
    assert result.tolist() == expected
    half = np.array([0.5, 0, 1.5, 0, 2.5, 0])
    assert cypool.lp_pool(half, 2, p=1, dtype=dtype).tolist() == [0, 2, 2]
    assert cypool.lp_pool(half, 2, p=math.inf, dtype=dtype).tolist() == [0, 2, 2]
    special = np.array([math.nan, 1, math.inf, 1])
    assert cypool.lp_pool(special, 2, dtype=dtype).tolist() == [0, info.max]


@pytest.mark.parametrize("p", [1, 2, 3, 0.5, 2.5, 7, 100])
@pytest.mark.parametrize("dtype", ["float16", *WIDE_FLOATS])
@pytest.mark.parametrize("n", [1, 2, 5, 300])
def test_norms_neither_overflow_nor_vanish(p, dtype, n):
    info = finfo(dtype)
    for scale in (float(info.max), float(info.tiny), 1.0):
        size = scale * float(n) ** (-1 / p) / (2 if scale > 1 else 1)
        x = np.full(n, size, dtype)
        exact = float(x[0]) * n ** (1 / p) if scale <= 1 else float(x[0]) / 2 * n ** (1 / p) * 2
        for result in (cypool.lp_pool(x, n, p=p), cypool.global_lp_pool(x, p=p)):
            room = (8 if dtype == "float64" else 1) * float(np.spacing(np.array(exact, dtype)))
            assert abs(result.item() - exact) <= room


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("pool", [cypool.avg_pool, cypool.sum_pool])
def test_float64_sums_into_other_types_do_not_overflow_on_the_way(pool, dtype):
    great = [1e308, 1e308, 1e308, -1e308, -1e308, -1e308]
    x = np.array([*great, 8.0, 8.0, *great[::-1], 4.0, 12.0])
    expected = 16 if pool is cypool.sum_pool else 2
    assert pool(x, 8, dtype=dtype).tolist() == [expected, expected]
    assert pool(np.array([np.inf, *great]), 7, dtype=dtype).tolist() == [np.inf]


def rows_of(kind, shape, axis, dtype):
    """Return numbers like each other in most rows, and in some not, or none at all."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape)
    odd = rng.random(shape[0]) < 0.3
    least, most = float(finfo(np.dtype(dtype)).tiny), float(finfo(np.dtype(dtype)).max)
    if kind == "wide":
        x[odd] *= np.exp(8 * rng.standard_normal(x[odd].shape))
    elif kind == "cancelling":
        # Half of each second row goes out of sight of double, and the other half is left.
        rows = np.moveaxis(x, axis, (0, 1))
        rows[::4, ::2] *= 2.0**50
        rows[1::4, ::2] = -rows[::4, ::2]
    elif kind == "small":
        x[odd] *= least * 8
    elif kind == "large":
        x[odd] *= most / 2
    elif kind == "no numbers":
        x[odd] = np.where(rng.random(x[odd].shape) < 0.1, np.nan, x[odd])
        x[~odd] = np.where(rng.random(x[~odd].shape) < 0.01, -np.inf, x[~odd])
    elif kind == "zeros":
        x = np.maximum(x, 0) * (rng.random(shape) < 0.2)
    return np.clip(x, -most, most).astype(dtype)


@pytest.mark.parametrize("kind", ["wide", "cancelling", "small", "large", "no numbers", "zeros"])
@pytest.mark.parametrize("dtype", [d for d in FLOATS if d != "float64"])
@pytest.mark.parametrize("shape", [(40, 260), (40, 6, 70), (2, 40, 300)])
@pytest.mark.parametrize("window", [(2, 2), (1, 2), (4, 1), (3, 1), (3, 2), (3, 3)])
def test_sums_that_are_finished_at_once_are_what_they_are_otherwise(kind, dtype, shape, window):
    axis = (0, 1) if shape[1] < shape[0] else (len(shape) - 2, len(shape) - 1)
    x = rows_of(kind, shape, axis, dtype)
    calls = [
        (cypool.avg_pool, {}),
        (cypool.avg_pool, {"padding": [(window[0] - 1, 0), 0]}),
        (cypool.avg_pool, {"divisor_override": 1, "num_threads": 3}),
        (cypool.avg_pool, {"divisor_override": -1000}),
        (cypool.sum_pool, {}),
    ]

    def results(**changes):
        with changed(**changes), np.errstate(all="ignore"):
            return [pool(x, window, axis=axis, **more) for pool, more in calls]

    at_once = results()
    others = [results(ROWS_AT_ONCE=0), results(SERIAL=1)]
    for name in kernels.INSTRUCTION_SETS:
        others.append(results(Plan=import_module(f"cypool.kernels.{name}").Plan))
    for other in others:
        for got, want in zip(at_once, other, strict=True):
            assert got.tobytes() == want.tobytes()
    means = at_once[0]
    for place in np.argwhere(np.random.default_rng(4).random(means.shape) < 0.02):
        sizes = [window[axis.index(a)] if a in axis else 1 for a in range(x.ndim)]
        part = x[tuple(slice(i * k, i * k + k) for i, k in zip(place, sizes, strict=True))]
        if np.isfinite(part.astype(float)).all():
            right = np.array([math.fsum(part.astype(float).ravel().tolist()) / part.size])
            with np.errstate(all="ignore"):
                assert ulps_apart(means[tuple(place)], right.astype(dtype)).item() <= 1


@pytest.mark.parametrize("n", [6, 14, 22, 98, 1000])
@pytest.mark.parametrize("dtype", [d for d in FLOATS if d not in WIDE_FLOATS])
def test_16_bit_averages_half_way_go_to_the_even_one(dtype, n):
    x = np.zeros(1, dtype)
    digits = finfo(x.dtype).nmant
    below = np.arange(2**digits, 2 ** (digits + 1) - 1)
    x = np.repeat(np.stack([below, below + 1], 1), n // 2, axis=1).astype(dtype)
    for scale in (1.0, 2.0**-6, 2.0**-12, 2.0**4):
        scaled = x * np.array(scale, dtype)
        got = cypool.avg_pool(scaled, n, axis=1).astype(np.float64)[:, 0] / scale
        np.testing.assert_array_equal(got, below + below % 2)


@pytest.mark.parametrize("policy", ["propagate", "omit"])
@pytest.mark.parametrize("terms", [2, 3, 5, 64])
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_means_of_floats_are_whole_beyond_the_digits_of_float64(dtype, terms, policy):
    rng = np.random.default_rng(terms)
    n = 500
    whole = rng.integers(2**52, 2**53, (n, 1)) * rng.choice([-1, 1, 1], (n, 1))
    great = np.ldexp(whole.astype(np.float64), rng.integers(0, 16, (n, 1)))
    little = np.ldexp(
        rng.integers(-(2**20), 2**20, (n, terms - 1)) / 2, -rng.integers(0, 20, (n, 1))
    )
    x = np.concatenate([great, little], axis=1)
    means = cypool.avg_pool(x, terms, axis=1, dtype=dtype, nan_policy=policy)
    info = np.iinfo(dtype)
    exact = [round(sum(map(Fraction, row)) / terms) for row in x.tolist()]
    assert means[:, 0].tolist() == [min(max(m, info.min), info.max) for m in exact]


@pytest.mark.parametrize("policy", ["propagate", "omit"])
@pytest.mark.parametrize("dtype", [*BFLOATS, *WIDE_FLOATS])
def test_what_is_just_beyond_halfway_is_rounded_that_way(dtype, policy):
    x = np.array([[157, 1e-38], [157, -1e-38], [-157, 1e-38], [-157, -1e-38], [157, 0], [159, 0]])
    kwargs = {"axis": 1, "dtype": np.int32, "nan_policy": policy}
    y = cypool.avg_pool(x.astype(dtype), 2, **kwargs)
    assert y[:, 0].tolist() == [79, 78, -78, -79, 78, 80]
    y = cypool.avg_pool(x.astype(dtype), 2, divisor_override=-2, **kwargs)
    assert y[:, 0].tolist() == [-79, -78, 78, 79, -78, -80]
