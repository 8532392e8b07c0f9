"""The command line: what it writes, what it prints, and how it fails."""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cypool
from cypool.cli import main
from cypool.cli.scene import harbour
from cypool.geometry import local_windows

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (13, 18), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (12, 17, 3), dtype=np.uint8)
GREY16 = RNG.integers(0, 65536, (13, 18), dtype=np.uint16)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run every test in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(name, array, **options):
    if name.endswith(".npy"):
        np.save(name, array)
    else:
        Image.fromarray(array).save(name, **options)
    return name


def load(name):
    if name.endswith(".npy"):
        return np.load(name)
    with Image.open(name) as image:
        pixels = np.asarray(image)
        # Before version 11, Pillow reads a 16-bit PNG as 32-bit integers.
        deep = image.format == "PNG" and image.mode == "I"
        return pixels.astype(np.uint16) if deep else pixels


def run(*arguments):
    return main([str(argument) for argument in arguments])


def fails(capsys, *arguments):
    """Run, and return the one line of the error; nothing is printed or left behind besides."""
    before = sorted(os.listdir("."))
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cypool: error: ")
    assert err.endswith("\n") and err.count("\n") == 1
    assert sorted(os.listdir(".")) == before
    return err


def spawn(*arguments, script=None, **options):
    command = ["-c", script] if script else ["-m", "cypool.cli"]
    path = [str(Path(cypool.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    environment |= options.pop("env", {})
    return subprocess.run(
        [sys.executable, *command, *map(str, arguments)],
        env=environment,
        timeout=60,
        check=False,
        **({"capture_output": True} | options),
    )


# What `pool` writes ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "a.npy"])
@pytest.mark.parametrize("pixels", [GREY, GREY16], ids=["8bit", "16bit"])
@pytest.mark.parametrize("kind", ["max", "min"])
def test_max_and_min_are_the_library_s(name, pixels, kind):
    save(name, pixels)
    assert run("pool", name, "-o", f"out_{name}", "--kind", kind, "--kernel-size", "3,2") == 0
    expected = getattr(cypool, f"{kind}_pool")(pixels, (3, 2))
    result = load(f"out_{name}")
    assert result.dtype == pixels.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("pixels", [GREY, COLOUR, GREY16], ids=["grey", "colour", "16bit"])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_average_is_rounded_to_the_picture_s_type(pixels, ending):
    save(f"a.{ending}", pixels)
    assert run("pool", f"a.{ending}", "-o", f"b.{ending}", "--kind", "avg") == 0
    exact = cypool.avg_pool(pixels.astype(np.float64), 2, axis=(0, 1))
    result = load(f"b.{ending}")
    assert result.dtype == pixels.dtype
    np.testing.assert_array_equal(result, np.rint(exact))


def test_colour_channels_are_pooled_by_themselves(capsys):
    save("a.png", COLOUR)
    assert run("pool", "a.png", "-o", "b.png", "--kernel-size", 3) == 0
    result = load("b.png")
    for channel in range(3):
        expected = cypool.max_pool(np.ascontiguousarray(COLOUR[..., channel]), 3)
        np.testing.assert_array_equal(result[..., channel], expected)
    out = capsys.readouterr().out
    assert "(12, 17, 3) → (4, 5, 3)  uint8" in out
    assert "note: each of the 3 channels is pooled by itself" in out
    assert out.endswith("wrote b.png\n")


@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_jpeg(pixels):
    save("a.jpg", pixels)
    decoded = load("a.jpg")
    assert run("pool", "a.jpg", "-o", "exact.png") == 0
    np.testing.assert_array_equal(load("exact.png"), cypool.max_pool(decoded, 2, axis=(0, 1)))
    assert run("pool", "exact.png", "-o", "b.jpeg", "--kernel-size", 1) == 0
    with Image.open("b.jpeg") as image:
        assert image.format == "JPEG"
    assert np.abs(load("b.jpeg").astype(int) - load("exact.png")).mean() < 6


def test_every_option_reaches_the_library():
    x = RNG.standard_normal((3, 17, 19)).astype(np.float32)
    save("a.npy", x)
    status = run(
        "pool",
        "a.npy",
        "-o",
        "b.npy",
        "--kind",
        "avg",
        "--kernel-size",
        "3,2",
        "--stride",
        "2,1",
        "--padding",
        "1,0",
        "--dilation",
        "1,2",
        "--axis",
        "-2,-1",
        "--ceil-mode",
        "--count-include-pad",
        "--dtype",
        "float64",
        "--threads",
        "1",
    )
    assert status == 0
    expected = cypool.avg_pool(
        x,
        (3, 2),
        (2, 1),
        (1, 0),
        (1, 2),
        axis=(-2, -1),
        ceil_mode=True,
        count_include_pad=True,
        dtype=np.float64,
        num_threads=1,
    )
    result = load("b.npy")
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("padding", ["same", "same_lower", "valid"])
def test_named_padding(padding):
    save("a.npy", GREY)
    arguments = ("--kernel-size", 4, "--stride", 3, "--padding", padding)
    assert run("pool", "a.npy", "-o", "b.npy", *arguments) == 0
    np.testing.assert_array_equal(load("b.npy"), cypool.max_pool(GREY, 4, 3, padding))


def test_an_array_is_pooled_along_every_axis_and_a_picture_along_two():
    save("a.npy", COLOUR)
    save("a.png", COLOUR)
    assert run("pool", "a.npy", "-o", "b.npy") == 0
    assert run("pool", "a.png", "-o", "c.npy") == 0
    assert load("b.npy").shape == (6, 8, 1)
    assert load("c.npy").shape == (6, 8, 3)


@pytest.mark.parametrize("axis", ["2", "-1", "0,1,2"])
def test_axis_of_a_picture_may_be_its_channels(axis, capsys):
    save("a.png", COLOUR)
    assert run("pool", "a.png", "-o", "b.png", "--kernel-size", 3, "--axis", axis) == 0
    axes = tuple(map(int, axis.split(",")))
    np.testing.assert_array_equal(load("b.png"), cypool.max_pool(COLOUR, 3, axis=axes)[..., 0])
    assert "by itself" not in capsys.readouterr().out


def test_sum_and_float_average_go_to_npy():
    save("a.png", GREY)
    assert run("pool", "a.png", "-o", "s.npy", "--kind", "sum") == 0
    assert run("pool", "a.png", "-o", "m.npy", "--kind", "avg") == 0
    np.testing.assert_array_equal(load("s.npy"), cypool.sum_pool(GREY, 2))
    mean = load("m.npy")
    assert mean.dtype == np.float32
    np.testing.assert_array_equal(mean, cypool.avg_pool(GREY, 2))


def test_dtype_lets_an_average_become_a_picture():
    save("a.npy", GREY)
    assert run("pool", "a.npy", "-o", "b.png", "--kind", "avg", "--dtype", "uint8") == 0
    np.testing.assert_array_equal(load("b.png"), cypool.avg_pool(GREY, 2, dtype=np.uint8))


def test_npy_needs_no_native_order_and_may_be_empty_beside_the_pooled_axes():
    save("a.npy", GREY16.astype(">u2"))
    assert run("pool", "a.npy", "-o", "b.npy") == 0
    np.testing.assert_array_equal(load("b.npy"), cypool.max_pool(GREY16, 2))
    save("e.npy", np.zeros((0, 6), np.float32))
    assert run("pool", "e.npy", "-o", "f.npy", "--axis", 1) == 0
    assert load("f.npy").shape == (0, 3)


# Kinds of pictures -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_a_channel(mode):
    pixels = RNG.integers(0, 256, (6, 8, len(mode)), dtype=np.uint8)
    save("a.png", pixels)
    assert run("pool", "a.png", "-o", "b.png") == 0
    np.testing.assert_array_equal(load("b.png"), cypool.max_pool(pixels, 2, axis=(0, 1)))


def test_one_bit_becomes_grey(capsys):
    Image.fromarray(GREY).convert("1").save("a.png")
    assert run("pool", "a.png", "-o", "b.png", "--kind", "avg") == 0
    assert "mode 1 was converted to L" in capsys.readouterr().out
    assert load("b.png").dtype == np.uint8
    assert set(np.unique(load("b.png"))) - {0, 255}


def test_palette_and_colour_key_keep_their_colours():
    image = Image.fromarray(COLOUR).quantize(16)
    image.save("a.png")
    assert run("pool", "a.png", "-o", "b.png", "--kernel-size", 1) == 0
    np.testing.assert_array_equal(load("b.png"), np.asarray(image.convert("RGB")))
    image.save("t.png", transparency=3)
    assert run("pool", "t.png", "-o", "u.png", "--kernel-size", 1) == 0
    with Image.open("t.png") as keyed:
        np.testing.assert_array_equal(load("u.png"), np.asarray(keyed.convert("RGBA")))


def test_cmyk_is_pooled_as_light_not_as_ink(capsys):
    image = Image.fromarray(COLOUR).convert("CMYK")
    image.save("a.tif")
    assert run("pool", "a.tif", "-o", "b.png") == 0
    expected = cypool.max_pool(np.asarray(image.convert("RGB")), 2, axis=(0, 1))
    np.testing.assert_array_equal(load("b.png"), expected)
    assert "CMYK was converted to RGB" in capsys.readouterr().out


def tiff(array, sample_format, byte_order="<"):
    """Return an uncompressed grey TIFF, of sample kinds that Pillow does not write."""
    data = array.astype(array.dtype.newbyteorder(byte_order)).tobytes()
    tags = [
        (256, array.shape[1]),
        (257, array.shape[0]),
        (258, array.dtype.itemsize * 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, array.shape[0]),
        (279, len(data)),
        (339, sample_format),
    ]
    mark = b"II" if byte_order == "<" else b"MM"
    file = mark + struct.pack(byte_order + "HI", 42, 8 + len(data)) + data
    file += struct.pack(byte_order + "H", len(tags))
    for tag, value in tags:
        file += struct.pack(byte_order + "HHII", tag, 4, 1, value)
    return file + bytes(4)


@pytest.mark.parametrize(
    ("dtype", "sample_format", "byte_order"),
    [
        (dtype, sample_format, byte_order)
        for dtype, sample_format in (("u2", 1), ("i2", 2), ("u4", 1), ("i4", 2), ("f4", 3))
        for byte_order in "<>"
        if (dtype, byte_order) != ("u4", ">")  # which Pillow refuses, see below
    ],
)
def test_tiff_samples(dtype, sample_format, byte_order):
    pixels = RNG.integers(0, 2**16, (6, 8)).astype(dtype) * (3 if dtype == "f4" else 1)
    if dtype == "u4":
        pixels += 2**31
    Path("a.tif").write_bytes(tiff(pixels, sample_format, byte_order))
    assert run("pool", "a.tif", "-o", "b.npy") == 0
    np.testing.assert_array_equal(load("b.npy"), cypool.max_pool(pixels, 2))
    if dtype in ("u2", "i4", "f4"):
        assert run("pool", "a.tif", "-o", "b.tif", "--kind", "avg") == 0
        result = load("b.tif")
        assert result.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(result, cypool.avg_pool(pixels, 2, dtype=dtype))


def test_tiff_that_pillow_does_not_know(capsys):
    Path("a.tif").write_bytes(tiff(np.ones((6, 8), np.uint32), 1, ">"))
    assert "of a kind that Pillow reads" in fails(capsys, "pool", "a.tif", "-o", "b.npy")


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_orientation_is_applied(ending):
    pixels = np.kron(np.arange(0, 240, 40, dtype=np.uint8).reshape(2, 3), np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(f"a.{ending}", pixels, exif=exif)
    assert run("pool", f"a.{ending}", "-o", "b.npy", "--kernel-size", 8) == 0
    result = load("b.npy")
    assert result.shape == (3, 2)
    expected = np.rot90(cypool.max_pool(pixels, 8), -1)
    np.testing.assert_allclose(result.astype(int), expected, atol=3)


def test_first_of_several_pictures(capsys):
    first, second = Image.fromarray(GREY), Image.fromarray(255 - GREY)
    first.save("a.tif", save_all=True, append_images=[second])
    assert run("pool", "a.tif", "-o", "b.png") == 0
    np.testing.assert_array_equal(load("b.png"), cypool.max_pool(GREY, 2))
    assert "holds 2 pictures; the first one is used" in capsys.readouterr().out


def test_colour_profile_is_kept():
    save("a.png", COLOUR, icc_profile=b"a profile")
    assert run("pool", "a.png", "-o", "b.png") == 0
    with Image.open("b.png") as image:
        assert image.info["icc_profile"] == b"a profile"


def png16(pixels):
    """Return a 16-bit colour PNG, which Pillow does not write."""

    def chunk(name, data):
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_deep_colour_is_refused_rather_than_cut(capsys):
    Path("a.png").write_bytes(png16(RNG.integers(0, 65536, (4, 6, 3))))
    with Image.open("a.png") as image:
        assert image.size == (6, 4)
    assert "16 bits" in fails(capsys, "pool", "a.png", "-o", "b.png")


# Where the output goes ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_output_may_be_the_input(name, folder):
    save(name, GREY)
    assert run("pool", name, "-o", name) == 0
    np.testing.assert_array_equal(load(name), cypool.max_pool(GREY, 2))
    assert os.listdir(folder) == [name]


posix = os.name == "posix"


def test_permissions_follow_the_umask_and_the_replaced_file():
    save("a.npy", GREY)
    before = os.umask(0o027)
    try:
        assert run("pool", "a.npy", "-o", "new.npy") == 0
        save("old.npy", GREY)
        os.chmod("old.npy", 0o604 if posix else 0o666)
        assert run("pool", "a.npy", "-o", "old.npy") == 0
    finally:
        os.umask(before)
    if posix:
        assert stat.S_IMODE(os.stat("new.npy").st_mode) == 0o640
        assert stat.S_IMODE(os.stat("old.npy").st_mode) == 0o604


if hasattr(os, "mkfifo"):

    def test_a_link_stays_a_link():
        save("a.npy", GREY)
        os.symlink("real.npy", "link.npy")
        assert run("pool", "a.npy", "-o", "link.npy") == 0
        assert os.path.islink("link.npy")
        assert load("real.npy").shape == (6, 9)

    def test_a_device_is_written_to_and_stays_a_device():
        save("a.npy", GREY)
        os.symlink(os.devnull, "nowhere.npy")
        assert run("pool", "a.npy", "-o", "nowhere.npy") == 0
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


if os.path.exists("/dev/full"):

    @pytest.mark.parametrize("command", [("pool", "a.png"), ("compare", "a.png")])
    def test_full_device(capsys, command):
        save("a.png", GREY)
        os.symlink("/dev/full", "out.png")
        error = fails(capsys, *command, "-o", "out.png")
        assert "No space left on device" in error and "free some space" in error
        assert stat.S_ISCHR(os.stat("/dev/full").st_mode)

    def test_full_standard_output():
        with open("/dev/full", "wb") as full:
            done = spawn("info", stdout=full, stderr=subprocess.PIPE, capture_output=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"cypool: error: cannot write to the standard output")
        assert done.stderr.count(b"\n") == 1


class FullFile(io.BytesIO):
    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.npy"])
@pytest.mark.parametrize("existing", [False, True])
def test_disk_that_fills_up_leaves_everything_as_it_was(capsys, monkeypatch, name, existing):
    save("a.png", GREY)
    if existing:
        Path(name).write_bytes(b"precious")

    def fdopen(descriptor, mode):
        os.close(descriptor)
        return FullFile()

    monkeypatch.setattr(os, "fdopen", fdopen)
    assert "No space left" in fails(capsys, "pool", "a.png", "-o", name)
    if existing:
        assert Path(name).read_bytes() == b"precious"


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EIO])
def test_failure_at_any_step_of_writing(capsys, monkeypatch, step, code):
    save("a.npy", GREY)

    def refuse(*arguments, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, refuse)
    assert os.strerror(code) in fails(capsys, "pool", "a.npy", "-o", "out.npy")


def test_interrupt_while_writing(capsys, monkeypatch, folder):
    save("a.npy", GREY)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    assert run("pool", "a.npy", "-o", "out.npy") == 130
    assert os.listdir(folder) == ["a.npy"]
    assert capsys.readouterr().err == "cypool: error: interrupted\n"


def test_read_only_output(capsys, monkeypatch):
    save("a.npy", GREY)
    save("out.npy", GREY)
    # Root may write anywhere, so the permission itself cannot be taken away for the test.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "read-only" in fails(capsys, "pool", "a.npy", "-o", "out.npy")


# Inputs and options that are wrong ---------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pool", "none.png", "-o", "out.png"), "none.png: No such file"),
        (("compare", "none.png"), "none.png: No such file"),
        (("pool", "text.png", "-o", "out.png"), "not a PNG, JPEG or TIFF picture"),
        (("pool", "empty.png", "-o", "out.png"), "not a PNG, JPEG or TIFF picture"),
        (("pool", "text.npy", "-o", "out.npy"), "complete .npy file"),
        (("pool", "empty.npy", "-o", "out.npy"), "complete .npy file"),
        (("pool", "objects.npy", "-o", "out.npy"), "of numbers"),
        (("pool", "complex.npy", "-o", "out.npy"), "complex128"),
        (("pool", "a.gif", "-o", "out.png"), "the ending '.gif'; use one of .png"),
        (("pool", "a.png", "-o", "out.bmp"), "the ending '.bmp'; use one of .png"),
        (("pool", "a.png", "-o", "out"), "no ending"),
        (("compare", "a.png", "-o", "out.npy"), "the ending '.npy'"),
        (("pool", "folder", "-o", "out.png"), "it is a folder"),
        (("pool", "a.png", "-o", "folder"), "it is a folder"),
        (("pool", "a.png", "-o", "folder.png"), "it is a folder"),
        (("compare", "-o", "folder.png"), "it is a folder"),
        (("pool", "a.png", "-o", "none/out.png"), "make it first"),
        (("pool", "a.png", "-o", "out.png", "--kernel-size", "14"), "14"),
        (("compare", "a.png", "--kernel-size", "14"), "14"),
        (("pool", "a.png", "-o", "out.png", "--kernel-size", "0"), "kernel_size"),
        (("pool", "a.png", "-o", "out.png", "--kernel-size", "2,2,2"), "kernel_size"),
        (("pool", "a.png", "-o", "out.png", "--kernel-size", "two"), "'two' is not an integer"),
        (("pool", "a.png", "-o", "out.png", "--stride", "0"), "stride"),
        (("pool", "a.png", "-o", "out.png", "--padding", "full"), "same_lower"),
        (("pool", "a.png", "-o", "out.png", "--axis", "5"), "axis"),
        (("pool", "a.png", "-o", "out.png", "--axis", "0,0"), "axis"),
        (("pool", "a.png", "-o", "out.png", "--kind", "median"), "'median'"),
        (("pool", "a.png", "-o", "out.png", "--kind", "sum"), ".npy"),
        (("pool", "a.png", "-o", "out.png", "--kind", "avg", "--dtype", "uint8"), "own type"),
        (("pool", "a.png", "-o", "out.npy", "--dtype", "uint8"), "avg and sum"),
        (("pool", "a.png", "-o", "out.npy", "--kind", "avg", "--dtype", "nine"), "'nine'"),
        (("pool", "a.png", "-o", "out.png", "--count-include-pad"), "avg"),
        (("pool", "grey16.png", "-o", "out.jpg"), "JPEG does not hold uint16"),
        (("pool", "alpha.png", "-o", "out.jpg"), "use .png or .tif"),
        (("pool", "a.npy", "-o", "out.png", "--kind", "avg"), "--dtype uint8"),
        (("pool", "line.npy", "-o", "out.png"), "not a picture"),
        (("compare", "line.npy"), "not a picture"),
        (("pool", "a.png"), "-o"),
        (("pool", "a.png", "-o", "out.png", "--sideways"), "--sideways"),
        (("paint",), "paint"),
        ((), "required"),
    ],
)
def test_one_line_says_what_is_wrong(capsys, arguments, words):
    save("a.png", GREY)
    save("a.npy", GREY)
    save("grey16.png", GREY16)
    save("alpha.png", np.dstack([COLOUR, COLOUR[..., :1]]))
    save("line.npy", np.arange(6, dtype=np.uint8))
    save("objects.npy", np.array([None, "a"], dtype=object))
    save("complex.npy", np.ones((4, 4), complex))
    for name in ("text.png", "text.npy", "a.gif"):
        Path(name).write_text("this is not a picture\n" * 20)
    for name in ("empty.png", "empty.npy"):
        Path(name).touch()
    os.mkdir("folder")
    os.mkdir("folder.png")
    assert words in fails(capsys, *arguments)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.npy"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.8])
