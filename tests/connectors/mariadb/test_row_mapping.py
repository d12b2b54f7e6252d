from decimal import Decimal

import pytest
from pydantic import ValidationError

from connectors.mariadb.row_mapping import RowMapping, Unmapped, mapper
from operators.events import Occurrence, Row, decode_lines, encode_lines


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
