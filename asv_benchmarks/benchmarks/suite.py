"""What the suites share: from a case's label to the call that is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import cypool

from . import cases
from .cases import Array, Case

THREADS = (1, 2)


def pooling_call(
    case: Case, x: Array, out: Array | None = None, threads: int | None = None
) -> partial[Any]:
    """The call of cypool that the case describes, ready to run."""
    function = getattr(cypool, case.function, None)
    if function is None:
        # asv reports n/a for a commit that is older than the function.
        raise NotImplementedError(f"this cypool has no {case.function}")
    options = case.options
    if out is not None:
        options["out"] = out
    if threads is not None:
        options["num_threads"] = threads
    return partial(function, x, *case.other_arguments(), **options)


class Suite:
    """Benchmarks whose first parameter is the label of one of the suite's cases."""

    by_label: ClassVar[dict[str, Case]]
    call: Callable[[], Any]

    def prepare(
        self, label: str, threads: int | None, layout: str = "contiguous", out: bool = True
    ) -> None:
        case = self.by_label[label]
        x = cases.arrange(case.input_shape, case.dtype, layout)
        self.call = pooling_call(case, x, case.new_output() if out else None, threads)


def labelled(table: Iterable[Case]) -> dict[str, Case]:
    return {case.label: case for case in table}
