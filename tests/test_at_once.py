"""Rows that go from elements to output at once: what other ways make of them, to the last bit."""

import math
from fractions import Fraction
from importlib import import_module
from itertools import permutations

import numpy as np
import pytest
from arrays import BFLOATS, INTEGERS, WIDE_FLOATS, plain
from numpy.lib.stride_tricks import sliding_window_view
from planned import changed

import cypool
from cypool import kernels

THREE = {"num_threads": 3}


def ways(run, **other_way):
    """Return the results of a call: at once, the other way, in threads, and by each module."""
    changes = [{}, other_way, {"SERIAL": 1}]
    changes += [
        {"Plan": import_module(f"cypool.kernels.{name}").Plan} for name in kernels.INSTRUCTION_SETS
    ]
    found = []
    for change in changes:
        with changed(**change):
            found.append(run())
    return found


def ties(shape, dtype):
    """Return few different numbers, with NaNs and zeros of both signs among floats."""
    rng = np.random.default_rng(2)
    x = rng.integers(0, 7, shape).astype(dtype)
    if x.dtype.kind == "f":
        x -= 3
        x[rng.random(shape) < 0.1] = -0.0
        x[rng.random(shape) < 0.1] = -np.inf
        x[rng.random(shape) < 0.03] = np.nan
    else:
        x[rng.random(shape) < 0.1] = np.iinfo(dtype).min
        x[rng.random(shape) < 0.1] = np.iinfo(dtype).max
    return x


@pytest.mark.parametrize("dtype", [*INTEGERS, *WIDE_FLOATS])
@pytest.mark.parametrize("channels", [130, 256, 513])
@pytest.mark.parametrize(
    ("window", "stride"), [((1, 1), 1), ((2, 1), 1), ((2, 2), 2), ((3, 3), 2), ((5, 5), (3, 1))]
)
def test_indices_of_channels_last_are_numpys(dtype, channels, window, stride):
    x = ties((2, 9, 7, channels), dtype)
    windows = sliding_window_view(x, window, (1, 2))
    windows = windows[:, :: np.ravel(stride)[0], :: np.ravel(stride)[-1]]
    flat = windows.reshape(*windows.shape[:4], -1)
    rows, columns = np.ogrid[: windows.shape[1], : windows.shape[2]]
    corner = rows * np.ravel(stride)[0] * 7 + columns * np.ravel(stride)[-1]
    for pool, first in ((cypool.max_pool, np.argmax), (cypool.min_pool, np.argmin)):
        inside = first(flat, -1)
        where = corner[..., None] + inside // window[1] * 7 + inside % window[1]
        best = np.take_along_axis(flat, inside[..., None], -1)[..., 0]
        for y, indices in ways(
            lambda pool=pool: pool(x, window, stride, axis=(1, 2), return_indices=True, **THREE),
            FIRST_AT_ONCE=0,
        ):
            np.testing.assert_array_equal(indices, where)
            np.testing.assert_array_equal(y, best)


def test_windows_of_one_have_indices_of_their_own():
    x = ties((5, 300), "float32")
    for axis in (0, 1, (0, 1)):
        y, indices = cypool.max_pool(x, 1, axis=axis, return_indices=True)
        where = {0: np.ogrid[:5, :300][0], 1: np.ogrid[:5, :300][1]}.get(axis)
        where = np.arange(1500).reshape(5, 300) if where is None else where
        np.testing.assert_array_equal(indices, np.broadcast_to(where, x.shape))
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
@pytest.mark.parametrize("padding", [1, 2, [(4, 0), (0, 5)]])
def test_indices_where_windows_are_cut_or_empty(dtype, padding):
    x = ties((2, 7, 8, 150), dtype)
    for pool in (cypool.max_pool, cypool.min_pool):
        found = ways(
            lambda pool=pool: pool(x, 3, 2, padding, axis=(1, 2), return_indices=True, **THREE),
            FIRST_AT_ONCE=0,
        )
        for y, indices in found:
            np.testing.assert_array_equal(indices, found[0][1])
            np.testing.assert_array_equal(y, found[0][0])
        assert (found[0][1] == -1).any() == isinstance(padding, list)


@pytest.mark.parametrize("dtype", [*INTEGERS, *WIDE_FLOATS])
@pytest.mark.parametrize("shape", [(9, 48), (2, 7, 103), (3, 5, 4, 1240), (3, 3000)])
@pytest.mark.parametrize(
    ("window", "stride", "padding", "dilation", "ceil_mode"),
    [
        (2, 2, 0, 1, False),
        (3, 2, 1, 1, True),
        (3, 2, 1, (1, 20), False),
        ((1, 8), (1, 2), [(0, 0), (7, 0)], 1, False),
        ((3, 5), 8, [(1, 1), (4, 9)], (2, 3), True),
    ],
)
def test_indices_of_windows_along_rows(dtype, shape, window, stride, padding, dilation, ceil_mode):
    x = ties(shape, dtype)
    x[..., 10:40] = np.finfo(dtype).min if x.dtype.kind == "f" else np.iinfo(dtype).min
    x[..., 50:99] = -np.inf if x.dtype.kind == "f" else np.iinfo(dtype).max
    options = {"dilation": dilation, "ceil_mode": ceil_mode, "return_indices": True, **THREE}
    for pool in (cypool.max_pool, cypool.min_pool):
        found = ways(
            lambda pool=pool: pool(x, window, stride, padding, axis=(-2, -1), **options),
            FIRST_ALONG=0,
        )
        for y, indices in found:
            np.testing.assert_array_equal(indices, found[1][1])
            np.testing.assert_array_equal(y, found[1][0])


def test_indices_of_adaptive_windows_and_of_other_layouts():
    x = ties((3, 11, 10, 140), "float32")
    views = [x, x[:, ::-1], x[:, :, ::2], x[..., 3:], x.astype(">f4")]
    for view in views:
        found = ways(
            lambda view=view: cypool.adaptive_max_pool(
                view, 4, axis=(1, 2), return_indices=True, **THREE
            ),
            FIRST_AT_ONCE=0,
        )
        for y, indices in found:
            np.testing.assert_array_equal(indices, found[0][1])
            np.testing.assert_array_equal(y, found[0][0])


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_indices_that_32_bits_do_not_hold(dtype):
    n = 1 << 16
    x = np.broadcast_to(np.ones(200, dtype), (n, n, 200))  # as large as it says, in 200 elements
    y, indices = cypool.max_pool(x, 2, n - 2, axis=(0, 1), return_indices=True)
    np.testing.assert_array_equal(y, 1)
    first = (n - 2) * (n * np.arange(2)[:, None] + np.arange(2))
    np.testing.assert_array_equal(indices, np.broadcast_to(first[..., None], indices.shape))


