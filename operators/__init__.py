"""Operators: the vocabulary of events and one file per operator; no I/O, no engine, no clock of
their own.
"""
