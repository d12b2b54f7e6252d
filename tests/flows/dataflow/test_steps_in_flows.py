"""Steps in whole definitions: their checks, their places in the graph, and what survives a
restart.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main
from flows.dataflow.clock import ClockSettings
from flows.dataflow.graph import Graph
from flows.dataflow.plan import Node, Plan, Step
from operators.component import Now, StepContext
from operators.events import Reading, Row
from operators.transforms.enrich import Enrich

HOUSE = """\
vigie: 1
flow: house
sources:
  plain: {topic: house.readings}
  panel: {topic: house.panel}
  devices: {topic: {name: house.devices, table: true}}
streams:
  known: {from: plain, steps: [{enrich: {from: devices}}, {severity: {above: {medium: 30, critical: 60}, otherwise: low}}]}
  hot: {from: known, steps: [{threshold: {above: 30}}, {vote: {need: 2, same: label.room, max_age: 1h}}]}
  watched:
    from: {mode: panel, plain: known}
    steps: [{mode: {passes: surveillance, start: active}}, {only: {metric: motion}}]
  alone:
    from: {door: plain, panel: panel}
    steps: [{correlate: {within: 30s, need: 1, without: panel}}]
  climb: {from: plain, steps: [{only: {metric: temperature}}, {rate: {over: 1min, per: 1min}}]}
  lost: {from: plain, steps: [{stale: 10min}, {only: {quality: stale}}]}
  used:
    from: plain
    steps: [{only: {metric: energy}}, {counter: {}}, {window: {gap: 5min, calculate: [sum]}}, {pick: {value: sum, metric: used}}]
alarms:
  fire: {from: known, only: {metric: temperature}, when: {above: 30}, priority: {column: priority}, response: Run.}
sinks:
  out: {from: [hot, watched, alone, climb, lost, used, fire], topic: house.out}
"""
TESTS = """\
tests:
  - test: everything
    play:
      - {at: 0s, given: {devices: [{id: a, room: hall}, {id: b, room: hall}]}}
      - {at: 1s, given: {plain: {subject: c, metric: temperature, value: 20}}}
      - at: 31s
        given:
          plain:
            - {subject: c, metric: temperature, value: 29}
            - {subject: a, metric: temperature, value: 61}
            - {subject: b, metric: temperature, value: 40}
      - {at: 32s, do: restart}
      - at: 33s
        expect:
          hot: {subject: hall, metric: agreement, value: on}
          climb: {subject: c, metric: temperature_rate, value: 18}
          fire: [{subject: a, priority: critical, labels: {room: hall}}, {subject: b, priority: medium}]
          watched: nothing
      - {at: 1min, given: {plain: {subject: yard, metric: motion, value: on}}}
      - {at: 61s, expect: {watched: nothing}}
      - {at: 2min, given: {panel: {subject: panel, metric: mode, value: surveillance}}}
      - {at: 3min, do: restart}
      - {at: 4min, given: {plain: {subject: yard, metric: motion, value: on}}}
      - {at: 5min, expect: {watched: {subject: yard, metric: motion}}}
      - {at: 6min, given: {plain: {subject: meter, metric: energy, value: 100, unit: kWh}}}
      - {at: 7min, given: {plain: {subject: meter, metric: energy, value: 102, unit: kWh}}}
      - {at: 8min, given: {plain: {subject: meter, metric: energy, value: 105, unit: kWh}}}
      - {at: 20min, expect: {used: {subject: meter, metric: used, value: 5, unit: kWh}, lost: {count: 5}}}
