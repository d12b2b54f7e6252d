"""The definition language: model, catalogue, lock, profiles, JSON Schema and documentation.

Imports `connectors` and `operators` only.
"""
