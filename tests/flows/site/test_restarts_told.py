"""Restarts while alarms are in every state: nobody hears anything of them (line 9 of the list)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest

from flows.dataflow.compiler import compile_flow
from flows.dataflow.plan import COMMANDS, Outputs, Plan
from flows.dataflow.playback import Playback
from flows.loader import load
from operators.events import AlarmTransition, Occurrence, Reading
from tests.seed_blocks import seed_blocks

START = 1_800_000_000.0
RESTARTS = 20
HALF_HOUR = 1800
CALLED = ("raised", "over")
OTHER_BOOT = 7.0
"""Seconds from one restart to the next, so that they fall between all readings and deadlines."""


FLOW = """\
vigie: 1
flow: NAME
sources: {readings: {topic: in}}
alarms:
  hot:
    from: readings
    only: {metric: t}
    when: {above: 30, clear: 28, for: 2min}
    priority: high
    levels: [{above: 40, priority: critical}]
    repeat: 10min
    response: x
  held: {from: readings, only: {metric: t}, when: {above: 30, clear_for: 3min}, response: x}
  lost: {from: readings, when: {silent: 5min}, response: x}
  gateway: {from: readings, only: {metric: presence}, when: {is: off}, response: x}
  behind_it:
    from: readings
    only: {metric: t}
    when: {above: 30}
    suppressed_by: [{alarm: gateway, match: gateway}]
    response: x
  later:
    from: readings
    only: {metric: t}
    when: {above: 30}
    chatter: {times: 3, in: 10min, hold: 5min}
    response: x
streams:
  calls: {from: alarms, steps: [notify: {wait: 30s, interval: 2min, repeat: 15min}]}
sinks:
  log: {from: alarms, topic: t}
  phone: {from: alarms, webhook: {connection: pager, path: /p}}
  calls_out: {from: calls, webhook: {connection: pager, path: /c}}
"""


class Call(NamedTuple):
    """What people are called for together."""

    what: str
    raised: list[tuple[str, str]]
    over: list[tuple[str, str]]


def plan(number: int, folder: Path) -> Plan:
    """A flow with alarms of every kind, whose people hear by a sink, and grouped by `notify`."""
    path = folder / "flow.yaml"
    path.write_text(FLOW.replace("NAME", f"f{number}"))
    document, flow = load(path)
    assert flow is not None, document.report()
    return compile_flow(flow, {}, ZoneInfo("Europe/Paris")).plan


def reading(at: float, subject: str, metric: str, value: float) -> tuple[str, Any]:
    labels = {"gateway": "gw"} if subject != "gw" else {}
    return "readings", Reading(
        id=f"{subject}{metric}{at}", time=at, subject=subject, metric=metric, value=value,
        labels=labels,
    )  # fmt: skip


def does(number: int, at: float, what: str, alarm: str, subject: str, **more: Any) -> Any:
    data = {
        "do": what,
        "rule": f"f{number}/{alarm}",
        "subject": subject,
        "user": "ada",
        "comment": "x",
        **more,
    }
    return COMMANDS, Occurrence(
        id=f"{what}{alarm}{at}", time=at, subject=subject, type="alarm_command", data=data
    )


def story(number: int) -> Iterator[tuple[float, tuple[str, Any]]]:
    """What happens in half an hour: standing, pending, shelved, hidden, told, and over again."""
    for second in range(0, HALF_HOUR, 20):
        at = START + second
        yield at, reading(at, "gw", "presence", float(not 400 <= second < 900))
        for subject, over in (("a", second >= 60), ("b", 60 <= second < 160), ("c", second >= 500)):
            value = 31.0 if over and second < 1500 else 25.0
            value = 45.0 if subject == "a" and 700 <= second < 800 else value
            value = 25.0 if subject == "c" and second % 240 < 40 else value
            yield at, reading(at, subject, "t", value)
        if second < 300 or second > 1200:
            yield at, reading(at, "d", "t", 20.0)
    yield START + 205, does(number, START + 205, "ack", "held", "a")
    yield START + 245, does(number, START + 245, "shelve", "hot", "a", duration=400)
    yield START + 265, does(number, START + 265, "out_of_service", "later", "a")
    yield START + 1305, does(number, START + 1305, "in_service", "later", "a")


def heard(event: Any) -> Any:
    """What counts of an event: a deadline may be noticed a few seconds later after a restart."""
    if isinstance(event, AlarmTransition):
        return msgspec.structs.replace(event, recorded=event.time)
    if "what" not in event.data:
        return event
    lists = ([(one["alarm"], one["subject"]) for one in event.data[key]] for key in CALLED)
    return Call(event.data["what"], *lists)


def played(
    plan: Plan, number: int, looks: tuple[float, ...], restarts: bool = False
) -> list[tuple[str, Any]]:
    """All that the log, the phone and the calls get of a story; it restarts whenever one looks."""
    told: list[tuple[str, Any]] = []

    def collect(outputs: Outputs) -> None:
        told.extend((sink, heard(event)) for sink, events in outputs.items() for event in events)

    playback = Playback(plan, START, collect)
    events: list[tuple[float, Any]] = sorted(story(number), key=lambda one: one[0])
    for at, what in sorted([*events, *((at, None) for at in looks)], key=lambda one: one[0]):
        playback.advance(at)
        if what is None and restarts:
            playback.restart()
            playback.advance(at)
        elif what is not None:
            playback.feed(what[0], [what[1]], at)
    playback.advance(START + HALF_HOUR + 600)
    return told


@pytest.mark.parametrize("number", seed_blocks(5, 1))
def test_a9_twenty_restarts_in_a_row_tell_nobody_anything(number: int, tmp_path: Path) -> None:
    """At first during one span after the other, then spread over all of the story."""
    flow = plan(number, tmp_path)
    undisturbed = played(flow, number, ())
    changes = {event.change for sink, event in undisturbed if sink == "log"}
    assert {
        "raised", "cleared", "returned", "acked", "shelved", "unshelved", "suppressed",
        "out_of_service", "in_service", "escalated", "realarmed",
    } <= changes  # fmt: skip
    assert any(sink == "calls_out" for sink, _ in undisturbed)
    for since in range(100 + 10 * number, HALF_HOUR, 700):
        row = tuple(START + since + OTHER_BOOT * n for n in range(RESTARTS))
        assert played(flow, number, row, restarts=True) == played(flow, number, row), since
    spread = tuple(START + 13 + number + n * HALF_HOUR / RESTARTS for n in range(RESTARTS))
    assert played(flow, number, spread, restarts=True) == played(flow, number, spread)
