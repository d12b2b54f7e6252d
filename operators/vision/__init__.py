"""Steps on pictures and detections; one file a step, named as in YAML.

`polygon` is their geometry. They import `operators.model`, `operators.stateful.keyed_logic` and
what lies below them.
"""
