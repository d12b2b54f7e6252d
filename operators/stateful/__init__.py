"""Steps that remember earlier events; one file a step, named as in YAML.

`keyed_logic` is the base class of those with timers. They import `operators.model` and what lies
below it, nothing of the other steps.
"""
