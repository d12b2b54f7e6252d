"""The InfluxDB line writer, on any events that a topic can hold: one line each, which InfluxDB
reads back as meant.
"""

import itertools
import math
from collections.abc import Iterator

import msgspec

from connectors.influxdb.line_protocol import Lines, measurement_name, writable
from operators.events import (
    AlarmTransition,
    Event,
    Occurrence,
    Reading,
    Summary,
    decode_lines,
    encode_lines,
)
from operators.model.template import Shape
from tests.fuzz import events
from tests.fuzz.mutate import json_mutator
from tests.fuzz.target import Target
from tests.line_protocol import parse

MOST = 20
SHAPE = Shape(
    {
        "at": "{time}",
        "value": "{value}",
        "data": "{data}",
        "deep": {"label": "{labels.room}", "id": "{id}"},
    }
)


def write(data: bytes) -> None:
    """Lines of events that are one line, are read back, and hold the reading's value; what is no
    event is passed over.
    """
    try:
        some = decode_lines(data)[:MOST]
    except msgspec.DecodeError:
        return
    writers = (
        Lines(),
        Lines(
            "{subject}", ["metric", "kind", "quality"], labels=False, field="level", precision="ns"
        ),
        Lines("m {room}", [], shape=SHAPE.render),
    )
    for lines, event in itertools.product(writers, some):
        if isinstance(event, Reading | Summary | Occurrence | AlarmTransition):
            _check(lines, event)


def _check(lines: Lines, event: Event) -> None:
    line = lines.line(event)
    assert line == lines.line(event)
    if line is None:
        return
    assert line.splitlines() == [line], line
    name, tags, fields, _ = parse(line)
    assert name.strip(), line
    assert fields, line
    assert all(key.strip() and value for key, value in tags.items()), line
    assert all(
        isinstance(value, bool | str) or math.isfinite(value) for value in fields.values()
    ), line


def _default(event: Reading) -> None:
    line = Lines().line(event)
    if line is None:
        assert event.value is None
        assert event.text is None
        return
    name, tags, fields, _ = parse(line)
    assert name == (measurement_name(event.metric) if writable(event.metric).strip() else "reading")
    assert tags.get("subject", "") == writable(event.subject), line
    assert fields.get("value") == event.value, line


def run(data: bytes) -> None:
    """All of it."""
    write(data)
    try:
        some = decode_lines(data)[:MOST]
    except msgspec.DecodeError:
        return
    for event in some:
        if isinstance(event, Reading) and "subject" not in event.labels:
            _default(event)


def _seeds() -> Iterator[bytes]:
    for event in events.SOME:
        yield encode_lines([event]).rstrip()
    for event in events.SOME[:4]:
        yield encode_lines(
            [
                msgspec.structs.replace(
                    event, subject='a,b =c\\"é\n#', labels={"k,=": " v\\", "": "x"}
                )
            ]
        )  # type: ignore[arg-type]


TARGETS = [Target("influx_lines", run, _seeds, json_mutator(events.KEYS))]
