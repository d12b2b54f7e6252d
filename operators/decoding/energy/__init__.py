"""Dialects of inverters, meters and chargers with keys of their makers' own, one per module.

Each names its source.
"""
