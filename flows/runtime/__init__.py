"""One live flow as a process: connectors, Bytewax, saved state, metrics and a clean end.

Its door is `runner.Runner`. It imports `flows.dataflow`, `flows.language` and `connectors`.
"""
