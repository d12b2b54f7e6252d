"""The virtual clock that tests and replay drive a plan with."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import flows
from connectors.config.document import Document
from flows.dataflow.compiler import compile_flow
from flows.dataflow.playback import Playback
from flows.loader import build
from operators.component import Due, Logic
from operators.events import Reading

FLOW = """\
vigie: 1
flow: rack
sources: {probes: {topic: a}}
streams:
  minutes: {from: probes, steps: [{window: {every: 1min, calculate: [mean]}}]}
alarms:
  hot: {from: probes, when: {above: 30, for: 90s}, response: Look.}
  lost: {from: probes, when: {silent: 10min}, response: Look.}
sinks:
  log: {from: [minutes, alarms], topic: b}
"""
START = 1767571200.0


def plan():
    document = Document("rack.yaml")
    document.root = document.parse(FLOW)
    return compile_flow(build(document), {}, ZoneInfo("UTC")).plan


def reading(time, value=31.0):
    return Reading(
        id=f"r{time}", time=START + time, subject="rack", metric="temperature", value=value
    )


def told(outputs):
    return [
        (event.time - START, getattr(event, "change", "window"), getattr(event, "alarm", None))
        for one in outputs
        for event in one.get("log", ())
    ]


def test_every_timer_fires_at_its_own_instant_however_far_time_is_moved():
    whole, steps = [], []
    for outputs, moves in ((whole, [3600]), (steps, range(1, 3601))):
        playback = Playback(plan(), START, outputs.append)
        playback.feed("probes", [reading(0)], START)
        for to in moves:
            playback.advance(START + to)
        assert playback.now == START + 3600
    assert told(whole) == told(steps)
    assert told(whole) == [
        (60.0, "window", None),
        (90.0, "raised", "hot"),
        (600.0, "raised", "lost"),
    ]


def test_a_restart_in_the_middle_changes_nothing():
    outputs = []
    playback = Playback(plan(), START, outputs.append)
    playback.feed("probes", [reading(0)], START)
    for to in range(30, 700, 30):
        playback.advance(START + to)
        playback.restart()
    assert told(outputs) == [
        (60.0, "window", None),
        (90.0, "raised", "hot"),
        (600.0, "raised", "lost"),
    ]


def test_a_batch_may_span_hours():
    outputs = []
    playback = Playback(plan(), START, outputs.append)
    playback.feed("probes", [reading(at, 20.0) for at in range(0, 7200, 60)], START + 7140)
    playback.advance(START + 8000)
    words = [word for _, word, _ in told(outputs)]
    assert words.count("window") == 120
    assert words[-1:] == ["raised"]
    assert playback.take_counts() == {}


def test_the_logic_of_a_step_can_be_looked_at():
    playback = Playback(plan(), START, lambda outputs: None)
    playback.feed("probes", [reading(0)], START)
    assert playback.logic("rack/hot").states() == {"rack": "normal"}
    with pytest.raises(KeyError):
        playback.logic("rack/cold")


def test_a_step_that_never_lets_go_of_a_deadline_is_a_fault_and_no_endless_loop(monkeypatch):
    playback = Playback(plan(), START, lambda outputs: None)
    monkeypatch.setattr(Logic, "next_time", lambda self: Due(wall=START))
    monkeypatch.setattr(
        type(playback.logic("rack/lost")), "next_time", lambda self: Due(wall=START)
    )
    with pytest.raises(RuntimeError, match="asks for the same instant"):
        playback.advance(START + 10)


def test_nothing_outside_is_imported_for_it():
    text = (Path(flows.__file__).parent / "dataflow" / "playback.py").read_text(encoding="utf-8")
    assert "bytewax" not in text
    assert "time.time" not in text
