"""How kafka-python's clients use their sockets: with fewer calls of the kernel a message.

`client` is the door; who only checks takes `selector`, which needs no client library. It stands on
private parts of the client (tests/test_private_parts.py).
"""
