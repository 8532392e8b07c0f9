"""The compiled kernels, and the choice among their instruction sets.

The same source is compiled for the baseline of the architecture and, on x86-64, for two levels
above it.  A level's module may hold its instructions anywhere, so only what runs here is imported.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from . import cpu

#: The x86-64 level that each module needs, the best one first.
LEVELS = {"v4": 4, "v3": 3, "baseline": 0}

#: The instruction sets that were compiled and that this machine runs.
INSTRUCTION_SETS = tuple(
    name
    for name, level in LEVELS.items()
    if level <= cpu.x86_64_level() and find_spec(f"{__name__}.{name}")
)


def choose() -> str:
    """Return the best instruction set, or the one that ``CYPOOL_ISA`` names."""
    name = os.environ.get("CYPOOL_ISA", "").strip() or INSTRUCTION_SETS[0]
    if name not in INSTRUCTION_SETS:
        raise ImportError(
            f"CYPOOL_ISA is {name!r}; available here are {', '.join(INSTRUCTION_SETS)}"
        )
    return name


#: The one that runs.
INSTRUCTION_SET = choose()

if TYPE_CHECKING:
    from .baseline import Plan, max_threads, openmp, route, strays
else:
    _kernels = import_module(f"{__name__}.{INSTRUCTION_SET}")
    Plan, route, strays = _kernels.Plan, _kernels.route, _kernels.strays
    max_threads, openmp = _kernels.max_threads, _kernels.openmp

__all__ = [
    "INSTRUCTION_SET",
    "INSTRUCTION_SETS",
    "Plan",
    "max_threads",
    "openmp",
    "route",
    "strays",
]
