"""Topics whose records are of other programs.

Its door is `messages.MessageReader`. May import what `connectors.kafka` may.
"""
