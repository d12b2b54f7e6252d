"""Endpoints whose answers are pictures and videos.

`evidence` is the door. It imports what other routes do.
"""
