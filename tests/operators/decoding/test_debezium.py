"""Debezium's change events become rows."""

from typing import Any

import msgspec
import pytest

from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import DeadLetter, Event, Message, Row

SOURCE = {"connector": "mysql", "ts_ms": 1_772_366_400_000, "db": "plant", "table": "ovens"}
BEFORE, AFTER = {"id": 7, "limit": 80}, {"id": 7, "limit": 90}
RECEIVED = 1_772_366_402.0


def decoded(*values: Any) -> tuple[list[Event], list[DeadLetter], dict[str, int]]:
    logic = Decode.model_validate({"as": "debezium"}).logic(StepContext("f", "f/rows"))
    messages: list[Event] = [
        Message(
            id=f"m{n}",
            time=RECEIVED,
            topic="cdc.plant.ovens",
            payload=b"" if value is None else msgspec.json.encode(value),
            labels={"key": '{"id":7}'},
        )
        for n, value in enumerate(values)
    ]
    return logic.on_batch(messages, Now(0, RECEIVED)), logic.errors, logic.counts


def envelope(op: str, before: Any = None, after: Any = None, **source: Any) -> dict[str, Any]:
    return {
        "before": before, "after": after, "source": SOURCE | source, "op": op,
        "ts_ms": 1_772_366_401_000, "transaction": None,
    }  # fmt: skip


@pytest.mark.parametrize("has_schema", [False, True])
@pytest.mark.parametrize(
    ("change", "op", "values", "is_snapshot"),
    [
        (envelope("c", None, AFTER), "insert", AFTER, False),
        (envelope("r", None, AFTER, snapshot="true"), "insert", AFTER, True),
        (envelope("u", BEFORE, AFTER), "update", AFTER, False),
        (envelope("d", BEFORE, None), "delete", BEFORE, False),
    ],
)
def test_changes_become_rows_with_and_without_a_schema(
    change: dict[str, Any], op: Any, values: dict[str, Any], is_snapshot: bool, has_schema: bool
) -> None:
    message = {"schema": {"type": "struct"}, "payload": change} if has_schema else change
    assert decoded(message)[0] == [
        Row(
            id="m0",
            time=1_772_366_400.0,
            table="plant.ovens",
            op=op,
            values=values,
            labels={"key": '{"id":7}'},
            snapshot=is_snapshot,
        )
    ]


def test_a_table_of_a_database_with_schemas_is_named_by_its_schema() -> None:
    (row,) = decoded(envelope("c", None, AFTER, schema="public"))[0]
    assert isinstance(row, Row)
    assert row.table == "public.ovens"


def test_tombstones_truncations_and_messages_of_the_database_are_left_out_and_counted() -> None:
    empty = {"schema": None, "payload": None}
    events, errors, counts = decoded(None, empty, envelope("t"), envelope("m"))
    assert (events, errors, counts) == ([], [], {"ignored": 4})


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (envelope("x", None, AFTER), "op of Debezium's envelope"),
        (envelope("u", BEFORE, None), "as 'after' of Debezium's envelope"),
        ({"op": "c", "after": AFTER}, "an object as source"),
        ([1], "Debezium's envelope, an object"),
    ],
)
def test_what_is_no_envelope_is_a_dead_letter_that_says_what_was_expected(
    message: Any, detail: str
) -> None:
    events, (letter,), _ = decoded(message)
    assert events == []
    assert letter.reason == "bad_shape"
    assert detail in letter.detail
