"""A flow shared out over one, two and again one process, which die in between; nothing lost,
every change once.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from connectors.base import Health
from connectors.clickhouse.client import connect
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from operators.events import AlarmTransition, Event, Reading
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.foreign_producer import changes
from tests.flows.running import HOT, run_refused, site_of, write
from tests.waiting import PATIENCE, wait_until

SUBJECTS = 20


def events() -> Iterator[Event]:
    """Readings of 20 subjects in turn; each one changes the alarm of its subject."""
    for n in itertools.count():
        value = 31.0 if n // SUBJECTS % 2 == 0 else 20.0
        yield Reading(
            id=f"r{n}",
            time=1000.0 + n,
            subject=f"s{n % SUBJECTS}",
            metric="temperature",
            value=value,
        )


def metrics_of(flow: FlowProcess) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", flow.log.read_text())
    assert found
    return httpx.get(f"{found[0]}/metrics", timeout=PATIENCE).text


def test_one_process_two_and_one_again_give_the_same_counts(
    broker: Broker, clickhouse: ClickHouse, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    database = ClickHouseConnection(
        url=f"{clickhouse.url}/{unique}", password=SecretStr(clickhouse.password)
    )
    site = site_of(
        tmp,
        redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"}),
        clickhouse={"url": database.url, "password": clickhouse.password},
    )
    kept = (
        "  kept: {from: readings, clickhouse: readings}\n  kept_alarms: {from: alarms, clickhouse:"
        " changes}\n"
    )
    definition = write(tmp, "hot", HOT.replace("NAME", unique) + kept)
    producer = Producer(connection, Health(), "p")
    out, alarms = (
        topic(connection, f"{unique}.out"),
        topic(connection, connection.topic_names.alarms),
    )
    source, sent = events(), 0

    def send(count: int) -> None:
        nonlocal sent
        sent += count
        producer.send_events(f"{unique}.in", list(itertools.islice(source, count)), pack=False)

    def start(share: str) -> FlowProcess:
        return FlowProcess(
            definition, site, tmp / "data", "--process", share, "--status-port", "0"
        ).wait_running()

    def wait_for_all() -> None:
        wait_until(lambda: len({e.id for e in out()}) == sent, what=f"{sent} readings")

    send(200)
    alone = start("1/1")
    wait_for_all()
    send(200)
    alone.kill()

    first, second = start("1/2"), start("2/2")
    refused = run_refused(definition, site, tmp / "data")
    assert refused.returncode == 1
    assert f"process {first.pid} (--process 1/2)" in refused.stderr
    assert f"process {second.pid} (--process 2/2)" in refused.stderr
    wait_for_all()
    send(200)
    assert first.stop() == 0
    second.kill()

    alone = start("1/1")
    send(200)
    wait_for_all()
    wait_until(
        lambda: len({e.id for e in alarms()}) == sent, what="a change of an alarm for each reading"
    )
    counted = f'vigie_alarm_annunciated{{flow="hot",page=""}} {sent / 2}'
    wait_until(lambda: counted in metrics_of(alone), what="all of them counted")
    assert alone.stop() == 0
    producer.close()

    stored = connect(database)
    for table in ("readings", "changes"):
        rows = stored.query(
            f"SELECT count(), uniqExact(id) FROM `{unique}`.{table} FINAL"
        ).result_rows
        assert rows == [(sent, sent)], table
    stored.close()

    changes: dict[str, dict[int, AlarmTransition]] = {}
    for event in alarms():
        assert isinstance(event, AlarmTransition)
        known = changes.setdefault(event.subject, {}).setdefault(event.seq, event)
        assert (known.id, known.event, known.time) == (event.id, event.event, event.time)
    for of_subject in changes.values():
        assert [of_subject[seq].event for seq in sorted(of_subject)] == [
            "activated",
            "returned",
        ] * (sent // SUBJECTS // 2)
        assert sorted(of_subject) == list(range(1, sent // SUBJECTS + 1))
    assert len(changes) == SUBJECTS


@pytest.mark.parametrize("shares", [["1/1"], ["1/2", "2/2"]], ids=["one", "two"])
def test_a_subject_has_one_alarm_over_topics_with_different_numbers_of_partitions(
    broker: Broker, tmp: Path, unique: str, topic: Watch, shares: list[str]
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    body = HOT.replace("topic: NAME.in", "topic: {name: [NAME.in, NAME.more]}").replace(
        "NAME", unique
    )
    definition = write(tmp, "hot", f"{body}clock: {{idle: 1h}}\n")
    producers = [Producer(connection, Health(), "p", partitions=count) for count in (4, 6)]
    for part, (producer, value) in enumerate(zip(producers, (31.0, 20.0), strict=True)):
        name = ("in", "more")[part]
        sent = [
            Reading(id=f"{name}{n}", time=n + part / 2, subject=f"s{n}", metric="t", value=value)
            for n in range(1000, 1020)
        ]
        producer.send_events(f"{unique}.{name}", [*sent])
        producer.flush()
        producer.close()
    flows = [
        FlowProcess(definition, site, tmp / "data", "--process", share).wait_running()
        for share in shares
    ]
    out, alarms = (
        topic(connection, f"{unique}.out"),
        topic(connection, connection.topic_names.alarms),
    )
    wait_until(lambda: len(out()) == 40, what="the readings of both topics")
    wait_until(lambda: len(alarms()) == 40, what="a change of an alarm for each")
    assert [flow.stop() for flow in flows] == [0] * len(shares)
    assert changes(alarms()) == {
        f"s{n}": [(1, "activated", n), (2, "returned", n + 0.5)] for n in range(1000, 1020)
    }


def test_a_share_without_any_partition_is_refused(broker: Broker, tmp: Path, unique: str) -> None:
    site = site_of(tmp, redpanda={"brokers": [broker.address], "idempotence": False})
    refused = run_refused(
        write(tmp, "hot", HOT.replace("NAME", unique)), site, tmp / "data", "--process", "5/6"
    )

    assert refused.returncode == 1
    assert "--process 5/6: the topics have only 4 partitions" in refused.stderr
