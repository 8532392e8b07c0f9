"""Nested lists as arrays of any dimension: their shape, their numbers in C order, and back.

An array is nested lists (or has `.tolist()`) of Python numbers; a plain number is 0-dimensional.
The place of an element is where it comes in C order: its index in the flat list.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from .rounding import Number

Nested = Any  # a number, or a list of Nested: more than the type system can say


def shape_of(x: Nested) -> tuple[int, ...]:
    """Measure an array: its own word if it has one, else the first list of each level.

    >>> shape_of([[1, 2, 3], [4, 5, 6]]), shape_of(7)
    ((2, 3), ())
    """
    if hasattr(x, "shape"):  # a list cannot tell a shape of (0, 3) from (0, 4)
        return tuple(x.shape)
    x = x.tolist() if hasattr(x, "tolist") else x
    if not isinstance(x, (list, tuple)):
        return ()
    return len(x), *(shape_of(x[0]) if x else ())


def flatten(x: Nested, shape: Sequence[int], name: str = "x") -> list[Number]:
    """List the numbers of nested lists in C order; `name` is what an error calls them.

    >>> flatten([[1, 2, 3], [4, 5, 6]], (2, 3))
    [1, 2, 3, 4, 5, 6]
    """
    x = x.tolist() if hasattr(x, "tolist") else x
    if not shape and isinstance(x, (int, float, Fraction)):
        return [x]
    if not shape or not isinstance(x, (list, tuple)) or len(x) != shape[0]:
        raise ValueError(
            f"{name} must be nested lists of numbers, all lists of a level equally long;"
            f" a part of it is not of shape {tuple(shape)}"
        )
    return [number for part in x for number in flatten(part, shape[1:], name)]


def nest(numbers: Iterator[Any], shape: Sequence[int]) -> Nested:
    """Fold numbers in C order into nested lists: the inverse of `flatten`.

    >>> nest(iter([1, 2, 3, 4, 5, 6]), (2, 3))
    [[1, 2, 3], [4, 5, 6]]
    """
    if not shape:
        return next(numbers)
    return [nest(numbers, shape[1:]) for _ in range(shape[0])]


def steps_of(shape: Sequence[int]) -> list[int]:
    """Say for each axis how far apart neighbours along it are in C order.

    >>> steps_of((2, 3, 5))
    [15, 5, 1]
    """
    return [math.prod(shape[a + 1 :]) for a in range(len(shape))]


def position_of(place: int, shape: Sequence[int]) -> list[int]:
    """Find the position along each axis of the element at a place.

    >>> position_of(11, (2, 3, 5)), position_of(0, ())
    ([0, 2, 1], [])
    """
    return [place // step % n for step, n in zip(steps_of(shape), shape, strict=True)]
