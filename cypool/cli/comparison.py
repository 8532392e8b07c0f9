"""The figure of ``cypool compare``: a picture beside its max- and average-pooled versions.

The top row shows the whole pictures, the second row one detail of them, where maximum and
average differ the most.  Both rows use one scale for all three panels, so that the same place of
the scene is at the same place of every panel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import cypool

__all__ = ["Comparison", "draw"]

Array = NDArray[Any]
Colour = tuple[int, int, int]

# The figure's measures, in pixels; three widest panels make it 2352 wide.
MARGIN, GAP = 48, 36
PANEL_LIMIT = 728
COLUMN_LEAST = 400
DETAIL_SAMPLE = 10

BACKGROUND: Colour = (245, 245, 243)
INK: Colour = (28, 28, 30)
QUIET: Colour = (112, 112, 116)
FRAME: Colour = (240, 96, 48)
EDGE: Colour = (206, 206, 202)

TIMES = "\N{MULTIPLICATION SIGN}"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Comparison:
    """A picture, what pooling made of it, and where the windows were.

    `centres` holds for each of rows and columns the middle of every window, in pixels of the
    original; `stride` the distance between windows.
    """

    original: Array
    maximum: Array
    average: Array
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    centres: tuple[Array, Array]


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
    title: str
    subtitle: str


def size_text(array: Array) -> str:
    """Return the rows and columns of a picture, with a cross between them."""
    return f"{array.shape[0]} {TIMES} {array.shape[1]}"


def draw(comparison: Comparison) -> Image.Image:
    """Draw the whole figure."""
    panels = _panels(comparison)
    height, width = comparison.original.shape[:2]
    whole = Region(0, 0, height, width)
    scale = _whole_scale(height, width, comparison.stride)
    column = max(round(width * scale), COLUMN_LEAST)
    detail_scale = _detail_scale(comparison.stride)
    detail = None
    if scale * max(comparison.stride) < DETAIL_SAMPLE and detail_scale >= 1.5 * scale:
        detail = _most_different(
            comparison, panels, column / detail_scale, 0.625 * column / detail_scale
        )

    titles = _Titles(panels, column)
    top_height = round(height * scale)
    total = MARGIN + titles.height + top_height + MARGIN
    if detail is not None:
        caption_height = titles.line + 2 * GAP // 3
        total += GAP // 2 + caption_height + round(detail.height * detail_scale)
    figure = Image.new("RGB", (2 * MARGIN + 3 * column + 2 * GAP, total), BACKGROUND)
    pen = ImageDraw.Draw(figure)
    for index, panel in enumerate(panels):
        left = MARGIN + index * (column + GAP)
        titles.draw(pen, (left, MARGIN), panel)
        top = MARGIN + titles.height
        _paste(figure, (left, top), panel, whole, scale, EDGE)
        if detail is None:
            continue
        _frame(pen, (left, top), detail, scale)
        top += top_height + GAP // 2
        if index == 0:
            titles.caption(pen, (left, top), _detail_caption(detail, detail_scale))
        top += caption_height
        _paste(figure, (left, top), panel, detail, detail_scale, FRAME)
    return figure


# Panels ------------------------------------------------------------------------------------


def _panels(comparison: Comparison) -> list[Panel]:
    original = comparison.original
    height, width = original.shape[:2]
    spans = [
        (centres[0] + 0.5 - step / 2, centres[-1] + 0.5 + step / 2)
        for centres, step in zip(comparison.centres, comparison.stride, strict=True)
    ]
    pooled = Region(spans[0][0], spans[1][0], spans[0][1], spans[1][1])
    low, high = _brightness_range(original)
    kind = f"{_colour_kind(original)}, {original.dtype.name}"
    kernel_size, stride = comparison.kernel_size, comparison.stride
    step = f"{stride[0]}" if stride[0] == stride[1] else f"{stride[0]}, {stride[1]}"
    windows = f"windows {kernel_size[0]} {TIMES} {kernel_size[1]}, stride {step}"
    return [
        Panel(_eight_bit(array, low, high), covers, f"{title} {size_text(array)}", subtitle)
        for array, covers, title, subtitle in (
            (original, Region(0, 0, height, width), "original", kind),
            (comparison.maximum, pooled, "max pooling", windows),
            (comparison.average, pooled, "average pooling", windows),
        )
    ]


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
    return low, high if high > low else low + 1.0


def _eight_bit(array: Array, low: float, high: float) -> Image.Image:
    values = (array.astype(np.float64) - low) * (255.0 / (high - low))
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


def _whole_scale(height: int, width: int, stride: tuple[int, int]) -> float:
    """Return the scale of the top row: the largest that keeps every panel inside its limits.

    Where one exists, it is a scale at which a pooled pixel is a whole number of pixels.
    """
    common = gcd(*stride)
    limit = min(PANEL_LIMIT / height, PANEL_LIMIT / width)
    if limit >= 1:
        return float(int(limit))
    return int(limit * common) / common or limit


def _detail_scale(stride: tuple[int, int]) -> int:
    """Return the whole scale at which a pooled pixel of the detail is about 10 pixels wide."""
    return min(max(DETAIL_SAMPLE // max(stride), 2), 6)


def _most_different(
    comparison: Comparison, panels: list[Panel], width: float, height: float
) -> Region:
    """Return the region, about as large as asked, in which max and average differ the most."""
    # What the panels show: eight bits a channel, over the background where it is transparent.
    maximum, average = (np.asarray(panel.image, dtype=np.float64) for panel in panels[1:])
    difference = np.abs(maximum - average).max(axis=2)
    spans = [
        min(max(int(wanted // step), 1), count)
        for wanted, step, count in zip(
            (height, width), comparison.stride, difference.shape, strict=True
        )
    ]
    hops = [max(span // 4, 1) for span in spans]
    score: Array = cypool.avg_pool(difference, tuple(spans), tuple(hops))
    best = np.unravel_index(int(np.argmax(score)), score.shape)
    bounds = []
    for axis in (0, 1):
        first = int(best[axis]) * hops[axis]
        last = first + spans[axis] - 1
        centres, step = comparison.centres[axis], comparison.stride[axis]
        start = max(centres[first] + 0.5 - step / 2, 0.0)
        stop = min(centres[last] + 0.5 + step / 2, float(comparison.original.shape[axis]))
        bounds.append((float(start), float(stop)))
    return Region(bounds[0][0], bounds[1][0], bounds[0][1], bounds[1][1])


def _detail_caption(detail: Region, scale: int) -> str:
    rows = f"{detail.top:.0f} to {detail.bottom:.0f}"
    columns = f"{detail.left:.0f} to {detail.right:.0f}"
    return f"detail: rows {rows}, columns {columns} of the original, magnified {scale} times"


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

    def __init__(self, panels: list[Panel], column: int) -> None:
        longest = max((panel.title for panel in panels), key=len)
        size = 34
        while size > 14 and _length(longest, _font(size)) > column:
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