@pytest.mark.parametrize("dtype", WIDE_FLOATS)
@pytest.mark.parametrize("pool", [cypool.max_pool, cypool.min_pool])
@pytest.mark.parametrize("value", [-0.0, -np.nan])
def test_windows_of_padding_change_no_sign_in_other_threads(dtype, pool, value):
    x = np.full((2, 40000), value, dtype)
    found = [
        pool(x, 2, 2, ((4, 2),), axis=0, return_indices=True, num_threads=n)[0] for n in (1, 2, 5)
    ]
    assert len({y.tobytes() for y in found}) == 1


def test_no_more_rows_are_taken_at_once_than_there_is_room_for():
    refused = "36 sources at once; at most 27 are possible"
    for axis, s in (((1, 2), 6), ((1, 3), 2)):
        with (
            changed(FIRST_AT_ONCE=100, FIRST_ALONG=100),
            pytest.raises(ValueError, match=refused),
        ):
            cypool.max_pool(np.zeros((1, 12, 12, 99), "f4"), 6, s, axis=axis, return_indices=True)


@pytest.mark.parametrize(
    ("dtype", "shape", "kernel_size", "sources", "most"),
    [
        ("float32", (20, 40, 64), (5, 1), 5, 4),
        ("float32", (20, 40, 3), (4, 2), 4, 2),
        ("float32", (20, 400), (5, 2), 5, 4),
        ("float16", (20, 20, 128), (5, 2), 10, 9),
        ("float16", (20, 40), (5, 2), 5, 4),
        ("uint8", (20, 40), (8, 2), 8, 4),
        ("float64", (130, 40), (65, 2), 65, 64),
    ],
)
def test_no_more_rows_are_added_up_at_once_than_there_is_room_for(
    dtype, shape, kernel_size, sources, most
):
    more = {"ROWS_AT_ONCE": 100, "HALVES_AT_ONCE": 100, "DOUBLES_AT_ONCE": 100}
    refused = f"{sources} sources at once; at most {most} are"
    with changed(**more), pytest.raises(ValueError, match=refused):
        cypool.avg_pool(np.ones(shape, dtype), kernel_size, axis=(0, 1), dtype=dtype)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("shape", [(9, 260), (9, 6, 270), (2, 8, 10, 70)])
@pytest.mark.parametrize("window", [(2, 2), (1, 2), (4, 1), (2, 1), (4, 2), (3, 2), (8, 1)])
def test_narrow_integers_are_rounded_half_to_even(dtype, shape, window):
    axis = (0, 1) if len(shape) < 4 else (1, 2)
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(5)
    x = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    x[rng.random(shape) < 0.2] = limits.max
    x[rng.random(shape) < 0.2] = limits.min
    exact = np.rint(cypool.avg_pool(x.astype(np.float64), window, axis=axis))
    for y in ways(
        lambda: cypool.avg_pool(x, window, axis=axis, dtype=dtype, **THREE),
        ROWS_AT_ONCE=0,
    ):
        np.testing.assert_array_equal(y, exact.astype(dtype))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_means_of_any_four_are_rounded_half_to_even(dtype):
    limits = np.iinfo(dtype)
    middle = (limits.min + limits.max) // 2
    some = [limits.min + i for i in range(5)] + [limits.max - i for i in range(5)]
    some = np.array([*some, *range(middle - 2, middle + 4)], dtype)
    x = np.stack(np.meshgrid(some, some, some, some)).reshape(4, -1)
    total = x.sum(axis=0, dtype=np.int64)
    exact = total // 4 + (total % 4 + total // 4 % 2 > 2)
    for y in ways(
        lambda: cypool.avg_pool(x, (4, 1), dtype=dtype, **THREE),
        ROWS_AT_ONCE=0,
    ):
        np.testing.assert_array_equal(y, exact[None].astype(dtype))


def rounded(x, dtype):
    """Return float64 numbers as 16-bit floats, rounded once and half to even."""
    digits, least = (11, -13) if dtype == "float16" else (8, -125)
    exponent = np.maximum(np.frexp(x)[1], least)
    with np.errstate(over="ignore"):
        return np.ldexp(np.rint(np.ldexp(x, digits - exponent)), exponent - digits).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", *BFLOATS])
@pytest.mark.parametrize("shape", [(9, 260), (33, 7), (40, 29), (3, 62, 62), (2, 8, 10, 70)])
@pytest.mark.parametrize(
    "window", [(2, 2), (1, 2), (4, 1), (2, 1), (4, 2), (3, 2), (1, 3), (3, 3), (7, 1)]
)
def test_means_of_16_bit_floats_are_rounded_once(dtype, shape, window):
    axis = (1, 2) if len(shape) == 4 else (-2, -1)
    rng = np.random.default_rng(6)
    bits = rng.integers(0, 1 << 16, shape, np.uint16)
    if dtype == "float16":
        bits &= np.where(rng.random(shape) < 0.3, 0x83FF, 0xFBFF).astype(np.uint16)
    else:
        bits = bits & 0x8FFF | np.where(rng.random(shape) < 0.5, 0x3800, 0x3000).astype(np.uint16)
    x = bits.view(dtype)
    x[rng.random(shape) < 0.1] = -0.0
    sums = sliding_window_view(x.astype(np.float64), window, axis).sum((-2, -1))
    sums = np.moveaxis(np.moveaxis(sums, axis, (0, 1))[:: window[0], :: window[1]], (0, 1), axis)
    for divisor in (None, 1, 3, -8):
        exact = rounded(sums / (divisor or math.prod(window)), dtype)
        found = ways(
            lambda divisor=divisor: cypool.avg_pool(
                x, window, axis=axis, divisor_override=divisor, **THREE
            ),
            ROWS_AT_ONCE=0,
            HALVES_AT_ONCE=0,
        )
        np.testing.assert_array_equal(plain(found[0]), plain(exact))
        for y in found:
            np.testing.assert_array_equal(y.view(np.uint16), found[0].view(np.uint16))


