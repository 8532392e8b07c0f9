"""The pooling layers of Keras 3, for NumPy arrays.

Names, parameters, their order and the results are Keras's: arrays are (batch, …, channels), or with
``data_format="channels_first"`` (batch, channels, …).  Arrays of other libraries will do; the
result is a NumPy array.

>>> import numpy as np
>>> from cypool.layers import MaxPooling2D
>>> pool = MaxPooling2D(pool_size=2)
>>> pool(np.zeros((8, 28, 28, 3), np.float32)).shape
(8, 14, 14, 3)

Layers do not change a dtype, where Keras casts to its policy's, and they have no weights.  What a
mask leaves out may be NaN.  ``padding="same"`` adds the odd position behind, and no padding is ever
counted in an average.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

import cypool

from . import geometry
from .arrays import Array, check_element, plain_array, result_dtype

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]

Sizes = int | Sequence[int]

#: A shape, whose lengths may be unknown.
Shape = tuple[int | None, ...]

#: What the docstrings share, by placeholder.
SHARED = {
    "data_format": """data_format : {{"channels_last", "channels_first"}}, optional
        {last}, which None stands for,
        or {first}.""",
    "name": """name : str, optional
        A name; None makes one of the class's.""",
    "try": """Examples
    --------
    >>> import numpy as np
    >>> from cypool.layers import {cls}
    >>> x = np.ones({shape}, np.float32)""",
}


class Layer:
    """A pooling of `rank` axes; `pool` does it."""

    rank: ClassVar[int]
    pool: ClassVar[Callable[..., Array]]
    options: ClassVar[tuple[str, ...]]
    described: ClassVar[str]

    def __init_subclass__(cls, rank: int = 0, pool: Callable[..., Array] | None = None) -> None:
        if pool is None:
            return
        cls.rank, cls.pool = rank, staticmethod(pool)
        if cls.__doc__:  # python -OO drops docstrings
            axes = ", ".join(("steps",) if rank == 1 else ("depth", "height", "width")[-rank:])
            lengths = (8,) * rank
            cls.__doc__ += cls.described.format(**SHARED).format(
                cls=cls.__name__,
                last=f"(batch, {axes}, channels)",
                first=f"(batch, channels, {axes})",
                shape=(2, *lengths, 3),
                halved=(2, *(4 for _ in lengths), 3),
                thirds=(2, *(3 for _ in lengths), 3),
                ones=(2, *(1 for _ in lengths), 3),
            )

    def __init__(self, data_format: str | None, name: str | None) -> None:
        self.data_format = "channels_last" if data_format is None else data_format
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                f"data_format is {data_format!r}; it must be 'channels_last' or 'channels_first'"
            )
        first = 1 if self.data_format == "channels_last" else 2
        self.axes = tuple(range(first, first + self.rank))
        if name is None:
            name = re.sub("(?<!^)(?=[A-Z][a-z])", "_", type(self).__name__).lower()
        self.name = name

    def __call__(self, x: Any) -> Array:
        """Pool an array."""
        array = plain_array(x)
        self.check(array.shape)
        return self.call(array)

    def call(self, x: Array) -> Array:
        raise NotImplementedError

    def check(self, shape: Shape) -> None:
        if len(shape) != self.rank + 2:
            raise ValueError(
                f"{type(self).__name__} takes arrays of {self.rank + 2} axes, batch and channels"
                f" among them; this one has shape {shape}"
            )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Return the shape of the result for an input's; None stands for an unknown length."""
        try:
            shape = tuple(None if n is None else operator.index(n) for n in input_shape)
        except TypeError:
            raise TypeError(
                f"input_shape is {input_shape!r}; it must be a sequence of ints, or None for what"
                " is unknown"
            ) from None
        self.check(shape)
        lengths: list[int | None] = list(shape)
        for i, axis in enumerate(self.axes):
            lengths[axis] = self.pooled_length(i, shape)
        return tuple(lengths)

    def pooled_length(self, i: int, shape: Shape) -> int | None:
        """Return the output's length along the i-th pooled axis."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {option: getattr(self, option) for option in ("name", "data_format", *self.options)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a layer made of a configuration, which may be one of Keras's."""
        if not isinstance(config, Mapping):
            raise TypeError(f"config is {config!r}; it must be a dict, as get_config() returns it")
        return cls(**{key: v for key, v in config.items() if key not in ("trainable", "dtype")})

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class Local(Layer):
    """Windows of one size."""

    options = ("pool_size", "strides", "padding")
    described = """

    Parameters
    ----------
    pool_size : int or sequence of int, optional
        The window's size: one for all pooled axes, or one per axis.
    strides : int or sequence of int, optional
        The step from one window to the next.  None is `pool_size`.
    padding : {{{{"valid", "same"}}}}, optional
        "valid" is none; "same" gives ``ceil(n / strides)`` windows along an axis of length n.
    {data_format}
    {name}

    {try}
    >>> {{cls}}(pool_size=2)(x).shape
    {{halved}}
    >>> {{cls}}(3, strides=1, padding="same").compute_output_shape(x.shape) == x.shape
    True
    """

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(data_format, name)
        self.pool_size = geometry.per_axis(pool_size, "pool_size", self.axes)
        self.strides = (
            self.pool_size if strides is None else geometry.per_axis(strides, "strides", self.axes)
        )
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in ("valid", "same"):
            raise ValueError(f"padding is {padding!r}; it must be 'valid' or 'same'")

    def call(self, x: Array) -> Array:
        return self.pool(x, self.pool_size, self.strides, self.padding, axis=self.axes)

    def pooled_length(self, i: int, shape: Shape) -> int | None:
        if shape[self.axes[i]] is None:
            return None
        (windows,) = geometry.local_windows(
            shape,  # type: ignore[arg-type]  # the length that counts is known
            self.axes[i : i + 1],
            self.pool_size[i],
            self.strides[i],
            self.padding,
            1,
            False,
        )
        return windows.out


