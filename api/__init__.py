"""The api: the page, REST, and push over WebSocket, fed from topics and ClickHouse."""