def test_truncated_file(capsys, name, kept):
    save(name, RNG.integers(0, 256, (200, 300), dtype=np.uint8))
    data = Path(name).read_bytes()
    Path(name).write_bytes(data[: int(len(data) * kept)])
    assert f"cannot read {name}" in fails(capsys, "pool", name, "-o", "out.npy")


def test_decompression_bomb(capsys):
    Path("a.tif").write_bytes(tiff(np.zeros((2, 2), np.uint8), 1))
    data = bytearray(Path("a.tif").read_bytes())
    for tag in (256, 257):
        place = data.index(struct.pack("<HHII", tag, 4, 1, 2))
        data[place : place + 12] = struct.pack("<HHII", tag, 4, 1, 60000)
    Path("a.tif").write_bytes(data)
    assert "more pixels than is safe" in fails(capsys, "pool", "a.tif", "-o", "out.npy")


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "npy"])
def test_damaged_bytes_never_raise(capsys, ending):
    save(f"a.{ending}", COLOUR)
    whole = Path(f"a.{ending}").read_bytes()
    generator = np.random.default_rng(3)
    for _ in range(100):
        data = np.frombuffer(whole, np.uint8).copy()
        places = generator.integers(0, min(len(data), 400), 3)
        data[places] = generator.integers(0, 256, 3)
        Path(f"b.{ending}").write_bytes(data.tobytes())
        # Damage may go unnoticed; it must not end in anything but a result or one line.
        status = run("pool", f"b.{ending}", "-o", "c.npy")
        assert status in (0, 2)
        assert capsys.readouterr().err.count("\n") == (1 if status else 0)