class Global(Layer):
    """One window over the whole of each pooled axis."""

    options = ("keepdims",)
    described = """

    Parameters
    ----------
    {data_format}
    keepdims : bool, optional
        Keep the pooled axes, with length 1.
    {name}

    {try}
    >>> {{cls}}()(x).shape
    (2, 3)
    >>> {{cls}}(keepdims=True)(x).shape
    {{ones}}
    """

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, name: str | None = None
    ) -> None:
        super().__init__(data_format, name)
        self.keepdims = bool(keepdims)

    def call(self, x: Array) -> Array:
        return self.pool(x, axis=self.axes, keepdims=self.keepdims)

    def pooled_length(self, i: int, shape: Shape) -> int | None:
        return 1

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Return the shape of the result for an input's; None stands for an unknown length."""
        shape = super().compute_output_shape(input_shape)
        if self.keepdims:
            return shape
        return tuple(n for axis, n in enumerate(shape) if axis not in self.axes)


class Adaptive(Layer):
    """Windows whose number is given."""

    options = ("output_size",)
    described = """

    Parameters
    ----------
    output_size : int or sequence of int
        The output's length: one for all pooled axes, or one per axis.
    {data_format}
    {name}

    {try}
    >>> {{cls}}(3)(x).shape
    {{thirds}}
    """

    def __init__(
        self, output_size: Sizes, data_format: str | None = None, name: str | None = None
    ) -> None:
        super().__init__(data_format, name)
        self.output_size = geometry.per_axis(output_size, "output_size", self.axes)

    def call(self, x: Array) -> Array:
        return self.pool(x, self.output_size, axis=self.axes)

    def pooled_length(self, i: int, shape: Shape) -> int | None:
        return self.output_size[i]


