"""Compare cypool with other libraries, side by side: ``python -m asv_benchmarks.peers``.

Every library gets its best form: an output that is used again wherever its interface offers one
(cypool's ``out=``, OpenCV's ``dst=``, SciPy's ``output=``, ONNX Runtime's binding, OpenVINO's
request). "cypool new" is the plain call, which gets memory for its result each time.
Torch reads NCHW arrays in the NCHW rows and the same maps in its channels-last format in the NHWC
rows. NumPy, SciPy, Pillow and scikit-image have one thread whatever ``--threads`` says. NumPy and
scikit-image return the mean of a uint8 picture as float64 and are spared the rounding.

Torch's gradients are those of its autograd alone: the forward pass is made beforehand, as cypool's
indices of maxima are.

"roof" is the time to copy half the bytes of the call's arrays (input, output and indices) from one
array to another, so that as many bytes are read and written together as the pooling must read and
write. Each thread copies its own share, over and over.

All results are compared before anything is timed: maxima, their indices and unpooled maxima have to
be equal; averages, norms and gradients within 1e-5 of their size, of float64 within 1e-12, float16
and bfloat16 ones within two units in the last place, uint8 averages within 1 (libraries round
halves differently). Then, in each round, each library runs one block of calls, after a pause in
which the threads of the one before stop spinning. The table has the median of the blocks' medians,
in milliseconds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .benchmarks import cases
from .benchmarks.cases import Array, Case

PAUSE = 0.05  # seconds between libraries
SAMPLE = 0.002  # least seconds of one reading of the clock
BLOCK = 0.06  # seconds of one library's block
LEAST_ROOF = 100_000  # bytes; a smaller copy's time is that of Python's call
ENOUGH = 2.0  # seconds after which a slow library gets no further block in a case

GROUPS = {
    "feature maps, N C H W": cases.FEATURE_MAPS,
    "feature maps, channels last (NHWC)": cases.CHANNELS_LAST,
    "maxima with their indices": cases.INDICES,
    "gradients": cases.GRADIENTS,
    "unpooling": cases.UNPOOLING,
    "norms (Lp, p = 2)": cases.NORMS,
    "adaptive windows": cases.ADAPTIVE,
    "floats of 16 bits": cases.HALVES,
    "floats of 64 bits": cases.DOUBLES,
    "signals": cases.SIGNALS,
    "volumes": cases.VOLUMES,
    "large windows": cases.WINDOWS,
    "pictures": cases.PICTURES,
    "tiny arrays": cases.TINY,
}
# How far results may be apart, of their size. Averages with one element too many or too few are
# farther apart somewhere in every case.
TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "float16": 2.0**-9, "bfloat16": 2.0**-6}
OURS = ("cypool", "cypool new")
ROOF = "roof"


@dataclass(frozen=True)
class Job:
    """A call that is ready to run, and how to read its result as cypool would return it."""

    run: Callable[[], Any]
    read: Callable[[Any], Array] = np.asarray


# A peer makes the job of a case and its first array, or None for a case that it cannot do.
Peer = Callable[[Case, Array], Job | None]


# Does the work so many times.
Repeat = Callable[[int], None]


class DisagreementError(Exception):
    """Two libraries returned different results."""


# Cases as other libraries see them


def channels_first(case: Case, x: Array) -> Array:
    """``x`` as N, C, pooled axes, in the frameworks' order: a view."""
    if x.ndim < len(case.shape):  # a gradient of a global pooling
        x = np.expand_dims(x, case.axis)
    moved = np.moveaxis(x, case.axis, range(-len(case.axis), 0))
    return moved[(None,) * (len(case.axis) + 2 - x.ndim)]


def from_channels_first(case: Case, y: Array) -> Array:
    """The way back from :func:`channels_first`."""
    y = y[(0,) * (len(case.axis) + 2 - len(case.shape))]
    return np.moveaxis(y, range(-len(case.axis), 0), case.axis).reshape(case.output_shape)


