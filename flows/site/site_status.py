"""What the supervisor answers to those who ask: the flows, the files, and what became of a wish."""

import time

import msgspec

from flows.site.unit import Unit


class UnitStatus(msgspec.Struct):
    """One flow, or the api.

    `state` is starting, running, standby (`owner` runs it elsewhere), stopping, waiting (for its
    next start), ended, stopped, or removed (stopped, for its file is gone). `error` says why what
    was saved last does not run, `down` why nothing runs. Times are epoch seconds.
    """

    name: str
    state: str
    since: float
    file: str | None = None
    version: str | None = None
    pid: int | None = None
    address: str | None = None
    error: str | None = None
    down: str | None = None
    owner: str | None = None
    restarts: int = 0
    next_start: float | None = None
    reloads: dict[str, int] = {}

    @property
    def is_well(self) -> bool:
        """Whether it is as it was asked to be."""
        return self.state in ("running", "standby", "removed") and not self.error


class SiteStatus(msgspec.Struct):
    """All that runs under a supervisor; `files` says what is wrong with files that are no flow."""

    folder: str
    site: str
    pid: int
    since: float
    flows: list[UnitStatus] = []
    api: UnitStatus | None = None
    files: dict[str, str] = {}
    checking: list[str] = []


def status_of(unit: Unit, file: str | None, is_wanted: bool = True) -> UnitStatus:
    """What a unit is at present; one that is not wanted and does not run was removed."""
    starts = unit.next_start
    return UnitStatus(
        unit.name,
        unit.state if is_wanted or unit.state != "stopped" else "removed",
        unit.since,
        file,
        unit.current.hash if unit.current else None,
        unit.process.pid if unit.process else None,
        unit.address,
        unit.error,
        unit.down,
        unit.owner if unit.state == "standby" else None,
        unit.restarts.count,
        time.time() + starts - time.monotonic() if starts is not None else None,
        dict(unit.reloads),
    )
