"""`vigie run` as an operator meets it: real processes on real services."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from kafka import KafkaProducer

from connectors.base import ConnectorContext, Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.stack import Stack
from operators.events import AlarmTransition, DeadLetter, Reading, encode_lines
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.running import HOT, run_refused, site_of, write
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service


def reading(n: int, value: float, time: float) -> Reading:
    return Reading(
        id=f"r{n}", time=time, subject="rack", metric="temperature", value=value, unit="°C"
    )


def test_state_and_position_survive_a_restart_and_sigterm_ends_with_zero(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    producer = Producer(connection, ConnectorContext("t", "p", connection).health, "p")
    out, alarms = (
        topic(connection, f"{unique}.out"),
        topic(connection, connection.topic_names.alarms),
    )

    with FlowProcess(definition, site, tmp / "data") as flow:
        producer.send_events(f"{unique}.in", [reading(1, 31, 1000), reading(2, 29, 1001)])
        wait_until(
            lambda: len(out()) == 2 and len(alarms()) == 1, what="two readings and one alarm"
        )
        assert flow.stop() == 0
    with FlowProcess(definition, site, tmp / "data") as flow:
        producer.send_events(f"{unique}.in", [reading(3, 27, 1002)])
        wait_until(
            lambda: len(out()) == 3 and len(alarms()) == 2, what="the third reading and the return"
        )
        assert flow.stop() == 0

    changes = [(e.event, e.occ, e.seq) for e in alarms() if isinstance(e, AlarmTransition)]
    assert changes == [("activated", 1, 1), ("returned", 1, 2)]
    assert [e.id for e in out()] == ["r1", "r2", "r3"]
    producer.close()


def test_an_event_ahead_of_the_clock_is_the_same_event_when_its_record_is_read_again(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    records = KafkaProducer(**connection.client_options(), enable_idempotence=False)
    out, appended = topic(connection, f"{unique}.out"), 1_700_000_000

    def append(*numbers: int) -> None:
        for n in numbers:
            line = encode_lines([reading(n, 20, appended + n + 3600)])
            records.send(f"{unique}.in", line, b"rack", timestamp_ms=1000 * (appended + n)).get(60)

    flow = FlowProcess(definition, site, tmp / "data").wait_running()
    append(1)
    wait_until(lambda: len(out()) == 1, what="the first reading")
    append(2, 3)
    wait_until(lambda: len(out()) == 3, what="the next ones")
    flow.kill()
    (tmp / "data" / "flows").rename(tmp / "lost")
    with FlowProcess(definition, site, tmp / "data") as flow:
        wait_until(lambda: len(out()) == 6, what="all of them once more, in one batch")
        assert flow.stop() == 0
    records.close()

    assert [(e.id, e.time - appended) for e in out()] == [("r1", 1), ("r2", 2), ("r3", 3)] * 2


def test_an_alarm_that_waits_is_raised_although_nothing_else_is_heard(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    body = (
        "clock: {lateness: 500ms, idle: 10min}\n"
        f"sources: {{readings: {{topic: {unique}.in}}, others: {{topic: {unique}.others}}}}\n"
        "alarms: {hot: {from: readings, when: {above: 30, for: 1s}, response: Cool it.}}\n"
        f"sinks: {{log: {{from: others, topic: {unique}.out}}}}\n"
    )
    producer = Producer(connection, Health(), "p")
    alarms = topic(connection, connection.topic_names.alarms)
    with FlowProcess(write(tmp, "quiet", body), site, tmp / "data") as flow:
        now = time.time()
        producer.send_events(f"{unique}.others", [reading(1, 20, now)])
        producer.send_events(f"{unique}.in", [reading(2, 31, now)])
        wait_until(alarms, what="the alarm, long before the idle time")
        assert flow.stop() == 0
    producer.close()

    assert [
        (event.time, event.event) for event in alarms() if isinstance(event, AlarmTransition)
    ] == [(now + 1, "activated")]


def test_the_only_alarm_that_an_edit_drops_is_taken_back(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    body = (
        f"sources: {{readings: {{topic: {unique}.in}}}}\n"
        f"sinks: {{log: {{from: readings, topic: {unique}.out}}}}\n"
    )
    alarm = "alarms: {hot: {from: readings, when: {above: 30}, response: Cool it.}}\n"
    producer = Producer(connection, Health(), "p")
    alarms = topic(connection, connection.topic_names.alarms)
    with FlowProcess(write(tmp, "f", body + alarm), site, tmp / "data") as flow:
        producer.send_events(f"{unique}.in", [reading(1, 31, time.time())])
        wait_until(alarms, what="the alarm")
        assert flow.stop() == 0
    edited = write(tmp, "f", body)
    with FlowProcess(edited, site, tmp / "data", "--drop", "f/hot") as flow:
        wait_until(lambda: len(alarms()) == 2, what="its end")
        assert flow.stop() == 0
    producer.close()

    changes = [(e.change, e.flags) for e in alarms() if isinstance(e, AlarmTransition)]
    assert changes == [("raised", ["active", "unacked"]), ("removed", [])]


def test_a_flow_waits_for_a_broker_that_is_not_up_yet_and_says_so(
    tmp: Path, own: Callable[[Broker], Broker], topic: Watch
) -> None:
    broker = Broker(tmp / "broker")
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    site = site_of(tmp, redpanda=connection.model_dump(include={"brokers", "idempotence"}))
    definition = write(tmp, "hot", HOT.replace("NAME", "t"))
    flow = FlowProcess(definition, site, tmp / "data", "--status-port", "0")
    try:
        wait_until(
            lambda: "is it running there?" in flow.log.read_text(),
            what="the flow to say what it waits for",
        )
        found = re.search(r"http://127\.0\.0\.1:\d+", flow.log.read_text())
        assert found
        assert httpx.get(f"{found[0]}/health", timeout=PATIENCE).status_code == 503
        assert httpx.get(f"{found[0]}/ready", timeout=PATIENCE).json()["status"] == "not ready"
        assert httpx.get(f"{found[0]}/live", timeout=PATIENCE).status_code == 200

        own(broker)
        flow.wait_running()
        producer = Producer(connection, ConnectorContext("t", "p", connection).health, "p")
        producer.send_events("t.in", [reading(1, 20, 1000)])
        out = topic(connection, "t.out")
        wait_until(lambda: len(out()) == 1, what="the reading")
        wait_until(
            lambda: httpx.get(f"{found[0]}/health", timeout=PATIENCE).json()["status"] == "ok",
            what="good health",
        )
        lag = 'vigie_source_lag_records{flow="hot",name="readings"} 0.0'
        metrics = wait_until(
            lambda: (
                lag in (text := httpx.get(f"{found[0]}/metrics", timeout=PATIENCE).text) and text
            ),
            what="everything to be read",
        )
        assert 'vigie_events_total{flow="hot",name="readings"} 1.0' in metrics
        assert 'vigie_source_age_seconds{flow="hot",name="readings"}' in metrics
        assert (
            httpx.get(f"{found[0]}/health", timeout=PATIENCE).json()["sources"]["readings"]["lag"]
            == 0
        )
        assert flow.stop() == 0
        producer.close()
    finally:
        flow.kill()


def test_garbage_and_what_no_record_can_hold_end_in_dead_letters_and_are_counted(
    tmp: Path, topic: Watch
) -> None:
    body = (
        "sources: {meters: {mqtt: {topics: [zigbee2mqtt/+]}}}\n"
        "streams: {readings: {from: meters, steps: [decode: zigbee2mqtt]}}\n"
        "sinks: {log: {from: readings, topic: site.readings}}\n"
    )
    definition = write(tmp, "meters", body)
    with Stack(tmp / "stack", ["redpanda", "mqtt"]) as stack:
        connection = TopicConnection.model_validate(stack.connections()["redpanda"])
        mosquitto: Mosquitto = stack["mqtt"]
        with FlowProcess(definition, stack.site, tmp / "data", "--status-port", "0") as flow:
            wait_until(lambda: "meters is up" in flow.log.read_text(), what="the subscription")
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
            client.username_pw_set("devices", mosquitto.password("devices"))
            client.connect("127.0.0.1", mosquitto.port)
            client.loop_start()
            long = "zigbee2mqtt/" + "x" * 60_000
            client.publish(long, b"7" * 700_000, qos=1).wait_for_publish(60)
            for payload in (b'{"power": 12', b"\xff\xfe", b'{"power": 12}'):
                client.publish("zigbee2mqtt/oven", payload, qos=1).wait_for_publish(60)
            dead, good = topic(connection, "vigie.dead.meters"), topic(connection, "site.readings")
            wait_until(
                lambda: len(dead()) == 3 and len(good()) == 1,
                what="three dead letters and a reading",
            )
            client.loop_stop()
            client.disconnect()
            status = re.search(r"http://127\.0\.0\.1:\d+", flow.log.read_text())
            assert status
            metrics = httpx.get(f"{status[0]}/metrics", timeout=PATIENCE).text

    letters = [letter for letter in dead() if isinstance(letter, DeadLetter)]
    (large,) = [letter for letter in letters if letter.reason == "too_large"]
    assert large.origin == long and large.payload == b"7" * 700_000
    assert "of them its key" in large.detail
    assert [(x.reason, x.payload, x.origin) for x in letters if x is not large] == [
        ("bad_json", b'{"power": 12', "zigbee2mqtt/oven"),
        ("not_utf8", b"\xff\xfe", "zigbee2mqtt/oven"),
    ]
    assert 'reason="dead_letter:bad_json"' in metrics
    assert 'reason="dead_letter:not_utf8"' in metrics


def test_a_damaged_recovery_folder_is_refused_with_its_name_and_the_remedy(
    broker: Broker, tmp: Path, unique: str
) -> None:
    site = site_of(tmp, redpanda={"brokers": [broker.address], "idempotence": False})
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    with FlowProcess(definition, site, tmp / "data"):
        pass
    file = next((tmp / "data").rglob("*.sqlite3"))
    file.write_bytes(b"garbage" * 1000)

    refused = run_refused(definition, site, tmp / "data")

    assert refused.returncode == 1
    assert f"{file.name} is damaged" in refused.stderr
    assert "move" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_missing_variable_of_the_site_file_names_the_places_that_were_tried(
    broker: Broker, tmp: Path
) -> None:
    site = tmp / "site.yaml"
    site.write_text(
        "vigie: 1\nsite: test\nconnections:\n"
        f"  redpanda: {{brokers: ['{broker.address}']}}\n"
        "  mariadb: {url: '${MARIADB_URL_THAT_IS_MISSING}'}\n"
    )
    definition = write(
        tmp,
        "room",
        "sources: {recorder: {mariadb_binlog: {tables: [states, states_meta]}}}\n"
        "sinks: {log: {from: recorder, topic: site.rows}}\n",
    )

    refused = run_refused(definition, site, tmp / "data")

    assert refused.returncode == 1
    assert "MARIADB_URL_THAT_IS_MISSING" in refused.stderr
    assert "/run/secrets/MARIADB_URL_THAT_IS_MISSING" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_site_file_that_is_missing_is_named(tmp: Path) -> None:
    definition = write(tmp, "hot", HOT.replace("NAME", "t"))

    refused = run_refused(definition, tmp / "site.yaml", tmp / "data")

    assert refused.returncode == 1
    assert "site.yaml" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_status_port_that_is_taken_is_named_with_the_remedy(
    broker: Broker, tmp: Path, unique: str
) -> None:
    site = site_of(tmp, redpanda={"brokers": [broker.address], "idempotence": False})
    definition = write(tmp, "hot", HOT.replace("NAME", unique))

    refused = run_refused(definition, site, tmp / "data", "--status-port", str(broker.port))

    assert refused.returncode == 1
    assert f"--status-port {broker.port}" in refused.stderr
    assert "another program has the port" in refused.stderr


def test_a_share_that_is_none_is_refused(tmp: Path) -> None:
    definition = write(tmp, "hot", HOT.replace("NAME", "t"))

    refused = run_refused(definition, tmp / "site.yaml", tmp / "data", "--process=3/2")

    assert refused.returncode == 2
    assert "write NUMBER/COUNT, such as 1/2" in refused.stderr


def test_a_fair_share_is_refused_where_states_do_not_travel(tmp: Path) -> None:
    definition = write(tmp, "hot", HOT.replace("NAME", "t"))
    site = site_of(tmp, redpanda={"brokers": ["127.0.0.1:1"]})

    refused = run_refused(definition, site, tmp / "data", "--process=auto")

    assert refused.returncode == 1
    assert "recovery: {objects: BUCKET}" in refused.stderr
