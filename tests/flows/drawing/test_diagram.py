import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main
from flows.drawing.diagram import as_json, draw
from flows.loader import load
from tests.flows.running import HOT, site_of, write

READER = """\
sources: {transitions: {topic: PREFIXalarms}}
sinks:
  live: {from: transitions, websocket: room}
"""
TOLD = "streams: {told: {from: alarms, steps: [{notify: {by: page}}]}}\n"


def test_a_picture_for_programs_names_parts_without_their_flow(tmp_path: Path) -> None:
    document, flow = load(write(tmp_path, "room", HOT.replace("NAME", "room")))
    assert flow is not None
    picture = json.loads(as_json(draw([(document, flow)])))
    kinds = {box["name"]: box["kind"] for box in picture["boxes"] if box["kind"] != "topic"}
    assert kinds == {"readings": "source", "hot": "alarm", "log": "sink"}
    assert ["readings", "hot", ""] in picture["arrows"]
    assert ["readings", "log", ""] in picture["arrows"]


def test_a_picture_names_the_connection_of_a_webhook_and_not_its_path(tmp_path: Path) -> None:
    sink = "  pager: {from: hot, webhook: {connection: cloud, path: /hook/T0K3N?key=s3cret}}\n"
    document, flow = load(write(tmp_path, "room", HOT.replace("NAME", "room") + sink))
    assert flow is not None
    picture = as_json(draw([(document, flow)]))
    assert "webhook: cloud" in picture
    assert "T0K3N" not in picture and "s3cret" not in picture


@pytest.fixture
def two_flows(tmp_path: Path) -> list[str]:
    """A flow with an alarm, and one that reads the alarms of a site with the prefix `north.`."""
    return [
        str(write(tmp_path, "room", HOT.replace("NAME", "room"))),
        str(write(tmp_path, "relay", READER.replace("PREFIX", "north."))),
    ]


def arrows(text: str) -> set[tuple[str, str]]:
    """The arrows of Mermaid text, each as the names of the boxes it joins."""
    names, found = {}, set()
    for line in map(str.strip, text.splitlines()):
        if " -->" in line:
            start, end = line.split(" -->")
            found.add((names[start], names[end.split()[-1]]))
        elif '"' in line:
            names[line.split("[")[0].split("(")[0].split("{")[0]] = line.split('"')[1].split(
                "<br/>"
            )[0]
    return found


def test_topics_are_drawn_under_the_prefix_of_the_site(
    tmp_path: Path, two_flows: list[str]
) -> None:
    site_of(tmp_path, redpanda={"brokers": ["127.0.0.1:9"], "prefix": "north."})
    drawn = CliRunner().invoke(main, ["graph", *two_flows])
    assert drawn.exit_code == 0, drawn.output
    assert {("hot", "north.alarms"), ("north.alarms", "transitions"), ("live", "north.push")} <= (
        arrows(drawn.output)
    )
    assert "vigie." not in drawn.output


def test_a_site_file_elsewhere_is_named_with_site(tmp_path: Path, two_flows: list[str]) -> None:
    (tmp_path / "sites").mkdir()
    site = site_of(tmp_path / "sites", redpanda={"brokers": ["127.0.0.1:9"], "prefix": "${AREA}."})
    command = ["graph", *two_flows, "--site", str(site)]
    drawn = CliRunner(env={"AREA": "north"}).invoke(main, command)
    assert ("hot", "north.alarms") in arrows(drawn.output)
    refused = CliRunner(env={"AREA": None}).invoke(main, command)
    assert refused.exit_code == 1
    assert "connections.redpanda.prefix: AREA: neither the environment" in refused.output


def test_without_a_site_file_topics_have_the_usual_prefix(two_flows: list[str]) -> None:
    drawn = arrows(CliRunner().invoke(main, ["graph", *two_flows]).output)
    assert ("live", "vigie.push") in drawn
    assert ("hot", "north.alarms") not in drawn


def test_a_source_that_no_flow_of_the_picture_writes_is_not_keyed_by_vigie(tmp_path: Path) -> None:
    written = str(write(tmp_path, "room", HOT.replace("NAME", "room")))
    reads = "sources: {again: {topic: room.out}, told: {topic: vigie.alarms}}\n"
    read = str(write(tmp_path, "next", reads + "sinks: {log: {from: again, topic: next.out}}\n"))
    both = CliRunner().invoke(main, ["graph", written, read]).output
    assert '"readings<br/>topic: room.in<br/>not keyed by Vigie"' in both
    assert both.count("not keyed by Vigie") == 1
    alone = CliRunner().invoke(main, ["graph", read]).output
    assert '"again<br/>topic: room.out<br/>not keyed by Vigie"' in alone
    whole = str(write(tmp_path, "one", HOT.replace("NAME", "one") + TOLD))
    assert "not keyed" not in CliRunner().invoke(main, ["graph", whole]).output, "one process alone"
