"""The one table of what is timed: asv's suites and the comparison with other libraries read it."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One call: ``function`` is the name in cypool; a window holds for every pooled axis.

    ``shape`` is that of the array which is pooled, also where the call goes the other way: a
    gradient or an unpooling takes a number for each window, and its result has this shape.
    """

    title: str
    function: str
    shape: Shape
    axis: Shape
    kernel: int | None = None  # None: a global or an adaptive pooling
    stride: int = 1
    padding: int = 0
    dtype: str = "float32"
    result: str | None = None  # passed on as dtype=
    indices: bool = False  # passed on as return_indices=
    size: int | None = None  # passed on as output_size=, to an adaptive pooling

    @property
    def label(self) -> str:
        """The case in words: asv's parameter, so that a changed case starts a new series."""
        sizes = "x".join(map(str, self.shape))
        axes = ",".join(map(str, self.axis))
        words = [f"{self.title}: {self.function} {sizes} {self.dtype} axis {axes}"]
        if self.kernel is not None:
            words.append(f"k{self.kernel} s{self.stride} p{self.padding}")
        if self.size is not None:
            words.append(f"to size {self.size}")
        if self.result is not None:
            words.append(f"to {self.result}")
        if self.indices:
            words.append("with indices")
        return " ".join(words)

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of the call."""
        options: dict[str, Any] = {"axis": self.axis}
        if self.kernel is not None and not self.takes_indices:
            options |= {"kernel_size": self.kernel, "stride": self.stride, "padding": self.padding}
        if self.size is not None and not self.goes_back:
            options["output_size"] = self.size
        if self.result is not None:
            options["dtype"] = self.result
        if self.indices:
            options["return_indices"] = True
        return options

    @property
    def is_max(self) -> bool:
        return "max" in self.function

    @property
    def is_norm(self) -> bool:
        return "lp_" in self.function

    @property
    def goes_back(self) -> bool:
        """From a number for each window to the array."""
        return self.function.endswith(("_backward", "_unpool"))

    @property
    def takes_indices(self) -> bool:
        return self.goes_back and self.is_max

    @property
    def is_plain(self) -> bool:
        """A maximum or an average of common numbers: what any library can make."""
        extra = self.goes_back or self.indices or self.size is not None
        return not extra and not self.is_norm and self.dtype not in SIXTEEN_BITS

    @property
    def pooled_shape(self) -> Shape:
        if self.size is not None:
            return tuple(self.size if i in self.axis else n for i, n in enumerate(self.shape))
        if self.kernel is None:
            return tuple(n for i, n in enumerate(self.shape) if i not in self.axis)
        return tuple(
            (n + 2 * self.padding - self.kernel) // self.stride + 1 if i in self.axis else n
            for i, n in enumerate(self.shape)
        )

    @property
    def input_shape(self) -> Shape:
        """The shape of the first array of the call."""
        return self.pooled_shape if self.goes_back else self.shape

    @property
    def output_shape(self) -> Shape:
        return self.shape if self.goes_back else self.pooled_shape

    @property
    def output_dtype(self) -> str:
        if self.result is not None:
            return self.result
        if self.is_max or "float" in self.dtype:
            return self.dtype
        return "float32" if np.dtype(self.dtype).itemsize <= 2 else "float64"

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays of the call: it cannot read and write less."""
        result = math.prod(self.output_shape) * element(self.output_dtype).itemsize
        indices = 8 * math.prod(self.pooled_shape) if self.indices or self.takes_indices else 0
        # The gradient of a norm needs the array that was pooled, too.
        shapes = [self.input_shape, *([self.shape] if self.goes_back and self.is_norm else [])]
        return sum(map(math.prod, shapes)) * element(self.dtype).itemsize + indices + result

    def other_arguments(self) -> tuple[Any, ...]:
        """What follows the first array: indices or the array that was pooled, or its shape."""
        if not self.goes_back:
            return ()
        if self.is_norm:
            return (values(self.shape, self.dtype),)
        return (places(self), self.shape) if self.takes_indices else (self.shape,)

    def new_output(self) -> Array:
        """An output whose pages exist already: their first touch is not the pooling's time."""
        return np.full(self.output_shape, 1, element(self.output_dtype))


def element(name: str) -> np.dtype[Any]:
    """The dtype of that name: NumPy itself knows no bfloat16."""
    if name == "bfloat16":
        try:
            importlib.import_module("ml_dtypes")
        except ModuleNotFoundError as error:
            raise NotImplementedError(f"bfloat16: {error}") from None  # asv reports n/a
    return np.dtype(name)


def values(shape: Shape, dtype: str) -> Array:
    """Reproducible numbers; floats are below 0, so that a padding of zeros would win a maximum."""
    rng: Any = np.random.default_rng(0)  # Any: NumPy's stubs know no dtype by a string's value
    if dtype in SIXTEEN_BITS:
        return values(shape, "float32").astype(element(dtype))
    if np.issubdtype(dtype, np.floating):
        x: Array = rng.random(shape, dtype)
        return np.negative(x, out=x)  # in place: peak memory is measured too
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    return x


