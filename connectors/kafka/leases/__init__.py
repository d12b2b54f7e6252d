"""Leases in a topic: of several processes one may run a flow, and another goes on when it is gone.

`ledger` is what the topic says, `lease` holds one.
"""
