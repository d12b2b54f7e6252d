"""Clients of kafka-python with an event loop that asks the kernel less."""

import selectors
import weakref
from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from connectors.kafka.net.transport import hasten


class _Loop(NetworkSelector):  # type: ignore[misc]
    """Leaves what is read again and again registered between two reads."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self._kept: weakref.WeakSet[Any] = weakref.WeakSet()

    def keep(self, sock: Any) -> None:
        """Leave a socket registered for reading until it is unregistered as a whole."""
        self._kept.add(sock)

    def unregister_event(self, fileobj: Any, event: int) -> None:
        if event == selectors.EVENT_READ and fileobj in self._kept and fileobj.fileno() >= 0:
            key = self._selector.get_key(fileobj)
            self._selector.modify(fileobj, key.events, (None, key.data[1]))
            return
        if event & selectors.EVENT_READ:
            self._kept.discard(fileobj)
        super().unregister_event(fileobj, event)

    def _process_events(self, event_list: Any) -> None:
        awaited = []
        for key, events in event_list:
            if events & selectors.EVENT_READ and key.fileobj in self._kept and not key.data[0]:
                super().unregister_event(key.fileobj, selectors.EVENT_READ)
                events &= ~selectors.EVENT_READ
            awaited.append((key, events))
        super()._process_events(awaited)


class _CallersLoop(_Loop):
    """One without a thread of its own.

    Measured where single records come and go: with the client's own loop and thread a fetch wakes
    one thread or another six times.
    """

    def start(self) -> None:
        pass

    def wakeup(self) -> None:
        pass


class _Manager(KafkaConnectionManager):  # type: ignore[misc]
    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        transport = await super()._build_transport(node, timeout_at)
        hasten(transport)
        self._net.keep(transport._sock)
        return transport


def quick(**config: Any) -> Any:
    """The `kafka_client` of any client of kafka-python."""
    return _client(_Loop(**config), config)


def in_callers_thread(**config: Any) -> Any:
    """The `kafka_client` of a consumer that one thread alone uses, again and again.

    It has no thread of its own: whoever waits for an answer reads it from the socket.
    """
    return _client(_CallersLoop(**config), config)


def _client(loop: _Loop, config: dict[str, Any]) -> Any:
    return KafkaNetClient(net=loop, manager=_Manager(loop, **config), **config)
