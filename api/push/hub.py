"""The hub: from updates to the clients that subscribed to them. Lives in the event loop; nothing
here waits.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from api.permissions.visibility import EVERYTHING, Visibility
from api.push.connection import Client
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
from api.web.close_codes import TOO_SLOW
from operators.events import AlarmTransition, Detection, Occurrence, Reading


class Counter(Protocol):
    """Counts what happens to pushed events; `prometheus_client` counters do."""

    def inc(self, amount: float = 1) -> None: ...


class Hub:
    """Subscriptions, the memory that new subscribers get as a snapshot, and the journal for
    those who come back.
    """

    def __init__(self, bounds: Bounds, pushed: Counter, coalesced: Counter) -> None:
        self.readings = LastReadings(bounds.signals, bounds.spark_points)
        self.alarms = LastAlarms()
        self.channel_states = ChannelStates(bounds.signals)
        self.recent_events = RecentEvents(bounds.events)
        self.clients: set[Client] = set()
        self.backfilled = asyncio.Event()
        self._replay_buffer = ReplayBuffer(bounds.replay_updates, bounds.replay_size)
        self._seen = RecentIds(bounds.replay_updates)
        self._positions = Positions()
        self._directory = SubscriptionIndex()
        self._groups: dict[Client, SubscriberGroup] = {}
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

    def subscribe(self, client: Client, protocol: ClientProtocol, channels: Iterable[str]) -> None:
        """From now on, the client gets exactly these channels, as far as it may see them."""
        chosen = frozenset(
            channel for channel in channels if client.visibility.allows_channel(channel)
        )
        subscription = Subscription(protocol.name, chosen, client.visibility)
        self._move(client, self._directory.group(subscription, protocol) if chosen else None)

    def snapshot(self, channel: str, visibility: Visibility = EVERYTHING) -> str:
        """What a new subscriber of a channel must know, as a JSON list: the present state of
        what the channel is about.
        """
        if channel == READINGS:
            return _json(self.readings.latest())
        if channel == ALARMS:
            return _json(
                [
                    alarm
                    for alarm in self.alarms.current()
                    if visibility.allows_page(alarm.get("page"))
                ]
            )
        if channel.startswith(SUBJECT):
            standing = [
                alarm
                for alarm in self.alarms.current()
                if visibility.allows_page(alarm.get("page"))
            ]
            return _json(
                [
                    e
                    for e in (*self.readings.latest(), *standing)
                    if subject_matches(channel, e["subject"])
                ]
            )
        return f"[{','.join(self.channel_states.latest(channel))}]"

    def missed(
        self, cursor: Mapping[str, Position], channels: Iterable[str], visibility: Visibility
    ) -> list[Update] | None:
        """What somebody with this cursor has not seen of the channels, in order; None if not all
        of it is here.
        """
        if not self._replay_buffer.holds(cursor):
            return None
        wanted = [channel for channel in channels if visibility.allows_channel(channel)]
        return [
            update
            for update in self._replay_buffer.after(cursor)
            if visibility.allows_page(update.page)
            and any(matches(channel, update) for channel in wanted)
        ]

    def begin(self, partition: str, position: Position) -> None:
        """A partition will be read from `place` on."""
        self._replay_buffer.begin(partition, position)
        self._positions.advance(partition, position)

    def forget(self, partitions: set[str]) -> None:
        """Partitions that are no more."""
        self._replay_buffer.forget(partitions)
        self._positions.forget(partitions)

    def publish(self, updates: Iterable[Update]) -> None:
        """Remember, and hand on to the subscribers of the channel: live updates, and what is
        read back of states, for those who came before it was read."""
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
        """Hand an update that comes from no topic to the subscribers of its channel; nobody can
        come back to it.
        """
        update.cursor = self._positions.text
        pushed = 0
        for group in self._directory.of(update):
            pushed += group.add(update)
            group.write()
        self._pushed.inc(pushed)

    def send_all(self, protocol: str, data: bytes) -> None:
        """Send one frame to every subscriber of a dialect."""
        for group in self._directory.groups():
            if group.subscription.protocol == protocol:
                group.tell(data)

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
            self.recent_events.add(update.event)
        elif update.origin is not None:
            self.channel_states.add(update.channel, update.origin, update.data)

    def _move(self, client: Client, group: SubscriberGroup | None) -> None:
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
