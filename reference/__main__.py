"""`python -m reference`: the worked examples, the exact reference and cypool, side by side.

The exit status is 1 if either of the two misses an answer, or if cypool is not there.
"""

import sys
from collections.abc import Callable
from textwrap import wrap
from typing import Any

import reference

from .arrays import flatten, shape_of
from .examples import EXAMPLES, SOURCES, Example

HEADER = ("id", "example", "source", "expected", "reference", "cypool", "verdict")
WIDTHS = (3, 18, 6, 11, 11, 11, 7)
LINE = sum(WIDTHS) + 2 * (len(WIDTHS) - 1)  # 79: a terminal of 80 columns holds it
GLUE = "\N{NO-BREAK SPACE}"  # holds a row of a matrix together when a cell is wrapped


class Compiled:
    """cypool behind the face of the reference: nested lists in, nested lists out.

    Imports cypool and NumPy only when a function is called: the reference needs neither.
    """

    def __init__(self, example: Example) -> None:
        self.example = example

    def __getattr__(self, name: str) -> Callable[..., Any]:
        import numpy

        import cypool

        function = getattr(cypool, name)

        def pooled(x: Any, *args: Any, **options: Any) -> Any:
            result = function(numpy.array(x, dtype=self.example.dtype), *args, **options)
            if result.dtype != self.example.result_dtype:
                wanted = self.example.result_dtype
                raise TypeError(f"{name} gave {result.dtype}; {wanted} is right")
            return result.tolist()

        return pooled


def attempt(example: Example, pools: Any) -> tuple[str, bool, str]:
    """Run one example: what to show, whether it is right, and what went wrong, if anything."""
    try:
        result = example.call(pools, example.input)
    except ImportError as error:
        return "missing", False, f"cypool cannot be imported: {error}"
    except Exception as error:
        return "error", False, f"{type(error).__name__}: {error}"
    return show(result), example.accepts(result), ""


def show(value: Any) -> str:
    """Write a result in little room: a matrix as rows, anything bigger as its shape and ends."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if not isinstance(value, list):
        return repr(float(value)).removesuffix(".0")
    if value and isinstance(value[0], list):
        shape = shape_of(value)
        numbers = [show(number) for number in flatten(value, shape)]
        if len(shape) == 2 and len(numbers) <= 9:
            return f"{GLUE}/ ".join(GLUE.join(map(show, row)) for row in value)
        ends = numbers if len(numbers) <= 4 else [f"{numbers[0]}..{numbers[-1]}"]
        return f"{show(shape)}: {GLUE.join(ends)}"
    return " ".join(map(show, value))


def row(cells: tuple[str, ...]) -> str:
    """Set one row of the table, as many lines high as its highest cell."""
    columns = [wrap(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)]
    lines = []
    for i in range(max(map(len, columns))):
        parts = [column[i] if i < len(column) else "" for column in columns]
        padded = (part.ljust(width) for part, width in zip(parts, WIDTHS, strict=True))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def main() -> int:
    """Print the table; return 0 if every example passes, else 1."""
    rule = "-" * LINE
    blocks = [row(HEADER), rule]
    footnotes = []
    problems: dict[str, list[str]] = {}  # each once, with the examples that it spoils
    passed = 0
    for example in EXAMPLES:
        exact, exact_right, exact_problem = attempt(example, reference)
        fast, fast_right, fast_problem = attempt(example, Compiled(example))
        right = exact_right and fast_right
        passed += right
        verdict = "pass" if right else "FAIL"
        expected = show(example.expected)
        blocks.append(
            row((example.id, example.title, example.source, expected, exact, fast, verdict))
        )
        if example.printed is not None:
            printed = show(example.printed)
            footnotes.append(f"* {example.id}: the source prints {printed}: {example.note}")
        for problem in filter(None, (exact_problem, fast_problem)):
            problems.setdefault(problem, []).append(example.id)
    blocks.append(rule)
    sources = ", ".join(f"{key} {name}" for key, name in SOURCES.items())
    footnotes.append(f"Sources: {sources}.")
    for problem, ids in problems.items():
        footnotes.append(f"{problem} ({' '.join(dict.fromkeys(ids))})")
    footnotes.append(f"{passed} of {len(EXAMPLES)} examples pass.")
    blocks += ["\n".join(wrap(note, LINE)) for note in footnotes]
    print("\n".join(blocks).replace(GLUE, " "))
    return 0 if passed == len(EXAMPLES) else 1


if __name__ == "__main__":
    sys.exit(main())