def test_enormous_array(capsys):
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 18)}
    np.lib.format.write_array_header_1_0(header, described)
    Path("a.npy").write_bytes(header.getvalue())
    fails(capsys, "pool", "a.npy", "-o", "out.npy")


def test_error_stays_one_line_whatever_the_name(capsys):
    error = fails(capsys, "pool", "two\nlines\x1b[31m.png", "-o", "out.png")
    assert "\x1b" not in error


# `compare` ---------------------------------------------------------------------------------


def test_scene():
    scene = harbour()
    assert scene.shape == (700, 1024)
    assert scene.dtype == np.uint8
    np.testing.assert_array_equal(scene, harbour())
    assert scene.min() < 16 and scene.max() == 255
    blocks = scene.reshape(350, 2, 512, 2).astype(int)
    difference = blocks.max((1, 3)) - blocks.mean((1, 3))
    # Both kinds of places: smooth ones, where the poolings agree, and edges, where they do not.
    assert (difference <= 2).mean() > 0.4
    assert (difference > 40).mean() > 0.05


def test_compare_the_scene(capsys):
    assert run("compare") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["original", "(700,", "1024)", "uint8"]
    assert lines[1].startswith("max pooling       (700, 1024) → (350, 512)  uint8 ")
    assert lines[2].startswith("average pooling   (700, 1024) → (350, 512)  float32 ")
    assert lines[1].endswith(" ms") and lines[2].endswith(" ms")
    assert lines[3] == "wrote comparison.png"
    with Image.open("comparison.png") as figure:
        assert figure.width == 1668
        assert figure.height > 1300
        shown = np.asarray(figure.convert("RGB"))
    assert os.path.getsize("comparison.png") < 500_000
    # All of the original, and of what pooling makes of it, is there pixel for pixel.
    scene = harbour()
    maximum = cypool.max_pool(scene, 2)
    average = np.rint(cypool.avg_pool(scene, 2))
    right = 48 + 1024 + 36
    for pixels, left in ((scene, 48), (maximum, right), (average, right)):
        height, width = pixels.shape
        tops = [
            top
            for top in range(figure.height - height)
            if (shown[top, left : left + width, 0] == pixels[0]).all()
        ]
        same = [shown[top : top + height, left : left + width, 0] == pixels for top in tops]
        # The frame of the detail is drawn over them.
        assert max(part.mean() for part in same) > 0.99


