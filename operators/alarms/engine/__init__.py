"""The alarm engine: a deterministic state machine for each (rule, subject); no clock, no I/O.

Flags are orthogonal (active, acked, shelved, suppressed, out of service, latched, …) and the
ISA-18.2 letter is derived from them. The past is never rewritten: transitions are final, `seq` only
grows, clocks only move forward. The door is `machine.Engine`. Imports `model`.
"""
