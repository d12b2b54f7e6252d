"""Vocabulary that the steps share: units, fields, templates, selectors, conditions, timers.

It imports `operators.events` and `operators.component` only; every other package of `operators`
may import it.
"""
