"""Flows: definitions, their checks, the dataflow they compile to, and the command `vigie`.

Front doors are `loader` (reads a definition) and `cli`. Imports `operators` and `connectors`.
"""
