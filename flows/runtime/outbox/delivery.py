"""Emptying the outbox of one sink: a thread that reads its topic and writes to the sink."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import cast

from connectors.base import ConnectorError, Health, Reader, Stopped, Writer
from connectors.runtime.backoff import Backoff
from flows.runtime.outbox.positions import Positions
from operators.events import Event

log = logging.getLogger("vigie")

EPOCH = 1.0
"""Seconds after which what was written is made durable; so much is written again after a crash."""


ENDING = 0.02
"""Seconds between two looks for the end: nobody tells that nothing came."""


class Delivery:
    """Writes what is in a sink's outbox to the sink, in order, and notes how far it came.

    It waits while the sink's service is down, and nothing else waits for it. What ends the sink
    once it was open (a table that somebody changed, a full disk, a bug) ends nothing else: it is
    opened anew after a pause. `error` is what kept it from being opened at the start. `readers` are
    those of the outbox's partitions that this process empties, by their names in `positions`.
    """

    def __init__(
        self,
        name: str,
        readers: Mapping[str, Reader],
        open_writer: Callable[[], Writer],
        positions: Positions,
        health: Health,
        clock: Callable[[], float] = time.time,
        longest_pause: float = 60.0,
    ) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._readers = readers
        self._open_writer = open_writer
        self._positions = positions
        self._health = health
        self._clock = clock
        self._arrived = threading.Event()
        self._end_at = math.inf
        self._abandoned = threading.Event()
        self._taken: list[list[Event]] = []
        self._backoff = Backoff(1.0, longest_pause)
        self._cannot_read = False
        self._said = ""
        self._oldest: float | None = None
        self._writer: Writer | None = None
        self._thread = threading.Thread(target=self._run, name=f"delivery {name}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def arrived(self) -> None:
        """Look at once what came."""
        self._arrived.set()

    def end(self) -> None:
        """End once everything that is there by now is written, or the sink's service is down."""
        self._end_at = self._clock()
        self._arrived.set()

    def join(self, seconds: float) -> None:
        """Wait for the end, and leave the rest to the next start after so many seconds."""
        if self._thread.is_alive():
            self._thread.join(max(seconds, 0.0))
        self._abandoned.set()
        if self._thread.is_alive() and self._writer is not None:
            self._writer.close()  # whoever waits in it is told
        self._arrived.set()

    def figures(self) -> dict[str, float]:
        """What is not written yet.

        `lag`: records of the outbox, and events taken from it; `age`: seconds since the oldest of
        these events came.
        """
        oldest, taken = self._oldest, sum(map(len, self._taken))
        return {
            "lag": float(taken + sum(reader.lag() or 0 for reader in self._readers.values())),
            "age": 0.0 if oldest is None else max(0.0, round(self._clock() - oldest, 3)),
        }

    # The rest runs in the thread.

    def _run(self) -> None:
        try:
            while not self._open_and_empty():
                if self._end_at < math.inf or self._abandoned.wait(self._backoff.pause()):
                    return
        except Stopped as stopped:
            log.info("%s; what it was to get is kept in its outbox", stopped)
        except BaseException as error:
            if not self._abandoned.is_set():
                self.error = error

    def _open_and_empty(self) -> bool:
        """Open the sink and write until the end, which is True; False if the sink ended before."""
        try:
            writer = self._writer = self._open_writer()
            try:
                for events in self._taken:
                    writer.write(events)
                self._empty(writer)
            finally:
                writer.close()
        except Stopped:
            raise
        except Exception as error:
            if self._writer is None or self._cannot_read:
                raise
            if not self._abandoned.is_set():
                self._say(error)
            return False
        return True

    def _say(self, error: Exception) -> None:
        known = isinstance(error, ConnectorError)
        words = str(error) if known else f"{type(error).__name__}: {error}"
        if words != self._said:
            log.error("%s: %s", self.name, words, exc_info=None if known else error)
        self._said = words
        self._health.degraded(self.name, words)

    def _empty(self, writer: Writer) -> None:
        flush_at = math.inf
        while not self._abandoned.is_set():
            self._arrived.clear()
            taken = [part for part in self._readers if self._take(writer, part)]
            if taken:
                flush_at = min(flush_at, time.monotonic() + EPOCH)
            is_done = not taken and self._is_done()
            if is_done or time.monotonic() >= flush_at:
                flush_at = math.inf
                writer.flush()
                self._save()
            elif not taken:
                pause = EPOCH if self._end_at == math.inf else ENDING
                self._arrived.wait(min(pause, flush_at - time.monotonic()))
            if is_done:
                return

    def _take(self, writer: Writer, part: str) -> bool:
        self._cannot_read = True
        batch = self._readers[part].read()
        self._cannot_read = False
        if batch is None or not batch.events:
            return False
        if self._oldest is None:
            self._oldest = batch.arrivals[0][1] if batch.arrivals else batch.wall
        events = cast(list[Event], batch.events)
        self._taken.append(events)
        writer.write(events)
        return True

    def _is_done(self) -> bool:
        return all(reader.read_until() > self._end_at for reader in self._readers.values())

    def _save(self) -> None:
        self._taken, self._oldest = [], None
        self._said = ""
        self._backoff.reset()
        try:
            for part, reader in self._readers.items():
                self._positions.save(part, reader.position())
        except OSError as error:
            self._health.degraded(
                self.name,
                f"how far it has written cannot be saved ({error.strerror}); it goes on,"
                " and what it writes meanwhile is written again after a crash: see to the disk",
            )
