"""Labels from a table that is changed while the flow runs, whatever the order of rows and
restarts.
"""

import random
from typing import Any

import pytest

from operators.component import Now
from operators.events import Row
from operators.model.saved_state import decode, encode
from operators.transforms.enrich import Enrich, EnrichLogic
from tests.operators.shard import CONTEXT, reading, step

NOW = Now(0, 0)


def logic(text: str = "enrich: {from: devices, column: serial}") -> EnrichLogic:
    made = step(Enrich, text).logic(CONTEXT)
    assert isinstance(made, EnrichLogic)
    return made


def row(op: Any = "update", **values: Any) -> Row:
    return Row(id="x", time=0.0, table="devices", op=op, values=values)


def labels(made: EnrichLogic, subject: str) -> dict[str, str]:
    (event,) = made.on_batch([reading(0, 1.0, subject=subject)], NOW)
    found: dict[str, str] = getattr(event, "labels", {})
    return found


def test_a_row_gives_its_other_columns_and_an_empty_cell_gives_none() -> None:
    made = logic()
    made.on_role("devices", [row(id=1, serial="a", room="hall", note="")], NOW)
    assert labels(made, "a") == {"id": "1", "room": "hall"}
    assert labels(made, "b") == {}
    assert made.counts == {"unknown": 1}


def test_a_changed_row_counts_from_then_on_and_a_deleted_one_no_longer() -> None:
    made = logic()
    made.on_role("devices", [row(id=1, serial="a", room="hall")], NOW)
    made.on_role("devices", [row(id=1, serial="b", room="attic")], NOW)
    assert (labels(made, "a"), labels(made, "b")["room"]) == ({}, "attic")
    made.on_role("devices", [row("delete", id=1)], NOW)
    assert labels(made, "b") == {}


def test_of_two_rows_with_one_key_the_newest_counts_and_the_other_one_when_it_is_gone() -> None:
    made = logic()
    made.on_role(
        "devices", [row(id=1, serial="a", room="hall"), row(id=2, serial="a", room="attic")], NOW
    )
    assert labels(made, "a")["room"] == "attic"
    made.on_role("devices", [row("delete", id=2)], NOW)
    assert labels(made, "a")["room"] == "hall"


def test_a_row_without_id_is_counted() -> None:
    made = logic()
    made.on_role("devices", [row(serial="a")], NOW)
    assert made.counts == {"bad_row": 1}


@pytest.mark.parametrize("seed", range(20))
def test_any_rows_in_any_batches_with_restarts_give_what_the_newest_row_of_a_key_says(
    seed: int,
) -> None:
    dice = random.Random(seed)
    made, known = logic(), dict[str, tuple[str, str]]()
    for _ in range(150):
        rows = []
        for _ in range(dice.choice((1, 2, 5))):
            row_id, serial, room = (
                dice.choice("12345"),
                dice.choice("abc"),
                dice.choice(("hall", "attic", "yard")),
            )
            known.pop(row_id, None)
            if dice.random() < 0.3:
                rows.append(row("delete", id=row_id))
            else:
                known[row_id] = (serial, room)
                rows.append(row(id=row_id, serial=serial, room=room))
        made.on_role("devices", list(rows), NOW)
        if dice.random() < 0.3:
            saved = decode(encode(made.snapshot()), made.STATE)
            made = logic()
            made.restore(saved, made.VERSION)
        newest = dict(known.values())
        assert {serial: labels(made, serial).get("room") for serial in "abc"} == {
            s: newest.get(s) for s in "abc"
        }