@pytest.mark.parametrize("dtype", ["float16", *BFLOATS])
@pytest.mark.parametrize("apart", range(7, 20))
@pytest.mark.parametrize("window", [(1, 2), (2, 1), (2, 2), (1, 4), (4, 1), (4, 2), (3, 1)])
def test_16_bit_floats_of_two_magnitudes(dtype, apart, window):
    """Sums that float32 has room for, or just has not, halfway but for their last bits."""
    rng = np.random.default_rng(apart)
    digits, highest = (10, 15) if dtype == "float16" else (7, 127)
    divisors = (4, 8, 2**12, 2**13)
    shape = (24, 48, 33)
    whole = rng.integers(2**digits, 2 ** (digits + 1), shape)
    signs = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    for greatest in (highest, highest - 2, 1, 1 - highest):
        small = rng.random(shape) < 0.4
        # Small ones differ by their last digits, which are left of two of them.
        parts = np.where(small, 2**digits + whole % 2, whole)
        exponents = np.where(small, greatest - apart, greatest) - digits
        x = (signs * np.ldexp(parts, exponents)).astype(dtype)
        x[rng.random(shape) < 0.1] = -0.0
        for axis in ((0, 1), (1, 2)):
            sums = sliding_window_view(x.astype(np.float64), window, axis).sum((-2, -1))
            sums = np.moveaxis(sums, axis, (0, 1))[:: window[0], :: window[1]]
            sums = np.moveaxis(sums, (0, 1), axis)
            exact = [plain(rounded(sums / divisor, dtype)) for divisor in divisors]
            for means in ways(
                lambda x=x, axis=axis: [
                    cypool.avg_pool(x, window, axis=axis, divisor_override=divisor, **THREE)
                    for divisor in divisors
                ],
                ROWS_AT_ONCE=0,
            ):
                np.testing.assert_array_equal([plain(y) for y in means], exact)


@pytest.mark.parametrize("dtype", ["float16", *BFLOATS])
@pytest.mark.parametrize(
    "shape", [(64, 260), (300, 17), (6, 40, 62), (2, 8, 10, 70), (2, 8, 9, 601)]
)
def test_16_bit_floats_of_all_kinds(dtype, shape):
    """Infinite ones and NaN, subnormal ones, and sums that float64 has no room for."""
    axis = (1, 2) if len(shape) == 4 else (-2, -1)
    x = np.random.default_rng(7).integers(0, 1 << 16, shape, np.uint16).view(dtype)
    for window, kwargs in (
        (2, {}),
        ((3, 2), {}),
        (3, {"padding": 1, "stride": 2}),
        (3, {"padding": 1, "stride": 2, "count_include_pad": True}),
        (2, {"ceil_mode": True}),
    ):
        found = ways(
            lambda window=window, kwargs=kwargs: cypool.avg_pool(
                x, window, axis=axis, **kwargs, **THREE
            ),
            ROWS_AT_ONCE=0,
            HALVES_AT_ONCE=0,
            SHORT_HALVES=10**9,
        )
        for y in found:
            np.testing.assert_array_equal(y.view(np.uint16), found[0].view(np.uint16))
        assert not np.isfinite(found[0].astype(np.float64)).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", *BFLOATS, "float32"])
@pytest.mark.parametrize("width", [*range(5, 42), 59, 60, 61, 62, 201])
def test_short_rows_of_pairs_are_laid_end_to_end(dtype, width):
    x = np.random.default_rng(8).integers(0, 100, (3, 41, width)).astype(dtype)
    for y in ways(
        lambda: cypool.avg_pool(x, 2, axis=(1, 2), dtype=dtype, **THREE),
        ROWS_AT_ONCE=0,
        FEWEST_PAIRS=10**9,
    ):
        parts = [
            x[:, i:40:2, j : width // 2 * 2 : 2].astype(np.float64) for i, j in np.ndindex(2, 2)
        ]
        exact = sum(parts) / 4
        exact = np.rint(exact) if np.dtype(dtype).kind in "iu" else exact
        np.testing.assert_array_equal(y, exact.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float16", *BFLOATS])
@pytest.mark.parametrize("channels", [64, 131, 256, 257, 600])
@pytest.mark.parametrize("pooled", [(9, 8), (2, 70), (5, 1), (3, 11)])
def test_windows_of_channels_that_share_rows(dtype, channels, pooled):
    rng = np.random.default_rng(9)
    shape = (2, *pooled, channels)
    x = (rng.standard_normal(shape) * np.exp(rng.normal(0, 2, shape))).astype(dtype)
    x[rng.random(shape) < 0.3] = 0
    x[rng.random(shape) < 0.1] = -0.0
    x[0, :, :, : channels // 2][rng.random((*pooled, channels // 2)) < 1e-3] = np.inf
    for window, stride, padding in (
        (3, 1, 1),
        (3, 2, 1),
        (3, 1, [(2, 2), (1, 4)]),
        ((1, 3), 1, (0, 1)),
        ((2, 3), 1, 1),
        ((2, 3), (2, 1), 2),
    ):
        for kwargs in ({}, {"count_include_pad": True}, {"divisor_override": -4}):
            found = ways(
                lambda w=window, s=stride, p=padding, kwargs=kwargs: cypool.avg_pool(
                    x, w, s, p, axis=(1, 2), **kwargs, **THREE
                ),
                margin_of=lambda doubt: 0,
            )
            for y in found:
                np.testing.assert_array_equal(plain(y).view("u1"), plain(found[0]).view("u1"))


def assert_rounded_once(shape, axis, window, pool, options):
    """Compare uneven numbers, added up in every way, with each other and with fractions."""
    rng = np.random.default_rng(13)
    x = rng.standard_normal(shape)
    x[0] = np.exp(8 * x[0])
    x[0][rng.random(shape[1:]) < 0.01] *= -1e30
    some = x[1].reshape(-1)
    for i, kind in enumerate(
        (0.0, -0.0, 1e308, -1e308, 5e-324, 3e-310, 1e-250, np.inf, -np.inf, np.nan, 1 / 3)
    ):
        some[60 * i : 60 * i + 30][rng.random(30)[: some[60 * i : 60 * i + 30].size] < 0.5] = kind
    k, s, padding = window
    padding = padding if isinstance(padding, int) else [padding] * (1 if axis == 1 else len(axis))
    found = ways(
        lambda: pool(x, k, s, padding, axis=axis, **options, **THREE),
        DOUBLES_AT_ONCE=0,
        SHORTEST_RUN=10**9,
    )
    for y in found[1:]:
        np.testing.assert_array_equal(plain(y), plain(found[0]))
    if padding == 0:
        axes = (axis,) if isinstance(axis, int) else axis
        windows = sliding_window_view(x[0], [k] * len(axes), tuple(a - 1 for a in axes))
        windows = windows[tuple(slice(None, None, s if a in axes else 1) for a in range(1, x.ndim))]
        divisor = options.get("divisor_override", k ** len(axes))
        for index in np.ndindex(found[0][0].shape):
            exact = sum(map(Fraction, windows[index].ravel().tolist()))
            exact /= divisor if pool is cypool.avg_pool else 1
            assert found[0][0][index] == float(exact)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((2, 9, 530), (1, 2)),
        ((3, 14, 14), (1, 2)),
        ((2, 120, 120), (1, 2)),
        ((2, 7, 6, 40), (1, 2)),
        ((2, 12, 90, 3), (1, 2)),
        ((3, 5, 6, 7, 33), (1, 2, 3)),
        ((3, 5, 6, 35), (1, 2, 3)),
        ((2, 700), 1),
    ],
)
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 3, 0), (3, 2, 1), (3, 1, 1), (2, 1, (1, 0))])
@pytest.mark.parametrize(
    ("pool", "options"),
    [
        (cypool.avg_pool, {}),
        (cypool.avg_pool, {"count_include_pad": True}),
        (cypool.avg_pool, {"divisor_override": -49}),
        (cypool.sum_pool, {}),
    ],
)
def test_float64_is_rounded_once(shape, axis, window, pool, options):
    assert_rounded_once(shape, axis, window, pool, options)


