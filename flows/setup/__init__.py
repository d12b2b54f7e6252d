"""The first hour at a site: what speaks there, the files it begins with, and a flow on trial.

It imports connectors, `operators`, `flows.language` and `flows.dataflow`.
"""
