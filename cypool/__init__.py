"""Fast, exact pooling of NumPy arrays of any dimension, on the CPU."""

from .config import show_config
from .pooling import (
    avg_pool,
    global_avg_pool,
    global_max_pool,
    global_min_pool,
    global_sum_pool,
    max_pool,
    min_pool,
    sum_pool,
)
from .threads import get_num_threads, set_num_threads

__all__ = [
    "avg_pool",
    "get_num_threads",
    "global_avg_pool",
    "global_max_pool",
    "global_min_pool",
    "global_sum_pool",
    "max_pool",
    "min_pool",
    "set_num_threads",
    "show_config",
    "sum_pool",
]
