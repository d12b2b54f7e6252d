"""Topics of a Kafka-protocol broker: source, sink, push sink, tables and dead letters.

`components` is the door; `topic_names` has every name once.
"""
