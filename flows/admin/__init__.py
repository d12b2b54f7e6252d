"""Clients of a running site, behind `vigie alarms` and `vigie dead-letters`.

Imports `dataflow` and `language`.
"""
