"""The step `window`: statistics over spans of event time.

The door is `step`; `tumbling` and `session` are its two kinds of windows. It imports
`operators.model` and what lies below it.
"""
