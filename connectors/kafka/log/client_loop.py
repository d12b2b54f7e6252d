"""The event loop of kafka-python's clients, without a thread of its own.

Measured where single records come and go: with the client's own loop and thread a fetch wakes one
thread or another six times.
"""

from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector


class _CallersLoop(NetworkSelector):  # type: ignore[misc]
    def start(self) -> None:
        pass

    def wakeup(self) -> None:
        pass


def in_callers_thread(**config: Any) -> Any:
    """The `kafka_client` of a consumer that one thread alone uses, again and again.

    It has no thread of its own: whoever waits for an answer reads it from the socket.
    """
    return KafkaNetClient(net=_CallersLoop(**config), **config)
