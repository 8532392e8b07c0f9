"""Peak memory: ``peakmem_pool`` less ``peakmem_setup`` is what the pooling itself needs."""

from __future__ import annotations

from typing import Any, ClassVar

from . import cases
from .suite import Suite, labelled


class Memory(Suite):
    by_label = labelled(cases.MEMORY)
    params: ClassVar[tuple[Any, ...]] = (list(by_label), ["contiguous", "every other", "fortran"])
    param_names: ClassVar[tuple[str, ...]] = ("case", "layout")

    def setup(self, case: str, layout: str) -> None:
        self.prepare(case, None, layout)

    def peakmem_pool(self, case: str, layout: str) -> None:
        self.call()

    def peakmem_setup(self, case: str, layout: str) -> None:
        """The arrays alone: the bottom line of ``peakmem_pool``."""
