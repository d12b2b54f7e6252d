"""Dialects of conventions and programs that pass on devices of many makers.

Like `operators.decoding.dialects`, whose contract they have.
"""
