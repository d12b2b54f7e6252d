"""The addresses of the api: REST by tag, server-sent events, WebSocket.

One module a subject; `account_routes` and `site_routes` compose them, `app` mounts them. May import
everything below `app`.
"""
