"""The step `notify`: notifications of alarms in groups, with repeats and digests of floods.

The door is `notify.Notify`. It may import `model`, `component` and `events`.
"""
