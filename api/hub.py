"""The hub: from channels to the clients that subscribed to them. Lives in the event loop; nothing here waits."""

import asyncio
import collections
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Protocol

import msgspec

from api.memory import Alarms, Pushed, Readings
from api.settings import Bounds
from api.updates import ALARMS, READINGS, Update
from operators.events import AlarmTransition, Reading

TOO_SLOW = 4429
Encode = Callable[[Update], str | None]


class Counter(Protocol):
    """Counts what happens to pushed events; `prometheus_client` counters do."""

    def inc(self, amount: float = 1) -> None: ...


class Outbox:
    """What waits to be written to one client, in order, bounded.

    A client that lags (more than `lag` texts wait) gets only the newest of updates with equal state keys. All others are
    kept until the bound is reached: then the client is `overrun`, gets nothing more, and is closed.
    """

    def __init__(self, dialect: str, encode: Encode, bounds: Bounds) -> None:
        self.dialect = dialect
        self.encode = encode
        self.overrun = asyncio.Event()
        self.coalesced = 0
        self._bounds = bounds
        self._waiting: collections.OrderedDict[int, tuple[str, Hashable | None]] = collections.OrderedDict()
        self._newest: dict[Hashable, int] = {}
        self._states = 0
        self._number = 0
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, update: Update) -> None:
        """Queue an update in the client's dialect."""
        text = update.frame(self.dialect, self.encode)
        if text is not None:
            self.put_text(text, update.state_key)

    def put_text(self, text: str, state_key: Hashable | None = None) -> None:
        """Queue ready text: an answer, a snapshot, an event."""
        if self.overrun.is_set():
            return
        known = self._newest.get(state_key) if state_key is not None else None
        if known is not None and len(self._waiting) > self._bounds.lag:
            self._waiting[known] = (text, state_key)
            self.coalesced += 1
            return
        self._number += 1
        self._waiting[self._number] = (text, state_key)
        if state_key is not None:
            self._newest[state_key] = self._number
            self._states += 1
        bounds = self._bounds
        if self._states > bounds.pending_states or len(self._waiting) - self._states > bounds.pending_events:
            self._waiting.clear()
            self._newest.clear()
            self.overrun.set()
        self._ready.set()

    async def next(self) -> str:
        """The next text to write; waits for one."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        number, (text, state_key) = self._waiting.popitem(last=False)
        if state_key is not None:
            self._states -= 1
            if self._newest.get(state_key) == number:
                del self._newest[state_key]
        return text


class Hub:
    """Subscriptions, and the memory that new subscribers get as a snapshot."""

    def __init__(self, bounds: Bounds, pushed: Counter, coalesced: Counter) -> None:
        self.readings = Readings(bounds.signals, bounds.spark_points)
        self.alarms = Alarms()
        self.pushed = Pushed(bounds.signals)
        self.clients: set[Outbox] = set()
        self._pushed = pushed
        self._coalesced = coalesced
        self._channels: dict[str, set[Outbox]] = {}

    def join(self, outbox: Outbox) -> None:
        self.clients.add(outbox)

    def leave(self, outbox: Outbox) -> None:
        self.clients.discard(outbox)
        self._coalesced.inc(outbox.coalesced)
        for channel in [name for name, members in self._channels.items() if outbox in members]:
            self.unsubscribe(outbox, channel)

    def subscribe(self, outbox: Outbox, channel: str) -> None:
        self._channels.setdefault(channel, set()).add(outbox)

    def unsubscribe(self, outbox: Outbox, channel: str) -> None:
        members = self._channels.get(channel, set())
        members.discard(outbox)
        if not members:
            self._channels.pop(channel, None)

    def snapshot(self, channel: str) -> str:
        """What a new subscriber of a channel must know, as a JSON list: the present state of what the channel is about."""
        if channel == READINGS:
            return _json(self.readings.latest())
        if channel == ALARMS:
            return _json(self.alarms.current())
        return f"[{','.join(self.pushed.latest(channel))}]"

    def publish(self, updates: Iterable[Update]) -> None:
        """Remember, and hand on to the subscribers of the channel: live updates, and what is read back of states, for those
        who came before it was read."""
        pushed = 0
        for update in updates:
            if isinstance(update.event, Reading):
                self.readings.add(update.event)
            elif isinstance(update.event, AlarmTransition):
                self.alarms.add(update.event)
            elif update.origin is not None:
                self.pushed.add(update.channel, update.origin, update.data)
            members = self._channels.get(update.channel)
            if members and (update.live or update.channel in (READINGS, ALARMS)):
                for outbox in members:
                    outbox.put(update)
                pushed += len(members)
        self._pushed.inc(pushed)


def _json(values: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(values).decode()
