"""What a running flow tells of itself on the topic of flows, and the api reads there."""

import msgspec

TABLE = "flows"
REMOVED = "removed"
HEARTBEAT = 15.0
"""Seconds between two announcements of a flow that does not change."""
SETTINGS = {"segment.ms": "600000"}
"""Of the topic, so that a broker can compact what ten minutes brought."""
TRUE_FOR = 50.0
"""Seconds after which a flow of which nothing was heard counts as gone."""


class Announcement(msgspec.Struct, kw_only=True):
    """The row of one process of a flow; the record's key is `id`.

    `status` is ok, behind, blind, starting, stopped (as asked), or removed (for good). `version` is
    the hash of what it runs, `since` when it began, `at` when this was said (epoch seconds). `lag`
    (records) and `age` (seconds) are by source, `sink_lag` and `sink_age` by sink. `retention` is
    by topic source how much of the time for which records are kept the oldest unread one has used
    up, `disk` how full the disk of the saved state is, both 0 to 1. `address` answers on `host`
    only.
    """

    id: str
    flow: str
    version: str
    since: float
    at: float
    status: str
    host: str = ""
    address: str | None = None
    waiting_for: dict[str, str] = {}
    lag: dict[str, float] = {}
    age: dict[str, float] = {}
    sink_lag: dict[str, float] = {}
    sink_age: dict[str, float] = {}
    retention: dict[str, float] = {}
    disk: float | None = None