def places(case: Case) -> Array:
    """Where the greatest of each window is, by NumPy, over two axes and without padding."""
    assert case.kernel is not None
    k, s = case.kernel, case.stride
    indices = np.empty(case.pooled_shape, np.int64)
    x, result = (
        np.moveaxis(a, case.axis, (-2, -1)) for a in (values(case.shape, case.dtype), indices)
    )
    starts = s * np.arange(result.shape[-1])
    for i in range(result.shape[-2]):  # not all at once: peak memory is measured too
        windows = sliding_window_view(x[..., i * s : i * s + k, :], (k, k), (-2, -1))
        windows = windows[..., 0, ::s, :, :]
        row, column = np.divmod(windows.reshape(*windows.shape[:-2], -1).argmax(-1), k)
        result[..., i, :] = (i * s + row) * x.shape[-1] + starts + column
    return indices


# How a view of the wanted shape lies in memory: the larger array to make, and the view of it.
LAYOUTS: dict[str, tuple[Callable[[Shape], Shape], Callable[[Array], Array]]] = {
    "contiguous": (lambda shape: shape, lambda x: x),
    "every other": (lambda shape: (*shape[:-1], 2 * shape[-1]), lambda x: x[..., ::2]),
    "reversed": (lambda shape: shape, lambda x: x[..., ::-1, ::-1]),
    "fortran": (lambda shape: shape[::-1], lambda x: x.T),
    "cropped": (
        lambda shape: (*shape[:-2], shape[-2] + 2, shape[-1] + 2),
        lambda x: x[..., 1:-1, 1:-1],
    ),
}


def arrange(shape: Shape, dtype: str, layout: str) -> Array:
    """An array of this shape that lies in memory as the layout's name says."""
    whole, view = LAYOUTS[layout]
    return view(values(whole(shape), dtype))


def channels_last(case: Case) -> Case:
    """The same feature maps as N, H, W, C."""
    n, c, h, w = case.shape
    return replace(case, title=f"{case.title} NHWC", shape=(n, h, w, c), axis=(1, 2))


def with_channels_last(*feature_maps: Case) -> tuple[Case, ...]:
    return (*feature_maps, *map(channels_last, feature_maps))


SIXTEEN_BITS = ("float16", "bfloat16")
HW = (2, 3)
DHW = (2, 3, 4)
VGG = (8, 64, 224, 224)
ALEXNET = (32, 64, 55, 55)
STEM = (16, 64, 112, 112)
CLIP = (2, 64, 16, 56, 56)
PLANE = (2048, 2048)
GREY = (4000, 6000)
COLOUR = (3000, 4000, 3)
TILE = (1, 8, 14, 14)

