"""Benchmarks: every figure measured beside its alternative, in the same run."""
