"""One flow with every sink for outside systems; each of these is stopped, refuses, or has one thing
that it never takes, while readings come and alarms are raised.

Its door is `python -m tests.chaos.sinks`.
"""
