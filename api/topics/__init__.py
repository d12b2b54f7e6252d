"""Topics that the api writes.

`writer` has the producer, `outbox` the rows of compacted topics that must reach the broker,
`alarm_commands` what people do to alarms, `notifications` what the api itself pushes. The package
imports `api.database` and the connectors.
"""
