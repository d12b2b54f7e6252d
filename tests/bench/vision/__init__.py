"""Benchmarks of what is done with pictures."""
