"""Dialects of programs that each bring one kind of device to MQTT, mostly one value a topic.

Like `operators.decoding.dialects`, whose contract they have.
"""
