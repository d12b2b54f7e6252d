"""A definition is tried on real, live sources; nothing is written, and a running flow loses none."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors.kafka.connection import TopicConnection
from connectors.kafka.inspection import existing_topics
from flows.cli import main
from infra.embedded.broker import Broker
from infra.embedded.mosquitto import Mosquitto
from tests.flow_process import FlowProcess
from tests.flows.commands.test_discover import speaking, until
from tests.flows.running import site_of, write
from tests.waiting import wait_until

pytestmark = pytest.mark.service

HOT = """\
sources: {sensors: {mqtt: {topics: ["NAME/#"]}}}
streams: {readings: {from: sensors, steps: [decode: json]}}
alarms:
  hot:
    from: readings
    only: {metric: temperature}
    when: {above: 30 °C, clear: 28 °C}
    response: Cool it.
sinks:
  mail: {from: alarms, email: {to: ops@example.org, title: "{alarm} of {subject}"}}
  log: {from: readings, topic: NAME.out}
"""


def tried(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["try", *map(str, arguments)])


def test_what_would_happen_is_shown_and_nothing_is_written(
    broker: Broker, mosquitto: Mosquitto, unique: str, tmp_path: Path
) -> None:
    flow = write(tmp_path, unique, HOT.replace("NAME", unique))
    site = site_of(
        tmp_path,
        redpanda={"brokers": [broker.address]},
        mqtt={"url": mosquitto.url},
        email={"url": "smtp://127.0.0.1:1"},
    )
    connection = TopicConnection(brokers=[broker.address])
    before = existing_topics(connection)
    messages = {f"{unique}/rack": '{"temperature": 35}', f"{unique}/bad": '{"temperature": '}
    with speaking(mosquitto, messages):
        shown = until(["raised", "bad_json"], "try", flow, "--site", site)
    assert shown.exit_code == 0, shown.output
    assert "alarm hot raised: " in shown.output
    assert "at 35 °C" in shown.output
    assert "sink    mail (email ops@example.org): would write 1" in shown.output
    assert "such as: hot of" in shown.output
    assert f"sink    log (topic {unique}.out): would write" in shown.output
    assert "bad_json" in shown.output
    assert existing_topics(connection) == before
    assert {path.name for path in tmp_path.iterdir()} == {flow.name, "site.yaml"}


def test_a_flow_that_runs_meanwhile_keeps_its_session(
    broker: Broker, mosquitto: Mosquitto, unique: str, tmp_path: Path
) -> None:
    body = HOT.replace("NAME", unique).replace("  mail:", "  # mail:")
    flow = write(tmp_path, unique, body)
    site = site_of(
        tmp_path,
        redpanda={"brokers": [broker.address], "idempotence": False},
        mqtt={"url": mosquitto.url},
    )
    with FlowProcess(flow, site, tmp_path / "data") as running:
        wait_until(lambda: "sensors is up" in running.log.read_text(), what="the subscription")
        with speaking(mosquitto, {f"{unique}/rack": '{"temperature": 35}'}):
            shown = until(["raised"], "try", flow, "--site", site, "--json")
        log = running.log.read_text()
    assert json.loads(shown.stdout)["alarms"]["hot"]["changes"] == {"raised": 1}
    assert "another client has it" not in log
    assert "broke" not in log


def test_sources_that_cannot_be_heard_are_named_with_the_remedy(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    body = """\
sources:
  sensors: {mqtt: {topics: ["a/#"]}}
  posted: {http: {path: /in}}
  others: {topic: NAME.nowhere}
alarms: {hot: {from: others, when: {above: 30}, response: Cool it.}}
"""
    flow = write(tmp_path, unique, body.replace("NAME", unique))
    site = site_of(
        tmp_path,
        redpanda={"brokers": [broker.address]},
        mqtt={"url": "mqtt://127.0.0.1:1"},
        http={"port": 18099, "tokens": ["a-token-of-some-length"]},
    )
    shown = tried(flow, "--site", site, "--for", "2s")
    assert shown.exit_code == 75, shown.output
    assert "no MQTT broker answers" in shown.output
    assert "is received by a running flow only" in shown.output
    assert f"there is no topic '{unique}.nowhere' yet" in shown.output


def test_a_definition_that_is_wrong_is_refused(tmp_path: Path) -> None:
    flow = write(tmp_path, "wrong", "sources: {}\n")
    assert tried(flow).exit_code == 1
