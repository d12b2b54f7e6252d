"""A flow's saved state on disk: the stores of its processes, their format, and who may open them.

Its door is `folder.StateFolder`; `ending` ends a flow. It imports `flows.dataflow`, the contracts
of connectors and Bytewax's recovery.
"""
