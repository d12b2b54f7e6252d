"""`vigie validate --site`: a rule whose input never came to the live topics is a warning."""

import json
import time

import pytest
from click.testing import CliRunner

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.cli import main
from operators.events import Message

FLOW = """\
vigie: 1
flow: house
sources:
  s: {mqtt: {topics: [zigbee2mqtt/+]}}
  asked: {topic: {name: rules, table: true}}
  log: {mariadb_binlog: {tables: [states]}}
streams:
  r: {from: s, steps: [decode: zigbee2mqtt]}
  rows: {from: log, steps: [decode: home_assistant_recorder]}
alarms:
  hot: {from: r, only: {metric: temperature}, when: {above: 30 °C}, response: Go.}
  damp: {from: r, only: {metric: humidity}, when: {above: 80 %}, response: Go.}
  people: {from: r, rules: asked, response: Go.}
  unknown: {from: rows, only: {metric: temperature}, when: {above: 30 °C}, response: Go.}
sinks:
  live: {from: alarms, websocket: {channel: house}}
"""


@pytest.fixture
def look(tmp_path, broker, unique):
    """Runs the command on a site of this test's own, after messages and rules were published."""
    options = {"brokers": [broker.address], "prefix": f"{unique}.", "idempotence": False}
    (tmp_path / "site.yaml").write_text(
        json.dumps({"vigie": 1, "site": "x", "connections": {
            "redpanda": options, "mqtt": {"url": "mqtt://127.0.0.1:1"},
            "mariadb": {"url": "mariadb://x@127.0.0.1/x"},
        }})
    )  # fmt: skip
    (tmp_path / "house.yaml").write_text(FLOW.replace("name: rules", f"name: {unique}.rules"))
    connection = TopicConnection.model_validate(options)

    def run(messages, rules):
        producer = Producer(connection, Health(), "test", partitions=1)
        now = time.time()
        given = [
            Message(id=f"m{n}", time=now, topic=topic, payload=json.dumps(data).encode())
            for n, (topic, data) in enumerate(messages)
        ]
        if given:
            producer.send_events(connection.topic_names.of_source("house", "s"), given, False)
        for row in rules:
            producer.send(f"{unique}.rules", row["id"], json.dumps(row).encode(), pack=False)
        producer.flush()
        producer.close()
        files = [str(tmp_path / name) for name in ("house.yaml", "site.yaml")]
        return CliRunner().invoke(main, ["validate", "-q", files[0], "--site", files[1]])

    return run


@pytest.mark.service
def test_a_rule_that_nothing_feeds_is_told(look):
    rules = [
        {"id": "a", "subject": "rack", "metric": "temperature", "above": 30},
        {"id": "b", "subject": "rack", "metric": "power", "above": 30},
    ]
    done = look([("zigbee2mqtt/rack", {"temperature": 21, "battery": 90})], rules)
    assert done.exit_code == 0, done.output
    assert "nothing came for 'damp' in the last 1d" in done.output
    assert "what came has battery, temperature" in done.output
    assert "nothing came for the rule 'b' in the last 1d" in done.output
    assert done.output.count("warning") == 2, done.output


@pytest.mark.service
def test_without_anything_every_rule_is_told(look):
    done = look([], [])
    assert done.exit_code == 0, done.output
    assert [name in done.output for name in ("'hot'", "'damp'", "'people'", "'unknown'")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_a_broker_that_does_not_answer_is_no_error_of_the_definition(tmp_path):
    (tmp_path / "house.yaml").write_text(FLOW)
    (tmp_path / "site.yaml").write_text(
        "vigie: 1\nsite: s\nconnections:\n  redpanda: {brokers: ['127.0.0.1:1']}\n"
        "  mqtt: {url: 'mqtt://127.0.0.1:1'}\n  mariadb: {url: 'mariadb://x@127.0.0.1/x'}\n"
    )
    files = [str(tmp_path / name) for name in ("house.yaml", "site.yaml")]
    done = CliRunner().invoke(main, ["validate", files[0], "--site", files[1]])
    assert done.exit_code == 75
    assert "the live topics were not looked at" in done.output
