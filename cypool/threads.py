"""How many threads a call may use."""

from __future__ import annotations

import operator
import os
from functools import cache

from . import kernels

#: More threads than this never help, and each needs its scratch rows.
MOST = 256

#: Calls that combine fewer elements than this run on one thread: two were no faster.
SERIAL = 80_000

_chosen: int | None = None  # set_num_threads' value
_forked = False


def set_num_threads(n: int | None) -> None:
    """Set how many threads a call uses when its `num_threads` is None.

    Parameters
    ----------
    n : int or None
        At least 1.  None goes back to ``CYPOOL_NUM_THREADS`` or, without it, to OpenMP's own
        number (``OMP_NUM_THREADS``, the process's affinity, ``threadpoolctl``).

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer, or less than 1.

    Examples
    --------
    >>> import cypool
    >>> cypool.set_num_threads(1)
    >>> cypool.get_num_threads()
    1
    >>> cypool.set_num_threads(None)
    """
    global _chosen
    _chosen = None if n is None else checked(n, "n")


def get_num_threads() -> int:
    """Return how many threads a large call uses when its `num_threads` is None.

    Returns
    -------
    int
        The value given to `set_num_threads`, else that of ``CYPOOL_NUM_THREADS``, else OpenMP's
        own.  Always 1 in a forked child: a thread pool does not survive a fork.

    Raises
    ------
    ValueError
        If ``CYPOOL_NUM_THREADS`` is not a positive integer.

    Examples
    --------
    >>> import cypool
    >>> cypool.get_num_threads() >= 1
    True
    """
    if _forked:
        return 1
    return _chosen or environment() or min(kernels.max_threads(), MOST)


def resolve(num_threads: int | None) -> int:
    """Return the number of threads for a call from its `num_threads` argument."""
    if num_threads is None:
        return get_num_threads()
    if type(num_threads) is not int or not 1 <= num_threads <= MOST:
        num_threads = checked(num_threads, "num_threads")
    return 1 if _forked else num_threads


def checked(n: int, name: str) -> int:
    """Return n as an int from 1 to `MOST`, or raise an error that names the argument."""
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"{name} must be an integer or None, not {n!r}") from None
    if n < 1:
        raise ValueError(f"{name} is {n}; it must be at least 1")
    return min(n, MOST)


@cache
def environment() -> int | None:
    """Return the value of ``CYPOOL_NUM_THREADS``, read once."""
    text = os.environ.get("CYPOOL_NUM_THREADS", "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"CYPOOL_NUM_THREADS is {text!r}; it must be a positive integer")
    return min(int(text), MOST)


def _after_fork() -> None:
    global _forked
    _forked = True


# A parallel region in a forked child waits for ever for the threads of its parent's pool.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
