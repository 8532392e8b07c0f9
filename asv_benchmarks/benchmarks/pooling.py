"""The time of poolings: one suite for each part of the table of cases."""

from __future__ import annotations

from typing import Any, ClassVar

from . import cases
from .suite import THREADS, Suite, labelled


class _OfThreads(Suite):
    """A suite over its cases and numbers of threads; ``of`` is the cases."""

    params: ClassVar[tuple[Any, ...]]
    param_names: ClassVar[tuple[str, ...]] = ("case", "threads")

    def __init_subclass__(cls, of: tuple[cases.Case, ...] = ()) -> None:
        cls.by_label = labelled(of)
        cls.params = (list(cls.by_label), THREADS)

    def setup(self, case: str, threads: int) -> None:
        self.prepare(case, threads)

    def time_pool(self, case: str, threads: int) -> None:
        self.call()


class FeatureMaps(_OfThreads, of=cases.FEATURE_MAPS):
    pass


class ChannelsLast(_OfThreads, of=cases.CHANNELS_LAST):
    pass


class Indices(_OfThreads, of=cases.INDICES):
    pass


class Gradients(_OfThreads, of=cases.GRADIENTS):
    pass


class Unpooling(_OfThreads, of=cases.UNPOOLING):
    pass


class Norms(_OfThreads, of=cases.NORMS):
    pass


class Adaptive(_OfThreads, of=cases.ADAPTIVE):
    pass


class Halves(_OfThreads, of=cases.HALVES):
    """Floats of 16 bits."""


class Doubles(_OfThreads, of=cases.DOUBLES):
    """Floats of 64 bits."""


class Signals(_OfThreads, of=cases.SIGNALS):
    pass


class Volumes(_OfThreads, of=cases.VOLUMES):
    pass


class LargeWindows(_OfThreads, of=cases.WINDOWS):
    pass


class Pictures(_OfThreads, of=cases.PICTURES):
    pass


class Dtypes(_OfThreads, of=cases.DTYPES):
    pass


class NewResult(_OfThreads, of=cases.FEATURE_MAPS):
    """As most callers call: without ``out``, so with the time to get memory for the result."""

    def setup(self, case: str, threads: int) -> None:
        self.prepare(case, threads, out=False)


class Layouts(Suite):
    by_label = labelled(cases.STRIDED)
    params: ClassVar[tuple[Any, ...]] = (list(by_label), list(cases.LAYOUTS), THREADS)
    param_names: ClassVar[tuple[str, ...]] = ("case", "layout", "threads")

    def setup(self, case: str, layout: str, threads: int) -> None:
        self.prepare(case, threads, layout)

    def time_pool(self, case: str, layout: str, threads: int) -> None:
        self.call()


class CallOverhead(Suite):
    """So little work that the way there dominates, with the defaults that callers use."""

    by_label = labelled(cases.TINY)
    params: ClassVar[tuple[Any, ...]] = (list(by_label),)
    param_names: ClassVar[tuple[str, ...]] = ("case",)

    def setup(self, case: str) -> None:
        self.prepare(case, None, out=False)

    def time_pool(self, case: str) -> None:
        self.call()
