"""The console command ``cypool``: pool a picture, compare poolings, tell about the build.

Pillow is needed for pictures only, so every module that imports it is imported where it is used.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

import cypool
from cypool.cli.files import (
    ARRAY_ENDINGS,
    PICTURE_FORMATS,
    CommandError,
    check_input,
    check_output,
    ending,
    read_array,
    write_array,
)
from cypool.geometry import local_windows, pooled_axes

__all__ = ["main"]

Array = NDArray[Any]
Sizes = int | tuple[int, ...]

_POOLINGS: dict[str, Callable[..., Any]] = {
    "max": cypool.max_pool,
    "min": cypool.min_pool,
    "avg": cypool.avg_pool,
    "sum": cypool.sum_pool,
}
_NAMES = {"max": "max", "min": "min", "avg": "average", "sum": "sum"}

_FAILURE, _INTERRUPTED, _BROKEN_PIPE = 2, 130, 141

_PICTURE_ENDINGS = tuple(PICTURE_FORMATS)
_ALL_ENDINGS = _PICTURE_ENDINGS + ARRAY_ENDINGS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except CommandError as error:
        return _fail(str(error))
    except BrokenPipeError:
        _drop_stdout()
        return _BROKEN_PIPE
    except OSError as error:
        # The files of the command have their own messages; what is left is its output.
        _drop_stdout()
        return _fail(f"cannot write to the standard output: {error.strerror or error}")
    except MemoryError:
        return _fail("not enough memory; use a smaller array, or free some memory")
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)


def _run(arguments: Sequence[str]) -> int:
    try:
        options = _parser().parse_args(_join_negative_values(arguments))
    except SystemExit as stop:  # argparse has printed its help, its version or its error
        return stop.code if isinstance(stop.code, int) else _FAILURE
    command: Callable[[argparse.Namespace], None] = options.command
    command(options)
    return 0


def _fail(message: str, status: int = _FAILURE) -> int:
    if sys.stderr is not None:
        # File names may hold anything, line ends too; the message stays one line.
        line = "".join(
            character if character.isprintable() else repr(character)[1:-1]
            for character in " ".join(message.splitlines())
        )
        with suppress(OSError):
            print(_encodable(f"cypool: error: {line}", sys.stderr), file=sys.stderr, flush=True)
    return status


def _drop_stdout() -> None:
    """Send what is still buffered nowhere, or Python would complain of it at its exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _encodable(text: str, stream: TextIO) -> str:
    """Return the text as the stream's encoding can carry it."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        text = text.replace("→", "->").replace("\N{MULTIPLICATION SIGN}", "x")
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _say(text: str) -> None:
    print(_encodable(text, sys.stdout))


# Arguments ---------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line as every other error, without the usage before it.
        raise SystemExit(_fail(f"{message} (see '{self.prog} --help')"))


def _sizes(text: str) -> Sizes:
    """Read ``2`` as an int and ``2,3`` as a tuple."""
    try:
        values = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an integer or a comma list of integers such as 2,3"
        ) from None
    return values if len(values) > 1 else values[0]


def _padding(text: str) -> Sizes | str:
    if text in ("same", "same_lower", "valid"):
        return text
    try:
        return _sizes(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor same, same_lower or valid") from None


def _dtype(text: str) -> np.dtype[Any]:
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a dtype; use one such as uint8 or float32"
        ) from None
    return dtype


def _join_negative_values(arguments: Sequence[str]) -> list[str]:
    """Join ``--axis -2,-1`` to ``--axis=-2,-1``: argparse takes the value for an option."""
    joined: list[str] = []
    for argument in arguments:
        if (
            joined
            and re.fullmatch(r"--[a-z-]+", joined[-1])
            and re.fullmatch(r"-\d[\d,-]*", argument)
        ):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="cypool", description="Pool pictures and arrays.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"cypool {_build()['version']}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    compare = commands.add_parser(
        "compare",
        help="draw a picture beside its max- and average-pooled versions",
        description="Draw a picture beside its max- and average-pooled versions, print their "
        "shapes and the time taken (the median of several runs).",
    )
    compare.add_argument(
        "photo",
        metavar="PHOTO",
        nargs="?",
        help="a PNG, JPEG, TIFF or .npy picture (without it: a scene that ships with cypool)",
    )
    compare.add_argument(
        "-o",
        "--output",
        default="comparison.png",
        metavar="FILE",
        help="where the figure goes (PNG, JPEG or TIFF; default: %(default)s)",
    )
    _add_window_options(compare)
    compare.set_defaults(command=_compare)

    pool = commands.add_parser(
        "pool",
        help="pool a picture or an array and write the result",
        description="Pool a picture (PNG, JPEG, TIFF) or an array (.npy) and write the result. "
        "Each channel of a colour picture is pooled by itself. A picture's average written to a "
        "picture is rounded, half to even, to the type of the input.",
    )
    pool.add_argument("input", metavar="INPUT", help="a PNG, JPEG, TIFF or .npy file")
    pool.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help="a PNG, JPEG, TIFF or .npy file; it may be the input",
    )
    pool.add_argument(
        "--kind",
        choices=tuple(_POOLINGS),
        default="max",
        help="the pooling (default: %(default)s); a sum needs a .npy output",
    )
    _add_window_options(pool)
    pool.add_argument(
        "--axis",
        type=_sizes,
        metavar="AXES",
        help="the axes pooled, such as 0,1 (default: rows and columns of a picture, every axis "
        "of a .npy array)",
    )
    pool.add_argument(
        "--count-include-pad", action="store_true", help="avg: count the padding in the average"
    )
    pool.add_argument("--dtype", type=_dtype, help="avg, sum, with .npy: the type of the result")
    pool.set_defaults(command=_pool)

    info = commands.add_parser("info", help="tell about this build of cypool")
    info.set_defaults(command=_info)
    return parser


def _add_window_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kernel-size",
        type=_sizes,
        default=2,
        metavar="N[,N]",
        help="the window, for all axes or for each (default: %(default)s)",
    )
    parser.add_argument(
        "--stride", type=_sizes, metavar="N[,N]", help="the step (default: the kernel size)"
    )
    parser.add_argument(
        "--padding",
        type=_padding,
        default=0,
        metavar="N[,N]|same|same_lower|valid",
        help="elements added on both sides (default: %(default)s)",
    )
    parser.add_argument(
        "--dilation",
        type=_sizes,
        default=1,
        metavar="N[,N]",
        help="the distance of a window's elements (default: %(default)s)",
    )
    parser.add_argument(
        "--ceil-mode", action="store_true", help="keep the incomplete windows at the end"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="the number of threads")


# Commands ----------------------------------------------------------------------------------


def _info(options: argparse.Namespace) -> None:
    build = _build()
    sets = ", ".join(build["instruction_sets"])
    try:
        pillow = version("pillow")
    except PackageNotFoundError:
        pillow = 'none, which pictures need: pip install "cypool[cli]"'
    for name, value in (
        ("cypool", build["version"]),
        ("Python", build["python"]),
        ("NumPy", build["numpy"]),
        ("Pillow", pillow),
        ("OpenMP", "yes" if build["openmp"] else "no"),
        ("threads", build["threads"]),
        ("instruction set", f"{build['instruction_set']} (of {sets})"),
    ):
        _say(f"{name:<17} {value}")


def _pool(options: argparse.Namespace) -> None:
    check_input(options.input, _ALL_ENDINGS)
    check_output(options.output, _ALL_ENDINGS)
    from_picture = ending(options.input) in PICTURE_FORMATS
    to_picture = ending(options.output) in PICTURE_FORMATS
    _refuse_contradictions(options, from_picture, to_picture)
    if from_picture or to_picture:
        _require_pillow()
    array, profile, notes = _read(options.input)

    keywords = _window_keywords(options)
    keywords["axis"] = (0, 1) if options.axis is None and from_picture else options.axis
    if options.count_include_pad:
        keywords["count_include_pad"] = True
    if options.dtype is not None:
        keywords["dtype"] = options.dtype
    elif options.kind == "avg" and from_picture and to_picture:
        keywords["dtype"] = array.dtype
    pooled, seconds = _timed(options.kind, array, keywords, repeats=1)

    if to_picture:
        from cypool.cli.pictures import write_picture

        write_picture(options.output, pooled, profile)
    else:
        write_array(options.output, pooled)
    _say(_result_line(options.kind, array, pooled, seconds))
    if from_picture:
        notes += _channel_notes(array, keywords["axis"])
    _tell(notes, options.output)


def _refuse_contradictions(
    options: argparse.Namespace, from_picture: bool, to_picture: bool
) -> None:
    if options.kind == "sum" and to_picture:
        raise CommandError(
            "sums are larger than a picture can hold; write them to a .npy file, or use --kind avg"
        )
    if options.count_include_pad and options.kind != "avg":
        raise CommandError(f"--count-include-pad is for --kind avg, not {options.kind}")
    if options.dtype is None:
        return
    if options.kind not in ("avg", "sum"):
        raise CommandError(
            f"--dtype is for --kind avg and sum; {options.kind} keeps the type of its input"
        )
    if from_picture and to_picture:
        raise CommandError(
            "--dtype is for .npy files; a picture's average is written in the picture's own type"
        )


def _compare(options: argparse.Namespace) -> None:
    if options.photo is not None:
        check_input(options.photo, _ALL_ENDINGS)
    check_output(options.output, _PICTURE_ENDINGS)
    _require_pillow()
    from cypool.cli.comparison import Comparison, draw
    from cypool.cli.pictures import write_picture

    if options.photo is None:
        from cypool.cli.scene import harbour

        array: Array = harbour()
        notes: tuple[str, ...] = ()
    else:
        array, _, notes = _read(options.photo)
        if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
            raise CommandError(
                f"{options.photo} has the shape {array.shape}, which is not a picture: rows by "
                "columns, with up to 4 channels; use cypool pool for other arrays"
            )
    keywords = _window_keywords(options) | {"axis": (0, 1)}
    maximum, max_seconds = _timed("max", array, keywords, repeats=7)
    average, avg_seconds = _timed("avg", array, keywords, repeats=7)
    rows, columns = local_windows(
        array.shape,
        keywords["axis"],
        options.kernel_size,
        options.stride,
        options.padding,
        options.dilation,
        options.ceil_mode,
    )
    comparison = Comparison(array, maximum, average, (rows, columns))
    write_picture(options.output, np.asarray(draw(comparison)), palette=True)
    _say(f"{'original':<17} {array.shape}  {array.dtype.name}")
    _say(_result_line("max", array, maximum, max_seconds))
    _say(_result_line("avg", array, average, avg_seconds))
    _tell((*notes, *_channel_notes(array, keywords["axis"])), options.output)


def _channel_notes(array: Array, axis: Sizes) -> tuple[str, ...]:
    """Say of a picture with channels, if that is so, that they are not mixed."""
    if array.ndim < 3 or 2 in pooled_axes(axis, array.ndim):
        return ()
    return (f"each of the {array.shape[2]} channels is pooled by itself",)


def _tell(notes: Sequence[str], output: str) -> None:
    for note in notes:
        _say(f"note: {note}")
    _say(f"wrote {output}")


# Between the options and the library -------------------------------------------------------


def _build() -> dict[str, Any]:
    try:
        build: dict[str, Any] = cypool.show_config(mode="dicts")
    except ValueError as error:  # a number of threads that is none, of the environment's
        raise CommandError(str(error)) from error
    return build


def _require_pillow() -> None:
    try:
        import_module("PIL.Image")
    except ImportError as error:
        raise CommandError(f'pictures need Pillow: pip install "cypool[cli]" ({error})') from error


def _read(path: str) -> tuple[Array, bytes | None, tuple[str, ...]]:
    """Return the array in a file, with a picture's colour profile and notes."""
    if ending(path) in ARRAY_ENDINGS:
        return read_array(path), None, ()
    from cypool.cli.pictures import read_picture

    picture = read_picture(path)
    return picture.pixels, picture.icc_profile, picture.notes


def _window_keywords(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "kernel_size": options.kernel_size,
        "stride": options.stride,
        "padding": options.padding,
        "dilation": options.dilation,
        "ceil_mode": options.ceil_mode,
        "num_threads": options.threads,
    }


def _timed(kind: str, array: Array, keywords: dict[str, Any], repeats: int) -> tuple[Array, float]:
    """Pool and return the result with the median of the times; slow poolings run once."""
    times: list[float] = []
    while len(times) < repeats and sum(times) < 0.5:
        start = time.perf_counter()
        try:
            pooled: Array = _POOLINGS[kind](array, **keywords)
        except (TypeError, ValueError, OverflowError) as error:
            raise CommandError(str(error)) from error
        times.append(time.perf_counter() - start)
    return pooled, median(times)


def _result_line(kind: str, array: Array, pooled: Array, seconds: float) -> str:
    shapes = f"{array.shape} → {pooled.shape}"
    return (
        f"{_NAMES[kind] + ' pooling':<17} {shapes}  {pooled.dtype.name:<9} {seconds * 1e3:.2f} ms"
    )
