"""The alarm engine: one deterministic state machine for each (rule, subject), without clock, I/O or
thread.

Flags are orthogonal (active, acked, shelved, suppressed, out of service, latched, …) and the
ISA-18.2 letter is derived from them. The past is never rewritten: transitions are final, `seq` only
grows, clocks only move forward.
"""
