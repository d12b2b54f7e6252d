"""A flow that outlives its machine.

`ownership` says whether this process may run it, `takeover` has its state brought here, also from a
machine that is lost, and copies it. `turns` are the shares that it has one after another while
other processes come and go, `slot` is its data folder.
"""
