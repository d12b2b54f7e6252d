"""All addresses of the api: REST endpoints by subject, server-sent events, WebSockets, wiring.

Imports every other room of the api but `cli` and `app`.
"""
