"""Deletes evidence that is kept no longer: its objects, and then what its row says of them."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError
from kafka.errors import KafkaError
from urllib3.exceptions import HTTPError

from connectors.base import ConnectorError
from connectors.clickhouse.client import open_client
from connectors.clickhouse.columns import EVENTS
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.runtime import steady_clock
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.evidence import DELETED, is_genuine
from connectors.s3.retention import Doomed, Retention, Stored, doomed
from connectors.s3.settings import Settings
from connectors.s3.store import Store
from flows.admin.evidence_pins import read_pins
from operators.events import Occurrence
from operators.model.priority import PRIORITY_OF

log = logging.getLogger("vigie")

DOWN = (ClickHouseError, HTTPError, KafkaError, OSError, Retry)
"""What a sweep raises while a service does not answer."""
FAILURES = (*DOWN, ConnectorError)
TOGETHER = 200
OBJECTS = ("key", "drawn", "thumbnail")
_TOLD = """
SELECT id, subject, data, labels, toUnixTimestamp64Micro(time) AS at FROM events FINAL
WHERE kind = 'occurrence' AND type = 'evidence'
  AND JSONExtractString(data, 'data', 'state') = 'stored'
ORDER BY time
"""
_RAISED = """
SELECT JSONExtractString(evidence, 'id') AS event, groupUniqArray(toString(severity)) AS severities
FROM alarm_events WHERE occ > 0 AND event != '' GROUP BY event
"""
Row = Mapping[str, Any]


class EvidenceSweep:
    """Looks through all that sinks told of evidence, and deletes what the site no longer keeps.

    Only objects that genuine evidence names are touched. The row says `deleted` once its objects
    are gone; after a kill in between the next sweep finds it again. An object that newer evidence
    names as well stays.
    """

    def __init__(self, site: Site) -> None:
        rules = site.evidence
        self._rules = Retention(
            rules.keep, {str(name): age for name, age in rules.keep_by.items()}, rules.bytes
        )
        self._clickhouse = site.connection("clickhouse", ClickHouseConnection)
        self._objects = site.connection("minio", ObjectStoreConnection)
        self._broker = site.connection("redpanda", TopicConnection)
        self._secret = self._objects.secret_key.get_secret_value()

    def sweep(self, dry: bool = False, now: float | None = None) -> list[str]:
        """Delete what is due, or with `dry` only say so; a line for each.

        Without `now` it is as late as the slower clock says, this machine's or ClickHouse's: what
        one that leaps ahead deletes is gone for good.
        """
        pinned = read_pins(self._broker)
        with closing(open_client(self._clickhouse)) as client:
            now = min(steady_clock.now(), _clock(client)) if now is None else now
            rows = {row["id"]: row for row in _rows(client, _TOLD) if self._is_ours(row)}
            raised = _priorities(client)
            stored = [_stored(row, raised) for row in rows.values()]
            hour = sum(one.bytes for one in stored if one.time > now - 86_400) / 24
            due = doomed(stored, self._rules, pinned, now, hour)
            if not dry:
                self._delete(client, rows, due)
        return [f"{_data(rows[one.id])['key']}: {one.why}" for one in due]

    def _is_ours(self, row: Row) -> bool:
        try:
            return is_genuine(_data(row), self._secret)
        except (ValueError, KeyError, TypeError):
            return False

    def _delete(self, client: Any, rows: Mapping[str, Row], due: Sequence[Doomed]) -> None:
        ends = {one.id for one in due}
        named = {
            (data["bucket"], data.get(word))
            for id, row in rows.items()
            if id not in ends
            for data in (_data(row),)
            for word in OBJECTS
        }
        stores: dict[str, Store] = {}
        try:
            for first in range(0, len(due), TOGETHER):
                some = due[first : first + TOGETHER]
                for one in some:
                    data = _data(rows[one.id])
                    bucket = str(data["bucket"])
                    store = stores.get(bucket)
                    if store is None:
                        settings = Settings("minio", bucket, create=False)
                        store = stores[bucket] = Store(self._objects, settings)
                    for key in filter(None, (data.get(word) for word in OBJECTS)):
                        if (bucket, key) not in named:
                            store.delete(str(key))
                client.insert_arrow("events", EVENTS.arrow([_gone(rows[o.id], o) for o in some]))
                log.info(
                    "evidence: %d deleted, the first %s", len(some), _data(rows[some[0].id])["key"]
                )
        finally:
            for store in stores.values():
                store.close()


def _clock(client: Any) -> float:
    return float(client.query("SELECT toUnixTimestamp64Micro(now64(6))").first_row[0]) / 1e6


def _rows(client: Any, statement: str) -> Iterator[Row]:
    yield from client.query(statement).named_results()


def _priorities(client: Any) -> dict[str, str]:
    """The highest priority of the alarms that each event raised."""
    if not next(_rows(client, "EXISTS TABLE alarm_events"))["result"]:
        return {}
    ranks = list(PRIORITY_OF)
    return {
        row["event"]: PRIORITY_OF[max(known, key=ranks.index)]
        for row in _rows(client, _RAISED)
        if (known := [one for one in row["severities"] if one in PRIORITY_OF])
    }


def _data(row: Row) -> dict[str, Any]:
    return dict(json.loads(row["data"])["data"])


def _stored(row: Row, raised: Mapping[str, str]) -> Stored:
    data = _data(row)
    event = str(data["event"])
    priority = raised.get(event) or row["labels"].get("priority")
    return Stored(row["id"], event, row["at"] / 1e6, int(data.get("bytes") or 0), priority)


def _gone(row: Row, one: Doomed) -> Occurrence:
    data = _data(row)
    told: dict[str, Any] = {
        name: data[name] for name in ("event", "kind", "camera", "bytes") if name in data
    }
    return Occurrence(
        id=row["id"],
        time=row["at"] / 1e6,
        subject=row["subject"],
        type="evidence",
        data={**told, "state": DELETED, "reason": one.why},
        labels=dict(row["labels"]),
    )
