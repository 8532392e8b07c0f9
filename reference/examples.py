"""The worked examples: every number that the source documents state for pooling.

Each is data: a call, its input and the answer that the document gives. `call(pools, x)` runs
against any namespace `pools` with the functions of this package, so that the exact reference and
the compiled cypool are judged by the same lines. In an answer a tuple is a shape, a list a result.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .arrays import flatten, shape_of

SOURCES = {
    "D0": "interview question",
    "D1": "study note",
    "D2": "lecture notes",
    "D3": "concept note",
    "D4": "slides",
}


@dataclass(frozen=True)
class Example:
    """One checkable line of a source document."""

    id: str
    source: str
    title: str
    input: Any
    call: Callable[[Any, Any], Any]
    expected: Any
    dtype: str = "float64"  # of the array that cypool is given
    result_dtype: str = "float64"  # of the array that cypool must give back
    printed: Any = None  # what a document prints by mistake; it must not come out
    note: str = ""

    def accepts(self, result: Any) -> bool:
        """Tell whether a result is the right one, to the last digit."""
        return bool(result == self.expected and (self.printed is None or result != self.printed))


# -------------------------------------------------------------------- inputs

# The pictures of D2 are not in its text: these inputs give every output that it states.
LECTURE_MAX = [
    [1, 3, 2, 1],
    [2, 9, 1, 1],
    [1, 3, 2, 3],
    [5, 6, 1, 2],
]
LECTURE_AVERAGE = [
    [1, 3, 2, 1],
    [2, 9, 1, 1],
    [1, 4, 2, 3],
    [5, 6, 1, 2],
]
LECTURE_OVERLAP = [
    [1, 3, 2, 1, 3],
    [2, 9, 1, 1, 5],
    [1, 3, 2, 3, 2],
    [8, 3, 5, 1, 0],
    [5, 6, 1, 2, 9],
]
CONCEPT = [
    [1, 1, 2, 4],
    [5, 6, 7, 8],
    [3, 2, 1, 0],
    [1, 2, 3, 4],
]
SLIDE = [
    [0, 3, 3, 0],
    [2, 7, 6, 8],
    [0, 1, 7, 6],
    [1, 3, 5, 6],
]
SLIDE_CHANGED = [
    [1, 3, 2, 0],
    [2, 7, 6, 8],
    [0, 2, 7, 3],
    [1, 3, 5, 6],
]
# Three 4x4 maps that sum to 80, 64 and 64: over 16 nodes 5, 4 and 4.
THREE_MAPS = [
    [[2, 8, 3, 7], [1, 9, 4, 6], [5, 5, 0, 10], [8, 2, 6, 4]],
    [[4, 4, 4, 4], [1, 7, 2, 6], [0, 8, 3, 5], [9, 0, 7, 0]],
    [[0, 0, 0, 0], [0, 32, 0, 0], [0, 0, 32, 0], [0, 0, 0, 0]],
]
# A bright line, one pixel wide, on a dark and slightly uneven ground.
BRIGHT_LINE = [[200 if column == 3 else 10 + row % 2 for column in range(6)] for row in range(6)]

# A grey photograph stand-in of 2x2 tiles: the answers can be written down without pooling.
TILES = [[(7 * row + 11 * column) % 250 for column in range(512)] for row in range(350)]
PHOTOGRAPH = [
    [TILES[i // 2][j // 2] + (0, 1, 2, 4)[i % 2 * 2 + j % 2] for j in range(1024)]
    for i in range(700)
]


def feature_maps(height: int, width: int, channels: int) -> list[list[list[int]]]:
    """Build height x width x channels numbers, uneven, whose mean in channel c is exactly c."""
    middle = height * width - 1
    return [
        [
            [c + 2 * (row * width + column) - middle for c in range(channels)]
            for column in range(width)
        ]
        for row in range(height)
    ]


def halves(rows: list[list[int]]) -> list[list[list[int]]]:
    """Lay a picture and itself turned half round side by side, as two channels."""
    turned = [row[::-1] for row in rows[::-1]]
    return [[[a, b] for a, b in zip(*pair, strict=True)] for pair in zip(rows, turned, strict=True)]


# ------------------------------------------------------------ calls that need a name


def line_lengths(pools: Any, lengths: list[int], *args: int, **options: int) -> list[int]:
    """Max-pool lines of these lengths; list how long the results are."""
    return [len(pools.max_pool([0] * n, *args, **options)) for n in lengths]


def contrast(picture: Any) -> Any:
    """Subtract the darkest from the brightest."""
    numbers = flatten(picture, shape_of(picture))
    return max(numbers) - min(numbers)


def spread(picture: Any) -> Any:
    """Measure how uneven a picture is: its variance."""
    numbers: list[Any] = flatten(picture, shape_of(picture))
    return statistics.pvariance(numbers)


def nowhere_less(a: Any, b: Any) -> bool:
    """Tell whether no number of `a` is under its counterpart of `b`."""
    pairs = zip(flatten(a, shape_of(a)), flatten(b, shape_of(b)), strict=True)
    return all(left >= right for left, right in pairs)


def l2_pool(pools: Any, x: list[list[int]], size: int) -> Any:
    """L2-norm pooling of a single window: the root of the sum of the squares."""
    squares = [[value * value for value in row] for row in x]
    return math.sqrt(pools.sum_pool(squares, size)[0][0])


# ----------------------------------------------------------------- the examples

EXAMPLES = (
    Example(
        "E1", "D2", "max, f=2 s=2", LECTURE_MAX,
        lambda pools, x: pools.max_pool(x, 2, 2),
        [[9, 2], [6, 3]],
    ),
    Example(
        "E2", "D2", "average, f=2 s=2", LECTURE_AVERAGE,
        lambda pools, x: pools.avg_pool(x, 2, 2),
        [[3.75, 1.25], [4, 2]],
    ),
    Example(
        "E3", "D2", "max, f=3 s=1", LECTURE_OVERLAP,
        lambda pools, x: pools.max_pool(x, 3, 1),
        [[9, 9, 5], [9, 9, 5], [8, 6, 9]],
    ),
    Example(
        "E4", "D2", "max of 5x5x2, f=3 s=1", halves(LECTURE_OVERLAP),
        lambda pools, x: pools.max_pool(x, 3, 1, axis=(0, 1)),
        halves([[9, 9, 5], [9, 9, 5], [8, 6, 9]]),
    ),
    Example(
        "E4", "D2", "each channel as it is alone", halves(LECTURE_OVERLAP),
        lambda pools, x: [
            [[pixel[c] for pixel in row] for row in pools.max_pool(x, 3, 1, axis=(0, 1))]
            == pools.max_pool([[pixel[c] for pixel in row] for row in x], 3, 1)
            for c in (0, 1)
        ],
        [True, True],
    ),
    Example(
        "E5", "D2", "sizes of 4 5 6 7 224, f=2 s=2", [4, 5, 6, 7, 224],
        lambda pools, x: line_lengths(pools, x, 2, 2),
        [2, 2, 3, 3, 112],
    ),
    Example(
        "E5", "D2", "sizes of 5 6 7 8 227, f=3 s=2", [5, 6, 7, 8, 227],
        lambda pools, x: line_lengths(pools, x, 3, 2),
        [2, 2, 3, 3, 113],
    ),
    Example(
        "E5", "D2", "sizes of 5 6 7 8 224, f=3 s=2 p=1", [5, 6, 7, 8, 224],
        lambda pools, x: line_lengths(pools, x, 3, 2, padding=1),
        [3, 3, 4, 4, 112],
    ),
    Example(
        "E5", "D2", "size of 6x8x3, f=2 s=2", feature_maps(6, 8, 3),
        lambda pools, x: shape_of(pools.max_pool(x, 2, 2, axis=(0, 1))),
        (3, 4, 3),
    ),
    Example(
        "E6", "D2", "average over all of 7x7x1000", feature_maps(7, 7, 1000),
        lambda pools, x: pools.avg_pool(x, 7, axis=(0, 1)),
        [[list(range(1000))]],
    ),
    Example(
        "E6", "D2", "the same, global average", feature_maps(7, 7, 1000),
        lambda pools, x: pools.global_avg_pool(x, axis=(0, 1), keepdims=True),
        [[list(range(1000))]],
    ),
    Example(
        "E7", "D1", "global average of three 4x4 maps", THREE_MAPS,
        lambda pools, x: pools.global_avg_pool(x, axis=(1, 2)),
        [5, 4, 4],
    ),
    Example(
        "E7", "D1", "their sums", THREE_MAPS,
        lambda pools, x: pools.global_sum_pool(x, axis=(1, 2)),
        [80, 64, 64],
    ),
    Example(
        "E8", "D3", "max, f=2 s=2", CONCEPT,
        lambda pools, x: pools.max_pool(x, 2, 2),
        [[6, 8], [3, 4]],
    ),
    Example(
        "E8", "D3", "average, f=2 s=2", CONCEPT,
        lambda pools, x: pools.avg_pool(x, 2, 2),
        [[3.25, 5.25], [2, 2]],
    ),
    *(
        Example(
            "E9", "D3", f"global average of {height}x{width}x4", feature_maps(height, width, 4),
            lambda pools, x: pools.global_avg_pool(x, axis=(0, 1), keepdims=True),
            [[[0, 1, 2, 3]]],
        )
        for height, width in ((7, 7), (3, 5), (6, 1))
    ),
    Example(
        "E10", "D4", "max, pool_size=2 stride=2", SLIDE,
        lambda pools, x: pools.max_pool(x, 2, 2),
        [[7, 8], [3, 7]],
    ),
    Example(
        "E11", "D4", "max of a changed input", SLIDE_CHANGED,
        lambda pools, x: pools.max_pool(x, 2, 2),
        [[7, 8], [3, 7]],
    ),
    Example(
        "E12", "D4", "average of E10's input *", SLIDE,
        lambda pools, x: pools.avg_pool(x, 2, 2),
        [[3, 4.25], [1.25, 6]],
        printed=[[3, 4.25], [0.18, 1.5]],
        note="the second row is a misprint. The windows sum to 12, 17, 5 and 24; each quarter of"
        " that is the average.",
    ),
    Example(
        "E12", "D4", "the sums of its windows", SLIDE,
        lambda pools, x: pools.sum_pool(x, 2, 2),
        [[12, 17], [5, 24]],
    ),
    Example(
        "E13", "D4", "max of a photograph, uint8 as it was", PHOTOGRAPH,
        lambda pools, x: pools.max_pool(x, 2, 2),
        [[value + 4 for value in row] for row in TILES],
        dtype="uint8",
        result_dtype="uint8",
    ),
    Example(
        "E13", "D4", "average of it, fractions kept", PHOTOGRAPH,
        lambda pools, x: pools.avg_pool(x, 2, 2),
        [[value + 1.75 for value in row] for row in TILES],
        dtype="uint8",
        result_dtype="float32",
    ),
    *(
        Example("E14", "D4", f"max, pool_size={size}", SLIDE, max_of_size, [[7, 8], [3, 7]])
        for size, max_of_size in (
            (2, lambda pools, x: pools.max_pool(x, 2)),
            ((2, 2), lambda pools, x: pools.max_pool(x, (2, 2))),
        )
    ),
    Example(
        "E14", "D4", "average, pool_size=2", SLIDE,
        lambda pools, x: pools.avg_pool(x, 2),
        [[3, 4.25], [1.25, 6]],
    ),
    Example(
        "E14", "D4", "size of 28x20 halved", [[0] * 20] * 28,
        lambda pools, x: [shape_of(pools.max_pool(x, 2)), shape_of(pools.avg_pool(x, 2))],
        [(14, 10), (14, 10)],
    ),
    Example(
        "E15", "D0 D1 D4", "contrast of a thin line: max, average", BRIGHT_LINE,
        lambda pools, x: [contrast(pools.max_pool(x, 2)), contrast(pools.avg_pool(x, 2))],
        [189, 94.75],
    ),
    Example(
        "E15", "D0 D1 D4", "max nowhere under average", BRIGHT_LINE,
        lambda pools, x: nowhere_less(pools.max_pool(x, 2), pools.avg_pool(x, 2)),
        True,
    ),
    Example(
        "E15", "D0 D1 D4", "average smoother than max and input", BRIGHT_LINE,
        lambda pools, x: (
            spread(pools.avg_pool(x, 2)) < min(spread(x), spread(pools.max_pool(x, 2)))
        ),
        True,
    ),
    Example(
        "E16", "D0", "max, average, L2 norm of one window", [[3, 4], [0, 0]],
        lambda pools, x: [
            pools.max_pool(x, 2)[0][0],
            pools.avg_pool(x, 2)[0][0],
            l2_pool(pools, x, 2),
        ],
        [4, 1.75, 5],
    ),
    Example(
        "E16", "D2", "max, f=2 s=2 with padding p=1", LECTURE_MAX,
        lambda pools, x: pools.max_pool(x, 2, 2, padding=1),
        [[1, 3, 1], [2, 9, 3], [5, 6, 2]],
    ),
    Example(
        "E16", "D1 D3", "global average", CONCEPT,
        lambda pools, x: pools.global_avg_pool(x),
        3.125,
    ),
    Example(
        "E17", "D2 D4", "channels kept, last: 1 3 64", [feature_maps(4, 4, c) for c in (1, 3, 64)],
        lambda pools, x: [shape_of(pools.max_pool(maps, 2, axis=(0, 1)))[2] for maps in x],
        [1, 3, 64],
    ),
    Example(
        "E17", "D2 D4", "channels kept, first: 1 3 64", [[[[0] * 4] * 4] * c for c in (1, 3, 64)],
        lambda pools, x: [shape_of(pools.avg_pool(maps, 2, axis=(1, 2)))[0] for maps in x],
        [1, 3, 64],
    ),
)  # fmt: skip