def suits_frameworks(case: Case) -> bool:
    """1 to 3 pooled axes, and not a window for which their loops take more than ten seconds."""
    window = 1 if case.kernel is None else case.kernel ** len(case.axis)
    dtypes = ("float32", "float64", *cases.SIXTEEN_BITS, *(["uint8"] if case.is_max else []))
    return len(case.axis) <= 3 and window <= 1000 and case.dtype in dtypes


def with_indices(values: Array, indices: Array) -> Array:
    """Both in one array of float64, which holds them exactly."""
    return np.stack([values.astype(np.float64), indices])


def blocks_of(case: Case) -> dict[int, int] | None:
    """Block length for each axis, where the windows tile the array; else None."""
    if not case.is_plain:
        return None
    if case.kernel is None:
        return {axis: case.shape[axis] for axis in case.axis}
    tiles = case.stride == case.kernel and not case.padding
    if tiles and all(case.shape[axis] % case.kernel == 0 for axis in case.axis):
        return dict.fromkeys(case.axis, case.kernel)
    return None


def reduction(case: Case) -> Callable[..., Any]:
    """NumPy's reduction of a block."""
    return np.max if case.is_max else np.mean


def shaped(case: Case, y: Any) -> Array:
    """A result of blocks, without the axes that were pooled whole."""
    return np.reshape(y, case.output_shape)


