"""The figure of ``cypool compare``: a picture beside its max- and average-pooled versions.

The whole pictures come first: the original, and the pooled ones at half its height and width or
a little less.  Windows of 2 x 2 make that the scale at which all three are shown pixel for pixel:
a scale of their own would make small bright things of one of them look brighter or dimmer than
they are.  The row below shows one detail, magnified, at one scale for all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import cypool
from cypool.geometry import Window

__all__ = ["Comparison", "draw"]

Array = NDArray[Any]
Colour = tuple[int, int, int]

# The figure's measures, in pixels; the widest panels make it 1668 wide.
MARGIN, GAP = 48, 36
WIDE, TALL = 1024, 768
LEFT_LEAST, RIGHT_LEAST = 600, 400
DETAIL_SAMPLE = 10
DETAIL_RATIO = 0.75

#: Where max and average differ by less, of 255, they look the same.
SMOOTH = 4

# All grey but one, so that the figure of a grey picture needs few colours.
BACKGROUND: Colour = (245, 245, 245)
INK: Colour = (28, 28, 28)
QUIET: Colour = (112, 112, 112)
FRAME: Colour = (240, 96, 48)
EDGE: Colour = (206, 206, 206)

TIMES = "\N{MULTIPLICATION SIGN}"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Comparison:
    """A picture, what pooling made of it, and the windows along its rows and its columns."""

    original: Array
    maximum: Array
    average: Array
    windows: tuple[Window, Window]

    @property
    def stride(self) -> tuple[int, int]:
        return self.windows[0].stride, self.windows[1].stride


@dataclass(frozen=True)
class Region:
    """A rectangle of the original, in its pixels."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left


@dataclass(frozen=True)
class Panel:
    """One picture ready to draw: its eight-bit pixels, the region they cover, its titles."""

    image: Image.Image
    covers: Region
    step: tuple[int, int]  # of its pixels, in pixels of the original
    name: str
    title: str
    subtitle: str


def size_text(array: Array) -> str:
    """Return the rows and columns of a picture, with a cross between them."""
    return f"{array.shape[0]} {TIMES} {array.shape[1]}"


def draw(comparison: Comparison) -> Image.Image:
    """Draw the whole figure."""
    height, width = comparison.original.shape[:2]
    whole = Region(0, 0, height, width)
    scale = _whole_scale(height, width)
    scales = (scale, *[_pooled_scale(scale, comparison.stride)] * 2)
    panels = _panels(comparison, scales)
    columns = (max(round(width * scale), LEFT_LEAST), max(round(width * scales[1]), RIGHT_LEAST))
    inside = sum(columns) + GAP
    titles = _Titles(panels, columns)

    detail = None
    detail_scale = _detail_scale(comparison.stride)
    third = (inside - 2 * GAP) // 3
    magnifies = detail_scale >= 1.5 * scale
    if magnifies and scales[1] * max(comparison.stride) < DETAIL_SAMPLE:
        detail = _telling_detail(
            comparison, panels, third / detail_scale, DETAIL_RATIO * third / detail_scale
        )
    caption = [] if detail is None else _detail_caption(detail)

    # The original on the left, the others on the right, one above the other.
    heights = [round(height * s) for s in scales]
    right = MARGIN + columns[0] + GAP
    corners = [
        (MARGIN, MARGIN),
        (right, MARGIN),
        (right, MARGIN + titles.height + heights[1] + GAP),
    ]
    below = corners[0][1] + titles.height + heights[0] + GAP // 2
    bottom = max(
        below + len(caption) * titles.line, corners[2][1] + titles.height + heights[2] + GAP // 2
    )
    total = bottom - GAP // 2 + MARGIN
    if detail is not None:
        total += GAP // 2 + round(detail.height * detail_scale) + GAP // 3 + titles.line
    figure = Image.new("RGB", (2 * MARGIN + inside, total), BACKGROUND)
    pen = ImageDraw.Draw(figure)
    for number, line in enumerate(caption):
        titles.caption(pen, (MARGIN, below + number * titles.line), line)
    for index, (panel, (left, top)) in enumerate(zip(panels, corners, strict=True)):
        titles.draw(pen, (left, top), panel)
        top += titles.height
        _paste(figure, (left, top), panel, whole, scales[index], EDGE)
        if detail is not None:
            _frame(pen, (left, top), detail, scales[index])
            left, top = MARGIN + index * (third + GAP), bottom + GAP // 2
            _paste(figure, (left, top), panel, detail, detail_scale, FRAME)
            top += round(detail.height * detail_scale) + GAP // 3
            titles.caption(pen, (left, top), f"{panel.name}, {_shown(panel.step, detail_scale)}")
    return figure


# Panels ------------------------------------------------------------------------------------


