"""The hub: from updates to the clients that subscribed to them.

Lives in the event loop; nothing here waits.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from api.permissions.visibility import EVERYTHING, Visibility
from api.push.account_load import AccountLoad
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
    Wanted,
    pattern_of,
)
from api.push.updates import ALARMS, READINGS, ClientProtocol, Update
from api.settings import Bounds
from api.web.budget import ENTRIES
from api.web.close_codes import STALLED
from operators.events import AlarmTransition, Detection, Occurrence, Reading


class Dropped(Exception):
    """Some of what a client missed is not kept any longer."""


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
        self._loads: dict[str, AccountLoad] = {}
        self._bounds = bounds
        self._pushed = pushed
        self._coalesced = coalesced

    @property
    def cursor(self) -> str:
        """The cursor of a client that has got everything up to now."""
        return self._positions.text

    def join(self, client: Client) -> None:
        """Add a client."""
        self.clients.add(client)
        account = client.principal.id
        if account not in self._loads:
            self._loads[account] = AccountLoad(self._bounds, time.monotonic)
        client.load = self._loads[account]
        client.load.clients.add(client)

    def leave(self, client: Client) -> None:
        """Remove a client and its subscription."""
        self.clients.discard(client)
        client.load.clients.discard(client)
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
            found: list[str] = []
        elif channel == READINGS:
            found = self.readings.texts(visibility)
        elif channel == ALARMS:
            found = self.alarms.texts(visibility)
        elif channel.startswith(SUBJECT):
            covers = pattern_of(channel).match
            found = self.readings.texts(visibility, covers) + self.alarms.texts(visibility, covers)
        else:
            found = self.channel_states.latest(channel, visibility)
        return f"[{','.join(found)}]"

    def snapshot_cost(self, channel: str) -> float:
        """Units of a budget for looking what belongs into a snapshot."""
        whole = channel in (READINGS, ALARMS) or channel.startswith(SUBJECT)
        return (len(self.readings) + len(self.alarms)) / ENTRIES if whole else 0.0

    def missed(
        self, cursor: Mapping[str, Position], channels: Iterable[str], visibility: Visibility
    ) -> Iterator[tuple[list[Update], bool]] | None:
        """The updates of the channels after a cursor, in slices; None if not all are kept.

        Each says whether more may come; then others may go on before it is asked for. Raises
        `Dropped` if updates went before their turn.
        """
        if not self._replay_buffer.holds(cursor):
            return None
        return self._missed(cursor, Wanted(channels, visibility))

    def _missed(
        self, cursor: Mapping[str, Position], wanted: Wanted
    ) -> Iterator[tuple[list[Update], bool]]:
        for part in self._replay_buffer.after(cursor, ENTRIES):
            if part is None:
                raise Dropped
            updates, more = part
            yield [*filter(wanted, updates)], more

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
                    reached = group.add(update)
                    pushed += reached
                    update.reached += reached
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
        for account, load in [*self._loads.items()]:
            load.sweep()
            if load.idle:
                del self._loads[account]

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
