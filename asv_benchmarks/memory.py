"""Memory that calls need beyond their arrays: ``python -m asv_benchmarks.memory`` (Linux).

Each case runs in a process of its own, with the input, the indices and an ``out`` that are there
already. Before the call the record of the process's largest size is reset; what it grows by is the
call's own need, after the indices that a call returns are taken off. The first call is measured, so
the stacks of its threads are in it.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .benchmarks import cases
from .benchmarks.cases import Case

TABLE = (
    *cases.MEMORY,
    *cases.FEATURE_MAPS,
    *cases.CHANNELS_LAST,
    *cases.INDICES,
    *cases.GRADIENTS,
    *cases.UNPOOLING,
    *cases.NORMS,
    *cases.ADAPTIVE,
    *cases.HALVES,
    *cases.DOUBLES,
)
THREADS = (1, 2)
STATUS = Path("/proc/self/status")
# Arrays that are freed leave the process at once: else a call may use their memory, unseen.
SETTINGS = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}


def peak() -> int:
    """The largest size of this process so far, in bytes."""
    # Not getrusage's, which starts from the size of the process that started this one.
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def need(case: Case, threads: int) -> int:
    """Bytes that the call needs beyond its arrays."""
    suite = importlib.import_module(".benchmarks.suite", __package__)
    x = cases.values(case.input_shape, case.dtype)
    call = suite.pooling_call(case, x, case.new_output(), threads)
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    call()
    return peak() - before - (8 * math.prod(case.pooled_shape) if case.indices else 0)


def measured(case: Case, threads: int) -> int:
    """The same, of a new process."""
    command = [sys.executable, "-m", __spec__.name, "--need", case.label, "--threads", str(threads)]
    root, environment = Path(__file__).parents[1], os.environ | SETTINGS
    return int(subprocess.check_output(command, env=environment, cwd=root, text=True))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m asv_benchmarks.memory")
    parser.add_argument("--only", nargs="+", default=[""], metavar="SUBSTRING")
    parser.add_argument("--threads", nargs="+", type=int, default=THREADS, metavar="N")
    parser.add_argument("--need", metavar="CASE", help="print one case's bytes, measured here")
    given = parser.parse_args(arguments)
    if given.need:
        (case,) = (case for case in TABLE if case.label == given.need)
        print(need(case, given.threads[0]))
        return
    print("megabytes beyond the arrays, and of the arrays; threads:", *given.threads)
    for case in TABLE:
        if any(text.lower() in case.label.lower() for text in given.only):
            needs = [f"{measured(case, n) / 1e6:7.2f}" for n in given.threads]
            print(*needs, f"{case.nbytes / 1e6:7.1f}", case.label, flush=True)


if __name__ == "__main__":
    main()
