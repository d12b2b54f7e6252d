"""Steps that treat each event by itself; one file a step, named as in YAML.

`enrich` keeps a table.

They import `operators.model` and what lies below it, nothing of the other steps.
"""
