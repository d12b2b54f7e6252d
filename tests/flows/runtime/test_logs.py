"""What a flow logs: each change of state once, nothing while all is well, in a form for Loki."""

import io
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.site.lines import Lines
from infra.embedded.broker import Broker
from operators.events import Reading
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.running import HOT, site_of, write
from tests.waiting import wait_until

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"
BATCHES, BATCH = 20, 100
CHANGE = re.compile(r"hot: running, .*|hot: [\w ]+ is up|stopping: .*")
WAITS = re.compile(r"hot: [\w ]+ (waits: .*|is back)")
"""What may come on a machine that has other work: the broker did not answer in time."""


def test_a_flow_logs_its_changes_of_state_and_nothing_of_events_alarms_and_letters(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    producer = Producer(connection, Health(), "p")
    out = topic(connection, f"{unique}.out")
    alarms = topic(connection, connection.topic_names.alarms)
    letters = topic(connection, connection.topic_names.dead_letters("hot"))
    with FlowProcess(definition, site, tmp / "data", "--log", "json") as flow:
        for number in range(BATCHES):
            value = 31.0 if number % 2 else 20.0
            producer.send_events(
                f"{unique}.in",
                [
                    Reading(
                        id=f"{number}/{n}", time=1000.0 + number, subject=f"s{n}",
                        metric="temperature", value=value,
                    )
                    for n in range(BATCH)
                ],
            )  # fmt: skip
            producer.send(f"{unique}.in", "s", b"no JSON\n")
            wait_until(lambda: len(out()) == BATCH * (number + 1), what="what was sent")  # noqa: B023
        wait_until(lambda: len(alarms()) == BATCH * (BATCHES - 1), what="all changes of alarms")
        wait_until(lambda: len(letters()) == BATCHES, what="all letters")
        assert flow.stop() == 0
    producer.close()
    lines = [of_loki(line) for line in of_site(flow.log.read_text().splitlines())]
    assert {line["flow"] for line in lines} == {"hot"}
    said = Counter(line["message"] for line in lines if not WAITS.fullmatch(line["message"]))
    assert all(map(CHANGE.fullmatch, said)), said
    assert set(said.values()) == {1}


def test_a_line_of_the_site_itself_has_the_same_form() -> None:
    [line] = of_site(["something a library wrote"])
    assert of_loki(line)["message"] == "something a library wrote"


def of_site(lines: list[str]) -> list[str]:
    """Lines of a flow as `vigie up --log json` writes them."""
    out = io.StringIO()
    writer = Lines("json", out)
    for line in lines:
        writer.of("hot", line)
    return out.getvalue().splitlines()


def of_loki(line: str) -> dict[str, Any]:
    """What the documented stages make of a line."""
    [block] = re.findall(r"```yaml\n(- json:.*?)```", OPERATIONS.read_text(), re.DOTALL)
    stages = {name: said for stage in YAML(typ="safe").load(block) for name, said in stage.items()}
    entry = json.loads(line)
    found = {name: entry[key] for name, key in stages["json"]["expressions"].items()}
    assert stages["timestamp"] == {"source": "time", "format": "2006-01-02T15:04:05-0700"}
    datetime.strptime(found["time"], "%Y-%m-%dT%H:%M:%S%z")
    assert set(stages["labels"]) <= found.keys()
    assert stages["output"]["source"] in found
    return found
