"""Connectors: one file per outside system, its source and its sink side by side."""
