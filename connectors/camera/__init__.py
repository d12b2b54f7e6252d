"""Cameras; imports `base` and `config`."""