def is_dense(case: Case) -> bool:
    """Whether image filters do the case: every position a centre, and a border of one kind."""
    if not case.is_plain or case.kernel is None or case.stride != 1 or case.kernel % 2 == 0:
        return False
    return case.padding == (case.kernel // 2 if case.is_max else 0)


def crop(case: Case, y: Array) -> Array:
    """A filter's result without the border that the case has no windows for."""
    lost = (case.kernel or 1) // 2 - case.padding
    keep = slice(lost, -lost or None)
    return y[tuple(keep if i in case.axis else slice(None) for i in range(y.ndim))]


# The peers: each function imports its library and sets its threads


def cypool_peer(threads: int, reuse: bool = True) -> Peer:
    pooling_call = importlib.import_module(".benchmarks.suite", __package__).pooling_call

    def job(case: Case, x: Array) -> Job:
        run = pooling_call(case, x, case.new_output() if reuse else None, threads)
        return Job(run, (lambda pair: with_indices(*pair)) if case.indices else np.asarray)

    return job


def cypool_new_peer(threads: int) -> Peer:
    return cypool_peer(threads, reuse=False)


def torch_peer(threads: int) -> Peer:
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    functional = torch.nn.functional

    def tensor(case: Case, x: Array) -> Any:
        # The strides are kept, so a channels-last array is torch's channels-last format.
        maps = channels_first(case, x)
        if case.dtype == "bfloat16":
            return torch.from_numpy(maps.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(maps)

    def array(case: Case, y: Any) -> Array:
        if y.dtype == torch.bfloat16:
            y = y.float()
        return from_channels_first(case, y.numpy())

    def pooling(case: Case) -> Callable[..., Any]:
        """The forward pooling, also of a case that goes back."""
        dims = len(case.axis)
        kind = "lp" if case.is_norm else "max" if case.is_max else "avg"
        if case.kernel is None:
            pool = getattr(functional, f"adaptive_{kind}_pool{dims}d")
            return partial(pool, output_size=case.size or 1)
        pool = getattr(functional, f"{kind}_pool{dims}d")
        options: dict[str, Any] = {"kernel_size": case.kernel, "stride": case.stride}
        if kind == "lp":
            return partial(pool, norm_type=2.0, **options)
        options["padding"] = case.padding
        if kind == "avg":
            options["count_include_pad"] = False
        return partial(pool, **options)

    def job(case: Case, x: Array) -> Job | None:
        if not suits_frameworks(case):
            return None
        maps = tensor(case, x)
        pool = pooling(case)
        read = partial(array, case)
        if case.indices:
            return Job(
                lambda: pool(maps, return_indices=True),
                lambda pair: with_indices(read(pair[0]), read(pair[1])),
            )
        if not case.goes_back:
            return Job(lambda: pool(maps), read)
        pooled = tensor(case, cases.values(case.shape, case.dtype))
        if "unpool" in case.function:
            _, indices = pool(pooled, return_indices=True)
            unpool = getattr(functional, f"max_unpool{len(case.axis)}d")
            window = case.kernel, case.stride, case.padding
            return Job(lambda: unpool(maps, indices, *window, pooled.shape), read)
        with torch.enable_grad():
            result = pool(pooled.requires_grad_())
        gradient = torch.autograd.grad
        return Job(lambda: gradient(result, pooled, maps, retain_graph=True)[0], read)

    return job


def onnx_model(case: Case, maps: Array) -> tuple[bytes, tuple[int, ...]] | None:
    """The case as an ONNX model, and the shape of its output."""
    # The runtimes have no averages of float64, or make float32 of it.
    lacking = case.goes_back or case.size is not None or case.dtype in ("bfloat16", "float64")
    if lacking or not suits_frameworks(case) or not maps.flags.c_contiguous:
        return None
    onnx = importlib.import_module("onnx")
    helper = onnx.helper
    dims = len(case.axis)
    attributes: dict[str, Any] = {}
    spatial = [1] * dims
    if case.kernel is None:
        operator = "GlobalMaxPool" if case.is_max else "GlobalAveragePool"
    else:
        # The p of LpPool is 2 unless it is given.
        operator = "LpPool" if case.is_norm else "MaxPool" if case.is_max else "AveragePool"
        spatial = [case.output_shape[axis] for axis in case.axis]
        attributes = {
            "kernel_shape": [case.kernel] * dims,
            "strides": [case.stride] * dims,
            "pads": [case.padding] * 2 * dims,
        }
    shape = (*maps.shape[:2], *spatial)
    element = helper.np_dtype_to_tensor_dtype(maps.dtype)
    outputs = {"y": element}
    if case.indices:
        outputs["indices"] = onnx.TensorProto.INT64
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], list(outputs), **attributes)],
        "case",
        [helper.make_tensor_value_info("x", element, maps.shape)],
        [helper.make_tensor_value_info(name, kind, shape) for name, kind in outputs.items()],
    )
    # Versions from 2022, so that the installed runtime need not be as new as onnx itself.
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return model.SerializeToString(), shape


def onnx_result(case: Case, y: Array, indices: Array | None = None) -> Array:
    """A runtime's outputs as cypool returns them."""
    values = from_channels_first(case, y)
    if indices is None:
        return values
    plane = math.prod(case.shape[axis] for axis in case.axis)  # ONNX counts through all of them
    return with_indices(values, from_channels_first(case, indices % plane))


def onnxruntime_peer(threads: int) -> Peer:
    importlib.import_module("onnx")
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1

    def job(case: Case, x: Array) -> Job | None:
        maps = channels_first(case, x)
        if (model := onnx_model(case, maps)) is None:
            return None
        session = runtime.InferenceSession(model[0], options, providers=["CPUExecutionProvider"])
        dtypes = [maps.dtype, np.int64] if case.indices else [maps.dtype]
        outs = [np.zeros(model[1], dtype) for dtype in dtypes]
        binding = session.io_binding()
        for bind, name, array in (
            (binding.bind_input, "x", maps),
            *((binding.bind_output, *pair) for pair in zip(("y", "indices"), outs, strict=False)),
        ):
            bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return Job(lambda: session.run_with_iobinding(binding), lambda _: onnx_result(case, *outs))

    return job


