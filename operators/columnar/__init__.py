"""Readings as columns: those that change nothing of a step's state are found with numpy, together.

`lazy` is what everybody may know of them; `arrow_batch` reads records, `lazy_rows` are rows of a
database, and `store` is what `threshold` and `alarms` keep. It imports `events` alone.
"""
