"""The step `decode`: messages of devices and rows of databases become readings and occurrences.

The door is `step`; `dialects` knows the devices, `payloads` holds what the dialects share. It
imports `operators.model` and what lies below it.
"""