def openvino_peer(threads: int) -> Peer:
    importlib.import_module("onnx")
    openvino = importlib.import_module("openvino")
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # else a CPU with bfloat16 computes in that
    }

    def job(case: Case, x: Array) -> Job | None:
        maps = channels_first(case, x)
        if (model := onnx_model(case, maps)) is None:
            return None
        request = core.compile_model(core.read_model(model[0]), "CPU", settings)
        request = request.create_infer_request()
        request.set_input_tensor(openvino.Tensor(maps, shared_memory=True))
        return Job(
            lambda: request.infer(share_inputs=True, share_outputs=True),
            lambda _: onnx_result(case, *(tensor.data for tensor in request.output_tensors)),
        )

    return job


def opencv_peer(threads: int) -> Peer:
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(threads)

    def job(case: Case, x: Array) -> Job | None:
        if case.axis != (0, 1) or case.kernel is None:
            return None
        if is_dense(case):
            out = np.zeros_like(x)
            size = (case.kernel, case.kernel)
            if case.is_max:
                element = np.ones(size, np.uint8)
                return Job(lambda: cv2.dilate(x, element, dst=out))
            return Job(lambda: cv2.blur(x, size, dst=out), lambda y: crop(case, y))
        if not case.is_max and blocks_of(case) is not None:
            out = case.new_output()
            size = (out.shape[1], out.shape[0])
            return Job(lambda: cv2.resize(x, size, dst=out, interpolation=cv2.INTER_AREA))
        return None

    return job


def pillow_peer(threads: int) -> Peer:
    image = importlib.import_module("PIL.Image")

    def job(case: Case, x: Array) -> Job | None:
        if case.axis != (0, 1) or case.is_max or case.dtype != "uint8" or not blocks_of(case):
            return None
        picture = image.fromarray(x)
        picture.load()
        return Job(lambda: picture.reduce(case.kernel))

    return job


