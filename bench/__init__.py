"""Benchmarks: one file per comparison, each against named peers in one run."""
