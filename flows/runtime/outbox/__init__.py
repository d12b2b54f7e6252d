"""What leaves a flow for outside systems: a topic for each sink, emptied beside the dataflow.

Its door is `outbox.Outbox`. May import what `flows.runtime` may, but not `runner`.
"""