def written(monkeypatch):
    """Collect the text that the figure is given to draw."""
    from cypool.cli import comparison

    texts = []
    draw_text = comparison._write

    def write(pen, corner, text, fill, font):
        texts.append(text.replace("\N{MULTIPLICATION SIGN}", "x"))
        draw_text(pen, corner, text, fill, font)

    monkeypatch.setattr(comparison, "_write", write)
    return texts


def test_titles(monkeypatch):
    texts = written(monkeypatch)
    save("a.png", np.kron(GREY, np.ones((10, 10), np.uint8)))
    assert run("compare", "a.png", "--kernel-size", "3,2", "--stride", 2) == 0
    assert "original 130 x 180" in texts
    assert "max pooling 64 x 90" in texts
    assert "average pooling 64 x 90" in texts
    windows = [text for text in texts if text.startswith("windows 3 x 2, stride 2, ")]
    assert len(windows) == 2


def test_detail_shows_one_place_at_one_scale(monkeypatch):
    texts = written(monkeypatch)
    assert run("compare") == 0
    assert "original, each pixel 5 x 5" in texts
    assert "max pooling, each pixel 10 x 10" in texts
    assert "average pooling, each pixel 10 x 10" in texts
    assert "rows 344 to 418, columns 564 to 664 of the original" in texts


