"""Object detection: models, the programs that run them, and batches over cameras.

`worker` is the door: a model in a process of its own. `lookup` finds a model by its name.
"""
