"""Extensions and the OpenMP probe; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PROBE = """
#include <omp.h>
int main(void) {
    int sum = 0;
    #pragma omp parallel for reduction(+:sum) num_threads(2)
    for (int i = 0; i < 10; i++) sum += i;
    return !(sum == 45 && omp_get_max_threads() > 0);
}
"""

# The ways to ask for OpenMP, as flags to compile and to link with; the first that works is taken.
if sys.platform == "win32":
    OPENMP_FLAGS = [(["/openmp"], [])]
elif sys.platform == "darwin":
    OPENMP_FLAGS = [(["-Xpreprocessor", "-fopenmp"], ["-lomp"]), (["-fopenmp"], ["-fopenmp"])]
else:
    OPENMP_FLAGS = [(["-fopenmp"], ["-fopenmp"])]

UNIX_FLAGS = [
    "-O3",
    "-ffp-contract=off",  # fused operations would give some instruction sets other bits
    "-fno-strict-aliasing",  # rows of any type are moved as integers of its size
    "-fno-math-errno",  # roots need not report what is negative, and are vectorised
    "-fno-trapping-math",  # selects may be computed on both sides, which vectorises
    "-falign-functions=64",  # or how fast loops are would depend on what stands before them
    "-falign-loops=64",
    "-g0",  # Python's own -g would make most of the file debug information
]
MSVC_FLAGS = ["/O2", "/fp:precise"]

# For x86-64: what is taken twice is loaded once, which is less for rows that are not aligned.
TUNE_FLAGS = ["-mtune=skylake"]

LEVEL_PROBE = """
#if !defined(__x86_64__) && !defined(_M_X64)
#error "not an x86-64"
#endif
int main(void) { return 0; }
"""

# The levels above the baseline for which the kernels are compiled too, where the compiler can.
LEVEL_FLAGS = {
    "v3": {"unix": ["-march=x86-64-v3"], "msvc": ["/arch:AVX2"]},
    "v4": {"unix": ["-march=x86-64-v4", "-mprefer-vector-width=512"], "msvc": ["/arch:AVX512"]},
}


def wanted_levels() -> list[str]:
    """The levels that CYPOOL_BUILD_LEVELS names, or all; the baseline is always there."""
    names = os.environ.get("CYPOOL_BUILD_LEVELS", " ".join(LEVEL_FLAGS)).replace(",", " ").split()
    unknown = sorted(set(names) - {"baseline", *LEVEL_FLAGS})
    if unknown:
        raise SystemExit(
            f"cypool: CYPOOL_BUILD_LEVELS names {', '.join(unknown)}; there are baseline,"
            f" {', '.join(LEVEL_FLAGS)}"
        )
    return [name for name in LEVEL_FLAGS if name in names]


@contextmanager
def silence() -> Iterator[None]:
    """Keep what this process and its children write off the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in kept:
            os.dup2(nowhere, stream)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


class BuildKernels(build_ext):
    """Compile with OpenMP if a probe says that it works, and for the levels that can be."""

    def finalize_options(self) -> None:
        super().finalize_options()
        # All at once: else two processors would compile two of three levels, and then one the last.
        self.parallel = self.parallel or len(self.extensions)

    def run(self) -> None:
        # Here, and not for every command: a source distribution needs no C.
        made = cythonize(
            self.extensions,
            include_path=["cypool/kernels"],
            nthreads=len(self.extensions) if sys.platform == "linux" else 0,
        )
        for extension, translated in zip(self.extensions, made, strict=True):
            extension.sources = translated.sources
        super().run()

    def build_extensions(self) -> None:
        kind = self.compiler.compiler_type
        compile_args, link_args = self.openmp_flags() or ([], [])
        levels = self.level_flags(kind)
        tune = TUNE_FLAGS if kind == "unix" and self.takes(TUNE_FLAGS) else []
        self.extensions = [
            extension
            for extension in self.extensions
            if (name := extension.name.rpartition(".")[2]) not in LEVEL_FLAGS or name in levels
        ]
        for extension in self.extensions:
            extension.extra_compile_args += UNIX_FLAGS if kind == "unix" else MSVC_FLAGS
            extension.extra_compile_args += tune + compile_args
            extension.extra_compile_args += levels.get(extension.name.rpartition(".")[2], [])
            extension.extra_link_args += link_args
            # The row loops are specialised by being inlined with literal arguments.
            inline = "__inline__ __attribute__((__always_inline__))"
            extension.define_macros.append(
                ("CYTHON_INLINE", "__forceinline" if kind == "msvc" else inline)
            )
        super().build_extensions()

    def level_flags(self, kind: str) -> dict[str, list[str]]:
        """The flags of the levels that the compiler has."""
        return {
            name: flags[kind]
            for name, flags in LEVEL_FLAGS.items()
            if kind in flags and self.takes(flags[kind])
        }

    def takes(self, flags: list[str]) -> bool:
        """Whether the compiler makes something for x86-64 with these flags."""
        return self.failing_step(LEVEL_PROBE, flags, []) not in ("compile", "link")

    def openmp_flags(self) -> tuple[list[str], list[str]] | None:
        failures = []
        for compile_args, link_args in OPENMP_FLAGS:
            step = self.failing_step(PROBE, compile_args, link_args)
            if step is None:
                return compile_args, link_args
            flags = " ".join(dict.fromkeys(compile_args + link_args))
            failures.append(f"a probe does not {step} with {flags}")
        problem = f"cypool: the compiler has no working OpenMP: {', '.join(failures)}"
        if os.environ.get("CYPOOL_FAIL_NO_OPENMP", "0") not in ("", "0"):
            raise SystemExit(f"{problem}; CYPOOL_FAIL_NO_OPENMP makes this an error")
        warnings.warn(f"{problem}; building without threads", stacklevel=2)
        return None

    def failing_step(
        self, source: str, compile_args: list[str], link_args: list[str]
    ) -> str | None:
        """Which step a program fails: "compile", "link" or "run"; None if it passes them all."""
        with tempfile.TemporaryDirectory() as folder, silence():
            path = Path(folder, "probe.c")
            path.write_text(source)
            step = "compile"
            try:
                objects = self.compiler.compile(
                    [str(path)], output_dir=folder, extra_postargs=compile_args
                )
                step = "link"
                self.compiler.link_executable(
                    objects, "probe", output_dir=folder, extra_postargs=link_args
                )
                step = "run"
                self.spawn([str(Path(folder, self.compiler.executable_filename("probe")))])
            except Exception:  # every compiler class has its own errors
                return step
        return None


EXTENSIONS = [
    Extension(
        f"cypool.kernels.{name}",
        [f"cypool/kernels/{name}.pyx"],
        depends=["setup.py"],  # flags are decided here
    )
    for name in ("cpu", "baseline", *wanted_levels())
]

setup(ext_modules=EXTENSIONS, cmdclass={"build_ext": BuildKernels})
