"""The api: the page, REST, and push over WebSocket and server-sent events.

Fed from topics and ClickHouse. `app.create_app` composes it. Its packages import in one direction:
`cli > app > routes > compat > pages | site > push > web > permissions | accounts | topics >
database | settings | metrics`.
"""
