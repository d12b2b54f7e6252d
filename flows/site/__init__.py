"""A site: all flows of a folder and the api, as processes under one supervisor.

`supervisor` is the door of `vigie up`, `control` that of those who ask it. It imports what runs a
flow and what checks one.
"""
