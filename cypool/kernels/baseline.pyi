from collections.abc import Sequence
from typing import Any

Numbers = tuple[int, ...]

class Plan:
    def __init__(
        self,
        kind: int,
        elem: int,
        mapping: int,
        acc: int,
        out: int,
        *,
        x_shape: Numbers,
        x_strides: Numbers,
        out_shape: Numbers,
        out_strides: Numbers,
        outer: Sequence[Numbers],
        row: Numbers,
        lane: Numbers,
        inner: Numbers,
        swap: bool,
        averages: bool,
        divisor: float,
        terms: float,
        depth: float,
        wraps: bool,
        least: bool,
        omits: bool,
        patience: float,
        scans: bool,
        checks: bool,
        form: int,
        margin: int,
        leading: bool,
        reduces: bool,
        slides: bool,
        lifts: bool,
        joins: bool,
        bare: bool,
        pairs: bool,
        block: int,
        strip: int,
        tile: int,
        lanes: int,
        stack: int,
        taps: int,
        pitch: int,
        room: int,
        parts: int,
        parts_rows: bool,
        beside: int | None,
        shared: list[tuple[int, ...]],
        wholes: list[float],
        large: bool,
    ) -> None: ...
    def run(
        self, x: Any, out: Any, indices: Any, threads: int, beside: Any = None
    ) -> bool | None: ...

def openmp() -> bool: ...
def max_threads() -> int: ...
def route(
    values: Any,
    indices: Any,
    places: Any,
    *,
    outer: Sequence[Numbers],
    inner: Sequence[Numbers],
    slots: Sequence[Numbers],
    way: int,
    clears: bool,
    kind: int,
    threads: int,
) -> int: ...
def strays(indices: Any, *, axes: Sequence[Numbers], positions: int, threads: int) -> bool: ...
