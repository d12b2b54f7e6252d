"""Readings as columns: those that change nothing of a step's state are found with numpy, together.

`lazy` is what everybody may know of them; `json_columns` and `arrow_batch` read records, and
`store` is what `threshold` and `alarms` keep. It imports `events` alone.
"""
