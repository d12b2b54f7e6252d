"""The site: its events, cameras, mode, history and flows, and the machine that serves it.

Each module is one concern with its views; `routes` makes endpoints of them. May import `push` and
what stands below, but not `pages`.
"""