def _panels(comparison: Comparison, scales: tuple[float, ...]) -> list[Panel]:
    original = comparison.original
    height, width = original.shape[:2]
    rows, columns = comparison.windows
    (top, bottom), (left, right) = (
        (w.centre(0) + 0.5 - w.stride / 2, w.centre(w.out - 1) + 0.5 + w.stride / 2)
        for w in comparison.windows
    )
    pooled = Region(top, left, bottom, right)
    low, high = _brightness_range(original)
    stride = (
        f"{rows.stride}" if rows.stride == columns.stride else f"{rows.stride}, {columns.stride}"
    )
    windows = f"windows {rows.size} {TIMES} {columns.size}, stride {stride}"
    kind = f"{_colour_kind(original)}, {original.dtype.name}"
    return [
        Panel(
            _eight_bit(array, low, high),
            covers,
            step,
            name,
            f"{name} {size_text(array)}",
            f"{subtitle}, {_shown(step, scale)}",
        )
        for array, covers, name, subtitle, step, scale in (
            (original, Region(0, 0, height, width), "original", kind, (1, 1), scales[0]),
            (comparison.maximum, pooled, "max pooling", windows, comparison.stride, scales[1]),
            (comparison.average, pooled, "average pooling", windows, comparison.stride, scales[2]),
        )
    ]


def _shown(step: tuple[int, int], scale: float) -> str:
    """Say how large a pixel of a picture is in its panel."""
    tall, wide = step[0] * scale, step[1] * scale
    if tall == wide == 1:
        return "pixel for pixel"
    if tall == wide < 1:
        return f"shown at {tall:.0%}"
    return f"each pixel {tall:.3g} {TIMES} {wide:.3g}"


def _colour_kind(array: Array) -> str:
    channels = 1 if array.ndim == 2 else array.shape[2]
    return {1: "grey", 2: "grey with alpha", 3: "colour"}.get(channels, "colour with alpha")


