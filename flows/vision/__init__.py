"""Pictures beside the flow: the processes that take and look at them, and the topic between them.

`supervisor` is the door. It imports connectors and the language of definitions.
"""
