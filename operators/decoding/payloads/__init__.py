"""Building blocks of dialects: JSON, values, units, times, metrics, and the builder of readings.

It imports nothing of the dialects.
"""
