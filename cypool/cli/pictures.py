"""Pictures for the command line: from a file to an array and back, with Pillow.

A picture is an array of rows by columns, or rows by columns by channels.  Nothing of it is lost in
silence: what cannot be kept is refused, and what is converted is told in `Picture.notes`.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cypool.cli.files import PICTURE_FORMATS, CommandError, ending, opened, write_bytes

__all__ = ["Picture", "encode", "read_picture", "write_picture"]

Array = NDArray[Any]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339
_UNSIGNED = 1
_JPEG_LIMIT = 65500

# What each format holds: dtype and number of channels.
_EIGHT_BIT = {("uint8", channels) for channels in (1, 2, 3, 4)}
_HOLDS = {
    "PNG": _EIGHT_BIT | {("uint16", 1)},
    "JPEG": {("uint8", 1), ("uint8", 3)},
    "TIFF": _EIGHT_BIT | {("uint16", 1), ("int32", 1), ("float32", 1)},
}
_HOLDS_IN_WORDS = {
    "PNG": "uint8 with 1 to 4 channels, or uint16 with one",
    "JPEG": "uint8, grey or with 3 channels",
    "TIFF": "uint8 with 1 to 4 channels, or uint16, int32 or float32 with one",
}


@dataclass(frozen=True)
class Picture:
    """The pixels of a picture, its colour profile, and what the user should know about it."""

    pixels: Array
    icc_profile: bytes | None = None
    notes: tuple[str, ...] = ()


def read_picture(path: str) -> Picture:
    """Read a PNG, JPEG or TIFF file."""
    with opened(path) as file, warnings.catch_warnings():
        # Pillow warns about odd metadata and about pictures of 90 million pixels and more:
        # neither matters here, and beyond twice that number it raises.
        warnings.simplefilter("ignore")
        try:
            return _decode(file, path)
        except (CommandError, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            raise CommandError(
                f"cannot read {path}: it claims more pixels than is safe to unpack ({error}); "
                "if you trust it, convert it to .npy"
            ) from error
        except UnidentifiedImageError as error:
            raise CommandError(
                f"cannot read {path}: it is not a PNG, JPEG or TIFF picture of a kind that Pillow "
                "reads, or it is damaged; save it again in one of these formats"
            ) from error
        except Exception as error:  # a damaged picture raises almost anything in Pillow
            raise CommandError(
                f"cannot read {path}: the picture is damaged or incomplete ({error}); "
                "get a whole copy or save it again"
            ) from error


def _decode(file: BinaryIO, path: str) -> Picture:
    header = file.read(26)
    file.seek(0)
    image: Image.Image = Image.open(file, formats=("PNG", "JPEG", "TIFF"))
    frames = getattr(image, "n_frames", 1)
    tags = getattr(image, "tag_v2", {})
    signed = tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0] != _UNSIGNED
    bits = max(tags.get(_BITS_PER_SAMPLE, (_png_bits(header),)))
    if bits > 8 and not image.mode.startswith(("I", "F")):
        raise CommandError(
            f"cannot read {path} without loss: it has {bits} bits in each of several channels, of "
            "which Pillow keeps 8; convert it to .npy, or to an 8-bit picture"
        )
    image.load()
    image = ImageOps.exif_transpose(image)

    notes = [f"it holds {frames} pictures; the first one is used"] if frames > 1 else []
    profile = image.info.get("icc_profile")
    mode = image.mode
    image = _plain(image, path)
    if image.mode != mode:
        notes.append(f"its mode {mode} was converted to {image.mode}")
        # The profile describes the colours before the conversion.
        profile = profile if mode in ("P", "L", "RGB") else None
    pixels = _pixels(image, signed, bits)
    if mode == "I" and signed and bits < 32:
        notes.append(f"its {bits}-bit signed samples are held as int32")
    if mode == "F" and bits > 32:
        notes.append(f"its {bits}-bit samples were rounded to float32")
    return Picture(pixels, profile, tuple(notes))


def _png_bits(header: bytes) -> int:
    """Return the bits of a sample as a PNG header gives them; Pillow does not tell."""
    return header[24] if header.startswith(_PNG_SIGNATURE) and len(header) > 24 else 8


def _plain(image: Image.Image, path: str) -> Image.Image:
    """Return the picture in a mode whose samples are brightnesses, so that pooling makes sense."""
    mode = image.mode
    if mode == "1":
        return image.convert("L")
    if mode in ("P", "PA"):
        clear = mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if clear else "RGB")
    if mode in ("L", "RGB") and "transparency" in image.info:
        return image.convert("LA" if mode == "L" else "RGBA")
    if mode in ("CMYK", "YCbCr"):
        # Samples of CMYK are ink: their maximum would be the darkest pixel.
        return image.convert("RGB")
    if mode in ("L", "LA", "RGB", "RGBA", "I", "F") or mode.startswith("I;16"):
        return image
    raise CommandError(
        f"cannot read {path}: pictures of mode {mode} are not supported; convert it to grey or RGB"
    )


def _pixels(image: Image.Image, signed: bool, bits: int) -> Array:
    pixels: Array = np.asarray(image)
    if image.mode == "I" and not signed:
        # Pillow keeps unsigned samples in int32; a 16-bit PNG too before its version 11.
        pixels = pixels.astype(np.uint16 if bits <= 16 else np.uint32)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def encode(
    path: str, pixels: Array, icc_profile: bytes | None = None, palette: bool = False
) -> bytes:
    """Return the bytes of a picture file, in the format that the ending of `path` names.

    With `palette`, a PNG of at most 256 colours gets one, which makes it smaller.
    """
    kind = PICTURE_FORMATS[ending(path)]
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or pixels.size == 0 or channels > 4:
        raise CommandError(
            f"cannot write {path}: an array of shape {pixels.shape} is not a picture "
            "(rows by columns, with up to 4 channels); write it to a .npy file"
        )
    if (pixels.dtype.name, channels) not in _HOLDS[kind]:
        raise CommandError(
            f"cannot write {path}: {kind} does not hold {pixels.dtype.name} with {channels} "
            f"channel{'s' if channels > 1 else ''}, only {_HOLDS_IN_WORDS[kind]}; "
            + _remedy(pixels.dtype, channels)
        )
    if kind == "JPEG" and max(pixels.shape[:2]) > _JPEG_LIMIT:
        raise CommandError(
            f"cannot write {path}: JPEG ends at {_JPEG_LIMIT} pixels a side; use .png or .tif"
        )
    options: dict[str, Any] = {"icc_profile": icc_profile} if icc_profile else {}
    if kind == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    buffer = io.BytesIO()
    try:
        image = Image.fromarray(np.ascontiguousarray(pixels))
        if palette and kind == "PNG":
            image = _with_palette(image)
        image.save(buffer, kind, **options)
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot write {path} as {kind}: {error}; use .npy") from error
    return buffer.getvalue()


def _with_palette(image: Image.Image) -> Image.Image:
    """Return the same colours by way of a palette, if they are few enough for one."""
    counted = image.getcolors(256)
    if image.mode != "RGB" or counted is None:
        return image
    pixels = np.asarray(image).astype(np.uint32)
    codes = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    colours, places = np.unique(codes, return_inverse=True)
    indexed = Image.frombytes("P", image.size, places.astype(np.uint8).tobytes())
    indexed.putpalette(b"".join(int(colour).to_bytes(3, "big") for colour in colours))
    return indexed


def _remedy(dtype: np.dtype[Any], channels: int) -> str:
    """Say how a result that a picture format refuses can be written."""
    if (dtype.name, channels) in _HOLDS["PNG"]:
        return "use .png or .tif"
    fits = "use .tif or .npy" if (dtype.name, channels) in _HOLDS["TIFF"] else "use .npy"
    return fits + (", or round the average with --dtype uint8" if dtype.kind == "f" else "")


def write_picture(
    path: str, pixels: Array, icc_profile: bytes | None = None, palette: bool = False
) -> None:
    """Write a picture file, whole or not at all."""
    write_bytes(path, encode(path, pixels, icc_profile, palette))
