"""The hub: from updates to the clients that subscribed to them.

Lives in the event loop; nothing here waits.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from api.permissions.visibility import EVERYTHING, Visibility
from api.push.client import Client
from api.push.cursor import Position, Positions
from api.push.last_values import ChannelStates, LastAlarms, LastReadings, RecentEvents
from api.push.recent_ids import RecentIds
from api.push.replay_buffer import ReplayBuffer
from api.push.subscriptions import (
    SUBJECT,
    SubscriberGroup,
    Subscription,
    SubscriptionIndex,
    matches,
    subject_matches,
)
from api.push.updates import ALARMS, READINGS, ClientProtocol, Update
from api.settings import Bounds
from api.web.close_codes import STALLED
from operators.events import AlarmTransition, Detection, Occurrence, Reading


class Counter(Protocol):
    """A counter of pushed updates; those of `prometheus_client` are some."""

    def inc(self, amount: float = 1) -> None:
        """Count."""


class Hub:
    """Subscriptions, the present state for new subscribers, a replay buffer for returning ones."""

    def __init__(self, bounds: Bounds, pushed: Counter, coalesced: Counter) -> None:
        self.readings = LastReadings(bounds.signals, bounds.spark_points)
        self.alarms = LastAlarms()
        self.channel_states = ChannelStates(bounds.signals)
        self.recent_events = RecentEvents(bounds.events)
        self.clients: set[Client] = set()
        self.backfilled = asyncio.Event()
        self.subscribed = asyncio.Event()
        """Set when somebody subscribes to something else than before."""
        self._replay_buffer = ReplayBuffer(bounds.replay_updates, bounds.replay_size)
        self._seen = RecentIds(bounds.replay_updates)
        self._positions = Positions()
        self._directory = SubscriptionIndex()
        self._groups: dict[Client, SubscriberGroup] = {}
        self._pushed = pushed
        self._coalesced = coalesced

    @property
    def cursor(self) -> str:
        """The cursor of a client that has got everything up to now."""
        return self._positions.text

    def join(self, client: Client) -> None:
        """Add a client."""
        self.clients.add(client)

    def leave(self, client: Client) -> None:
        """Remove a client and its subscription."""
        self.clients.discard(client)
        self._coalesced.inc(client.coalesced)
        self._move(client, None)

    def subscribe(self, client: Client, protocol: ClientProtocol, channels: Iterable[str]) -> None:
        """Give a client exactly these channels from now on, as far as it may see them."""
        chosen = frozenset(channel for channel in channels if client.visibility.reaches(channel))
        subscription = Subscription(protocol.name, chosen, client.visibility)
        self._move(client, self._directory.group(subscription, protocol) if chosen else None)

    def snapshot(self, channel: str, visibility: Visibility = EVERYTHING) -> str:
        """The present state of a channel for a new subscriber, as a JSON list."""
        if not visibility.reaches(channel):
            return "[]"
        if channel == READINGS:
            return _json([*filter(visibility.allows_plain, self.readings.latest())])
        if channel == ALARMS:
            return _json([*filter(visibility.allows_plain, self.alarms.current())])
        if channel.startswith(SUBJECT):
            return _json(
                [
                    e
                    for e in (*self.readings.latest(), *self.alarms.current())
                    if subject_matches(channel, e["subject"]) and visibility.allows_plain(e)
                ]
            )
        return f"[{','.join(self.channel_states.latest(channel, visibility))}]"

    def missed(
        self, cursor: Mapping[str, Position], channels: Iterable[str], visibility: Visibility
    ) -> list[Update] | None:
        """The updates of the channels after a cursor; None if not all of them are kept."""
        if not self._replay_buffer.holds(cursor):
            return None
        wanted = [channel for channel in channels if visibility.reaches(channel)]
        return [
            update
            for update in self._replay_buffer.after(cursor)
            if visibility.allows(update.page, update.subject, update.camera)
            and any(matches(channel, update) for channel in wanted)
        ]

    def channels(self) -> Collection[str]:
        """The channels that somebody follows by their names."""
        return self._directory.channels()

    def begin(self, partition: str, position: Position) -> None:
        """A partition will be read from `place` on."""
        self._replay_buffer.begin(partition, position)
        self._positions.advance(partition, position)

    def forget(self, partitions: set[str]) -> None:
        """Drop partitions that no longer exist."""
        self._replay_buffer.forget(partitions)
        self._positions.forget(partitions)

    def publish(self, updates: Iterable[Update]) -> None:
        """Remember updates and give them to the subscribers of their channels.

        Those get live updates, and backfilled states if they came before the backfill.
        """
        pushed = 0
        touched: dict[SubscriberGroup, None] = {}
        for update in updates:
            update.cursor = self._positions.advance(update.partition, update.next)
            if update.dedup_key is not None and not self._seen.add(update.dedup_key):
                continue
            self._remember(update)
            self._replay_buffer.add(update)
            if update.live or update.channel in (READINGS, ALARMS):
                for group in self._directory.of(update):
                    pushed += group.add(update)
                    touched[group] = None
        for group in touched:
            group.write()
        self._pushed.inc(pushed)

    def broadcast(self, update: Update) -> None:
        """Give an update that comes from no topic to the subscribers of its channel.

        It is not kept for replay.
        """
        update.cursor = self._positions.text
        pushed = 0
        for group in self._directory.of(update):
            pushed += group.add(update)
            group.write()
        self._pushed.inc(pushed)

    def send_all(self, protocol: str, data: bytes) -> None:
        """Send one frame to every subscriber that speaks a protocol."""
        for group in self._directory.groups():
            if group.subscription.protocol == protocol:
                group.tell(data)

    def sweep(self) -> None:
        """Close clients that have read nothing for too long; called every second."""
        for client in [client for client in self.clients if client.stuck()]:
            client.end(STALLED)

    def _remember(self, update: Update) -> None:
        if isinstance(update.event, Reading):
            self.readings.add(update.event)
        elif isinstance(update.event, AlarmTransition):
            self.alarms.add(update.event)
        elif isinstance(update.event, Occurrence | Detection):
            self.recent_events.add(update.event)
        elif update.origin is not None:
            self.channel_states.add(update)

    def _move(self, client: Client, group: SubscriberGroup | None) -> None:
        self.subscribed.set()
        before = self._groups.pop(client, None)
        if group is not None:
            group.members.add(client)
            self._groups[client] = group
        if before is not None and before is not group:
            before.members.discard(client)
            if not before.members:
                self._directory.drop(before)


def _json(values: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(values).decode()
