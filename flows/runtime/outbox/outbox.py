"""The outboxes of a flow: its sinks for outside systems, which none of its steps waits for."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from connectors.base import ConnectorContext, Writer
from connectors.kafka.components import Topic
from connectors.kafka.in_flight import carried_records, carried_state
from connectors.kafka.producer import Producer
from connectors.kafka.too_large import dead_letter_too_large
from flows.runtime.outbox.delivery import Delivery
from flows.runtime.outbox.positions import Positions
from flows.runtime.shards import Share
from flows.runtime.status import gauge
from operators.columnar.lazy import LazyEvents, as_list
from operators.events import Event

log = logging.getLogger("vigie")

END_SECONDS = 5.0
"""What is in the outboxes when the flow ends has so long to leave; the rest waits for the next
start.
"""

Opener = Callable[[], Writer]


class Outbox(Collector):
    """A topic and a `Delivery` for each of the sinks `names`.

    The flow writes to the topic and goes on. `context` is that of the broker, `folder` holds the
    positions. A sink that had an outbox keeps it, for something may be in it.
    """

    def __init__(
        self, names: Collection[str], context: ConnectorContext, folder: Path, share: Share
    ) -> None:
        known = [path.name for path in folder.iterdir()] if folder.exists() else []
        self._context = replace(context, name="outbox topic", arrived=self._arrived)
        self._folder = folder
        self._share = share
        self._names = {*names, *known}
        self._openers: dict[str, Opener] = {}
        self._contexts: dict[str, ConnectorContext] = {}
        self._deliveries: list[Delivery] = []
        self._producer: Producer | None = None

    def topic(self, name: str) -> str:
        """The topic that holds what a sink is to get."""
        names = self._context.connection.topic_names
        return str(names.outbox(self._context.flow, name))

    def through(
        self, openers: Mapping[str, Opener], opened: Callable[[str, Writer], None]
    ) -> dict[str, Opener]:
        """The openers for the dataflow: those of sinks with an outbox write to its topic.

        `opened` is told each of these writers.
        """
        found = dict(openers)
        for name in sorted(self._names - openers.keys()):
            log.warning(
                "%s: the definition has no sink %r any more; what it was to get stays in topic %s."
                " Give the sink its name back to send it, or remove %s to give it up",
                self._context.flow,
                name,
                self.topic(name),
                self._folder / name,
            )
        mine = sorted(self._names & openers.keys())
        if not mine:
            return found
        context = self._context
        producer = self._producer = Producer(
            context.connection,
            context.health,
            "outbox",
            stopping=context.stopping,
            strict=False,
            traces=context.traces,
        )
        for name in mine:
            self._openers[name] = openers[name]
            self._contexts[self.topic(name)] = replace(self._context, name=name)
            writer = _ToTopic(
                producer, self.topic(name), self._context.stopping, self._refuse_too_large
            )
            opened(name, writer)
            found[name] = writer.opened
        return found

    def start(self) -> None:
        """Look up the partitions of the topics, and begin to empty them; raises `Stopped`."""
        if not self._openers:
            return
        topics = {self.topic(name): name for name in self._openers}
        source = Topic(name=list(topics))
        parts: dict[str, list[str]] = {name: [] for name in self._openers}
        for part in source.partitions(self._context):
            topic, _, number = part.rpartition("/")
            if self._share.has(int(number)):
                parts[topics[topic]].append(number)
        for name, numbers in parts.items():
            positions = Positions(self._folder / name)
            readers = {
                number: source.open(
                    self._context, f"{self.topic(name)}/{number}", positions.load(number)
                )
                for number in numbers
            }
            self._deliveries.append(
                Delivery(name, readers, self._openers[name], positions, self._context.health)
            )
        for delivery in self._deliveries:
            delivery.start()

    def check(self) -> None:
        """Raise what ended a delivery."""
        for delivery in self._deliveries:
            if delivery.error is not None:
                raise delivery.error

    def end(self, seconds: float = END_SECONDS) -> None:
        """Let what the flow wrote leave, and return when it has, or after so long."""
        for delivery in self._deliveries:
            delivery.end()
        self._join(seconds)
        self.check()

    def left(self) -> dict[str, float]:
        """How many records sinks have not got, by sink."""
        lags = {name: figures["lag"] for name, figures in self.figures().items()}
        return {name: lag for name, lag in lags.items() if lag}

    def close(self) -> None:
        """End at once; what is in the outboxes is left to the next start."""
        self._join(0.0)
        if self._producer is not None:
            self._producer.close()

    def figures(self) -> dict[str, dict[str, float]]:
        """Lag and age of each sink with an outbox, as `Delivery.figures`."""
        return {delivery.name: delivery.figures() for delivery in self._deliveries}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Lag and age of each sink, for a scrape."""
        flow, figures = self._context.flow, self.figures()
        lag = "Records of its outbox that a sink has not written."
        age = "Seconds since the oldest of these events came."
        yield gauge("vigie_sink_lag_records", lag, flow, figures, "lag")
        yield gauge("vigie_sink_age_seconds", age, flow, figures, "age")

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for delivery in self._deliveries:
            delivery.join(deadline - time.monotonic())

    def _arrived(self) -> None:
        for delivery in self._deliveries:
            delivery.arrived()

    def _refuse_too_large(self) -> None:
        assert self._producer is not None
        for refused in self._producer.too_large():
            dead_letter_too_large(refused, self._contexts[refused.topic])


class _ToTopic:
    """The flow's side of an outbox."""

    def __init__(
        self,
        producer: Producer,
        topic: str,
        stopping: threading.Event,
        refuse_too_large: Callable[[], None],
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._stopping = stopping
        self._refuse_too_large = refuse_too_large

    def opened(self) -> Writer:
        return self

    def write(self, events: list[Event]) -> None:
        if isinstance(events, LazyEvents) and events.are_readings:
            self._producer.send_events(self._topic, events, "arrow")
        else:
            self._producer.send_events(self._topic, as_list(events))

    def flush(self) -> None:
        self._producer.flush(self._stopping)
        self._refuse_too_large()

    def snapshot(self) -> dict[str, Any] | None:
        carried = self._producer.flush_or_carry(self._stopping)
        self._refuse_too_large()
        return carried_state(record for record in carried if record.topic == self._topic)

    def restore(self, state: Mapping[str, Any]) -> None:
        self._producer.resume(carried_records(state))

    def close(self) -> None:
        """Leave the producer to the outbox."""
