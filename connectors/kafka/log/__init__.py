"""Reading partitions from a position on: what the broker removed, cut or made anew is told.

`topic_log` is the door. It stands on private parts of the client (tests/test_private_parts.py).
"""
