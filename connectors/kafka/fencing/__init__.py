"""Epochs of producers, by which the broker refuses what a former owner writes.

`fence` is all; it knows the client alone.
"""