class MaxPooling1D(Local, rank=1, pool=cypool.max_pool):
    """Take the maximum of each window over steps."""


class MaxPooling2D(Local, rank=2, pool=cypool.max_pool):
    """Take the maximum of each window over height and width."""


class MaxPooling3D(Local, rank=3, pool=cypool.max_pool):
    """Take the maximum of each window over depth, height and width."""


class AveragePooling1D(Local, rank=1, pool=cypool.avg_pool):
    """Take the average of each window over steps."""


class AveragePooling2D(Local, rank=2, pool=cypool.avg_pool):
    """Take the average of each window over height and width."""


class AveragePooling3D(Local, rank=3, pool=cypool.avg_pool):
    """Take the average of each window over depth, height and width."""


class GlobalMaxPooling1D(Global, rank=1, pool=cypool.global_max_pool):
    """Take the maximum over steps."""


class GlobalMaxPooling2D(Global, rank=2, pool=cypool.global_max_pool):
    """Take the maximum over height and width."""


class GlobalMaxPooling3D(Global, rank=3, pool=cypool.global_max_pool):
    """Take the maximum over depth, height and width."""


class GlobalAveragePooling1D(Global, rank=1, pool=cypool.global_avg_pool):
    """Take the average over steps; a layer called with a `mask` counts only the steps it keeps."""

    def __call__(self, x: Any, mask: Any = None) -> Array:
        """Pool an array; a mask of shape (batch, steps) tells the steps that count."""
        if mask is None:
            return super().__call__(x)
        array, kept = plain_array(x), plain_array(mask).astype(bool)
        self.check(array.shape)
        check_element(array.dtype)
        steps = self.axes[0]
        if kept.shape != (array.shape[0], array.shape[steps]):
            raise ValueError(
                f"mask has shape {kept.shape}; it must have the input's batch and steps,"
                f" {(array.shape[0], array.shape[steps])}"
            )
        geometry.global_windows(array.shape, (steps,))  # there has to be a step, kept or not
        filled = np.where(np.expand_dims(kept, 3 - steps), array, np.zeros((), array.dtype))
        shape = tuple(1 if a == steps else n for a, n in enumerate(array.shape))
        average = np.full(shape, np.nan, result_dtype("avg", array.dtype, None))
        counts = kept.sum(axis=1)
        for count in np.unique(counts[counts > 0]):  # where nothing is kept: NaN
            average[counts == count] = cypool.avg_pool(
                filled[counts == count],
                array.shape[steps],
                axis=steps,
                divisor_override=int(count),
            )
        return average if self.keepdims else average.squeeze(steps)


class GlobalAveragePooling2D(Global, rank=2, pool=cypool.global_avg_pool):
    """Take the average over height and width."""


class GlobalAveragePooling3D(Global, rank=3, pool=cypool.global_avg_pool):
    """Take the average over depth, height and width."""


class AdaptiveMaxPooling1D(Adaptive, rank=1, pool=cypool.adaptive_max_pool):
    """Take the maxima of a given number of parts of steps."""


class AdaptiveMaxPooling2D(Adaptive, rank=2, pool=cypool.adaptive_max_pool):
    """Take the maxima of a given number of parts of height and width."""


class AdaptiveMaxPooling3D(Adaptive, rank=3, pool=cypool.adaptive_max_pool):
    """Take the maxima of a given number of parts of depth, height and width."""


class AdaptiveAveragePooling1D(Adaptive, rank=1, pool=cypool.adaptive_avg_pool):
    """Take the averages of a given number of parts of steps."""


class AdaptiveAveragePooling2D(Adaptive, rank=2, pool=cypool.adaptive_avg_pool):
    """Take the averages of a given number of parts of height and width."""


class AdaptiveAveragePooling3D(Adaptive, rank=3, pool=cypool.adaptive_avg_pool):
    """Take the averages of a given number of parts of depth, height and width."""


# Keras's short names.
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
