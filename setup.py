"""Extensions and the OpenMP probe; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
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

# What the compiler wants to hear, to compile and to link.
if sys.platform == "win32":
    OPENMP_FLAGS = [(["/openmp"], [])]
elif sys.platform == "darwin":
    OPENMP_FLAGS = [(["-Xpreprocessor", "-fopenmp"], ["-lomp"]), (["-fopenmp"], ["-fopenmp"])]
else:
    OPENMP_FLAGS = [(["-fopenmp"], ["-fopenmp"])]

# Contraction would give instruction sets with FMA other bits; scratch rows of one type are moved
# as integers of the same size.
UNIX_FLAGS = ["-O3", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-trapping-math"]


class BuildWithOpenMP(build_ext):
    """Compile with OpenMP if a probe compiles, links and runs; serially, with a warning, if not."""

    def build_extensions(self) -> None:
        unix = self.compiler.compiler_type == "unix"
        compile_args, link_args = self.openmp_flags() or ([], [])
        for extension in self.extensions:
            extension.extra_compile_args += (UNIX_FLAGS if unix else ["/O2"]) + compile_args
            extension.extra_link_args += link_args
            if unix:
                # The row loops are specialised by being inlined with literal arguments.
                extension.define_macros.append(
                    ("CYTHON_INLINE", "__inline__ __attribute__((__always_inline__))")
                )
        super().build_extensions()

    def openmp_flags(self) -> tuple[list[str], list[str]] | None:
        for compile_args, link_args in OPENMP_FLAGS:
            if self.runs(PROBE, compile_args, link_args):
                return compile_args, link_args
        message = "cypool: the compiler has no working OpenMP; building without threads"
        if os.environ.get("CYPOOL_FAIL_NO_OPENMP", "0") not in ("", "0"):
            raise SystemExit(f"{message} is refused, as CYPOOL_FAIL_NO_OPENMP is set")
        warnings.warn(message, stacklevel=2)
        return None

    def runs(self, source: str, compile_args: list[str], link_args: list[str]) -> bool:
        """Whether a program compiles, links and exits with status 0."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probe.c")
            path.write_text(source)
            try:
                objects = self.compiler.compile(
                    [str(path)], output_dir=folder, extra_postargs=compile_args
                )
                self.compiler.link_executable(
                    objects, "probe", output_dir=folder, extra_postargs=link_args
                )
                self.spawn([str(Path(folder, self.compiler.executable_filename("probe")))])
            except Exception as error:  # every compiler class has its own errors
                print(f"OpenMP probe failed: {error}", file=sys.stderr)
                return False
        return True


setup(
    ext_modules=cythonize(
        [Extension("cypool.kernels.baseline", ["cypool/kernels/baseline.pyx"])],
        include_path=["cypool/kernels"],
    ),
    cmdclass={"build_ext": BuildWithOpenMP},
)
