"""The compiled kernels, and the choice among their instruction sets."""

from __future__ import annotations

from .baseline import Plan, max_threads, openmp

#: The instruction sets that were compiled, and the one that runs.
INSTRUCTION_SETS = ("baseline",)
INSTRUCTION_SET = "baseline"

__all__ = ["INSTRUCTION_SET", "INSTRUCTION_SETS", "Plan", "max_threads", "openmp"]
