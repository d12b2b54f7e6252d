"""The alarms of the shipped definitions over real topics: raised, acknowledged, shelved, expired,
returned, with a restart.

The definitions run as they are, but for what stands outside: their sources are topics, and their
sinks are left out.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer
from ruamel.yaml import YAML

import flows
from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.commands.alarms import EXIT_NO_ANSWER, EXIT_REFUSED, _line, alarms
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Event, Reading
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

SHIPPED = Path(flows.__file__).parent / "definitions"
NIGHT = datetime(2026, 1, 5, 23, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
HOT, PIR = "sensor.server_room_rack", "binary_sensor.server_room_pir"
SHELVED = (
    ("server_room", "too_hot"),
    ("energy", "overload"),
    ("cameras", "intrusion"),
    ("alarms", "market"),
)
OTHERS = (
    ("server_room", "too_humid"), ("server_room", "someone_inside"), ("server_room", "sensor_lost"),
    ("energy", "meter_lost"), ("cameras", "camera_down"), ("alarms", "feed_silent"),
)  # fmt: skip
SOURCES = {
    "server_room": ("recorder",), "energy": ("meters",), "cameras": ("video", "sensors"),
    "alarms": ("quotes",),
}  # fmt: skip


def reading(
    subject: str, metric: str, value: float, unit: str | None, after: float, **labels: str
) -> Reading:
    return Reading(
        id=f"{subject}-{metric}-{after}", time=NIGHT + after, subject=subject, metric=metric,
        value=value, unit=unit,
        labels=labels,
    )  # fmt: skip


RAISING = {
    "recorder": [
        reading("sensor.server_room_far", "temperature", 20, "°C", 0),
        reading("sensor.server_room_wall", "humidity", 75, "%", 0),
        reading(PIR, "motion", 1, None, 0),
        reading(HOT, "temperature", 31, "°C", 1),
        reading(HOT, "temperature", 32, "°C", 122),
        reading("sensor.server_room_wall", "humidity", 76, "%", 601),
        reading(HOT, "temperature", 32, "°C", 910),
    ],
    "meters": [
        reading("fridge", "power", 80, "W", 0),
        reading("mains", "power", 6.2, "kW", 0),
        reading("mains", "power", 6300, "W", 31),
        reading("mains", "power", 6300, "W", 1210),
    ],
    "video": [reading("gate", "frames", 1, None, 0), reading("dock", "frames", 1, None, 40)],
    "sensors": [
        reading("pir_yard", "motion", 1, None, 0, area="yard"),
        reading("door_yard", "door", 1, None, 12, area="yard"),
        reading("pir_hall", "motion", 0, None, 40, area="hall"),
    ],
    "quotes": [
        reading("USD/JPY", "price", 150, None, 0),
        reading("EUR/USD", "price", 1.09, None, 1),
        reading("EUR/USD", "price", 1.09, None, 200),
        reading("GBP/USD", "price", 1.27, None, 310),
    ],
}
ENDING = {
    "recorder": [
        reading("sensor.server_room_far", "temperature", 20, "°C", 1000),
        reading("sensor.server_room_wall", "humidity", 60, "%", 1000),
        reading(PIR, "motion", 0, None, 1000),
        reading(HOT, "temperature", 27, "°C", 1000),
        reading("sensor.server_room_wall", "humidity", 60, "%", 1050),
    ],
    "meters": [
        reading("fridge", "power", 80, "W", 1300),
        reading("mains", "power", 800, "W", 1300),
    ],
    "video": [
        reading(camera, "frames", 1, None, after)
        for after in range(50, 210, 20)
        for camera in ("gate", "dock")
    ],
    "sensors": [reading("pir_hall", "motion", 0, None, 200, area="hall")],
    "quotes": [
        reading("USD/JPY", "price", 150, None, 320),
        reading("EUR/USD", "price", 1.05, None, 320),
    ],
}


class World:
    """The four flows that have alarms, on a broker, with a desk."""

    def __init__(self, broker: Broker, folder: Path, unique: str, topic: Watch) -> None:
        self._watch = topic
        self._folder, self._unique, self._broker = folder, unique, broker
        self._connection = TopicConnection(
            brokers=[broker.address], idempotence=False, prefix=f"{unique}."
        )
        self._site = folder / "site.yaml"
        redpanda = self._connection.model_dump(include={"brokers", "idempotence", "prefix"})
        site = {
            "vigie": 1,
            "site": "test",
            "timezone": "Europe/Paris",
            "connections": {"redpanda": redpanda},
        }
        self._site.write_text(json.dumps(site))
        for name in SOURCES:
            self._write(name)
        self.transitions = topic(self._connection, self._connection.topic_names.alarms)

    def _write(self, name: str) -> None:
        definition = YAML(typ="safe", pure=True).load(
            (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
        )
        definition["sources"] = {
            source: {"topic": f"{self._unique}.{source}"} for source in SOURCES[name]
        }
        if "readings" in definition["streams"]:
            definition["streams"]["readings"]["from"] = SOURCES[name][0]
        if name == "alarms":
            definition["sources"]["rules"] = {
                "topic": {"name": f"{self._unique}.rules", "table": True}
            }
            definition["streams"]["prices"]["from"] = "quotes"
        elif name == "cameras":
            definition["streams"]["objects"] = {"from": "video", "steps": [{"deduplicate": "1s"}]}
        # so that a slow machine does not let event time follow the wall clock
        definition["clock"] = {"idle": "1h"}
        definition = {
            key: value
            for key, value in definition.items()
            if key not in ("sinks", "tests", "zones", "tables")
        }
        with (self._folder / f"{name}.yaml").open("w") as file:
            YAML().dump(definition, file)

    @contextmanager
    def running(self) -> Iterator[None]:
        """All flows at once; each must end its drain with 0."""
        with ExitStack() as stack:
            started = [
                FlowProcess(self._folder / f"{name}.yaml", self._site, self._folder / "data")
                for name in SOURCES
            ]
            for process in started:
                stack.push(process)
            for process in started:
                process.wait_running(120)
            yield
            assert [process.stop() for process in started] == [0] * len(started)

    def write_rule(self) -> None:
        row = {
            "id": "r1",
            "page": "eur_usd",
            "subject": "EUR/USD",
            "above": 1.08,
            "priority": "high",
        }
        self._watch(self._connection, f"{self._unique}.rules")
        rules = KafkaProducer(bootstrap_servers=[self._broker.address])
        rules.send(f"{self._unique}.rules", json.dumps(row).encode(), b"r1", partition=0).get(60)
        rules.close()

    def send(self, topic: str, *events: Event) -> None:
        producer = Producer(self._connection, Health(), "send", partitions=1)
        producer.send_events(f"{self._connection.prefix}{topic}", list(events))
        producer.flush()
        producer.close()

    def feed(self, given: dict[str, list[Reading]]) -> None:
        producer = Producer(self._connection, Health(), "feed", partitions=1)
        for source, readings in given.items():
            producer.send_events(f"{self._unique}.{source}", list[Event](readings))
        producer.flush()
        producer.close()

    def desk(self, *words: str) -> Result:
        command, *rest = words
        if command in ("ack", "shelve") and "--wait" not in rest:
            rest += ["--wait", str(PATIENCE)]
        return CliRunner().invoke(alarms, [command, "--site", str(self._site), *rest])

    def told(self) -> dict[tuple[str, str], list[AlarmTransition]]:
        """What was said of each alarm, of the subject that was raised. What a restart says again
        must be the same.
        """
        known: dict[str, AlarmTransition] = {}
        out: dict[tuple[str, str], dict[str, list[AlarmTransition]]] = {}
        for event in self.transitions():
            assert isinstance(event, AlarmTransition)
            if known.setdefault(event.id, event) is not event:
                assert known[event.id] == event
                continue
            subjects = out.setdefault((event.rule.split("/")[0], event.alarm), {})
            subjects.setdefault(event.subject, []).append(event)
        raised = {
            key: [log for log in by.values() if any(e.event == "activated" for e in log)]
            for key, by in out.items()
        }
        return {key: logs[0] for key, logs in raised.items() if logs}

    def wait_for(self, last: str, keys: tuple[tuple[str, str], ...]) -> None:
        def missing() -> list[str]:
            told = self.told()
            return ["/".join(key) for key in keys if key not in told or told[key][-1].event != last]

        try:
            wait_until(lambda: not missing(), what=last)
        except AssertionError as error:
            raise AssertionError(
                f"not yet {last}: {', '.join(missing())} of {self._said()}"
            ) from error

    def _said(self) -> dict[str, list[str]]:
        return {"/".join(key): [event.event for event in log] for key, log in self.told().items()}


@pytest.fixture
def world(broker: Broker, tmp: Path, unique: str, topic: Watch) -> World:
    return World(broker, tmp, unique, topic)


def test_every_alarm_lives_through_a_restart_and_expires_and_returns(world: World) -> None:
    world.write_rule()
    world.feed(RAISING)
    with world.running():
        world.wait_for("activated", SHELVED + OTHERS)
        for flow, alarm in OTHERS:
            done = world.desk(
                "ack", "--flow", flow, alarm, world.told()[flow, alarm][0].subject, "--user", "paul"
            )
            assert (done.exit_code, "now acked" in done.output) == (0, True), done.output
        refused = world.desk("ack", "--flow", "server_room", "too_humid", "sensor.server_room_wall")
        assert (refused.exit_code, "already_acked" in refused.output) == (EXIT_REFUSED, True)
        for flow, alarm in SHELVED:
            done = world.desk(
                "shelve",
                "--flow",
                flow,
                alarm,
                "--for",
                "10s",
                "--user",
                "marie",
                "--reason",
                "known",
            )
            assert (done.exit_code, "now shelved" in done.output) == (0, True), done.output
        listed = world.desk("list", "--flow", "server_room").output
        assert "acked" in listed and "(paul)" in listed and "alarms" in listed
    with world.running():
        world.wait_for("unshelved", SHELVED)
        for _, alarm in SHELVED:
            assert world.desk("ack", alarm).exit_code == 0, "the one flow that has it is found"
        unknown = world.desk("ack", "never")
        assert (unknown.exit_code, "no flow ever told" in unknown.output) == (EXIT_REFUSED, True)
        world.feed(ENDING)
        world.wait_for("returned", SHELVED + OTHERS)
        assert "(marie: known)" in world.desk("history", "--flow", "server_room").output
    told = world.told()
    for key in SHELVED:
        log = [(e.event, e.annunciate) for e in told[key]]
        raised = [
            ("activated", True),
            ("shelved", False),
            ("unshelved", True),
            ("acked", False),
            ("returned", False),
        ]
        assert log == raised, key
        assert told[key][2].reason == "expired"
        assert told[key][1].until == told[key][2].time
    for key in OTHERS:
        ended = ["data_back", "returned"] if told[key][0].reason == "no_data" else ["returned"]
        assert [e.event for e in told[key]] == ["activated", "acked", *ended], key


def test_a_broker_that_is_down_is_one_line(tmp: Path) -> None:
    site = tmp / "site.yaml"
    site.write_text(
        json.dumps(
            {"vigie": 1, "site": "t", "connections": {"redpanda": {"brokers": ["127.0.0.1:9"]}}}
        )
    )
    asked = CliRunner().invoke(alarms, ["list", "--site", str(site)])
    assert asked.exit_code == EXIT_NO_ANSWER
    assert asked.output.count("\n") == 1
    assert "no answer from the broker at 127.0.0.1:9" in asked.output


def test_what_came_from_outside_does_not_steer_the_terminal() -> None:
    event = AlarmTransition(
        id="1", time=0.0, recorded=0.0, rule="f/hot", alarm="hot", subject="a\x1b[2J", occ=1,
        seq=1, event="acked",
        change="acked", state="acked", isa="C", user="eve", comment="\x1b]0;x\x07",
    )  # fmt: skip
    assert click.unstyle(_line(event, "acked")).endswith("f/hot a [2J:   (eve:  ]0;x )")


def test_a_command_that_nobody_answers_says_so(world: World) -> None:
    asked = world.desk("ack", "--flow", "nobody", "hot", "rack", "--wait", "0.2")
    assert asked.exit_code == EXIT_NO_ANSWER
    assert "is the flow 'nobody' running" in asked.output


def test_a_misspelt_flow_or_alarm_is_answered_with_the_name_that_is_known(world: World) -> None:
    told = AlarmTransition(
        id="1", time=time.time(), recorded=time.time(), rule="kitchen/too_warm", alarm="too_warm",
        subject="f1", occ=1, seq=1,
        event="activated", change="raised", state="unacked", isa="B",
    )  # fmt: skip
    world.send("alarms", told)
    for flow, alarm, hint in (
        ("kitchn", "too_warm", "did you mean 'kitchen'?"),
        ("kitchen", "too_wram", "did you mean 'too_warm'?"),
        ("kitchen", "too_warm", "it will still carry the command out"),
    ):
        asked = world.desk("ack", "--flow", flow, alarm, "f1", "--wait", "0.2")
        assert asked.exit_code == EXIT_NO_ANSWER
        assert hint in asked.output


def test_a_site_without_alarms_yet_has_none(world: World) -> None:
    listed, history = world.desk("list"), world.desk("history")
    assert (listed.exit_code, listed.output) == (0, "0 alarms\n")
    assert (history.exit_code, history.output) == (0, "")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": 12.0, "unit": "%", "limit": 15.0, "condition": "below"}, "below 15 at 12 %"),
        (
            {"value": 12.0, "unit": "%", "limit": 15.0, "condition": "below", "event": "returned"},
            "at 12 %",
        ),
        ({"value": 1.0, "limit": 1.0, "condition": "is", "metric": "door"}, "is open"),
        ({"value": "armed", "condition": "is", "metric": "mode"}, "is armed"),
        (
            {
                "value": -20.0,
                "unit": "°C",
                "limit": -15.0,
                "condition": "above",
                "flags": ["active", "no_data"],
            },
            "no data, last -20 °C",
        ),
        ({"condition": "above", "limit": 3.0, "flags": ["active", "no_data"]}, "no data"),
        (
            {"value": 21.5, "unit": "°C", "condition": "silent", "flags": ["active", "no_data"]},
            "silent, last 21.5 °C",
        ),
    ],
)
def test_a_value_is_told_as_people_write_it(fields: dict[str, Any], said: str) -> None:
    given = {"event": "activated", **fields, "labels": {"condition": fields["condition"]}}
    del given["condition"]
    event = AlarmTransition(
        id="1", time=0.0, recorded=0.0, rule="f/low", alarm="low", subject="a", occ=1, seq=1,
        change="raised",
        state="unacked", isa="B", **given,
    )  # fmt: skip
    assert click.unstyle(_line(event, "raised")).endswith(f"f/low a: {said}")
