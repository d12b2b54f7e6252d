"""Traces of single events: who is followed, and the way of their spans to an OTLP receiver.

Its door is `traces`; `otlp` is loaded where the site file asks for traces. May import what
`connectors.runtime` may.
"""
