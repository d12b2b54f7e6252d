"""The first hour at a site: what speaks there, and the files that a new site begins with.

It imports connectors, `operators` and `flows.language`.
"""
