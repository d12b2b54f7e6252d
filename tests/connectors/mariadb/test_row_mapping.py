from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mariadb.row_mapping import RowMapping, Unmapped, mapper
from operators.events import Occurrence, Reading, Row, decode_lines, encode_lines


def row(**values: object) -> Row:
    return Row(id="t/1", time=50.0, table="site.doors", op="insert", values=values)


def test_rows_of_a_table_become_occurrences_with_the_other_columns_as_data() -> None:
    read = mapper("site.doors", RowMapping(subject="door", type="{what}", time="at"))

    event = read(row(door="front", what="opened", at=1772366400500, by="ann", force=Decimal("1.5")))

    assert event == Occurrence(
        id="t/1",
        time=1772366400.5,
        subject="front",
        type="opened",
        data={"by": "ann", "force": 1.5},
        source="site.doors",
    )
    assert decode_lines(encode_lines([event])) == [event]


@pytest.mark.parametrize(
    "text", ["nan", "Infinity", "1_000", "21,5", "٣", "1e999", "", "0x10", "2024-00-15"]
)
def test_what_decode_reads_as_no_number_is_text_here_too(text: str) -> None:
    read = mapper("site.doors", RowMapping(subject="door", metric="force", value="v"))
    event = read(row(door="front", v=text))
    assert isinstance(event, Reading)
    assert (event.value, event.text, event.quality) == (None, text, "good")


@pytest.mark.parametrize(("value", "number"), [(" 5 ", 5.0), ("1e3", 1000.0), (2**64 - 1, 2.0**64)])
def test_numbers_and_texts_that_are_numbers_are_values(value: Any, number: float) -> None:
    read = mapper("site.doors", RowMapping(subject="door", metric="force", value="v"))
    event = read(row(door="front", v=value))
    assert isinstance(event, Reading)
    assert (event.value, event.text) == (number, None)


def test_a_zero_date_is_no_time_and_an_impossible_one_is_refused() -> None:
    read = mapper("site.doors", RowMapping(subject="door", type="opened", time="at"))
    event = read(row(door="front", at="0000-00-00 00:00:00"))
    assert event is not None
    assert event.time == 50.0
    with pytest.raises(Unmapped, match="expected a time, came '2024-00-15'"):
        read(row(door="front", at="2024-00-15"))


def test_an_occurrence_may_have_one_type_for_all_rows() -> None:
    read = mapper("site.doors", RowMapping(subject="door", type="door_opened"))
    event = read(row(door="front"))
    assert isinstance(event, Occurrence)
    assert (event.type, event.time, event.data) == ("door_opened", 50.0, {})


def test_a_row_without_a_type_is_refused() -> None:
    read = mapper("site.doors", RowMapping(subject="door", type="{what}"))
    with pytest.raises(Unmapped, match="has no type: the column is NULL"):
        read(row(door="front", what=None))


@pytest.mark.parametrize(
    "settings", [{}, {"metric": "power"}, {"value": "watts"}, {"type": "opened", "value": "watts"}]
)
def test_a_mapping_is_of_readings_or_of_occurrences(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="rows are readings"):
        RowMapping.model_validate({"subject": "door", **settings})
