"""What a running flow does with what it cannot process."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.base import ConnectorError, StatefulWriter, Tracing, Writer, settle
from connectors.kafka.connection import TopicConnection
from connectors.kafka.packing import key_of, why_too_large
from connectors.kafka.producer import Producer
from flows.dataflow.compiler import Compiled
from flows.runtime.dead_letter_size import line_of
from flows.runtime.status import Metrics
from flows.runtime.tracing import receive
from operators.columnar.lazy import as_list
from operators.decoding.dialects.zigbee2mqtt_exposes import essentials
from operators.events import DeadLetter, Event, Message, encode_lines

LONGEST_KEY = 256


class DeadLetters:
    """The topic of a flow's dead letters, and what its definition says under `on_error`."""

    def __init__(
        self,
        compiled: Compiled,
        broker: TopicConnection,
        producer: Producer,
        metrics: Metrics,
        stopping: threading.Event,
        traces: Tracing | None = None,
    ) -> None:
        self._traces = traces
        self._flow = compiled.plan.flow
        self._on_error = compiled.on_error
        self._topic = broker.topic_names.dead_letters(self._flow)
        self._limit = broker.record_limit
        self._producer = producer
        self._metrics = metrics
        self._stopping = stopping

    def refuse(self, letter: DeadLetter) -> None:
        """Send, drop or stop at what a connector or a step refused, as the definition says.

        `step` of the letter is a connector's name, or the identity of a stream's step. Raises
        `ConnectorError` where the definition says stop.
        """
        name = letter.step.split("/")[1] if "/" in letter.step else letter.step
        policy = self._on_error.get(name, "dead_letter")
        if policy == "stop":
            raise ConnectorError(
                f"{letter.step}: {letter.reason}: {letter.detail} (from {letter.origin}; on_error:"
                " stop)"
            )
        if policy == "drop":
            self._metrics.counted(letter.step, f"dropped:{letter.reason}", 1)
            return
        self._send(letter)

    def write(
        self, producer: Producer, topic: str, message: Event, durable: Callable[[], None]
    ) -> None:
        """Write a message that came in into a topic, or what is too large for it here.

        `durable` is called once the broker has it.
        """
        if self._traces is not None:
            durable = receive(self._traces, topic, message, durable)
        line, key = encode_lines([message]), key_of(message)
        detail = why_too_large(key, line, self._limit)
        if detail and isinstance(message, Message):
            shorter = essentials(message.topic, message.payload)
            if shorter is not None:
                line = encode_lines([msgspec.structs.replace(message, payload=shorter)])
                detail = why_too_large(key, line, self._limit)
        if detail is None:
            producer.send(topic, key, line, durable)
            return
        letter = DeadLetter(
            id=message.id,
            time=message.time,
            flow=self._flow,
            step=topic,
            reason="too_large",
            detail=detail,
            origin=key,
            payload=getattr(message, "payload", line),
            holds="bytes" if isinstance(message, Message) else "events",
            trace=message.trace,
        )
        self._send(letter, durable)

    def flush(self) -> None:
        """Return when all letters are durable; raises `Stopped`."""
        self._producer.flush(self._stopping, self._topic)

    def _send(self, letter: DeadLetter, durable: Callable[[], None] | None = None) -> None:
        self._metrics.counted(letter.step, f"dead_letter:{letter.reason}", 1)
        line = line_of(letter, self._limit)
        key = letter.origin[:LONGEST_KEY]
        self._producer.send(self._topic, key, line, durable, anywhere=True)


class DeadLetterWriter:
    """The outlet of everything that the steps refused."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters
        self.flush = letters.flush

    def write(self, events: list[Event]) -> None:
        """Refuse every letter among the events."""
        for event in events:
            if isinstance(event, DeadLetter):
                self._letters.refuse(event)

    def close(self) -> None:
        """Leave the topic to its owner."""


class FlushingWriter:
    """A sink's writer whose flush also makes durable what the sink refused."""

    def __init__(self, writer: Writer, letters: DeadLetters, takes_columns: bool) -> None:
        self._takes_columns = takes_columns
        self.close = writer.close
        self._writer = writer
        self._letters = letters

    def write(self, events: list[Event]) -> None:
        """Give the writer events, as columns only if it takes them."""
        self._writer.write(events if self._takes_columns else as_list(events))

    def flush(self) -> None:
        """Return when the events and the letters about them are durable."""
        self._writer.flush()
        self._letters.flush()

    def snapshot(self) -> Any:
        """The same, but for what the writer keeps."""
        state = settle(self._writer)
        self._letters.flush()
        return state

    def restore(self, state: Any) -> None:
        """Give the writer back what it kept."""
        if isinstance(self._writer, StatefulWriter):
            self._writer.restore(state)
