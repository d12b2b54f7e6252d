"""Coverage-guided fuzzing of all that reads what others wrote; the inputs found are replayed by
the tests.
"""