@pytest.mark.parametrize(
    ("shape", "axis", "window"),
    [
        ((2, 14, 14, 40), (1, 2), (7, 7, 0)),  # 49 rows each
        ((2, 16, 16, 40), (1, 2), (8, 8, 0)),
        ((2, 18, 18, 40), (1, 2), (9, 9, 0)),
        ((2, 15, 15, 40), (1, 2), (7, 4, 2)),
        ((2, 130, 200), 1, (64, 64, 0)),
        ((2, 130, 200), 1, (65, 65, 0)),
        ((2, 90, 300), 1, (16, 1, 0)),
        ((2, 90, 300), 1, (17, 1, 8)),
        ((2, 90, 300), 1, (40, 17, 0)),
        ((2, 8, 8, 8, 33), (1, 2, 3), (4, 4, 0)),
    ],
)
@pytest.mark.parametrize("pool", [cypool.avg_pool, cypool.sum_pool])
def test_float64_of_many_rows_is_rounded_once(shape, axis, window, pool):
    assert_rounded_once(shape, axis, window, pool, {})


@pytest.mark.parametrize(
    ("length", "window"),
    [
        *(
            (k, (k, k, 0))
            for k in (4, 7, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 196)
        ),
        *((700, (k, k, 0)) for k in (16, 25, 49, 350)),
        (700, (49, 25, 0)),
        (700, (5, 17, 0)),
        (1000, (16, 31, 0)),
    ],
)
@pytest.mark.parametrize(
    ("pool", "options"),
    [(cypool.avg_pool, {}), (cypool.avg_pool, {"divisor_override": -7}), (cypool.sum_pool, {})],
)
def test_float64_runs_are_rounded_once(length, window, pool, options):
    assert_rounded_once((2, 37, length), (2,), window, pool, options)


def test_means_of_float64_runs_that_cancel_or_are_nothing_but_zeros():
    rng = np.random.default_rng(15)
    x = rng.choice([-1.0, 1.0], (400, 50))
    x[::7] = 0
    x[::11] *= 1e-300
    x[3::50, 0], x[3::50, 1] = 1e300, -1e300
    exact = [float(sum(map(Fraction, row)) / 50) for row in x]
    for y in ways(lambda: cypool.global_avg_pool(x, axis=1, **THREE), SHORTEST_RUN=10**9):
        np.testing.assert_array_equal(y, exact)


@pytest.mark.parametrize("length", [1025, 1027, 2051, 4100, 70000])
def test_long_float64_runs_are_rounded_once_wherever_they_cancel(length):
    rng = np.random.default_rng(16)
    x = rng.standard_normal((4, length))
    x[1, [0, length - 1]] = 1e200, -1e200
    x[2, [length - 2, length - 1]] = 1e200, -1e200
    x[3] = np.resize([1.0, -1.0], length)
    exact = [float(sum(map(Fraction, row))) for row in x]
    for y in ways(lambda: cypool.global_sum_pool(x, axis=1, **THREE)):
        np.testing.assert_array_equal(y, exact)
    x[:, [5, length - 1]] = 1.7e308  # the sum overflows, but not the mean
    exact = [float(sum(map(Fraction, row)) / length) for row in x]
    for y in ways(lambda: cypool.global_avg_pool(x, axis=1, **THREE)):
        np.testing.assert_array_equal(y, exact)
    for special in (np.inf, -np.inf, np.nan):
        x[:, [5, length - 1]] = special
        for y in ways(lambda: cypool.global_avg_pool(x, axis=1, **THREE)):
            np.testing.assert_array_equal(y, [special] * 4)


@pytest.mark.parametrize("channels", [2, 4, 8, 15, 16])
@pytest.mark.parametrize("length", [300, 1024])
def test_float64_of_channels_is_rounded_once_wherever_it_cancels(channels, length):
    """Cells of several elements are no runs, though windows of them are as long."""
    v = np.where(np.arange(length) % 2, -1e200, 1e200)
    v[6:10] = 1e200, 3, -1e200, 0
    great = np.full(length, 1e307)
    great[::3] /= 3
    for column in (v, great):
        exact = sum(map(Fraction, column)) / length
        x = np.repeat(column[:, None], channels, 1)
        for y in ways(lambda x=x: cypool.global_avg_pool(x, axis=0, **THREE)):
            np.testing.assert_array_equal(y, [float(exact)] * channels)
        for y in ways(lambda x=x: cypool.global_avg_pool(x.T.copy("F"), axis=1, **THREE)):
            np.testing.assert_array_equal(y, [float(exact)] * channels)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", *BFLOATS, "float32", "float64"])
