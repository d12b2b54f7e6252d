"""What came out at the far ends: the archive's rows, the series' points, the lines of topics."""

import json
import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from infra.demo.ledger import Signal, Total
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.victoria import Victoria

DATABASE = "vigie"
DEAD = "vigie.dead."


READINGS = """
SELECT subject, metric, count() AS count,
       toInt64(sum(round(ifNull(value, 0) * 1000))) AS thousandths
FROM readings FINAL WHERE position(id, {derived:String}) = 0 GROUP BY subject, metric
"""
ROWS = "SELECT count() AS rows FROM {table:Identifier} FINAL"
ALARMS = """
SELECT uniqExactIf((rule, subject, occ), change = 'raised') AS raised,
       uniqExactIf((rule, subject, occ), change IN ('returned', 'cleared')) AS cleared
FROM alarm_events FINAL
"""


def rows(clickhouse: ClickHouse, statement: str, **parameters: str) -> list[dict[str, Any]]:
    """The rows of a query on Vigie's database, as dicts."""
    settings = "SETTINGS output_format_json_quote_64bit_integers = 0"
    text = clickhouse.query(f"{statement} {settings} FORMAT JSONEachRow", DATABASE, **parameters)
    return [json.loads(line) for line in text.splitlines()]


def tables(clickhouse: ClickHouse) -> set[str]:
    """The names of the tables."""
    return set(clickhouse.query("SHOW TABLES", DATABASE).split())


def archived(clickhouse: ClickHouse, derived: str) -> dict[Signal, Total]:
    """The readings in ClickHouse by signal, without those that a step made of others.

    The ids of the latter hold the text `derived`.
    """
    if "readings" not in tables(clickhouse):
        return {}
    found = rows(clickhouse, READINGS, derived=derived)
    return {
        (row["subject"], row["metric"]): Total(row["count"], row["thousandths"]) for row in found
    }


def archive_rows(clickhouse: ClickHouse) -> int:
    """All rows of Vigie's tables, each counted once."""
    return sum(int(rows(clickhouse, ROWS, table=table)[0]["rows"]) for table in tables(clickhouse))


def alarm_changes(clickhouse: ClickHouse) -> tuple[int, int]:
    """How many alarms were raised, and for how many of them the condition ended."""
    if "alarm_events" not in tables(clickhouse):
        return 0, 0
    found = rows(clickhouse, ALARMS)[0]
    return found["raised"], found["cleared"]


def series_points(victoria: Victoria) -> int:
    """How many points all series have."""
    return sum(len(series["values"]) for series in victoria.export('{__name__!=""}'))


class Topics:
    """Reads topics from their beginning, beside everybody else."""

    def __init__(self, broker: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=broker, group_id=None, fetch_max_wait_ms=20
        )

    def names(self) -> list[str]:
        """The names of the topics."""
        return sorted(self._consumer.topics())

    def lines(self, topic: str, timeout: float = 60.0) -> list[dict[str, Any]]:
        """Every line of a topic; none if there is no such topic. Raises `TimeoutError`."""
        if topic not in self.names():
            return []
        places = [
            TopicPartition(topic, number)
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        self._consumer.unsubscribe()
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + timeout
        while not all(self._at_end(place) for place in places):
            for records in self._consumer.poll(200).values():
                found += [
                    json.loads(line)
                    for record in records
                    for line in (record.value or b"").splitlines()
                ]
            if time.monotonic() > deadline:
                raise TimeoutError(f"could not read topic {topic} to its end within {timeout:g} s")
        return found

    def _at_end(self, place: TopicPartition) -> bool:
        # not end_offsets(): the embedded broker gives the last batch's first offset there
        high = self._consumer.highwater(place)
        return high is not None and self._consumer.position(place) >= high

    def dead_letters(self) -> list[dict[str, Any]]:
        """Every dead letter of every flow."""
        return [
            letter for name in self.names() if name.startswith(DEAD) for letter in self.lines(name)
        ]

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close(autocommit=False)
