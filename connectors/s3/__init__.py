"""Object stores with the S3 protocol: sinks for archives, pictures and short videos.

The door is `components`: `Objects`, `Snapshot` and `Clip`. `writer` gathers events into objects and
`uploads` puts them into the `store`. The package imports `connectors.base`, `connectors.runtime`
and `operators`; the S3 client is loaded when a sink is opened.
"""
