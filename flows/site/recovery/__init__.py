"""A flow that outlives its machine.

`ownership` says whether this process may run it, `takeover` has its state
brought here, also from a machine that is lost, and copies it.
"""
