"""A simulated site; imports `base`."""