def _brightness_range(original: Array) -> tuple[float, float]:
    """Return the values to show as black and white: 0 and 255, or what the picture spans."""
    if original.dtype == np.uint8:
        return 0.0, 255.0
    finite = original[np.isfinite(original)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else max(low + 1.0, float(np.nextafter(low, np.inf)))


def _eight_bit(array: Array, low: float, high: float) -> Image.Image:
    # Halves, since the range of float64 may be more than float64 holds.
    span = high / 2 - low / 2
    with np.errstate(over="ignore", invalid="ignore"):
        values = (array.astype(np.float64) / 2 - low / 2) / span * 255.0
    pixels = np.rint(np.clip(np.nan_to_num(values), 0, 255)).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.mode in ("LA", "RGBA"):
        clear = image.convert("RGBA")
        image = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        image.alpha_composite(clear)
    return image.convert("RGB")


def _paste(
    figure: Image.Image,
    corner: tuple[int, int],
    panel: Panel,
    region: Region,
    scale: float,
    edge: Colour,
) -> None:
    """Draw the part of a panel that lies in `region`, with its top left corner at `corner`."""
    left, top = corner
    covers, image = panel.covers, panel.image
    first_row, last_row = max(region.top, covers.top), min(region.bottom, covers.bottom)
    first_column, last_column = max(region.left, covers.left), min(region.right, covers.right)
    per_row, per_column = image.height / covers.height, image.width / covers.width
    box = (
        max((first_column - covers.left) * per_column, 0),
        max((first_row - covers.top) * per_row, 0),
        min((last_column - covers.left) * per_column, image.width),
        min((last_row - covers.top) * per_row, image.height),
    )
    size = (
        max(round((last_column - first_column) * scale), 1),
        max(round((last_row - first_row) * scale), 1),
    )
    # Magnified pixels stay squares; only a picture too large for its panel is smoothed.
    shrinks = size[0] < box[2] - box[0] or size[1] < box[3] - box[1]
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST
    shown = image.resize(size, method, box=box)
    pen = ImageDraw.Draw(figure)
    extent = (
        left - 1,
        top - 1,
        left + round(region.width * scale),
        top + round(region.height * scale),
    )
    pen.rectangle(extent, outline=edge)
    if edge == FRAME:
        pen.rectangle((extent[0] - 2, extent[1] - 2, extent[2] + 2, extent[3] + 2), outline=edge)
        pen.rectangle((extent[0] - 1, extent[1] - 1, extent[2] + 1, extent[3] + 1), outline=edge)
    offset_row = round((first_row - region.top) * scale)
    offset_column = round((first_column - region.left) * scale)
    figure.paste(shown, (left + offset_column, top + offset_row))


def _frame(pen: ImageDraw.ImageDraw, corner: tuple[int, int], region: Region, scale: float) -> None:
    """Frame the region of the detail in a panel of the top row."""
    left, top = corner
    box = (
        left + round(region.left * scale) - 2,
        top + round(region.top * scale) - 2,
        left + round(region.right * scale) + 1,
        top + round(region.bottom * scale) + 1,
    )
    pen.rectangle(box, outline=FRAME, width=2)


# Scales and the detail ---------------------------------------------------------------------


def _whole_scale(height: int, width: int) -> float:
    """Return the scale of the original: whole and even, or 1, or what its limits leave of it."""
    limit = min(TALL / height, WIDE / width)
    return float(max(int(limit) // 2 * 2, 1)) if limit >= 1 else limit


def _pooled_scale(scale: float, stride: tuple[int, int]) -> float:
    """Return the scale of the pooled panels: half the original's, or somewhat less.

    Where one exists, it is a scale at which a pooled pixel is a whole number of pixels.
    """
    common = gcd(*stride)
    return int(scale / 2 * common) / common or scale / 2


def _detail_scale(stride: tuple[int, int]) -> int:
    """Return the whole scale at which a pooled pixel of the detail is about 10 pixels wide."""
    return min(max(DETAIL_SAMPLE // max(stride), 2), 6)


def _telling_detail(
    comparison: Comparison, panels: list[Panel], width: float, height: float
) -> Region | None:
    """Return a region, about as large as asked, that tells maximum and average apart.

    It has both: places where they differ much, and smooth ones where they are the same.  None if
    no window has its centre in the picture.
    """
    # What the panels show: eight bits a channel, over the background where it is transparent.
    maximum, average = (np.asarray(panel.image, dtype=np.float64) for panel in panels[1:])
    difference = np.abs(maximum - average).max(axis=2)
    spans, firsts = [], []
    for w, wanted in zip(comparison.windows, (height, width), strict=True):
        inside = [o for o in range(w.out) if 0 <= w.centre(o) <= w.length - 1]
        if not inside:
            return None
        firsts.append(inside[0])
        spans.append(min(max(int(wanted // w.stride), 1), len(inside)))
    hops = [max(span // 8, 1) for span in spans]
    difference = difference[firsts[0] :, firsts[1] :]
    contrast: Array = cypool.avg_pool(difference, tuple(spans), tuple(hops))
    smooth: Array = cypool.avg_pool(difference <= SMOOTH, tuple(spans), tuple(hops))
    # In a noisy picture nothing is smooth: there the contrast alone decides.
    score = contrast * (smooth + 0.01)
    best = np.unravel_index(int(np.argmax(score)), score.shape)
    bounds = []
    for axis, w in enumerate(comparison.windows):
        first = firsts[axis] + int(best[axis]) * hops[axis]
        last = first + spans[axis] - 1
        start = max(w.centre(first) + 0.5 - w.stride / 2, 0.0)
        stop = min(w.centre(last) + 0.5 + w.stride / 2, float(w.length))
        bounds.append((start, stop))
    return Region(bounds[0][0], bounds[1][0], bounds[0][1], bounds[1][1])


def _detail_caption(detail: Region) -> list[str]:
    rows = f"rows {detail.top:.0f} to {detail.bottom:.0f}"
    columns = f"columns {detail.left:.0f} to {detail.right:.0f}"
    return ["In the frames, and magnified below:", f"{rows}, {columns} of the original"]


# Text --------------------------------------------------------------------------------------


def _font(size: int) -> Font:
    try:
        return ImageFont.load_default(size=size)
    except ImportError:  # Pillow built without FreeType: its bitmap font
        return ImageFont.load_default()


def _length(text: str, font: Font) -> float:
    return font.getlength(text.replace(TIMES, "x"))


def _write(
    pen: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, fill: Colour, font: Font
) -> None:
    """Write a line of text; Pillow's own font has no multiplication sign, so it is drawn."""
    left, top = corner
    for index, part in enumerate(text.split(TIMES)):
        if index:
            _, upper, width, lower = font.getbbox("x")
            middle, half = top + (upper + lower) / 2, (lower - upper) * 0.42
            centre = left + width / 2
            for slope in (-1, 1):
                ends = (centre - half, middle - slope * half, centre + half, middle + slope * half)
                pen.line(ends, fill=fill, width=max(round(half / 4), 1))
            left += _length("x", font)
        pen.text((left, top), part, fill=fill, font=font)
        left += _length(part, font)


class _Titles:
    """The text over the panels, in one size for all, as large as the columns allow."""

    def __init__(self, panels: list[Panel], columns: tuple[int, int]) -> None:
        size = 32
        while size > 14 and any(
            _length(panel.title, _font(size)) > column
            or _length(panel.subtitle, _font(size * 2 // 3)) > column
            for panel, column in zip(panels, (*columns, columns[1]), strict=True)
        ):
            size -= 1
        self._title, self._small = _font(size), _font(max(size * 2 // 3, 14))
        self._below = round(size * 1.3)
        self.line = round(max(size * 2 // 3, 14) * 1.3)
        self.height = self._below + self.line + GAP // 3

    def draw(self, pen: ImageDraw.ImageDraw, corner: tuple[int, int], panel: Panel) -> None:
        left, top = corner
        _write(pen, (left, top), panel.title, INK, self._title)
        _write(pen, (left, top + self._below), panel.subtitle, QUIET, self._small)

    def caption(self, pen: ImageDraw.ImageDraw, corner: tuple[int, int], text: str) -> None:
        _write(pen, corner, text, QUIET, self._small)
