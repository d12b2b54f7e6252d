"""Pure logic of the steps: no I/O, no engine, no clock of their own.

`events` is the vocabulary, `component` the contract of a step; each sub-package says what it may
import.
"""
