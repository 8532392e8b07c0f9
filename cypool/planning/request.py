"""What a pooling is asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Request(NamedTuple):
    """What a pooling is asked for, as hashable values; see `engine.pool`."""

    kind: str
    kernel_size: Any = None
    stride: Any = None
    padding: Any = 0
    dilation: Any = 1
    axis: Any = None
    windows: str = "local"
    output_size: Any = None
    turned_shape: Any = None
    ceil_mode: bool = False
    keepdims: bool = True
    count_include_pad: bool = False
    divisor_override: int | None = None
    p: float = 0.0
    dtype: np.dtype[Any] | None = None
    omits: bool = False
    indices: bool = False
    beside: np.dtype[Any] | None = None
    of_large: bool = False  # x is a part of an array that is likely to be in no cache
    careful: bool = False  # too many sums cannot be trusted if they are not held twice as wide
