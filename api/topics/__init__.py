"""Topics that the api writes, and what it keeps of those it reads.

`writer` has the producer, `outbox` the rows of compacted topics that must reach the broker,
`alarm_commands` what people do to alarms, `notifications` what the api itself pushes;
`lasting_changes` says what still holds of an alarm's earlier changes. The package imports
`api.database` and the connectors.
"""
