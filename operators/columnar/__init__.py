"""Very many subjects: readings that change nothing are found for a whole batch at once, with numpy.

Only `threshold` and `alarms` use it. It imports `events` alone.
"""
