"""Apache Kafka (KRaft, on Java) for tests: one broker, several, one with users and rights.

`jars` brings the program from Maven Central, `server` is a broker, `cluster` several of them.
"""
