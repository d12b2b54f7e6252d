"""The hub: from updates to the clients that subscribed to them. Lives in the event loop; nothing
here waits.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from api.permissions.visibility import EVERYTHING, Sight
from api.push.connection import TOO_SLOW, Client
from api.push.cursor import Place, Positions
from api.push.last_values import Alarms, Happened, Pushed, Readings
from api.push.recent_ids import Seen
from api.push.replay_buffer import Journal
from api.push.subscriptions import (
    SUBJECT,
    Audience,
    Directory,
    Interest,
    matches,
    subject_matches,
)
from api.push.updates import ALARMS, READINGS, Dialect, Update
from api.settings import Bounds
from operators.events import AlarmTransition, Detection, Occurrence, Reading


class Counter(Protocol):
    """Counts what happens to pushed events; `prometheus_client` counters do."""

    def inc(self, amount: float = 1) -> None: ...


class Hub:
    """Subscriptions, the memory that new subscribers get as a snapshot, and the journal for
    those who come back.
    """

    def __init__(self, bounds: Bounds, pushed: Counter, coalesced: Counter) -> None:
        self.readings = Readings(bounds.signals, bounds.spark_points)
        self.alarms = Alarms()
        self.pushed = Pushed(bounds.signals)
        self.happened = Happened(bounds.events)
        self.clients: set[Client] = set()
        self.read_back = asyncio.Event()
        self._journal = Journal(bounds.journal_updates, bounds.journal_size)
        self._seen = Seen(bounds.journal_updates)
        self._positions = Positions()
        self._directory = Directory()
        self._audiences: dict[Client, Audience] = {}
        self._pushed = pushed
        self._coalesced = coalesced

    @property
    def cursor(self) -> str:
        """Where a client is who has got everything up to now."""
        return self._positions.text

    def join(self, client: Client) -> None:
        self.clients.add(client)

    def leave(self, client: Client) -> None:
        self.clients.discard(client)
        self._coalesced.inc(client.coalesced)
        self._move(client, None)

    def attend(self, client: Client, dialect: Dialect, channels: Iterable[str]) -> None:
        """From now on, the client gets exactly these channels, as far as it may see them."""
        chosen = frozenset(channel for channel in channels if client.sight.channel(channel))
        interest = Interest(dialect.name, chosen, client.sight)
        self._move(client, self._directory.audience(interest, dialect) if chosen else None)

    def snapshot(self, channel: str, sight: Sight = EVERYTHING) -> str:
        """What a new subscriber of a channel must know, as a JSON list: the present state of
        what the channel is about.
        """
        if channel == READINGS:
            return _json(self.readings.latest())
        if channel == ALARMS:
            return _json(
                [alarm for alarm in self.alarms.current() if sight.page(alarm.get("page"))]
            )
        if channel.startswith(SUBJECT):
            standing = [alarm for alarm in self.alarms.current() if sight.page(alarm.get("page"))]
            return _json(
                [
                    e
                    for e in (*self.readings.latest(), *standing)
                    if subject_matches(channel, e["subject"])
                ]
            )
        return f"[{','.join(self.pushed.latest(channel))}]"

    def missed(
        self, cursor: Mapping[str, Place], channels: Iterable[str], sight: Sight
    ) -> list[Update] | None:
        """What somebody with this cursor has not seen of the channels, in order; None if not all
        of it is here.
        """
        if not self._journal.holds(cursor):
            return None
        wanted = [channel for channel in channels if sight.channel(channel)]
        return [
            update
            for update in self._journal.after(cursor)
            if sight.page(update.page) and any(matches(channel, update) for channel in wanted)
        ]

    def begin(self, part: str, place: Place) -> None:
        """A partition will be read from `place` on."""
        self._journal.begin(part, place)
        self._positions.advance(part, place)

    def forget(self, parts: set[str]) -> None:
        """Partitions that are no more."""
        self._journal.forget(parts)
        self._positions.forget(parts)

    def publish(self, updates: Iterable[Update]) -> None:
        """Remember, and hand on to the subscribers of the channel: live updates, and what is
        read back of states, for those who came before it was read."""
        pushed = 0
        touched: dict[Audience, None] = {}
        for update in updates:
            update.cursor = self._positions.advance(update.part, update.next)
            if update.identity is not None and not self._seen.add(update.identity):
                continue
            self._remember(update)
            self._journal.add(update)
            if update.live or update.channel in (READINGS, ALARMS):
                for audience in self._directory.of(update):
                    pushed += audience.add(update)
                    touched[audience] = None
        for audience in touched:
            audience.write()
        self._pushed.inc(pushed)

    def announce(self, update: Update) -> None:
        """Hand an update that comes from no topic to the subscribers of its channel; nobody can
        come back to it.
        """
        update.cursor = self._positions.text
        pushed = 0
        for audience in self._directory.of(update):
            pushed += audience.add(update)
            audience.write()
        self._pushed.inc(pushed)

    def tell(self, dialect: str, data: bytes) -> None:
        """Send one frame to every subscriber of a dialect."""
        for audience in self._directory.audiences():
            if audience.interest.dialect == dialect:
                audience.tell(data)

    def sweep(self) -> None:
        """Close clients that read nothing for too long; called every second."""
        for client in [client for client in self.clients if client.stuck()]:
            client.end(TOO_SLOW, "too slow: read nothing for longer than this server waits")

    def end(self, which: Callable[[Client], bool], code: int, reason: str) -> None:
        """Close the clients for which `which` holds."""
        for client in [client for client in self.clients if which(client)]:
            client.end(code, reason)

    def _remember(self, update: Update) -> None:
        if isinstance(update.event, Reading):
            self.readings.add(update.event)
        elif isinstance(update.event, AlarmTransition):
            self.alarms.add(update.event)
        elif isinstance(update.event, Occurrence | Detection):
            self.happened.add(update.event)
        elif update.origin is not None:
            self.pushed.add(update.channel, update.origin, update.data)

    def _move(self, client: Client, audience: Audience | None) -> None:
        before = self._audiences.pop(client, None)
        if audience is not None:
            audience.members.add(client)
            self._audiences[client] = audience
        if before is not None and before is not audience:
            before.members.discard(client)
            if not before.members:
                self._directory.drop(before)


def _json(values: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(values).decode()
