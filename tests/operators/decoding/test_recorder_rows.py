"""Rows of Home Assistant's recorder that say a plain number take a short way to the same event."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from operators.columnar.lazy_rows import LazyRows, RowLayout
from operators.component import Now, StepContext
from operators.decoding.dialects.home_assistant_recorder import plain_number, table_row
from operators.decoding.payloads.parse import Ignored, Undecodable
from operators.decoding.payloads.reading_builder import ReadingBuilder
from operators.decoding.step import Decode
from operators.events import Event, Row

CLASSES = [None, "temperature", "humidity", "pressure", "power_factor", "enum", "energy", "motion"]
UNITS = [None, "°C", "°F", "%", "hPa", "psi", "kWh", "W", "lx", "furlong", ""]
ENTITIES = [
    "sensor.server_room_rack", "sensor.rack_temperature", "sensor.a#b", "number.set_point",
    "binary_sensor.pir", "input_number.x", "person.paul", "climate.hall", "automation.x", "", None,
]  # fmt: skip
STATES = st.one_of(
    st.floats().map(str),
    st.integers().map(str),
    st.sampled_from(["21.50", " 7 ", "1_000", "٣", "nan", "inf", "on", "unavailable", "", "1e400"]),
    st.sampled_from([None, b"21.5", 21.5]),
)
SHARED = st.one_of(
    st.builds(
        lambda c, u: json.dumps({"device_class": c, "unit_of_measurement": u}),
        st.sampled_from(CLASSES),
        st.sampled_from(UNITS),
    ),
    st.sampled_from([None, "", "{", b"{}", {"device_class": "temperature"}]),
)
TIMES = st.sampled_from([1.7e9, 1.7e9 + 0.25, 1.7e9 + 9e4, 9e8, 1.7e12, 0.0, None, float("nan")])


def slowly(row: Row) -> list[Event] | str:
    builder = ReadingBuilder(row.id, row.table, row.time, False, row.labels)
    try:
        table_row(builder, row.table, row.op, row.values)
    except (Ignored, Undecodable) as error:
        return repr(error)
    return builder.events


@given(
    entity=st.sampled_from(ENTITIES),
    state=STATES,
    shared=SHARED,
    at=TIMES,
    table=st.sampled_from(["homeassistant.states", "homeassistant.states_meta"]),
    op=st.sampled_from(["insert", "update", "delete"]),
)
@example(
    entity="sensor.rack", state="70.7", at=1.7e9, table="ha.states", op="insert",
    shared='{"device_class": "temperature", "unit_of_measurement": "°F"}',
)  # fmt: skip
def test_the_short_way_writes_what_the_long_way_does(
    entity: Any, state: Any, shared: Any, at: Any, table: str, op: Any
) -> None:
    values = {
        "entity_id": entity,
        "state": state,
        "shared_attrs": shared,
        "last_updated_ts": at,
        "metadata_id": 1,
    }
    row = Row(
        id="states/1", time=1.7e9 + 1, table=table, op=op, values=values, labels={"site": "a"}
    )
    if (reading := plain_number(row)) is not None:
        assert slowly(row) == [reading]


def test_a_number_of_a_known_quantity_takes_the_short_way() -> None:
    shared = '{"device_class": "temperature", "unit_of_measurement": "°F"}'
    values = {"entity_id": "sensor.rack", "state": "70.7", "shared_attrs": shared}
    reading = plain_number(
        Row(
            id="states/1",
            time=1.7e9,
            table="ha.states",
            op="insert",
            values=values | {"last_updated_ts": 1.7e9},
        )
    )
    assert reading is not None and round(reading.value or 0, 2) == 21.5


@given(st.lists(st.tuples(st.sampled_from(ENTITIES), STATES, SHARED, TIMES), min_size=1))
def test_rows_that_are_tuples_are_decoded_as_rows_are(rows: list[tuple[Any, ...]]) -> None:
    names = ("state_id", "entity_id", "state", "shared_attrs", "last_updated_ts")
    layout = RowLayout("ha.states", names, "states/", "state_id", {})
    tuples = [(number, *each) for number, each in enumerate(rows)]
    lazy = LazyRows(layout, tuples, [1.7e9 + 1] * len(tuples), {})
    one, other = (
        Decode.model_validate("home_assistant_recorder").logic(StepContext(flow="f", step="f/d"))
        for _ in range(2)
    )
    now = Now(1.7e9 + 2, 1.7e9 + 2)
    assert one.on_batch(lazy, now) == other.on_batch(list(lazy.made()), now)
    assert (one.errors, one.counts) == (other.errors, other.counts)
