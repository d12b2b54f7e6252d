"""A flow tells the site of itself: that it runs, which version, and what it waits for."""

import shutil
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from kafka.errors import KafkaError

from connectors.base import ConnectorError, Stopped
from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.runtime.announcement import HEARTBEAT, REMOVED, SETTINGS, TABLE, Announcement
from flows.runtime.runner import Runner
from flows.runtime.status import status_word
from operators.events import Row, encode_lines

LOOK = 1.0
"""Seconds between two looks at whether something changed."""


class Announcer:
    """Writes a row to the compacted topic of flows when the flow's status changes, and a heartbeat.

    While the broker is down nothing is queued: that nothing is heard says it. `former` are the
    shares that this process's takes the place of: nobody tells any more that these stopped.
    """

    def __init__(
        self,
        runner: Runner,
        connection: TopicConnection,
        version: str,
        port: int | None,
        data: Path,
        former: Iterable[str | None] = (),
    ) -> None:
        self._runner, self._connection, self._data = runner, connection, data
        self._topic = connection.topic_names.flows
        self._former = {_id(runner.flow, share) for share in former}
        self._said = Announcement(
            id=_id(runner.flow, runner.share.name),
            flow=runner.flow,
            version=version,
            since=time.time(),
            at=0.0,
            status="starting",
            host=socket.gethostname(),
            address=f"http://127.0.0.1:{port}" if port else None,
        )
        self._is_running = False
        self._due = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def runs(self) -> None:
        """The flow evaluates from now on."""
        self._is_running = True

    def end(self) -> None:
        """Tell that the flow stops, if it was asked to and the broker takes it."""
        asked = self._runner.stopping.is_set()
        self._stopped.set()
        self._thread.join(LOOK)
        if asked and not self._runner.producer.is_cut_off:
            with suppress(ConnectorError, Stopped):
                self._last("stopped")

    def removed(self) -> None:
        """Tell that the flow is gone for good; raises `ConnectorError` or `Stopped`."""
        ensure_topic(self._connection, self._topic, 1, True, SETTINGS, needs=("WRITE",))
        self._last(REMOVED)

    def _last(self, status: str) -> None:
        self._send(msgspec.structs.replace(self._said, status=status, waiting_for={}))
        self._runner.producer.flush(self._runner.stopping)

    def _run(self) -> None:
        is_made, pause = False, 0.0
        while not self._stopped.wait(LOOK + pause):
            pause = 0.0
            if self._runner.producer.is_cut_off:
                continue
            try:
                if not is_made:
                    ensure_topic(self._connection, self._topic, 1, True, SETTINGS, needs=("WRITE",))
                    is_made = True
                    for id in self._former:
                        self._write(msgspec.structs.replace(self._said, id=id, status="stopped"))
                if time.monotonic() >= self._due or self._essence() != (
                    self._said.status,
                    self._said.waiting_for.keys(),
                ):
                    self._send(self._now())
            except (ConnectorError, Stopped, KafkaError, OSError):
                is_made, pause = False, HEARTBEAT

    def _essence(self) -> tuple[str, Iterable[str]]:
        """What is told at once when it changes: the status, and what it waits for."""
        down = self._runner.health.down
        if not down:
            return ("ok" if self._is_running else "starting"), down.keys()
        return status_word(down, self._runner.outbox.figures()), down.keys()

    def _now(self) -> Announcement:
        sources, sinks = self._runner.source_progress.figures(), self._runner.outbox.figures()
        return msgspec.structs.replace(
            self._said,
            status=self._essence()[0],
            waiting_for=dict(self._runner.health.down),
            lag=_of(sources, "lag"),
            age=_of(sources, "age"),
            sink_lag=_of(sinks, "lag"),
            sink_age=_of(sinks, "age"),
            retention=used_retention(sources),
            disk=_used(self._data),
        )

    def _send(self, said: Announcement) -> None:
        self._due = time.monotonic() + HEARTBEAT
        self._write(said)
        self._said = said

    def _write(self, said: Announcement) -> None:
        said.at = time.time()
        row = Row(
            id=said.id, time=said.at, table=TABLE, op="update", values=msgspec.to_builtins(said)
        )
        self._runner.producer.send(self._topic, said.id, encode_lines([row]), pack=False)


def _id(flow: str, share: str | None) -> str:
    return f"{flow}/{share}" if share else flow


def _of(figures: Mapping[str, Mapping[str, float]], figure: str) -> dict[str, float]:
    return {name: values[figure] for name, values in figures.items() if figure in values}


def used_retention(sources: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """By source, the share of the time for which records are kept that has passed unread."""
    return {
        name: round(figures["behind"] / figures["retention"], 3)
        for name, figures in sources.items()
        if "behind" in figures and figures.get("retention", 0) > 0
    }


def _used(folder: Path) -> float | None:
    try:
        disk = shutil.disk_usage(folder)
    except OSError:
        return None
    return round(1 - disk.free / disk.total, 4) if disk.total else None
