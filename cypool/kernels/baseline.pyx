# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The kernels compiled for what every processor of the architecture has."""
include "pool.pxi"
include "scatter.pxi"