def test_centre_of_a_window():
    (window,) = local_windows((9,), (0,), 4, 3, 2, 1, False)
    assert [window.centre(o) for o in range(window.out)] == [-0.5, 2.5, 5.5, 8.5]
    (window,) = local_windows((9,), (0,), 3, None, 0, 4, False)
    assert [window.centre(o) for o in range(window.out)] == [4]


@pytest.mark.parametrize(
    "options",
    [
        ("--kernel-size", 20, "--padding", 100),
        ("--kernel-size", 3, "--stride", 2, "--padding", 300),
        ("--kernel-size", 1, "--stride", 4, "--padding", 50),
    ],
)
def test_windows_in_the_padding_do_not_displace_the_others(options, monkeypatch):
    from cypool.cli import comparison

    panels = []
    paste = comparison._paste

    def keep(figure, corner, panel, region, scale, edge):
        paste(figure, corner, panel, region, scale, edge)
        left, top = corner
        size = round(region.width * scale), round(region.height * scale)
        panels.append(figure.crop((left, top, left + size[0], top + size[1])))

    monkeypatch.setattr(comparison, "_paste", keep)
    # A bright quarter, which every panel has to show at the same place.
    picture = np.zeros((200, 240), np.uint8)
    picture[:100, :120] = 200
    save("a.png", picture)
    assert run("compare", "a.png", "-o", "b.png", *options) == 0
    for panel in panels[:: len(panels) // 3]:
        shown = np.asarray(panel.convert("L").resize((24, 20), Image.Resampling.BOX), float)
        assert shown[1:7, 1:9].min() > 150
        assert shown[:10, :12].mean() > shown[10:, 12:].mean() + 100


def test_small_results_are_magnified_without_smoothing():
    pixels = np.array([[0, 90], [200, 40]], np.uint8).repeat(2, 0).repeat(2, 1)
    save("a.png", pixels)
    assert run("compare", "a.png", "-o", "b.png") == 0
    with Image.open("b.png") as figure:
        row = np.asarray(figure.convert("RGB"))[-60]
    # Of the bottom row of squares only its two values appear, besides background and edges.
    assert {tuple(colour) for colour in row} == {(v, v, v) for v in (245, 206, 200, 40)}
    for value in (200, 40):
        assert (row == value).all(1).sum() == 192


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 8), ()),
        ((1, 1), ("--kernel-size", 1)),
        ((20, 1000), ()),
        ((1000, 20), ()),
        ((3000, 2), ()),
        ((400, 500, 3), ("--kernel-size", 5, "--stride", 1, "--padding", "same")),
        ((300, 400, 4), ("--kernel-size", "2,5")),
        ((40, 40, 2), ("--kernel-size", 40)),
        ((90, 90), ("--kernel-size", 3, "--padding", 1, "--dilation", 2, "--ceil-mode")),
        ((90, 90), ("--kernel-size", 2, "--stride", 50)),
    ],
)
def test_any_picture_makes_a_figure(shape, options):
    save("a.png", RNG.integers(0, 256, shape, dtype=np.uint8))
    assert run("compare", "a.png", "-o", "b.jpg", *options) == 0
    with Image.open("b.jpg") as figure:
        assert 1100 < figure.width <= 1668
        assert 150 < figure.height <= 2000