"""


def run(tmp_path: Path, command: str, text: str) -> tuple[int, str]:
    path = tmp_path / "house.yaml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, [command, str(path)])
    return result.exit_code, result.output


def test_the_steps_work_together_in_one_flow(tmp_path: Path) -> None:
    code, output = run(tmp_path, "test", HOUSE + TESTS)
    assert code == 0, output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("enrich: {from: devices}", "enrich: {from: plain}", "is not a table"),
        ("enrich: {from: devices}", "enrich: {from: device}", "did you mean 'devices'"),
        ("mode: {passes", "mode: {role: switch, passes", "no role 'switch' in 'from'"),
        ("without: panel", "without: panels", "did you mean 'panel'"),
        (
            "need: 1, without: panel",
            "need: 2, without: panel",
            "needs 2 roles, but 'from' has only 1",
        ),
        ("without: panel", "without: [panel, door]", "every role is forbidden"),
    ],
)
def test_a_step_that_cannot_work_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    code, output = run(tmp_path, "validate", HOUSE.replace(old, new))
    assert code == 1
    assert message in output


def enriching(name: str) -> Plan:
    spec = Enrich.model_validate({"from": "devices"})
    step = Step(
        f"f/{name}/enrich",
        lambda: spec.logic(StepContext(flow="f", step=f"f/{name}/enrich")),
        stateful=True,
    )
    node = Node(name, (("plain", None),), (step,), tables=(("devices", 0),))
    return Plan("f", (node,), (), ClockSettings(), sides=frozenset({"devices"}))


def row(room: str | None, op: str = "update") -> Row:
    values = {"id": "a"} if room is None else {"id": "a", "room": room}
    return Row(id=f"r{room}", time=1.0, table="devices", op=op, values=values)  # type: ignore[arg-type]


def test_rows_change_and_go_while_the_flow_runs() -> None:
    graph = Graph(enriching("known"))

    def rooms() -> str | None:
        logic = graph.logic("f/known/enrich")
        [event] = logic.on_batch(
            [Reading(id="x", time=1.0, subject="a", metric="m", value=1.0)], Now(0, 0)
        )
        return getattr(event, "labels", {}).get("room")

    assert rooms() is None
    graph.feed("devices", [row("hall")], 1.0)
    assert rooms() == "hall"
    saved = graph.snapshot()
    graph = Graph(enriching("known"))
    graph.restore(saved)
    assert graph.new_tables == set()
    assert rooms() == "hall"
    graph.feed("devices", [row("attic")], 2.0)
    assert rooms() == "attic"
    graph.feed("devices", [row(None, "delete")], 3.0)
    assert rooms() is None


def test_a_step_that_is_new_asks_for_the_whole_table() -> None:
    graph = Graph(enriching("known"))
    graph.feed("devices", [row("hall")], 1.0)
    other = Graph(enriching("another"))
    other.restore(graph.snapshot())
    assert other.new_tables == {"devices"}


MODES = """\
vigie: 1
flow: yard
tables: {cameras: [{name: gate, host: a}]}
zones:
  hall: {camera: gate, points: [[0, 0], [1, 0], [1, 1], [0, 1]], modes: surveillance}
sources:
  video: {rtsp: {each: cameras, url: "rtsp://{host}/s"}}
  site_mode: {topic: {name: vigie.mode, table: true}}
streams:
  people:
    from: video
    steps:
      - detect: {model: m, classes: [person]}
      - track: 3s
      - zones: {mode: site_mode, inertia: 2}
sinks:
  out: {from: people, topic: yard.people}
tests:
  - test: a zone counts in its modes, also for who stands still as one begins
    play:
      - {at: 0s, given: {site_mode: {id: site, value: active}}}
      - at: 1s
        every: 1s
        until: 29s
        given: {video: {camera: gate, sees: [{class: person, box: [0.4, 0.4, 0.1, 0.4], score: 0.9}]}}
      - {at: 30s, expect: {people: nothing}}
      - {at: 31s, given: {site_mode: {id: site, value: surveillance}}}
      - {at: 32s, expect: {people: {phase: entered, in_zone: hall}}}
      - {at: 33s, do: restart}
      - {at: 34s, given: {site_mode: {id: site, value: active}}}
      - {at: 36s, expect: {people: {phase: left, in_zone: hall}}}
"""


def test_a_zone_with_modes_counts_as_the_topic_of_the_mode_says(tmp_path: Path) -> None:
    path = tmp_path / "yard.yaml"
    path.write_text(MODES)
    result = CliRunner().invoke(main, ["test", str(path)])
    assert result.exit_code == 0, result.output
