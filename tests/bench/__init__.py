"""Benchmarks against named peers and bounds: `python -m tests.bench [NAME …]`. Figures are never
asserted in tests.
"""