@pytest.mark.parametrize("length", [7, 49, 196, 3000])
def test_large_inputs_of_runs_are_pooled_as_small_ones(dtype, length):
    # Of large inputs, what comes after a run is fetched.
    rows = -(-(2**20) // (length * np.dtype(dtype).itemsize))
    kind = "float32" if dtype == "bfloat16" else dtype
    x = np.resize(ties((100, 1009), kind), (rows, length)).astype(dtype)
    assert x.nbytes >= 2**20 > x[:-1].nbytes
    for pool in (cypool.global_max_pool, cypool.global_avg_pool):
        with changed(LARGE_INPUT=2**20):
            y = pool(x, axis=1)
        small = [pool(part, axis=1) for part in (x[:-1], x[-1:])]
        np.testing.assert_array_equal(plain(y), plain(np.concatenate(small)))


def test_float64_next_to_halfway_is_the_same_in_all_threads():
    """Items that are doubtful go another way; those after them do not, whoever makes them."""
    rng = np.random.default_rng(14)
    n, rows, divisor = 3000, 40, 49
    halfway = (rng.integers(2**53, 2**54, (rows, n)) | 1).astype(object) * divisor
    above = halfway.astype(np.float64)
    below = (halfway - np.frompyfunc(int, 1, 1)(above)).astype(np.float64)
    beside = rng.uniform(-1, 1, (rows, n)) * 2.0**-46
    x = np.stack([above, below, beside], 1)
    x[::4, 0, ::50] = np.inf
    x = x.reshape(3 * rows, n)
    found = [
        cypool.avg_pool(x, 3, axis=0, divisor_override=divisor, num_threads=threads)
        for threads in (1, 2, 3, 7)
    ]
    for y in found[1:]:
        np.testing.assert_array_equal(y, found[0])


@pytest.mark.parametrize("cell", [(), (3,), (600,)])
def test_means_of_pairs_that_cancel(cell):
    """What is left is so many powers of 2 below what cancels: in doubles beside it, or lost."""
    rng = np.random.default_rng(11)
    shape = (64, 120 if cell == () else 5, *cell)
    powers = 2.0 ** np.arange(64).reshape(64, *[1] * (len(shape) - 1))
    great = (rng.uniform(1, 2, shape) * powers).astype(np.float32)
    one, other = rng.uniform(1, 2, (2, *shape)).astype(np.float32)
    x = np.stack([np.stack([great, one], 2), np.stack([other, -great], 2)], 1)
    x = x.reshape(2 * shape[0], 2 * shape[1], *cell)
    exact = (one.astype(np.float64) + other) / 4
    for y in ways(lambda: cypool.avg_pool(x, 2, axis=(0, 1)), margin_of=lambda doubt: 0):
        np.testing.assert_array_equal(y, exact.astype(np.float32))


def test_sums_of_shared_rows_that_cancel():
    """A window here and there is near 0 against its elements, or even is rounded to 0."""
    rng = np.random.default_rng(10)
    x = rng.standard_normal((3, 12, 40, 64), np.float32)
    x[1, 3:6, 10:13] = 0
    x[1, 4, 11], x[1, 5, 11], x[1, 5, 12] = 1e20, -1e20, 1e-20
    x[2, :, 5:8] *= 1e12
    x[2, 1::2, 5:8] = -x[2, ::2, 5:8]
    for y in ways(
        lambda: cypool.avg_pool(x, 3, 1, axis=(1, 2), **THREE),
        margin_of=lambda doubt: 0,
    ):
        assert y[1, 3, 10].tolist() == [np.float32(1e-20 / 9)] * 64
        windows = sliding_window_view(x[:, :, :12].astype(object), (3, 3), (1, 2))
        for index in np.ndindex(3, 10, 10):
            for channel in (0, 63):
                exact = math.fsum(windows[(*index, channel)].ravel()) / 9
                assert abs(y[(*index, channel)] - exact) <= np.spacing(np.float32(abs(exact)))


@pytest.mark.parametrize("shape", [(2, 12, 66), (3, 9, 7), (2, 9, 10, 70), (2, 6, 6, 6, 33)])
@pytest.mark.parametrize("window", [2, (1, 2), (4, 1), 3])
def test_norms_of_order_2_square_what_they_add_up(shape, window):
    rng = np.random.default_rng(11)
    x = rng.integers(-1000, 1000, shape).astype(np.float32)
    x[0] *= 2.0**100
    x[1, :3] = np.where(rng.random(x[1, :3].shape) < 0.5, 2.0**-149, -0.0)
    x[1, 4][rng.random(x[1, 4].shape) < 0.05] = np.inf
    x[1, 5][rng.random(x[1, 5].shape) < 0.05] = np.nan
    axis = (1, 2) if len(shape) > 3 else (-2, -1)
    pair = np.broadcast_to(window, 2)
    windows = sliding_window_view(x.astype(np.float64), pair, axis)
    exact = np.sqrt((windows**2).sum((-2, -1)))
    exact = np.moveaxis(np.moveaxis(exact, axis, (0, 1))[:: pair[0], :: pair[1]], (0, 1), axis)
    for y in ways(lambda: cypool.lp_pool(x, window, axis=axis, **THREE), ROWS_AT_ONCE=0):
        np.testing.assert_array_equal(y, exact.astype(np.float32))
    # Others than float32 take the way of every order.
    for y in ways(lambda: cypool.lp_pool(x, 3, 2, 1, axis=axis, **THREE)):
        narrow = cypool.lp_pool(x.astype(np.float64), 3, 2, 1, axis=axis).astype(np.float32)
        np.testing.assert_array_equal(y, narrow)


@pytest.mark.parametrize("dtype", ["float16", *BFLOATS])
def test_every_16_bit_float_has_its_place_in_the_order(dtype):
    # Every pattern of bits, of one sign and the other, beside the number that it is not beyond.
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    value = x.astype(np.float32)
    numbers = x[~np.isnan(value)]
    for pool, best, worst in (
        (cypool.max_pool, np.maximum, -np.inf),
        (cypool.min_pool, np.minimum, np.inf),
    ):
        same = pool(x, 1)
        np.testing.assert_array_equal(
            same.view(np.uint16)[~np.isnan(value)], numbers.view(np.uint16)
        )
        assert np.isnan(same[np.isnan(value)].astype(np.float32)).all()
        for shift in (1, 257, 32768):
            other = np.roll(x, shift)
            for pairs, axis in ((np.stack([x, other]), 0), (np.stack([x, other], 1), 1)):
                y = pool(np.ascontiguousarray(pairs), 2, axis=axis).astype(np.float32).ravel()
                np.testing.assert_array_equal(y, best(value, other.astype(np.float32)))
        # Padding is the key of an infinity, which is no more than that.
        y = pool(x[:1], 1, 1, 1).astype(np.float32)
        np.testing.assert_array_equal(y, [worst, value[0], worst])
        assert np.isnan(pool(x, x.size).astype(np.float32)).all()
        assert pool(numbers, numbers.size).astype(np.float32) == -worst


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("channels", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("shape", [(6, 9), (5, 42), (6, 2), (6, 7), (2, 7, 903), (3, 2, 6, 4100)])
@pytest.mark.parametrize("window", [(2, 2), (1, 2), (3, 2)])
def test_means_of_pairs_of_cells(dtype, channels, shape, window):
    rng = np.random.default_rng(6)
    x = rng.standard_normal((*shape, channels)) * 300
    if np.dtype(dtype).kind == "f":
        x *= np.exp2(rng.integers(-40, 41, x.shape))
        x[rng.random(x.shape) < 0.001] = np.nan
    x = x.astype(dtype)
    axis = (-3, -2)
    kind = dtype if np.dtype(dtype).kind in "iu" else None
    found = ways(
        lambda: cypool.avg_pool(x, window, axis=axis, dtype=kind, **THREE),
        ROWS_AT_ONCE=0,
    )
    spread = np.zeros((*found[0].shape[:-1], 2 * channels), found[0].dtype)[..., ::2]
    cypool.avg_pool(x, window, axis=axis, dtype=kind, out=spread)
    for y in [*found, spread]:
        np.testing.assert_array_equal(plain(y), plain(found[0]))
    x = x[..., : x.shape[-3] // window[0] * window[0], : x.shape[-2] // 2 * 2, :].astype(np.float64)
    tiles = x.reshape(*x.shape[:-3], -1, window[0], x.shape[-2] // 2, 2, channels)
    exact = np.nanmean(tiles, (-4, -2)) if kind else tiles.mean((-4, -2))
    if kind:
        np.testing.assert_array_equal(found[0], np.rint(exact))
    else:
        size = np.abs(tiles).mean((-4, -2))
        # What NumPy rounds on the way counts, too.
        most = 2.0 ** (-23 if dtype == "float32" else -51) * np.abs(exact) + 2.0**-50 * size
        assert ((np.abs(found[0] - exact) <= most) | np.isnan(size)).all()


@pytest.mark.parametrize("dtype", ["float32", "float16", *BFLOATS])
@pytest.mark.parametrize("width", [43, 64, 97, 1500])
@pytest.mark.parametrize(
    ("window", "padding"),
    [(2, 0), ((1, 3), 0), ((3, 5), [(0, 0), (2, 2)]), ((1, 40), 0), ((3, 2), 1)],
)
def test_gradients_of_windows_side_by_side(dtype, width, window, padding):
    shape = (3, 7, width)
    options = {"axis": (1, 2), "padding": padding, "ceil_mode": True, "divisor_override": 3}
    y = cypool.avg_pool(np.zeros(shape, dtype), window, **options)
    rng = np.random.default_rng(7)
    grad = (rng.standard_normal(y.shape) * np.exp2(rng.integers(-9, 9, y.shape))).astype(dtype)
    grad.ravel()[::17] = [np.nan, np.inf, -np.inf, -0.0][width % 4]
    found = ways(
        lambda: cypool.avg_pool_backward(grad, shape, window, **options, **THREE),
        ROWS_AT_ONCE=0,
        HALVES_AT_ONCE=0,
    )
    spread = np.zeros((3, 7, 2 * width), dtype)[..., ::2]
    cypool.avg_pool_backward(grad, shape, window, **options, out=spread)
    for result in [*found, spread]:
        np.testing.assert_array_equal(plain(result), plain(found[0]))
    # What each position gets is what its window has, or nothing.
    s = np.broadcast_to(window, 2)
    before = [0, 0] if padding == 0 else [1, 1] if padding == 1 else [0, 2]
    rows, columns = ((np.arange(n) + b) // w for n, b, w in zip(shape[1:], before, s, strict=True))
    there = (rows < y.shape[1])[:, None] & (columns < y.shape[2])
    own = grad[:, np.minimum(rows, y.shape[1] - 1)][:, :, np.minimum(columns, y.shape[2] - 1)]
    third = cypool.avg_pool(own, 1, axis=(), divisor_override=3)
    np.testing.assert_array_equal(
        plain(found[0]), plain(np.where(there, third, third.dtype.type(0)))
    )


@pytest.mark.parametrize("channels", [None, 3, 64, 159, 161])
@pytest.mark.parametrize("pooled", [(7, 55), (9, 64), (12, 7), (4, 800)])
@pytest.mark.parametrize(
    ("window", "stride", "padding"),
    [
        (3, 2, 0),
        (3, 2, [(0, 0), (1, 3)]),
        ((2, 3), (2, 2), 0),
        ((2, 5), (1, 2), [(1, 0), (2, 2)]),
        ((1, 6), (1, 2), [(0, 0), (5, 5)]),
        ((4, 4), (2, 3), [(1, 1), (0, 2)]),
        ((1, 7), (1, 3), 0),
    ],
)
def test_gradients_of_windows_that_overlap(channels, pooled, window, stride, padding):
    """Also with a term here and there that is lost beside another, or that makes all of it NaN."""
    shape = (2, *pooled) if channels is None else (2, *pooled, channels)
    options = {"axis": (1, 2), "padding": padding, "ceil_mode": True, "divisor_override": 9}
    y = cypool.avg_pool(np.zeros(shape, np.float32), window, stride, **options)
    rng = np.random.default_rng(8)
    grad = rng.standard_normal(y.shape, np.float32)
    few = rng.random((2, *grad.shape)) < 2e-3
    for found in range(2):
        grad[few[0]] = [np.nan, 3e20][found]
        grad[few[1]] = [-np.inf, -3e20][found]
        results = ways(
            lambda: cypool.avg_pool_backward(grad, shape, window, stride, **options, **THREE),
            ROWS_AT_ONCE=0,
        )
        gapped = np.zeros((*shape[:-1], 2 * shape[-1]), np.float32)[..., ::2]
        cypool.avg_pool_backward(grad, shape, window, stride, **options, out=gapped)
        for result in [*results, gapped]:
            np.testing.assert_array_equal(result, results[0])
    # Windows are laid over their positions one tap at a time, far from the ends of what is exact.
    grad = rng.integers(-99, 100, y.shape).astype(np.float32)
    (rows, columns), (down, along) = np.broadcast_to(window, 2), np.broadcast_to(stride, 2)
    before = [0, 0] if padding == 0 else [sides[0] for sides in padding]
    size = (before[0] + shape[1] + rows * down * 9, before[1] + shape[2] + columns * along * 9)
    laid = np.zeros((2, *size, *shape[3:]))
    for i, j in np.ndindex(rows, columns):
        laid[:, i : i + down * y.shape[1] : down, j : j + along * y.shape[2] : along] += grad
    laid = laid[:, before[0] : before[0] + shape[1], before[1] : before[1] + shape[2]]
    expected = (laid / 9).astype(np.float32)
    result = cypool.avg_pool_backward(grad, shape, window, stride, **options)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", ["float32", "float16", *BFLOATS])
@pytest.mark.parametrize("planes", [2, 3, 4])
def test_gradients_of_windows_that_overlap_in_one_axis_and_abut_in_another(dtype, planes):
    shape, window, stride = (planes + 1, 6, 160), (planes, 3, 4), (1, 1, 4)
    grad = np.random.default_rng(7).integers(-9, 10, (2, 4, 40)).astype(dtype)
    expected = np.zeros(shape)
    for i, j, k in np.ndindex(grad.shape):
        expected[i : i + planes, j : j + 3, 4 * k : 4 * k + 4] += float(grad[i, j, k])
    for y in ways(
        lambda: cypool.avg_pool_backward(
            grad, shape, window, stride, axis=(0, 1, 2), divisor_override=1, **THREE
        ),
        ROWS_AT_ONCE=0,
    ):
        np.testing.assert_array_equal(y.astype(np.float64), expected)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "float16", *BFLOATS])
@pytest.mark.parametrize(
    ("length", "result"), [(20, 7), (7, 20), (33, 2), (31, 2), (9, 9), (50, 3)]
)
def test_adaptive_windows_that_slide(dtype, length, result):
    x = (
        ties((40, 9, length), dtype)
        if dtype != "bfloat16"
        else ties((40, 9, length), "float32").astype(dtype)
    )
    starts = np.arange(result) * length // result
    stops = -(-(np.arange(result) + 1) * length // result)
    for adaptive, pool in (
        (cypool.adaptive_max_pool, cypool.global_max_pool),
        (cypool.adaptive_avg_pool, cypool.global_avg_pool),
    ):
        expected = np.stack(
            [pool(x[..., a:b], axis=2) for a, b in zip(starts, stops, strict=True)], -1
        )
        for y in ways(lambda adaptive=adaptive: adaptive(x, result, axis=2, **THREE)):
            np.testing.assert_array_equal(plain(y), plain(expected))


@pytest.mark.parametrize("order", [*permutations(range(3))])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32", "float64"])
def test_the_first_of_equal_elements_is_so_in_c_order_wherever_it_lies(dtype, order):
    values = np.random.default_rng(8).random((6, 9, 4000)) < 0.5
    for turn in range(3):  # the long axis, and which are pooled
        x = np.moveaxis(values, 2, turn).astype(dtype)
        laid = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
        pooled = [a for a in range(3) if a != turn]
        for axis in (pooled, [turn, pooled[0]], [turn, pooled[1]]):
            for k, s in ((2, 2), (3, 2), (3, 1)):
                given = {"axis": axis, "return_indices": True}
                for y, expected in zip(
                    cypool.max_pool(laid, k, s, **given),
                    cypool.max_pool(x, k, s, **given),
                    strict=True,
                ):
                    np.testing.assert_array_equal(y, expected)
        least, where = cypool.global_min_pool(laid, axis=pooled, return_indices=True)
        flat = np.moveaxis(x, turn, 0).reshape(x.shape[turn], -1)
        np.testing.assert_array_equal(least, flat.min(1))
        np.testing.assert_array_equal(where, flat.argmin(1))


@pytest.mark.parametrize("dtype", ["uint8", "float16", *BFLOATS, "float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "padding"),
    [
        ((7, 150), 0),
        ((24, 176), 0),
        ((55, 55), 1),
        ((1, 7000), 0),
        ((5, 9000), 1),
        ((75, 90, 3), 0),
        ((4, 3000, 3), 0),
        ((20, 28, 64), 0),
        ((4, 6, 700), 1),
    ],
)
@pytest.mark.parametrize("window", [(2, 2), (3, 2), (3, 1)])
def test_large_inputs_are_pooled_as_small_ones(dtype, shape, padding, window):
    # Only large ones are fetched before, and taken in pieces.
    planes = -(-9 * 2**17 // (math.prod(shape) * np.dtype(dtype).itemsize))
    kind = "float32" if dtype == "bfloat16" else dtype
    x = np.resize(ties((100, 1009), kind), (planes, *shape))
    if (
        x.dtype.kind == "f"
    ):  # what is not finite is not averaged at once: there is some in an eighth
        rest = x[: -planes // 8]
        rest[~np.isfinite(rest)] = 9
    x = x.astype(dtype)
    memory = np.zeros(x.nbytes + 1, np.uint8)
    apart = memory[1:].view(dtype).reshape(x.shape)  # aligned for nothing
    apart[...] = x
    k, s = window
    k = min(k, *shape[:2])
    norms = [cypool.lp_pool] if dtype == "float32" else []
    for pool in (cypool.max_pool, cypool.avg_pool, *norms):
        given = {"axis": (1, 2), "padding": padding}
        with changed(LARGE_INPUT=2**20):
            y, other = (pool(large, k, s, **given) for large in (x, apart))
        eighth = -(-planes // 8)
        small = [pool(x[i : i + eighth], k, s, **given) for i in range(0, planes, eighth)]
        np.testing.assert_array_equal(plain(y), plain(np.concatenate(small)))
        np.testing.assert_array_equal(plain(other), plain(y))
    with changed(LARGE_INPUT=2**20):
        found = cypool.max_pool(x, k, s, **given, return_indices=True)
    small = [
        cypool.max_pool(x[i : i + eighth], k, s, **given, return_indices=True)
        for i in range(0, planes, eighth)
    ]
    for y, parts in zip(found, zip(*small, strict=True), strict=True):
        np.testing.assert_array_equal(plain(y), plain(np.concatenate(parts)))


@pytest.mark.parametrize("dtype", ["uint8", "float16", *BFLOATS, "float32", "float64"])
@pytest.mark.parametrize("length", [4001, 40000])
@pytest.mark.parametrize("window", [(4, 4, 0), (3, 2, 1), (5, 3, 2), (3, 1, 1), (16, 5, 0)])
def test_large_signals_are_pooled_as_small_ones(dtype, length, window):
    # Only of large ones is each row taken in pieces.
    k, s, padding = window
    signals = -(-(2**20) // (length * np.dtype(dtype).itemsize))
    kind = "float32" if dtype == "bfloat16" else dtype
    x = np.resize(ties((100, 1009), kind), (signals, length)).astype(dtype)
    assert x.nbytes >= 2**20 > x[:-1].nbytes
    for pool in (cypool.max_pool, cypool.avg_pool):
        with changed(LARGE_INPUT=2**20):
            y = pool(x, k, s, padding, axis=1)
        small = [pool(part, k, s, padding, axis=1) for part in (x[:-1], x[-1:])]
        np.testing.assert_array_equal(plain(y), plain(np.concatenate(small)))


@pytest.mark.parametrize("columns", [128, 1000])
@pytest.mark.parametrize(
    ("window", "stride"),
    [((64, 1), (64, 1)), ((64, 2), (64, 2)), ((28, 2), (28, 2)), ((40, 3), (40, 2))],
)
def test_many_rows_of_large_planes_are_added_up_as_those_of_small_ones(window, stride, columns):
    k = window[0]
    x = np.random.default_rng(5).standard_normal((-(-9 * 2**15 // (columns * k)) * k, columns))
    assert x.nbytes >= 2**21
    with changed(LARGE_INPUT=2**21):
        y = cypool.avg_pool(x, window, stride, axis=(0, 1))
    parts = np.split(x, range(4 * k, len(x), 4 * k))
    small = [cypool.avg_pool(part, window, stride, axis=(0, 1)) for part in parts]
    np.testing.assert_array_equal(y, np.concatenate(small))


@pytest.mark.parametrize("dtype", ["uint8", "float16", *BFLOATS, "float32", "float64"])
@pytest.mark.parametrize("channels", [300, 1500])
def test_large_images_are_pooled_adaptively_as_small_ones(dtype, channels):
    # Windows of channels are folded one by one, and long ones of large images in pieces.
    images = -(-(2**20) // (9 * 11 * channels * np.dtype(dtype).itemsize))
    kind = "float32" if dtype == "bfloat16" else dtype
    x = np.resize(ties((100, 1009), kind), (images, 9, 11, channels)).astype(dtype)
    assert x.nbytes >= 2**20 > x[:-1].nbytes
    for pool in (cypool.adaptive_max_pool, cypool.adaptive_avg_pool):
        with changed(LARGE_INPUT=2**20):
            y = pool(x, (4, 5), axis=(1, 2))
        small = [pool(part, (4, 5), axis=(1, 2)) for part in (x[:-1], x[-1:])]
        np.testing.assert_array_equal(plain(y), plain(np.concatenate(small)))


@pytest.mark.parametrize("data", ["normal", "wide", "cancelling", "sparse", "not numbers"])
@pytest.mark.parametrize("channels", [40, 300])
@pytest.mark.parametrize("seed", range(6))
def test_gradients_of_unlike_windows_are_multiplied_row_by_row(data, channels, seed):
    rng = np.random.default_rng(seed)
    lengths = tuple(int(n) for n in rng.integers(5, 14, 2))
    shape = (3, *lengths, channels)
    if seed % 2:
        sizes = tuple(int(n) for n in rng.integers(2, 9, 2))
        windows = (3, *sizes, channels)

        def run(grad, out, **threads):
            return cypool.adaptive_avg_pool_backward(grad, shape, axis=(1, 2), out=out, **threads)

    else:
        pooling = {
            "kernel_size": (3, 2),
            "stride": (1 + seed // 2, 1),
            "padding": 1,
            "axis": (1, 2),
        }
        pooling["count_include_pad"] = False
        windows = cypool.avg_pool(np.zeros(shape, np.float32), **pooling).shape

        def run(grad, out, **threads):
            return cypool.avg_pool_backward(grad, shape, out=out, **pooling, **threads)

    grad = rng.standard_normal(windows)
    if data == "wide":
        grad *= np.exp(rng.normal(0, 12, windows))
    elif data == "cancelling":
        grad[:, :, 1::2] = -grad[:, :, : grad[:, :, 1::2].shape[2] * 2 : 2]
        grad *= 1 + 1e-7 * rng.standard_normal(windows)
    elif data == "sparse":
        grad[rng.random(windows) < 0.7] = 0
    elif data == "not numbers":
        grad[rng.random(windows) < 0.02] = np.nan
        grad[rng.random(windows) < 0.02] = -np.inf
        grad[rng.random(windows) < 0.02] = 3e38
    grad = grad.astype(np.float32)
    # With no margin nothing is made at once; and what is, is never given up.
    results = ways(
        lambda: run(grad, np.full(shape, 7, np.float32)),
        margin_of=lambda doubt: 0,
        PATIENCE=math.inf,
    )
    assert all(result.tobytes() == results[0].tobytes() for result in results)
