# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The kernels compiled for x86-64-v3 (AVX2)."""
include "pool.pxi"
include "scatter.pxi"