def numpy_peer(threads: int) -> Peer:
    def job(case: Case, x: Array) -> Job | None:
        if (lengths := blocks_of(case)) is None:
            return None
        shape: list[int] = []
        within: list[int] = []
        for axis, n in enumerate(case.shape):
            if axis in lengths:
                within.append(len(shape) + 1)
                shape += [n // lengths[axis], lengths[axis]]
            else:
                shape.append(n)
        tiles = x.reshape(shape)
        reduce = reduction(case)
        return Job(lambda: reduce(tiles, axis=tuple(within)), partial(shaped, case))

    return job


def skimage_peer(threads: int) -> Peer:
    block_reduce = importlib.import_module("skimage.measure").block_reduce

    def job(case: Case, x: Array) -> Job | None:
        if (lengths := blocks_of(case)) is None:
            return None
        size = tuple(lengths.get(axis, 1) for axis in range(x.ndim))
        reduce = reduction(case)
        return Job(lambda: block_reduce(x, size, reduce), partial(shaped, case))

    return job


def scipy_peer(threads: int) -> Peer:
    ndimage = importlib.import_module("scipy.ndimage")

    def job(case: Case, x: Array) -> Job | None:
        if not is_dense(case):
            return None
        size = tuple(case.kernel if axis in case.axis else 1 for axis in range(x.ndim))
        name, border = ("maximum_filter", -np.inf) if case.is_max else ("uniform_filter", 0)
        apply = getattr(ndimage, name)
        out = np.zeros_like(x)

        def run() -> Array:
            apply(x, size, output=out, mode="constant", cval=border)
            return out

        return Job(run, lambda y: crop(case, y))

    return job


PEERS: dict[str, Callable[[int], Peer]] = {
    "cypool": cypool_peer,
    "cypool new": cypool_new_peer,
    "torch": torch_peer,
    "onnxruntime": onnxruntime_peer,
    "openvino": openvino_peer,
    "opencv": opencv_peer,
    "pillow": pillow_peer,
    "numpy": numpy_peer,
    "skimage": skimage_peer,
    "scipy": scipy_peer,
}


# Measuring


def repeated(run: Callable[[], Any]) -> Repeat:
    def repeat(number: int) -> None:
        for _ in range(number):
            run()

    return repeat


def roof(case: Case, pool: ThreadPoolExecutor, threads: int) -> Repeat:
    """The copy that the figures are held against; the module's text defines it."""
    size = case.nbytes // 2
    source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    cuts = [size * i // threads for i in range(threads + 1)]
    shares = [slice(*ends) for ends in pairwise(cuts)]

    def repeat(number: int) -> None:
        # Each thread repeats on its own: to hand over every single copy would take longer than a
        # small copy itself.
        def copy(share: slice) -> None:
            for _ in range(number):
                np.copyto(target[share], source[share])

        list(pool.map(copy, shares))

    return repeat


def seconds(repeat: Repeat, number: int) -> float:
    start = time.perf_counter()
    repeat(number)
    return (time.perf_counter() - start) / number


def block(repeat: Repeat) -> list[float]:
    """Readings of one block of calls, in seconds for each call."""
    number, first = 1, seconds(repeat, 1)
    if first >= BLOCK:
        return [first]
    while seconds(repeat, number) * number < SAMPLE:  # finds the number, and warms up
        number *= 2
    readings: list[float] = []
    end = time.perf_counter() + BLOCK
    while time.perf_counter() < end or not readings:
        readings.append(seconds(repeat, number))
    return readings


@dataclass
class Timing:
    """Milliseconds for each call: the median of the blocks' medians, and the least reading."""

    median: float
    min: float


def measure(repeats: dict[str, Repeat], rounds: int) -> dict[str, Timing]:
    """Time everything in interleaved blocks, so that a slow spell of the machine hits all alike."""
    blocks: dict[str, list[list[float]]] = {name: [] for name in repeats}
    spent = dict.fromkeys(repeats, 0.0)
    for _ in range(rounds):
        for name, repeat in repeats.items():
            if spent[name] > ENOUGH:
                continue
            time.sleep(PAUSE)
            start = time.perf_counter()
            blocks[name].append(block(repeat))
            spent[name] += time.perf_counter() - start
    return {
        name: Timing(
            1e3 * statistics.median(map(statistics.median, readings)),
            1e3 * min(map(min, readings)),
        )
        for name, readings in blocks.items()
    }


def check(case: Case, results: dict[str, Array]) -> None:
    """Raise unless all libraries returned what the first did."""
    (first, expected), *others = results.items()
    wide = expected.astype(np.float64)
    for name, result in others:
        if result.shape != expected.shape:
            raise DisagreementError(
                f"{case.label}: {name} returned the shape {result.shape}, {first} {expected.shape}"
            )
        gap = np.abs(result.astype(np.float64) - wide)
        if case.is_max and not case.function.endswith("_backward"):
            allowed: Array | float = 0.0
        elif case.output_dtype == "uint8":
            allowed = 1.0
        else:
            allowed = TOLERANCES[case.output_dtype] * np.abs(wide)
        if not np.all(gap <= allowed):
            worst = np.unravel_index(np.argmax(np.where(gap <= allowed, 0, gap)), gap.shape)
            raise DisagreementError(
                f"{case.label}: at {tuple(map(int, worst))} {name} returned {result[worst]!r}, "
                f"{first} {expected[worst]!r}"
            )


@dataclass
class Row:
    """One case, timed."""

    case: Case
    timings: dict[str, Timing]

    @property
    def best_peer(self) -> str | None:
        peers = [name for name in self.timings if name not in (*OURS, ROOF)]
        return min(peers, key=lambda name: self.timings[name].median, default=None)

    def against(self, other: str | None, ours: str = "cypool") -> float | None:
        """How many times as fast as another column cypool is."""
        if other not in self.timings or ours not in self.timings:
            return None
        return self.timings[other].median / self.timings[ours].median


def compare(case: Case, peers: dict[str, Peer], threads: int, rounds: int) -> Row:
    x = cases.values(case.input_shape, case.dtype)
    made = {name: peer(case, x) for name, peer in peers.items()}
    jobs = {name: job for name, job in made.items() if job is not None}
    check(case, {name: np.array(job.read(job.run())) for name, job in jobs.items()})
    with ThreadPoolExecutor(threads) as pool:
        repeats = {name: repeated(job.run) for name, job in jobs.items()}
        if x.nbytes >= LEAST_ROOF:
            repeats[ROOF] = roof(case, pool, threads)
        return Row(case, measure(repeats, rounds))


def installed(threads: int) -> dict[str, Peer]:
    peers = {}
    for name, make in PEERS.items():
        try:
            peers[name] = make(threads)
        except ModuleNotFoundError as error:
            print(f"without {name}: {error}")
    return peers


# The report


def geometric_mean(ratios: Iterable[float | None]) -> float | None:
    known = [ratio for ratio in ratios if ratio is not None]
    return statistics.geometric_mean(known) if known else None


def digits(number: float | None, suffix: str = "") -> str:
    """Three significant digits."""
    if number is None:
        return "-"
    places = max(0, 2 - math.floor(math.log10(number)))
    return f"{number:.{places}f}{suffix}"


def table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The rows as a Markdown table, the last one with the geometric means."""
    columns = [*(name for name in names if any(name in row.timings for row in rows)), ROOF]
    lines = [["case", *columns, "best peer", *(f"{ours} against it" for ours in OURS), "of roof"]]
    for row in rows:
        times = [row.timings[name].median if name in row.timings else None for name in columns]
        best = row.best_peer
        lines.append(
            [
                row.case.label,
                *map(digits, times),
                best or "-",
                *(digits(row.against(best, ours), "x") for ours in OURS),
                digits(row.against(ROOF)),
            ]
        )
    means = [geometric_mean(row.against(row.best_peer, ours) for row in rows) for ours in OURS]
    lines.append(
        [
            "geometric mean",
            *[""] * (len(columns) + 1),
            *(digits(mean, "x") for mean in means),
            digits(geometric_mean(row.against(ROOF) for row in rows)),
        ]
    )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rules = ["-" * width for width in widths]
    lines.insert(1, [rules[0], *(f"{rule[1:]}:" for rule in rules[1:])])
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def draw(rows: Sequence[Row], threads: int, path: Path) -> None:
    """A picture of cypool's speed against the best peer and the roof, on a logarithmic scale."""
    image, image_draw, image_font = (
        importlib.import_module(f"PIL.{name}") for name in ("Image", "ImageDraw", "ImageFont")
    )
    rows = [row for row in rows if "cypool" in row.timings]
    if not rows:
        raise SystemExit("the picture needs cypool's times, and cypool is not installed")
    groups = [
        (name, members)
        for name, group in GROUPS.items()
        if (members := [row for row in rows if row.case in group])
    ]
    faster, slower, dot_colour, grid_colour = "#7fa8d4", "#dd9a96", "#333333", "#dddddd"
    left, width, top, height = 420, 440, 100, 22
    ratios = [row.against(other) for row in rows for other in (row.best_peer, ROOF)]
    exponents = [math.log10(ratio) for ratio in ratios if ratio is not None]
    low, high = math.floor(min(-1.0, *exponents)), math.ceil(max(1.0, *exponents))

    def across(ratio: float) -> float:
        return left + width * (math.log10(ratio) - low) / (high - low)

    bottom = top + height * len(rows) + 2 * height * len(groups)
    canvas = image.new("RGB", (left + width + 170, bottom + 30), "white")
    pen = image_draw.Draw(canvas)
    small, middle, large = map(image_font.load_default, (13, 15, 20))

    def dot(x: float, y: float) -> None:
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), dot_colour)

    pen.text((16, 12), f"cypool's speed, threads: {threads}", "black", large)
    for i, (colour, words) in enumerate(((slower, "slower"), (faster, "faster"))):
        pen.rectangle((left + 90 * i, 16, left + 90 * i + 16, 30), colour)
        pen.text((left + 90 * i + 22, 23), words, "black", small, anchor="lm")
    pen.text((left + 165, 23), "than the best other library", "black", small, anchor="lm")
    dot(left + 8, 47)
    pen.text((left + 22, 47), "against a copy of the bytes", "black", small, anchor="lm")
    for exponent in range(low, high + 1):
        x = across(10.0**exponent)
        pen.line((x, top - 6, x, bottom), "#333333" if exponent == 0 else grid_colour)
        pen.text((x, top - 10), f"{10.0**exponent:g}x", "black", small, anchor="ms")
    y = top - height / 2
    for name, members in groups:
        y += 2 * height
        mean = geometric_mean(row.against(row.best_peer) for row in members)
        pen.text((16, y), name, "black", middle, anchor="lm")
        pen.text((left - 12, y), f"mean {digits(mean, 'x')}", "black", middle, anchor="rm")
        pen.line((16, y + height / 2, left + width + 154, y + height / 2), grid_colour)
        for row in members:
            y += height
            words = re.sub(r" (float32|axis [\d,]+|p0|with indices)(?= |$)", "", row.case.label)
            pen.text((16, y), words, "black", small, anchor="lm")
            peer, roof_ratio = row.against(row.best_peer), row.against(ROOF)
            end = across(1.0)
            if peer is not None:
                ends = sorted((end, across(peer)))
                pen.rectangle((ends[0], y - 7, ends[1], y + 7), faster if peer >= 1 else slower)
                end = ends[1]
            if roof_ratio is not None:
                dot(across(roof_ratio), y)
                end = max(end, across(roof_ratio) + 5)
            if peer is not None:
                words = f"{digits(peer, 'x')} {row.best_peer}"
                pen.text((end + 5, y), words, "black", small, anchor="lm")
    canvas.save(path)


