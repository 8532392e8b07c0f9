"""Files for the command line: one-line errors, whole-or-nothing writing, ``.npy``."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ARRAY_ENDINGS",
    "PICTURE_FORMATS",
    "CommandError",
    "check_input",
    "check_output",
    "ending",
    "opened",
    "read_array",
    "write_array",
    "write_bytes",
]

Array = NDArray[Any]

# The endings of picture files, and Pillow's name of each format.
PICTURE_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
ARRAY_ENDINGS = (".npy",)

_HINTS = {
    errno.ENOENT: "check the name and the folder",
    errno.ENOTDIR: "check the name and the folder",
    errno.EISDIR: "it is a folder; name a file",
    errno.EACCES: "check its permissions, or choose another place",
    errno.EPERM: "check its permissions, or choose another place",
    errno.EROFS: "the disk is read-only; choose another place",
    errno.ENOSPC: "free some space, or choose another place",
    errno.EDQUOT: "free some space, or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class CommandError(Exception):
    """What went wrong and how to mend it, in one line, for the user."""


def _explain(error: OSError, what: str) -> CommandError:
    reason = error.strerror or str(error) or type(error).__name__
    hint = _HINTS.get(error.errno or 0)
    return CommandError(f"cannot {what}: {reason}" + (f" ({hint})" if hint else ""))


def ending(path: str) -> str:
    """Return the ending of a file's name in lower case, such as ``.png``."""
    return Path(path).suffix.lower()


def _check_ending(path: str, endings: tuple[str, ...]) -> None:
    if ending(path) not in endings:
        found = f"the ending {ending(path)!r}" if ending(path) else "no ending"
        raise CommandError(f"{path} has {found}; use one of {', '.join(endings)}")


def check_input(path: str, endings: tuple[str, ...]) -> None:
    """Refuse an input whose ending is unknown, a missing one, and a folder."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise _explain(error, f"read {path}") from error
    if stat.S_ISDIR(mode):
        raise CommandError(f"cannot read {path}: it is a folder; name a file in it")
    _check_ending(path, endings)


def check_output(path: str, endings: tuple[str, ...]) -> None:
    """Refuse an output that cannot be written, before any work is done."""
    if os.path.isdir(path):
        raise CommandError(f"cannot write {path}: it is a folder; name a file in it")
    _check_ending(path, endings)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise CommandError(f"cannot write {path}: there is no folder {folder}; make it first")
    # Replacing a file asks only for permission on its folder; a file that its owner made
    # read-only is kept all the same.
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise CommandError(
            f"cannot write {path}: it is read-only; change its permissions, or choose another name"
        )


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading; an error of the file system becomes one line."""
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise _explain(error, f"read {path}") from error


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` once it is complete, or vanishes."""
    target = os.path.realpath(path)
    try:
        before = os.stat(target)
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        # A device or a pipe is written to, never replaced.
        with open(target, "wb") as file:
            yield file
        return
    draft = os.path.join(os.path.dirname(target), f".cypool-{secrets.token_hex(8)}.part")
    # Mode 0o666 less the umask, as for any new file; `tempfile` would give 0o600.
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    descriptor = os.open(draft, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            # Some file systems tell of a full disk only here.
            os.fsync(file.fileno())
        if before is not None:
            os.chmod(draft, stat.S_IMODE(before.st_mode))
        os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def write_bytes(path: str, *parts: bytes | memoryview) -> None:
    """Write a whole file or nothing."""
    try:
        with _replacing(path) as file:
            for part in parts:
                file.write(part)
    except OSError as error:
        raise _explain(error, f"write {path}") from error


def read_array(path: str) -> Array:
    """Read the array in a ``.npy`` file."""
    with opened(path) as file:
        try:
            array: Array = np.lib.format.read_array(file, allow_pickle=False)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # a damaged header raises almost anything
            raise CommandError(
                f"cannot read {path}: {error}; is it a complete .npy file, as numpy.save "
                "writes it, of numbers?"
            ) from error
    return array


def write_array(path: str, array: Array) -> None:
    """Write an array as a ``.npy`` file."""
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    # Not `numpy.save`, which reports a full disk without the system's reason.
    write_bytes(path, header.getvalue(), array.reshape(-1).view(np.uint8).data)
