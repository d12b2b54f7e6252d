"""Who was told of an alarm is told of its end, whatever became of the sink's selection."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from flows.dataflow.compiler import ALARM_SINK, compile_flow
from flows.dataflow.graph import Graph
from flows.dataflow.plan import Outputs, Plan
from flows.dataflow.shard_state import dump, load
from flows.language.model import Flow
from operators.events import AlarmTransition, Event, Reading
from operators.model.changes import as_announced

START = 1_767_614_400.0
PHONE = {"from": "hot", "webhook": {"connection": "pager", "path": "/p"}}
KITCHEN, CELLAR = ({"only": {"label": {"room": room}}} for room in ("kitchen", "cellar"))
RAISED, BOTH = {"only": {"change": "raised"}}, {"only": {"change": ["raised", "cleared"]}}
LOW = {"only": {"subject": "x", "priority": "low"}}
WARM = {"warm": {"from": "r", "when": {"above": "30 °C"}, "response": "Look."}}


def flow(
    phone: dict[str, Any], steps: list[Any] | None = None, name: str = "phone", **more: Any
) -> dict[str, Any]:
    """A flow whose alarm is told by a sink `phone`, behind these steps if there are some."""
    streams = {"some": {"from": "hot", "steps": steps}} if steps else {}
    alarms = {"hot": {"from": "r", "when": {"above": "30 °C"}, "response": "Look."}, **WARM}
    phone = {**PHONE, **({"from": "some"} if steps else {}), **phone}
    return {
        "vigie": 1, "flow": "f", "sources": {"r": {"topic": "r"}}, "streams": streams,
        "alarms": more.get("alarms", alarms), "sinks": {name: phone, "log": {"from": "alarms", "topic": "t"}},
    }  # fmt: skip


def plan_of(one: dict[str, Any]) -> Plan:
    return compile_flow(Flow.model_validate(one), {}, ZoneInfo("Europe/Paris")).plan


class Phone:
    """A flow, and what its sink tells of."""

    def __init__(self, one: dict[str, Any]) -> None:
        self.told: list[AlarmTransition] = []
        self.now, self.graph = START, Graph(plan_of(one))

    def _take(self, outputs: Outputs) -> None:
        for name in outputs.keys() - {"log", ALARM_SINK}:
            self.told += [one for one in outputs[name] if isinstance(one, AlarmTransition)]

    def give(self, second: float, value: float, room: str = "kitchen") -> None:
        self.give_together((second, value, room))

    def give_together(self, *readings: tuple[float, float, str]) -> None:
        """Readings of one batch: the second, the value and the room of each."""
        self.now = START + readings[-1][0]
        events: list[Event] = [
            Reading(
                id=f"e{second}", time=START + second, subject="x", metric="temperature", value=value,
                unit="°C", labels={"room": room},
            )
            for second, value, room in readings
        ]  # fmt: skip
        self._take(self.graph.feed("r", events, self.now))

    def edit(self, one: dict[str, Any], **state: Any) -> None:
        saved = load(dump(self.graph.snapshot()))
        self.graph = Graph(plan_of(one))
        self.graph.restore(msgspec.structs.replace(saved, **state))
        self._take(self.graph.tick(self.now))

    def changes(self) -> list[tuple[str, str]]:
        return [(one.alarm, one.change) for one in self.told]


HOT = {"hot": flow({})["alarms"]["hot"]}
BEGAN, ENDED = ("hot", "raised"), ("hot", "cleared")
EDITS: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = {
    "a narrowed selection": (flow({}), flow(CELLAR), [BEGAN, ENDED]),
    "another label": (flow(KITCHEN), flow(CELLAR), [BEGAN, ENDED]),
    "another priority": (flow(LOW), flow({"only": {"priority": "high"}}), []),
    "a narrowed stream": (flow({}, [{"label": {"a": "b"}}]), flow({}, [CELLAR]), [BEGAN, ENDED]),
    "a sink that reads another alarm": (flow({}), flow({"from": "warm"}), [BEGAN, ENDED]),
    "an alarm that is dropped": (flow({}), flow({"from": "warm"}, alarms=WARM), [BEGAN, ENDED]),
    "a widened selection tells no end": (flow(CELLAR), flow({}), []),
    "a new sink hears of no end": (flow(CELLAR, name="other"), flow({}), []),
    "a sink of another name goes on": (flow({}, name="other"), flow(CELLAR), [BEGAN, ENDED]),
    "a sink that wants ends now": (flow(RAISED), flow(BOTH), [BEGAN, ENDED]),
    "a sink that wants none": (flow(RAISED), flow({"only": {"change": "raised", "subject": "y"}}), [BEGAN]),
    "a stream without ends": (flow({}, [RAISED]), flow({}, [RAISED, CELLAR]), [BEGAN]),
    "another address": (flow({}), flow({"webhook": {"connection": "pager", "path": "/q"}}), [BEGAN, ENDED]),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_sink_ends_what_it_told_and_nothing_else(name: str) -> None:
    before, after, told = EDITS[name]
    phone = Phone(before)
    phone.give(0, 20)
    phone.give(1, 35)
    phone.edit(before)
    phone.edit(after)
    phone.give(60, 36)
    phone.give(120, 20)
    phone.edit(before)
    phone.give(180, 20)

    assert [one for one in phone.changes() if one[0] == "hot"] == told


def test_a_state_that_does_not_know_who_was_told_ends_what_began_before_it() -> None:
    phone = Phone(flow(CELLAR))
    phone.give(0, 20)
    phone.give(1, 35)
    phone.edit(flow(KITCHEN), sinks=None)
    phone.give(60, 20)
    phone.give(70, 36)
    phone.edit(flow({}))
    phone.give(80, 20)

    assert phone.changes() == [("hot", "cleared"), ("hot", "raised"), ("hot", "cleared")]


def test_an_end_knows_all_names_under_which_its_start_was_told() -> None:
    renamed = {"warmth": {**HOT["hot"], "was": "hot"}}
    phone = Phone(flow({"from": "alarms"}, alarms=HOT))
    phone.give(0, 35)
    phone.edit(flow({"from": "alarms"}, alarms=renamed))
    phone.give(20, 20, "cellar")

    end = phone.told[-1]
    assert (end.alarm, end.labels["room"], end.annunciation) == ("warmth", "cellar", "end")
    assert [(as_announced(end, one).alarm, one.labels["room"]) for one in end.told] == [
        ("hot", "kitchen")
    ]  # type: ignore[union-attr, index]


@pytest.mark.parametrize("change", [{}, {"only": {"change": ["raised", "over"]}}])
def test_an_end_is_told_that_a_stream_would_not_have_told_the_start_of(
    change: dict[str, Any],
) -> None:
    phone = Phone(flow({}))
    phone.give(0, 35, "kitchen")
    phone.edit(flow(change, [CELLAR]))
    phone.give(60, 20, "cellar")
    phone.give(70, 35, "kitchen")
    phone.give(80, 20, "cellar")

    assert phone.changes() == [BEGAN, ENDED]


@pytest.mark.parametrize(
    ("before", "told"),
    [(flow({}), [BEGAN, ENDED]), (flow({}, [CELLAR]), [])],
    ids=["told", "not told"],
)
def test_what_begins_anew_as_it_ends_is_not_told_to_be_over(
    before: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    phone = Phone(before)
    phone.give(0, 35, "kitchen")
    phone.edit(flow({}, [CELLAR]))
    phone.give_together((60, 20, "kitchen"), (61, 35, "cellar"))
    assert phone.changes() == [*told, BEGAN]

    phone.give(80, 20, "cellar")
    assert phone.changes() == [*told, BEGAN, ENDED]
