"""Webhook: the sink that calls another server for every event.

The door is `components.Webhook`. `client` makes one request and says what its answer means,
`retry_queue` decides what is sent next, `writer` has the threads, and `outage` remembers since when
the server is down. The package imports `connectors.base`, `connectors.runtime` and `operators`;
urllib3 is loaded when a sink is opened.
"""
