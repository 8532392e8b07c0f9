"""Make random calls of every function, and compare them with the exact reference.

    python tests/fuzz.py --calls 20000
    python tests/fuzz.py --seconds 60

The seed, the number of calls of each function and each failing call are printed, the latter in a
form to paste; the exit status is 1 if there is one.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent))  # for the reference; cypool may be an installed one

from cases import FUNCTIONS, PASTE, Case, cases, check, check_batch  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402

import cypool  # noqa: E402

CHUNK = 500
MOST_SHOWN = 3  # of each function
BATCHES = 4  # one in so many calls is made of a batch, too


def calls(number: int, start: int, functions: tuple[str, ...]) -> list[Case]:
    """Return a number of calls; equal ones for equal seeds."""
    drawn: list[Case] = []

    @seed(start)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(functions))
    def collect(case: Case) -> None:
        drawn.append(case)

    collect()
    return drawn


def fails(case: Case, judge: Callable[[Case], None]) -> str:
    """Make a call, and return what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            judge(case)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # pytest's own failures are no Exceptions
        last = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())[:300]
        return f"{type(error).__name__} in {last.name}, line {last.lineno}: {text}"
    return ""


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, help="how many (default 20000, or without an end)")
    parser.add_argument("--seconds", type=float, help="the time after which no more are made")
    parser.add_argument("--seed", type=int, help="where to start (default: another each time)")
    parser.add_argument(
        "--functions", nargs="+", choices=FUNCTIONS, metavar="NAME", help="only calls of these"
    )
    given_arguments = parser.parse_args()
    start = given_arguments.seed
    if start is None:
        start = random.SystemRandom().randrange(2**32)
    print(f"seed {start}", flush=True)
    print(f"cypool {cypool.__file__}", flush=True)
    number = given_arguments.calls
    if number is None:
        number = 20000 if given_arguments.seconds is None else sys.maxsize
    functions = tuple(given_arguments.functions or FUNCTIONS)
    stop = time.monotonic() + (given_arguments.seconds or float("inf"))
    made: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for chunk in range(-(-number // CHUNK)):
        size = min(CHUNK, number - chunk * CHUNK)
        for case in calls(size, start * 1_000_003 + chunk, functions):
            if time.monotonic() > stop:
                break
            made[case.function] += 1
            judges = (check, check_batch) if case.seed % BATCHES == 0 else (check,)
            for judge in judges:
                wrong = fails(case, judge)
                if not wrong:
                    continue
                failed[case.function] += 1
                if failed[case.function] <= MOST_SHOWN:
                    if failed.total() == 1:
                        print(PASTE)
                    print(f"# {wrong}\n{judge.__name__}({case!r})", flush=True)
        if time.monotonic() > stop:
            break
    for name in FUNCTIONS:
        if made[name]:
            print(f"{made[name]:>8} {name}" + f": {failed[name]} failed" * (failed[name] > 0))
    print(f"{made.total():>8} calls from seed {start}, {failed.total()} failed")
    return int(failed.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
