"""The WebSocket protocols of the two systems that Vigie replaces, for their clients.

`alarm_server` is the protocol of the former alarm server, `video_watch` that of the former video
watch. They may import `pages`, `site`, `push` and what stands below; only `routes` imports them.
"""
