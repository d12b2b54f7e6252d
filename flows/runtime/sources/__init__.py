"""The sources of a running dataflow, each with all its partitions.

Its door is `reader.SourceReader`. May import what `flows.runtime` may, but not `runner`.
"""
