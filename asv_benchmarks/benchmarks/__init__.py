"""The asv suites. asv imports this folder as the package ``benchmarks``."""
