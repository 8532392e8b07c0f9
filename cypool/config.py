"""What this build is and uses."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any, Literal, overload

import numpy as np

from . import kernels, threads


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...
def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Print, or return, what this build of cypool is and uses.

    Parameters
    ----------
    mode : {"stdout", "dicts"}, optional
        Whether to print or to return a dict.

    Returns
    -------
    dict or None
        The versions of cypool, Python and NumPy, whether the kernels have OpenMP, how many
        threads a large call uses, and the instruction sets: the one that runs and those built.

    Raises
    ------
    ValueError
        If `mode` is neither.

    Examples
    --------
    >>> import cypool
    >>> sorted(cypool.show_config(mode="dicts"))
    ['instruction_set', 'instruction_sets', 'numpy', 'openmp', 'python', 'threads', 'version']
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode is {mode!r}; it must be 'stdout' or 'dicts'")
    config = {
        "version": version("cypool"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "openmp": kernels.openmp(),
        "threads": threads.get_num_threads(),
        "instruction_set": kernels.INSTRUCTION_SET,
        "instruction_sets": list(kernels.INSTRUCTION_SETS),
    }
    if mode == "dicts":
        return config
    for name, value in config.items():
        print(f"{name:17} {value}")
    return None