@pytest.mark.parametrize(
    "array",
    [GREY16, np.full((9, 9), np.nan), RNG.standard_normal((30, 40)), np.eye(9, dtype=bool)],
    ids=["16bit", "nan", "float", "bool"],
)
def test_compare_takes_arrays(array):
    save("a.npy", array)
    assert run("compare", "a.npy", "-o", "b.png") == 0
    assert load("b.png").std() > 0


# The program around it ---------------------------------------------------------------------


def test_info(capsys):
    assert run("info") == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    build = cypool.show_config(mode="dicts")
    assert lines["cypool"] == build["version"]
    assert lines["Python"] == ".".join(map(str, sys.version_info[:3]))
    assert lines["NumPy"] == np.__version__
    assert lines["OpenMP"] == ("yes" if build["openmp"] else "no")
    assert lines["threads"] == str(cypool.get_num_threads())
    assert build["instruction_set"] in lines["instruction"]


def test_version_and_help(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"cypool {cypool.show_config(mode='dicts')['version']}\n"
    for command in ((), ("pool",), ("compare",), ("info",)):
        assert run(*command, "--help") == 0
        assert "usage: cypool" in capsys.readouterr().out


def test_without_pillow():
    save("a.npy", GREY)
    save("a.png", GREY)
    script = """
import sys
sys.modules["PIL"] = None
from cypool.cli import main
sys.exit(main())
"""
    assert spawn("info", script=script).returncode == 0
    assert spawn("pool", "a.npy", "-o", "b.npy", script=script).returncode == 0
    for command in (("pool", "a.png", "-o", "c.png"), ("compare", "-o", "c.png")):
        done = spawn(*command, script=script)
        assert done.returncode == 2
        assert b'pip install "cypool[cli]"' in done.stderr
        assert done.stderr.count(b"\n") == 1
    assert not os.path.exists("c.png")


def test_as_a_module():
    save("a.png", GREY)
    done = spawn("pool", "a.png", "-o", "b.png", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b"(13, 18) -> (6, 9)  uint8" in done.stdout
    assert done.stderr == b""
    done = spawn("pool", "none.png", "-o", "b.png")
    assert done.returncode == 2
    assert done.stderr.startswith(b"cypool: error: ") and b"Traceback" not in done.stderr


def test_closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = spawn("info", stdout=writing, stderr=subprocess.PIPE, capture_output=False)
    finally:
        os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


def test_interrupt(capsys, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cypool, "show_config", interrupt)
    assert run("info") == 130
    assert capsys.readouterr().err == "cypool: error: interrupted\n"


@pytest.mark.parametrize(
    "pixels",
    [np.full((4, 4), 2**63 - 1), np.full((4, 4), 1e17), RNG.uniform(-1, 1, (30, 30)) * 1.7e308],
)
def test_compare_shows_any_range_of_numbers(pixels):
    assert run("compare", save("a.npy", pixels)) == 0
    assert load("comparison.png").shape[0] > 100


def test_a_single_number_is_not_a_picture(capsys):
    assert "is not a picture" in fails(capsys, "pool", save("a.npy", np.array(3.0)), "-o", "b.png")


@pytest.mark.parametrize("arguments", [("--help",), ("info",), ("pool", "a.png", "--threads", 1)])
def test_a_number_of_threads_that_is_none_is_an_error(arguments):
    done = spawn(*arguments, env={"CYPOOL_NUM_THREADS": "many"})
    assert done.returncode == 2
    message = b"cypool: error: CYPOOL_NUM_THREADS is 'many'; it must be a positive integer"
    assert done.stderr.strip() == message
