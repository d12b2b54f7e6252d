"""Leases in a topic: of several processes one may run a flow, and another goes on when it is gone.

`entries` is their topic, `ledger` what it says of them, `lease` holds one. `members` says who runs
a flow beside whom, and `roll` which part of it each is to have.
"""
