"""A flow that outlives its machine.

`ownership` says whether this process may run it, `keeper` copies its state.
"""
