"""What topics are set to on the broker: how long they keep records, and what a site wants of them.

May import what `connectors.kafka` may, but none of its readers and writers.
"""
