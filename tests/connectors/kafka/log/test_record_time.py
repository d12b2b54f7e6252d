"""A record without a believable time counts as written when it is read."""

import pytest

from connectors.kafka.log.record_time import written_at

NOW = 1_772_366_400.0


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (-1, NOW), (0, NOW), (int(NOW), NOW), (int(NOW * 1e6), NOW), (int(NOW * 1e3) + 10**12, NOW),
        (int(NOW * 1e3) - 5000, NOW - 5), (int(NOW * 1e3) + 5000, NOW + 5),
        (1_000_000_000_000, 1e9),
    ],
)  # fmt: skip
def test_a_record_has_its_time_or_that_of_reading(timestamp: int, expected: float) -> None:
    assert written_at(timestamp, NOW) == expected
