"""Webhook: the sink that calls another server for every event.

The door is `components.Webhook`. `client` makes one request and says what its answer means;
`runtime.subject_writer` sends again and again. The package imports `connectors.base`,
`connectors.runtime` and `operators`; urllib3 is loaded when a sink is opened.
"""