def record(rows: Sequence[Row], threads: int, rounds: int) -> dict[str, Any]:
    """Everything that was measured, for ``--json``."""
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "threads": threads,
        "rounds": rounds,
        "rows": [
            {
                "case": row.case.label,
                "milliseconds": {name: asdict(timing) for name, timing in row.timings.items()},
                "best peer": row.best_peer,
                "against best peer": row.against(row.best_peer),
                "against roof": row.against(ROOF),
            }
            for row in rows
        ],
    }


def chosen(substrings: Sequence[str]) -> list[Case]:
    wanted = [text.lower() for text in substrings]
    table = chain.from_iterable(GROUPS.values())
    return [case for case in table if any(text in case.label.lower() for text in wanted)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.peers",
        description="Time cypool and other libraries on the same cases.",
    )
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="SUBSTRING", help="cases with any of these"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="blocks; default: 5")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the ratios (PNG)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    given = parser.parse_args(arguments)
    if given.threads < 1 or given.rounds < 1:
        parser.error("--threads and --rounds take a number from 1 up")
    if not (selected := chosen(given.only)):
        parser.error(f"no case has {' or '.join(given.only)} in its name")
    peers = installed(given.threads)
    rows = []
    for case in selected:
        print(f"timing {case.label}", flush=True)
        try:
            rows.append(compare(case, peers, given.threads, given.rounds))
        except DisagreementError as error:
            raise SystemExit(f"the libraries disagree, so nothing is compared: {error}") from error
    print(f"\nmilliseconds, threads: {given.threads}\n")
    print(table(rows, list(peers)))
    if given.json:
        given.json.write_text(json.dumps(record(rows, given.threads, given.rounds), indent=1))
    if given.picture:
        draw(rows, given.threads, given.picture)


if __name__ == "__main__":
    main()
