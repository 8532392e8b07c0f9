"""Pooling, exactly: the definition that cypool is tested against.

Pure Python and standard library only, written to be read. Nested lists in, nested lists out,
any number of dimensions; averages and sums are exact fractions until a `dtype` asks for one
rounding, and norms are rounded once. It is slow on purpose: each line says what pooling is, none
says how to hurry.

>>> max_pool([[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]], 2)
[[9, 2], [6, 3]]

`python -m reference` prints the worked examples beside what cypool gives.
"""

from .geometry import output_length
from .gradients import (
    adaptive_avg_pool_backward,
    adaptive_max_pool_backward,
    avg_pool_backward,
    global_avg_pool_backward,
    global_lp_pool_backward,
    global_max_pool_backward,
    global_min_pool_backward,
    global_sum_pool_backward,
    lp_pool_backward,
    max_pool_backward,
    max_unpool,
    max_unpool_backward,
    min_pool_backward,
    sum_pool_backward,
)
from .pooling import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool,
    global_avg_pool,
    global_lp_pool,
    global_max_pool,
    global_min_pool,
    global_sum_pool,
    lp_pool,
    max_pool,
    min_pool,
    sum_pool,
)

__all__ = [
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "adaptive_max_pool_backward",
    "avg_pool",
    "avg_pool_backward",
    "global_avg_pool",
    "global_avg_pool_backward",
    "global_lp_pool",
    "global_lp_pool_backward",
    "global_max_pool",
    "global_max_pool_backward",
    "global_min_pool",
    "global_min_pool_backward",
    "global_sum_pool",
    "global_sum_pool_backward",
    "lp_pool",
    "lp_pool_backward",
    "max_pool",
    "max_pool_backward",
    "max_unpool",
    "max_unpool_backward",
    "min_pool",
    "min_pool_backward",
    "output_length",
    "sum_pool",
    "sum_pool_backward",
]
