"""The picture that ships with cypool: a harbour city at night, drawn by code.

It is made for comparing poolings.  Stars, lit windows, masts and wires are one or two pixels
wide: max pooling keeps them bright, average pooling dims them.  The sky, the halo of the moon
and the hills are smooth: there both give the same picture.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["harbour"]

Floats = NDArray[np.float64]

HEIGHT, WIDTH = 700, 1024
HORIZON = 452
QUAY = 632
MOON = (122.0, 142.0)


def harbour() -> NDArray[np.uint8]:
    """Return the built-in scene: 700 rows, 1024 columns, grey, the same on every call."""
    canvas = np.zeros((HEIGHT, WIDTH))
    _draw_sky(canvas)
    _draw_stars(canvas)
    _draw_moon(canvas)
    _draw_hills(canvas)
    _draw_city(canvas)
    _draw_bridge(canvas)
    _draw_sea(canvas)
    _draw_ship(canvas, column=322.0, waterline=566.0)
    _draw_boat(canvas, column=640.0, waterline=528.0)
    _draw_quay(canvas)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


# Numbers that look random ------------------------------------------------------------------


def _noise(seed: int, *coordinates: Any) -> Floats:
    """Return a number in [0, 1) for every integer coordinate.

    A hash (the finaliser of splitmix64) rather than a generator: the scene must not change with
    the version of NumPy, and no part of it may depend on the order of drawing.
    """
    with np.errstate(over="ignore"):
        value: Any = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        for coordinate in coordinates:
            value = (value ^ np.asarray(coordinate).astype(np.uint64)) + np.uint64(
                0x9E3779B97F4A7C15
            )
            value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            value = value ^ (value >> np.uint64(31))
    result: Floats = np.asarray(value >> np.uint64(11), dtype=np.float64) / 2.0**53
    return result


def _smooth_noise(seed: int, rows: Floats, columns: Floats) -> Floats:
    """Return noise interpolated between the points of the integer grid."""
    top, left = np.floor(rows), np.floor(columns)
    y, x = rows - top, columns - left
    y, x = y * y * (3 - 2 * y), x * x * (3 - 2 * x)
    top, left = top.astype(np.int64) + 1000, left.astype(np.int64) + 1000
    upper = _noise(seed, top, left) * (1 - x) + _noise(seed, top, left + 1) * x
    lower = _noise(seed, top + 1, left) * (1 - x) + _noise(seed, top + 1, left + 1) * x
    return upper * (1 - y) + lower * y


def _clouds(seed: int, rows: Floats, columns: Floats) -> Floats:
    """Return several octaves of smooth noise, in [0, 1)."""
    total = np.zeros(np.broadcast_shapes(rows.shape, columns.shape))
    weights = 0.0
    for octave in range(4):
        weight = 0.5**octave
        total = total + weight * _smooth_noise(seed + octave, rows * 2**octave, columns * 2**octave)
        weights += weight
    return total / weights


# Strokes -----------------------------------------------------------------------------------


def _grid(shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return rows.astype(np.float64), columns.astype(np.float64)


def _line(
    canvas: Floats,
    start: tuple[float, float],
    end: tuple[float, float],
    value: float,
    width: float = 1.0,
) -> None:
    """Draw an antialiased line between two (row, column) points, both ends round."""
    reach = width / 2 + 1
    top = max(int(min(start[0], end[0]) - reach), 0)
    left = max(int(min(start[1], end[1]) - reach), 0)
    bottom = int(max(start[0], end[0]) + reach) + 2
    right = int(max(start[1], end[1]) + reach) + 2
    part = canvas[top:bottom, left:right]
    rows, columns = _grid(part.shape)
    rows, columns = rows + top - start[0], columns + left - start[1]
    dy, dx = end[0] - start[0], end[1] - start[1]
    along = np.clip((rows * dy + columns * dx) / max(dy * dy + dx * dx, 1e-9), 0, 1)
    distance = np.hypot(rows - along * dy, columns - along * dx)
    cover = np.clip(width / 2 + 0.5 - distance, 0, 1)
    part += cover * (value - part)


def _curve(canvas: Floats, points: list[tuple[float, float]], value: float, width: float) -> None:
    for start, end in pairwise(points):
        _line(canvas, start, end, value, width)


def _sag(start: tuple[float, float], end: tuple[float, float], sag: float) -> list[Any]:
    """Return the points of a wire that hangs between two points."""
    steps = [step / 24 for step in range(25)]
    return [
        (
            start[0] + (end[0] - start[0]) * t + 4 * sag * t * (1 - t),
            start[1] + (end[1] - start[1]) * t,
        )
        for t in steps
    ]


def _glow(canvas: Floats, row: float, column: float, radius: float, value: float) -> None:
    """Add the light around a lamp; it fades smoothly to nothing at `radius`."""
    top, left = max(int(row - radius), 0), max(int(column - radius), 0)
    part = canvas[top : int(row + radius) + 1, left : int(column + radius) + 1]
    rows, columns = _grid(part.shape)
    distance = np.hypot(rows + top - row, columns + left - column) / radius
    part += value * np.clip(1 - distance, 0, 1) ** 3


def _lamp(canvas: Floats, row: int, column: int, value: float = 255.0, radius: float = 9.0) -> None:
    _glow(canvas, row, column, radius, 60.0)
    canvas[row, column] = value


# The scene ---------------------------------------------------------------------------------


def _draw_sky(canvas: Floats) -> None:
    rows, columns = _grid((HORIZON, WIDTH))
    height = rows / HORIZON
    city_glow = np.exp(-(((columns - 590) / 330) ** 2)) * height**5
    canvas[:HORIZON] = 13 + 40 * height**1.8 + 44 * city_glow
    streaks = _clouds(11, rows / 62 + columns / 640, columns / 250)
    veil = np.clip((streaks - 0.5) * 3, 0, 1) * np.sin(np.pi * np.clip(height * 1.1, 0, 1))
    near_moon = np.exp(-np.hypot((rows - MOON[0]) / 210, (columns - MOON[1]) / 330))
    canvas[:HORIZON] += veil * (12 + 44 * near_moon)


def _draw_stars(canvas: Floats) -> None:
    rows, columns = _grid((HORIZON - 90, WIDTH))
    chance = _noise(21, rows, columns)
    rarity = 0.0028 * (1 - rows / HORIZON)
    brightness = 70 + 185 * _noise(22, rows, columns) ** 2.5
    far_from_moon = np.hypot(rows - MOON[0], columns - MOON[1]) > 74
    stars = (chance < rarity) & far_from_moon
    sky = canvas[: HORIZON - 90]
    sky[stars] = np.maximum(sky, brightness)[stars]
    for row, column in ((52, 500), (150, 708), (74, 842), (232, 300), (58, 318), (188, 944)):
        _glow(canvas, row, column, 7, 70)
        _line(canvas, (row - 3, column), (row + 3, column), 170, 0.4)
        _line(canvas, (row, column - 3), (row, column + 3), 170, 0.4)
        canvas[row, column] = 255


def _draw_moon(canvas: Floats) -> None:
    rows, columns = _grid((HORIZON, WIDTH))
    distance = np.hypot(rows - MOON[0], columns - MOON[1])
    sky = canvas[:HORIZON]
    sky += 62 * np.exp(-np.maximum(distance - 44, 0) / 46)
    seas = _clouds(31, (rows - MOON[0]) / 30, (columns - MOON[1]) / 30)
    shade = 1 - 0.28 * (distance / 46) ** 4
    face = (252 - 112 * np.clip((seas - 0.44) * 3.2, 0, 1)) * shade
    cover = np.clip(45 - distance, 0, 1)
    sky += cover * (face - sky)


def _draw_hills(canvas: Floats) -> None:
    rows, columns = _grid((HORIZON, WIDTH))
    for seed, base, swing, value in ((41, 92, 92, 47.0), (45, 40, 74, 38.0)):
        ridge = HORIZON - base * 0.5 - swing * _clouds(seed, columns * 0 + 0.5, columns / 210)
        cover = np.clip(rows - ridge + 0.5, 0, 1)
        mist = value + 20 * (rows / HORIZON) ** 8
        canvas[:HORIZON] += cover * (mist - canvas[:HORIZON])


def _draw_building(
    canvas: Floats, left: int, width: int, height: int, wall: float, seed: int, front: bool
) -> None:
    top = HORIZON - height
    part = canvas[top:HORIZON, left : left + width]
    if part.size == 0:
        return
    rows, columns = _grid(part.shape)
    part[:] = wall + 12 * (rows / height) ** 3 - 5 * columns / width
    part[0] = wall + 26
    part[:, 0] = wall + 14
    # Windows: one column in two or three, one row in four, in floors.
    step = 3 + seed % 2 if front else 3
    rise = 4 + seed % 3 if front else 4
    y, x = rows.astype(np.int64) - 4, columns.astype(np.int64) - 2
    inside = (y >= 0) & (x >= 0) & (columns < width - 2) & (rows < height - 5)
    glass = (
        inside & (x % step < (2 if front and step == 4 else 1)) & (y % rise < (2 if front else 1))
    )
    floor, window = y // rise, x // step
    lit = _noise(seed, floor, window) < 0.27 + 0.5 * (_noise(seed + 1, floor) < 0.12)
    light = 110 + 145 * _noise(seed + 2, floor, window)
    dark = np.full(light.shape, wall - 9)
    part[glass] = np.where(lit, light * (1.0 if front else 0.78), dark)[glass]


def _draw_city(canvas: Floats) -> None:
    for layer, (wall, low, spread, front) in enumerate(
        ((58.0, 46, 132, False), (36.0, 30, 176, True))
    ):
        left = 150 + 30 * layer
        index = 0
        while left < 978:
            seed = 100 + 211 * layer + 7 * index
            first, second, third = (float(_noise(seed, part)) for part in range(3))
            width = int(16 + 34 * first) + 10 * layer
            centre = np.exp(-(((left - 600) / 215) ** 2))
            height = int(low + spread * (0.18 + 0.82 * second) * (0.22 + 0.78 * centre))
            _draw_building(canvas, left, width, height, wall - 6 * third, seed, front)
            if second > 0.6:
                mast = left + width // 2
                tall = int(14 + 40 * third)
                top = HORIZON - height - tall
                canvas[top : HORIZON - height, mast] = 128
                canvas[top : top + 2, mast] = 255
                _glow(canvas, top, mast, 8, 60)
            left += int(width * (0.72 + 0.5 * third)) + (0 if front else 2)
            index += 1
    _draw_tower(canvas, 566)
    # A promenade of lamps along the water.
    canvas[HORIZON - 5 : HORIZON] = 30
    canvas[HORIZON - 6, :] = 66
    for column in range(6, WIDTH, 17):
        canvas[HORIZON - 13 : HORIZON - 5, column] = 92
        _lamp(canvas, HORIZON - 14, column, 255, 8)


def _draw_tower(canvas: Floats, column: int) -> None:
    """Draw a tower of thin lattice: fine texture against the smooth sky."""
    top = 168
    for row in range(top + 34, HORIZON - 8, 13):
        spread = 3 + 15 * ((row - top) / (HORIZON - top)) ** 2.2
        below = 3 + 15 * ((row + 13 - top) / (HORIZON - top)) ** 2.2
        for side in (-1, 1):
            _line(
                canvas, (row, column + side * spread), (row + 13, column + side * below), 158, 1.3
            )
            _line(
                canvas, (row, column + side * spread), (row + 13, column - side * below), 116, 0.9
            )
        _line(canvas, (row, column - spread), (row, column + spread), 176, 1.0)
    _line(canvas, (top, column), (top + 40, column), 190, 1.4)
    for row in (top + 60, top + 64):
        _line(canvas, (row, column - 11), (row, column + 11), 210, 1.6)
    for row in (top, top + 34, top + 138):
        _lamp(canvas, row, column, 255, 16)


def _draw_bridge(canvas: Floats) -> None:
    """Draw a suspension bridge: hangers one pixel wide, one every seven pixels."""
    deck, crown = 408.0, 302.0
    towers = (784.0, 962.0)
    spans = (
        ((HORIZON - 6.0, 668.0), (crown, towers[0]), 8.0),
        ((crown, towers[0]), (crown, towers[1]), 82.0),
        ((crown, towers[1]), (HORIZON - 30.0, 1064.0), 6.0),
    )
    for start, end, sag in spans:
        cable = _sag(start, end, sag)
        _curve(canvas, cable, 196, 1.5)
        columns = [point[1] for point in cable]
        rows = [point[0] for point in cable]
        for column in range(int(start[1]) // 7 * 7 + 7, min(int(end[1]), WIDTH), 7):
            row = int(np.interp(column, columns, rows))
            if row < deck:
                canvas[row : int(deck), column] = 118
    canvas[int(deck) : int(deck) + 5, 700:] = 46
    canvas[int(deck), 700:] = 150
    canvas[int(deck) + 7, 716:] = 74
    for column in range(706, WIDTH, 14):
        _line(canvas, (deck + 6, column), (deck + 12, column + 7), 74, 0.9)
        _line(canvas, (deck + 12, column + 7), (deck + 6, column + 14), 74, 0.9)
    canvas[int(deck) + 13, 716:] = 66
    for column in range(709, WIDTH, 21):
        canvas[int(deck) - 6 : int(deck), column] = 110
        _lamp(canvas, int(deck) - 7, column, 255, 7)
    for tower in towers:
        for side in (-5, 5):
            _line(canvas, (crown - 4, tower + side), (HORIZON + 4, tower + side * 1.4), 136, 2.6)
        for row in range(int(crown), int(deck), 26):
            _line(canvas, (row, tower - 5), (row, tower + 5), 120, 1.6)
        _lamp(canvas, int(crown) - 8, int(tower), 255, 12)


def _draw_sea(canvas: Floats) -> None:
    depth = HEIGHT - HORIZON
    rows, columns = _grid((depth, WIDTH))
    near = rows / depth
    # The land mirrored in the water, shaken sideways and stretched by the waves.
    wave = _smooth_noise(51, rows**0.72 / 1.3, columns / (9 + 40 * near))
    sideways = (wave - 0.5) * (3 + 26 * near)
    source_rows = np.clip(HORIZON - 1 - rows * 1.12 + (wave - 0.5) * 14, 0, HORIZON - 1)
    source_columns = np.clip(columns + sideways, 0, WIDTH - 1)
    mirrored = canvas[source_rows.astype(np.int64), source_columns.astype(np.int64)]
    # Smear each reflection downwards, as ripples do with lights.
    for shift, keep in ((1, 0.80), (2, 0.72), (4, 0.60)):
        mirrored[shift:] = np.maximum(mirrored[shift:], mirrored[:-shift] * keep)
    swell = _clouds(55, rows**0.8 / 2.0, columns / (24 + 90 * near))
    sea = 9 + 0.46 * mirrored * (1 - 0.45 * near) + 26 * (swell - 0.42) * (0.4 + near)
    # The moon's road: short bright dashes, wider and sparser towards the shore.
    road = np.exp(-(((columns - MOON[1] + 10 * (wave - 0.5)) / (20 + 62 * near)) ** 2))
    dash = _smooth_noise(61, rows * 1.0, columns / (3.0 + 7 * near))
    glitter = np.clip((dash - 0.80 + 0.22 * road) * 9, 0, 1) * road
    sea += 165 * glitter
    sparkle = _noise(63, rows, columns) < 0.0022 * (1.1 - near)
    sea[sparkle] = np.maximum(sea, 150)[sparkle]
    canvas[HORIZON:] = np.clip(sea, 4, 255)


def _draw_ship(canvas: Floats, column: float, waterline: float) -> None:
    """Draw a three-masted sailing ship: spars, stays and shrouds are the thinnest lines here."""
    rows, columns = _grid(canvas.shape)
    across = (columns - column) / 128
    sheer = waterline - 25 - 15 * np.abs(across) ** 2.4 - 5 * across
    keel = waterline + 4 - 24 * np.clip(np.abs(across) - 0.72, 0, 1) * 2
    hull = (rows > sheer) & (rows < keel) & (np.abs(across) < 0.97 + 0.06 * (waterline - rows) / 30)
    shadow = np.exp(-(((rows - waterline - 14) / 16) ** 2) - across**4)
    canvas *= 1 - 0.72 * shadow * (rows > waterline)
    canvas[hull] = np.broadcast_to(17 + 0.5 * (waterline - rows), canvas.shape)[hull]
    rail = np.abs(rows - sheer) < 0.8
    canvas[rail & (np.abs(across) < 1.0)] = 176
    band = (np.abs(rows - sheer - 8) < 1.1) & (np.abs(across) < 0.97)
    canvas[band] = 84
    ports = band & (np.broadcast_to(columns.astype(np.int64) % 11 < 2, canvas.shape))
    canvas[ports] = 250
    masts = ((-66.0, 196.0), (2.0, 232.0), (66.0, 172.0))
    for offset, tall in masts:
        x, foot, top = column + offset, waterline - 26, waterline - 26 - tall
        _line(canvas, (foot, x), (top + tall * 0.45, x), 150, 2.4)
        _line(canvas, (top + tall * 0.45, x), (top, x), 168, 1.3)
        for level, half in ((0.30, 38.0), (0.52, 31.0), (0.72, 23.0), (0.87, 15.0)):
            y = foot - tall * level
            _line(canvas, (y, x - half), (y, x + half), 186, 1.5)
            # The furled sail under its yard.
            _curve(canvas, _sag((y + 2.5, x - half + 3), (y + 2.5, x + half - 3), 2.0), 216, 2.2)
            _line(canvas, (y, x - half), (y - tall * 0.13, x), 100, 0.7)
            _line(canvas, (y, x + half), (y - tall * 0.13, x), 100, 0.7)
        for side in (-1, 1):
            for spread in (10, 15, 20, 25):
                _line(canvas, (foot + 2, x + side * spread), (foot - tall * 0.5, x), 112, 0.7)
            for rung in range(1, 11):
                y = foot - tall * 0.5 * rung / 13
                reach = 25 * (1 - rung / 13)
                _line(canvas, (y, x), (y, x + side * reach), 84, 0.6)
        _lamp(canvas, int(top) - 1, int(x), 255, 10)
    bow, stern = column + 176, column - 128
    _line(canvas, (waterline - 42, column + 120), (waterline - 66, bow), 176, 2.0)
    tips = [(waterline - 26 - tall, column + offset) for offset, tall in masts]
    for share in (1.0, 0.75, 0.5):
        last = (waterline - 26 - masts[2][1] * share, column + masts[2][0])
        _line(canvas, last, (waterline - 66 + 20 * (1 - share), bow - 40 * (1 - share)), 142, 0.8)
    _line(canvas, tips[0], (waterline - 44, stern), 142, 0.8)
    for first, second in pairwise(tips):
        _curve(canvas, _sag(first, second, 5), 142, 0.8)
        _line(canvas, first, (waterline - 80, second[1]), 118, 0.7)
    # A string of lights over the tips of the masts.
    chain = [(waterline - 48, stern), *tips, (waterline - 66, bow)]
    for start, end in pairwise(chain):
        for y, x in _sag(start, end, 12)[1:-1:2]:
            _lamp(canvas, int(y), int(x), 255, 5)


def _draw_boat(canvas: Floats, column: float, waterline: float) -> None:
    """Draw a sloop under sail: one large, smooth, light surface."""
    rows, columns = _grid(canvas.shape)
    height = (waterline - 14 - rows) / 150
    rest = np.clip(1 - height, 0, 1)
    fore_rest = np.clip(1 - height / 0.86, 0, 1)
    main = (height > 0) & (height < 1) & (columns < column - 2)
    main = main & (columns > column - 3 - 66 * rest**0.85)
    fore = (height > 0) & (height < 0.86) & (columns > column + 2)
    fore = fore & (columns < column + 3 + 50 * fore_rest**1.15)
    cloth = 92 + 74 * (1 - height) - 0.35 * (columns - column)
    for sail in (main, fore):
        canvas[sail] = np.broadcast_to(cloth, canvas.shape)[sail]
    for seam in (0.22, 0.42, 0.62, 0.80):
        line = main & (np.abs(height - seam) < 0.0036)
        canvas[line] -= 22
    across = (columns - column + 4) / 82
    hull = (rows > waterline - 12 - 6 * across) & (rows < waterline + 3 - 9 * across**2)
    hull = hull & (np.abs(across) < 1 - 0.12 * (rows - waterline + 12) / 14)
    canvas[hull] = np.broadcast_to(58 + 3.0 * (waterline - rows), canvas.shape)[hull]
    canvas[hull & (np.abs(rows - waterline + 10 + 6 * across) < 1)] = 214
    mirror = (rows > waterline + 3) & (rows < waterline + 74) & (np.abs(across) < 0.72)
    ripple = _noise(71, rows) < 0.46
    fade = np.exp(-(rows - waterline) / 26) * (1 - np.abs(across))
    canvas += np.where(mirror & ripple, 88 * fade, 0.0)
    _line(canvas, (waterline - 10, column), (waterline - 172, column), 222, 1.6)
    _line(canvas, (waterline - 168, column), (waterline - 14, column + 74), 170, 0.8)
    _line(canvas, (waterline - 172, column), (waterline - 12, column - 82), 150, 0.7)
    _lamp(canvas, int(waterline) - 174, int(column), 255, 12)


def _draw_quay(canvas: Floats) -> None:
    """Draw the quay in front: cobbles, railing, lamps and a net hung up to dry."""
    rows, columns = _grid((HEIGHT - QUAY, WIDTH))
    course = rows.astype(np.int64) // 9
    shifted = columns.astype(np.int64) + (course % 2) * 8
    stone = _noise(81, course, shifted // 16)
    joint = (rows % 9 < 1) | (shifted % 16 < 1)
    grain = _noise(83, rows, columns)
    light = sum(np.exp(-(((columns - lamp) / 120) ** 2)) for lamp in (60, 528, 962))
    ground = (28 + 26 * stone + 15 * grain) * (0.62 + 0.9 * light)
    canvas[QUAY:] = np.where(joint, 12 + 8 * grain, ground)
    canvas[QUAY : QUAY + 3] = 22
    canvas[QUAY, :] = 118 + 46 * _noise(87, np.arange(WIDTH) // 3)
    for height, value in ((30, 152), (20, 104), (10, 104)):
        canvas[QUAY - height, :] = value
    for column in range(10, WIDTH, 32):
        _line(canvas, (QUAY - 31, column), (QUAY + 2, column), 132, 1.8)
    # A fishing net between two posts.
    net = canvas[QUAY - 66 : QUAY - 4, 668:848]
    rows, columns = _grid(net.shape)
    slack = columns + 3 * np.sin(rows / 9)
    knots = ((slack + rows) % 8 < 1) | ((slack - rows) % 8 < 1)
    net[knots] = 88
    for column in (668, 848):
        _line(canvas, (QUAY - 74, column), (QUAY + 2, column), 66, 4.0)
    _line(canvas, (QUAY - 68, 668), (QUAY - 68, 848), 198, 1.4)
    for lamp in (60, 528, 962):
        _line(canvas, (QUAY - 132, lamp), (QUAY + 8, lamp), 52, 4.0)
        _line(canvas, (QUAY - 132, lamp - 1), (QUAY + 8, lamp - 1), 112, 1.0)
        _line(canvas, (QUAY - 134, lamp - 15), (QUAY - 134, lamp + 15), 60, 3.0)
        _glow(canvas, QUAY - 126, lamp, 110, 92)
        for side in (-15, 15):
            _glow(canvas, QUAY - 127, lamp + side, 26, 150)
            _line(canvas, (QUAY - 129, lamp + side), (QUAY - 124, lamp + side), 255, 6.0)
