"""Dead letters on real services: listed, shown, and replayed after the definition was mended, while the flow runs or not."""

import json
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner, Result

from connectors.base import ConnectorContext
from connectors.topic_client import TopicConnection
from connectors.topic_producer import Producer
from flows.cli import main
from flows.dead_letters import Graveyard
from flows.dead_replay import NotReplayable, target_of
from flows.loader import load
from infra.embedded.broker import Broker
from infra.embedded.stack import Stack
from operators.events import DeadLetter, Reading, decode_lines, encode_lines
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

METERS = """\
vigie: 1
flow: meters
sources: {probes: {mqtt: {topics: [house/#]}}}
streams: {readings: {from: probes, steps: [decode: DIALECT]}}
sinks: {history: {from: readings, clickhouse: readings}}
"""


def vigie(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_payload_that_no_dialect_knew_arrives_once_after_the_definition_was_mended(tmp: Path) -> None:
    definition = tmp / "meters.yaml"
    definition.write_text(METERS.replace("DIALECT", "tasmota"))
    with Stack(tmp / "stack", ["redpanda", "mqtt", "clickhouse"]) as stack:
        graveyard = Graveyard(TopicConnection.model_validate(stack.connections()["redpanda"]))
        place = ("--site", stack.site)
        assert "no dead letters" in vigie("dead-letters", "list", *place).output
        with FlowProcess(definition, stack.site, tmp / "data") as flow:
            wait_until(lambda: "probes is up" in flow.log.read_text(), 20, "the subscription")
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
            client.username_pw_set("devices", stack["mqtt"].password("devices"))
            client.connect("127.0.0.1", stack["mqtt"].port)
            client.loop_start()
            client.publish("house/rack/temperature", b"21.5", qos=1).wait_for_publish(10)
            client.publish("house/rack/noise", b"\xff\x00\x01", qos=1).wait_for_publish(10)
            client.disconnect()
            client.loop_stop()
            wait_until(lambda: len(graveyard.entries("meters")) == 2, 20, "two dead letters")
            number, garbage = graveyard.entries("meters")
            assert (number.letter.payload, number.letter.source) == (b"21.5", "probes")

            listed = vigie("dead-letters", "list", definition, *place).output
            assert "house/rack/temperature" in listed
            assert "2 dead letters (2 open)" in listed
            lines = vigie("dead-letters", "list", *place, "--json", "--reason", "not_utf8").output.splitlines()
            assert [json.loads(line)["id"] for line in lines] == [garbage.letter.id]
            shown = vigie("dead-letters", "show", "meters", garbage.letter.id, *place).output
            assert "00000000  ff 00 01" in shown
            assert "vigie.dead.meters/" in shown
            assert vigie("dead-letters", "show", definition, number.letter.id, *place).output.endswith("\n21.5\n")
            assert flow.stop() == 0

        definition.write_text(METERS.replace("DIALECT", "json"))
        stopped = vigie("dead-letters", "replay", definition, number.letter.id, *place)
        assert stopped.output == f"{number.letter.id} -> vigie.in.meters.probes\n1 sent, 0 not sent, 0 replayed before\n"
        with FlowProcess(definition, stack.site, tmp / "data") as flow:
            found = "SELECT count(), count(DISTINCT id), sum(value) FROM readings FINAL"
            wait_until(lambda: rows(stack, found) == "1\t1\t21.5\n", 20, "the reading")
            running = vigie("dead-letters", "replay", definition, "--all", "--again", *place)
            assert "2 sent, 0 not sent" in running.output
            wait_until(lambda: graveyard.entries("meters")[-1].is_open, 20, "the garbage to be refused again")
            assert flow.stop() == 0
        assert rows(stack, found) == "1\t1\t21.5\n"
        states = {entry.letter.id: entry.is_open for entry in graveyard.entries("meters")}
        assert states == {number.letter.id: False, garbage.letter.id: True}
        listed = vigie("dead-letters", "list", definition, *place).output
        assert "refused again after" in listed
        assert "2 dead letters (1 open)" in listed
        assert vigie("dead-letters", "list", definition, "--open", *place).output.count("replayed") == 0


def rows(stack: Stack, statement: str) -> str:
    if "readings" not in stack["clickhouse"].query("SHOW TABLES", "vigie").split():
        return ""
    return str(stack["clickhouse"].query(statement, "vigie"))