FEATURE_MAPS = (
    Case("ResNet stem", "max_pool", STEM, HW, 3, 2, 1),
    Case("VGG", "max_pool", VGG, HW, 2, 2),
    Case("VGG", "avg_pool", VGG, HW, 2, 2),
    Case("AlexNet", "max_pool", ALEXNET, HW, 3, 2),
    Case("Inception", "avg_pool", (32, 192, 35, 35), HW, 3, 1, 1),
    Case("SPPF", "max_pool", (8, 256, 20, 20), HW, 5, 1, 2),
    Case("SPP", "max_pool", (8, 256, 20, 20), HW, 13, 1, 6),
    Case("ResNet head", "global_avg_pool", (32, 2048, 7, 7), HW),
)
CHANNELS_LAST = tuple(map(channels_last, FEATURE_MAPS))
INDICES = with_channels_last(
    Case("ResNet stem", "max_pool", STEM, HW, 3, 2, 1, indices=True),
    Case("VGG", "max_pool", VGG, HW, 2, 2, indices=True),
)
GRADIENTS = with_channels_last(
    Case("VGG", "max_pool_backward", VGG, HW, 2, 2),
    Case("AlexNet", "max_pool_backward", ALEXNET, HW, 3, 2),
    Case("VGG", "avg_pool_backward", VGG, HW, 2, 2),
    Case("AlexNet", "avg_pool_backward", ALEXNET, HW, 3, 2),
    Case("Inception", "avg_pool_backward", (32, 192, 35, 35), HW, 3, 1, 1),
    Case("adaptive", "adaptive_avg_pool_backward", (32, 512, 20, 20), HW, size=7),
    Case("AlexNet", "lp_pool_backward", ALEXNET, HW, 3, 2),
    Case("ResNet head", "global_avg_pool_backward", (32, 2048, 7, 7), HW),
)
UNPOOLING = with_channels_last(Case("VGG", "max_unpool", VGG, HW, 2, 2))
NORMS = with_channels_last(
    Case("VGG", "lp_pool", VGG, HW, 2, 2),
    Case("AlexNet", "lp_pool", ALEXNET, HW, 3, 2),
)
ADAPTIVE = with_channels_last(
    Case("adaptive", "adaptive_max_pool", (32, 512, 20, 20), HW, size=7),
    Case("adaptive", "adaptive_avg_pool", (32, 512, 20, 20), HW, size=7),
)
HALVES = with_channels_last(
    *(
        Case("VGG", function, VGG, HW, 2, 2, dtype=dtype)
        for function in ("max_pool", "avg_pool")
        for dtype in SIXTEEN_BITS
    ),
    *(Case("ResNet stem", "max_pool", STEM, HW, 3, 2, 1, dtype) for dtype in SIXTEEN_BITS),
)
DOUBLES = (
    *with_channels_last(
        Case("VGG block 2", "max_pool", (8, 128, 112, 112), HW, 2, 2, dtype="float64"),
        Case("VGG block 2", "avg_pool", (8, 128, 112, 112), HW, 2, 2, dtype="float64"),
        Case("ResNet head", "global_avg_pool", (32, 2048, 7, 7), HW, dtype="float64"),
    ),
    Case("plane", "max_pool", PLANE, (0, 1), 2, 2, dtype="float64"),
    Case("plane", "avg_pool", PLANE, (0, 1), 2, 2, dtype="float64"),
    Case("plane", "max_pool", PLANE, (0, 1), 3, 1, 1, dtype="float64"),
    Case("plane", "avg_pool", PLANE, (0, 1), 3, dtype="float64"),
    Case("plane", "global_max_pool", PLANE, (0, 1), dtype="float64"),
    Case("plane", "global_avg_pool", PLANE, (0, 1), dtype="float64"),
)
SIGNALS = (
    Case("1-D", "max_pool", (16, 64, 16000), (2,), 4, 4),
    Case("1-D", "avg_pool", (16, 64, 16000), (2,), 4, 4),
    Case("1-D wide", "max_pool", (64, 48000), (1,), 401, 1, 200),
)
VOLUMES = (
    Case("3-D", "max_pool", CLIP, DHW, 3, 2, 1),
    Case("3-D", "avg_pool", CLIP, DHW, 2, 2),
    Case("4-D", "max_pool", (4, 16, 16, 32, 32), (1, 2, 3, 4), 2, 2),
    Case("4-D", "avg_pool", (4, 16, 16, 32, 32), (1, 2, 3, 4), 3, 1),
)
WINDOWS = (
    *(Case("plane", "max_pool", PLANE, (0, 1), k, 1, k // 2) for k in (3, 7, 15, 31, 101)),
    Case("plane", "avg_pool", PLANE, (0, 1), 31),
)
PICTURES = (
    Case("grey picture", "avg_pool", GREY, (0, 1), 2, 2, dtype="uint8", result="uint8"),
    Case("grey picture", "max_pool", GREY, (0, 1), 2, 2, dtype="uint8"),
    Case("grey picture", "avg_pool", GREY, (0, 1), 2, 2),
    Case("colour picture", "avg_pool", COLOUR, (0, 1), 2, 2, dtype="uint8", result="uint8"),
    Case("colour picture", "max_pool", COLOUR, (0, 1), 2, 2, dtype="uint8"),
    Case("colour picture", "avg_pool", COLOUR, (0, 1), 2, 2),
)
DTYPES = tuple(
    Case("dtype", function, (8, 16, 224, 224), HW, 3, 2, 1, dtype)
    for function in ("max_pool", "avg_pool")
    for dtype in ("uint8", "int16", "int32", "int64", "float32", "float64")
)
STRIDED = (
    Case("layout", "max_pool", (8, 16, 224, 224), HW, 2, 2),
    Case("layout", "avg_pool", (8, 16, 224, 224), HW, 2, 2),
)
TINY = (
    Case("tiny", "max_pool", TILE, HW, 2, 2),
    Case("tiny", "avg_pool", TILE, HW, 2, 2),
    Case("tiny", "global_max_pool", TILE, HW),
    Case("tiny", "global_avg_pool", TILE, HW),
)
# Two sizes of each: a temporary that grew with the array would widen the gap to the bare setup.
MEMORY = (
    *(
        Case("memory", function, (side, side), (0, 1), k, 1, k // 2)
        for function, k in (("max_pool", 3), ("max_pool", 31), ("avg_pool", 31))
        for side in (1000, 4000)
    ),
    Case("memory", "max_pool", PLANE, (0, 1), 1001, 1, 500),
    *(
        Case("memory", function, (side, side), (0, 1), k, 2, indices=function == "max_pool")
        for function in ("max_pool", "max_pool_backward", "avg_pool_backward")
        for k in (2, 3)
        for side in (1000, 4000)
    ),
    *(
        Case("memory", function, (side, side), (0, 1), 3, 2, padding)
        for function, padding in (("avg_pool_backward", 1), ("lp_pool_backward", 0))
        for side in (1000, 4000)
    ),
)
