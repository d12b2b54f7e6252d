"""Writes to topics: lines reach the broker, or the caller is told that they did not."""

import asyncio
import threading
from collections.abc import Callable

from kafka.errors import KafkaError

from connectors.base import ConnectorError, Health
from connectors.kafka.admin import ensure_topic, explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer

NAME = "broker"
NO_BROKER = "no broker is configured; add connections.redpanda to the site file"


class BrokerDown(Exception):
    """The broker does not have it; the message says why, for whoever asked."""


class TopicWriter:
    """One producer for what the api writes, in a thread of its own.

    Delivery: what `send` took reaches the broker in order, sent again until it is there, as long as
    the process lives. What must survive the process, the caller keeps until it is told that the
    broker has it.
    """

    def __init__(self, connection: TopicConnection | None) -> None:
        self._connection = connection
        self._health = Health()
        self._producer: Producer | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Stop without waiting for a broker that is down."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()

    @property
    def down(self) -> str | None:
        """Why nothing reaches the broker at present; None while all is well.

        None before the first try as well.
        """
        return NO_BROKER if self._connection is None else self._health.down.get(NAME)

    def send(
        self, topic: str, key: str, line: bytes, on_durable: Callable[[], None] | None = None
    ) -> None:
        """Queue one line. Raises `BrokerDown` where no broker is configured.

        `on_durable` is called from another thread once the broker has it.
        """
        if self._connection is None:
            raise BrokerDown(NO_BROKER)
        with self._lock:
            if self._producer is None:
                self._producer = Producer(
                    self._connection, self._health, NAME, linger=0, partitions=1
                )
            producer = self._producer
        try:
            producer.send(
                topic, key, line if line.endswith(b"\n") else line + b"\n", on_durable, pack=False
            )
        except ConnectorError as error:
            raise BrokerDown(str(error)) from error

    async def deliver(self, topic: str, key: str, line: bytes, wait: float) -> None:
        """Return once the broker has the line.

        Raises `BrokerDown` at once where it is known to be down, and after `wait` seconds
        otherwise; in that case the line may still arrive later.
        """
        if self.down is not None:
            raise BrokerDown(self.down)
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        self.send(topic, key, line, lambda: _tell(loop, arrived))
        try:
            await asyncio.wait_for(arrived.wait(), wait)
        except TimeoutError:
            why = self.down or f"the broker did not confirm within {wait:g} s"
            raise BrokerDown(f"{why}; it may still arrive later") from None

    async def ensure(self, topic: str, partitions: int | None = 1, compact: bool = False) -> None:
        """Make a topic unless it exists. Raises `BrokerDown`.

        `partitions` None: as many as the connection says.
        """
        connection = self._connection
        if connection is None:
            raise BrokerDown(NO_BROKER)
        try:
            await asyncio.to_thread(ensure_topic, connection, topic, partitions, compact)
        except (KafkaError, OSError) as error:
            raise BrokerDown(explain(error, connection)) from error


def _tell(loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(arrived.set)
