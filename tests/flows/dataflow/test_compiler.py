from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from flows.dataflow.compiler import ANSWER_SINK, Compiled, NotRunnable, compile_flow
from flows.dataflow.graph import Graph
from flows.dataflow.plan import COMMANDS
from flows.loader import load
from operators.alarms.command_handler import COMMAND
from operators.events import AlarmTransition, Event, Occurrence, Reading

SHIPPED = Path(__file__).parents[3] / "flows" / "definitions"


def compiled(
    folder: Path, body: str, profile: str | None = None, born: Mapping[str, str] | None = None
) -> Compiled:
    path = folder / "f.yaml"
    path.write_text(f"vigie: 1\nflow: f\n{body}")
    document, flow = load(path)
    assert flow is not None, document.report()
    return compile_flow(flow, {}, ZoneInfo("UTC"), profile, born)


def test_nodes_stand_after_what_they_read_however_the_file_is_ordered(tmp_path: Path) -> None:
    plan = compiled(
        tmp_path,
        "sources: {a: {topic: a}}\n"
        "streams:\n"
        "  last: {from: middle, steps: [deduplicate: 1s]}\n"
        "  middle: {from: first, steps: [deduplicate: 1s]}\n"
        "  first: {from: a, steps: [deduplicate: 1s]}\n"
        "alarms:\n"
        "  outer: {from: last, when: {above: 1}, response: Look., suppressed_by: [inner]}\n"
        "  inner: {from: last, when: {above: 2}, response: Look.}\n"
        "sinks: {out: {from: alarms, topic: out}}\n",
    ).plan

    assert [node.name for node in plan.nodes] == ["first", "middle", "last", "inner", "outer"]
    assert plan.identities() == [
        "f/first/deduplicate",
        "f/middle/deduplicate",
        "f/last/deduplicate",
        "f/inner",
        "f/outer",
    ]


def test_a_flow_of_topics_alone_can_be_shared_out_until_a_step_brings_subjects_together(
    tmp_path: Path,
) -> None:
    apart = "sources: {a: {topic: a}, b: {topic: b}}\nsinks: {out: {from: [a, b], topic: out}}\n"
    together = (
        "sources: {a: {topic: a}, b: {topic: b}}\nstreams: {sum: {from: {x: a, y: b}, steps:"
        " [combine: {subject: s, metric: m, plus: [x, y], max_age: 1min}]}}\nsinks: {out: {from:"
        " sum, topic: out}}\n"
    )

    armed = (
        "sources: {a: {topic: a}, b: {topic: b}}\n"
        "alarms: {x: {from: a, when: {above: 1}, armed: {while: b}, response: Look.}}\n"
        "sinks: {out: {from: alarms, topic: out}}\n"
    )
    ruled = (
        "sources: {a: {topic: a}, b: {topic: {name: b, table: true}}}\n"
        "alarms: {x: {from: a, rules: b, response: Look.}}\n"
        "sinks: {out: {from: alarms, topic: out}}\n"
    )

    assert compiled(tmp_path, apart).sharded
    assert not compiled(tmp_path, armed).sharded
    assert not compiled(tmp_path, ruled).sharded
    assert not compiled(tmp_path, together).sharded


def test_a_renamed_alarm_shows_its_new_name_and_keeps_its_saved_identity(tmp_path: Path) -> None:
    body = (
        "sources: {a: {topic: a}}\n"
        "alarms: {hot: {was: too_warm, from: a, when: {above: 30}, response: Look.}}\n"
        "sinks: {out: {from: alarms, topic: out}}\n"
    )
    plan = compiled(tmp_path, body, born={"f/hot": "f/too_warm"}).plan

    warm = Reading(id="1", time=100.0, subject="rack", metric="temperature", value=31.0)
    transitions = Graph(plan).feed("a", [warm], 100.0)["out"]

    assert plan.identities() == ["f/too_warm"]
    assert [
        (event.alarm, event.rule) for event in transitions if isinstance(event, AlarmTransition)
    ] == [("hot", "f/too_warm")]


def test_a_command_under_an_alarms_earlier_name_is_carried_out(tmp_path: Path) -> None:
    """Who looks at an alarm that was raised before it was renamed sees that name."""
    hot = "from: a, when: {above: 30}, response: Look.}\n"
    alone = f"sources: {{a: {{topic: a}}}}\nalarms:\n  hot: {{{hot}"
    warm_too = f"{alone}  warm: {{only: {{metric: none}}, {hot}"
    for text, names in ((alone, ("warm", "hot")), (warm_too, ("hot",))):
        born = {"f/hot": "f/warm"} | ({"f/warm": "f/warm~2"} if text is warm_too else {})
        graph = Graph(compiled(tmp_path, text, born=born).plan)
        warm = Reading(id="1", time=100.0, subject="rack", metric="temperature", value=31.0)
        graph.feed("a", [warm], 100.0)
        for name in names:
            do = {"warm": "comment", "hot": "ack"}[name]
            data = {"do": do, "flow": "f", "alarm": name, "comment": "seen"}
            command = Occurrence(id=name, time=101.0, subject="rack", type=COMMAND, data=data)
            (answer,) = graph.feed(COMMANDS, [command], 101.0)[ANSWER_SINK]
            assert isinstance(answer, Occurrence)
            assert (answer.type, answer.data["alarm"]) == ("alarm_accepted", "hot")


def test_what_hides_an_alarm_counts_from_its_own_time_however_the_batches_are_cut(
    tmp_path: Path,
) -> None:
    body = (
        "sources: {a: {topic: a}}\nalarms:\n  power_lost: {from: a, only: {metric: power}, when:"
        " {below: 1}, response: Look.}\n  hot: {from: a, only: {metric: temperature}, when: {above:"
        " 30}, response: Look., suppressed_by: [power_lost]}\nsinks: {out: {from: hot, topic:"
        " out}}\n"
    )
    plan = compiled(tmp_path, body).plan
    events: list[Event] = [
        Reading(id=str(n), time=100.0 + n, subject="rack", metric=metric, value=value)
        for n, (metric, value) in enumerate(
            [
                ("power", 0.0),
                ("temperature", 40.0),
                ("temperature", 20.0),
                ("power", 9.0),
                ("temperature", 41.0),
            ]
        )
    ]

    whole = Graph(plan).feed("a", events, 105.0)["out"]
    graph = Graph(plan)
    single = [
        out for event in events for out in graph.feed("a", [event], event.time).get("out", [])
    ]

    changes = [event.change for event in whole if isinstance(event, AlarmTransition)]
    assert changes == [event.change for event in single if isinstance(event, AlarmTransition)]
    assert not any(
        event.annunciate
        for event in whole
        if isinstance(event, AlarmTransition) and event.time < 104.0
    )


def test_several_streams_reach_a_step_in_the_order_of_their_times(tmp_path: Path) -> None:
    body = (
        "sources: {a: {topic: a}}\n"
        "streams:\n"
        "  low: {from: a, steps: [only: {value: {below: 10}}]}\n"
        "  high: {from: a, steps: [only: {value: {above: 10}}]}\n"
        "  all: {from: [high, low], steps: [deduplicate: 1h]}\n"
        "sinks: {out: {from: all, topic: out}}\n"
    )
    values = [1.0, 20.0, 1.0, 20.0]
    events: list[Event] = [
        Reading(id=str(n), time=100.0 + n, subject="rack", metric="temperature", value=value)
        for n, value in enumerate(values)
    ]

    out = Graph(compiled(tmp_path, body).plan).feed("a", events, 105.0)["out"]

    assert [event.id for event in out] == ["0", "1", "2", "3"]


def test_a_profile_chooses_its_sources_and_without_one_the_choice_is_named(tmp_path: Path) -> None:
    body = (
        "sources: {real: {profile: hardware, topic: a}, fake: {profile: simulation, topic: b}}\n"
        "sinks: {out: {from: [real, fake], topic: out}}\n"
    )

    assert list(compiled(tmp_path, body, "hardware").sources) == ["real"]
    with pytest.raises(NotRunnable, match="choose a profile: --profile hardware or simulation"):
        compiled(tmp_path, body)


def test_what_a_source_says_of_errors_holds_for_the_streams_behind_it(tmp_path: Path) -> None:
    policies = compiled(
        tmp_path,
        "sources: {a: {topic: a, on_error: drop}, b: {topic: b}, c: {topic: c, on_error: stop}}\n"
        "streams:\n"
        "  only_a: {from: a, steps: [deduplicate: 1s]}\n"
        "  a_and_b: {from: [a, b], steps: [deduplicate: 1s]}\n"
        "  all: {from: [a_and_b, c], steps: [deduplicate: 1s]}\n"
        "sinks: {out: {from: [only_a, all], topic: out}}\n",
    ).on_error

    assert {name: policies[name] for name in ("only_a", "a_and_b", "all", "out")} == {
        "only_a": "drop",
        "a_and_b": "dead_letter",
        "all": "stop",
        "out": "dead_letter",
    }


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("server_room", None),
        ("energy", "hardware"),
        ("energy", "simulation"),
        ("bridge", None),
        ("alarms", None),
        ("archive", None),
        ("cameras", None),
    ],
)
def test_every_shipped_definition_compiles(name: str, profile: str | None) -> None:
    document, flow = load(SHIPPED / f"{name}.yaml")
    assert flow is not None, document.report()

    assert compile_flow(flow, {}, ZoneInfo("UTC"), profile).plan.nodes or name == "archive"


def test_a_command_for_an_alarm_that_the_flow_does_not_have_is_refused(tmp_path: Path) -> None:
    text = (
        "sources: {a: {topic: a}}\nalarms: {hot: {from: a, when: {above: 30}, response: Look.}}\n"
    )
    graph = Graph(compiled(tmp_path, text).plan)

    def refused(**data: str) -> list[str]:
        command = Occurrence(
            id="c", time=1.0, subject="x", type=COMMAND, data={"do": "ack", "flow": "f", **data}
        )
        answers = graph.feed(COMMANDS, [command], 1.0).get(ANSWER_SINK, [])
        return [str(one.data["error"]) for one in answers if isinstance(one, Occurrence)]

    assert refused(alarm="cold") == refused(rule="f/cold/x") == ["unknown_alarm"]
    assert refused(alarm="hot") == refused(rule="f/hot") == ["unknown_alarm"]
    assert refused(alarm="cold", flow="other") == []


def test_a_subject_retires_with_all_its_alarms(tmp_path: Path) -> None:
    text = (
        "sources: {a: {topic: a}}\nalarms:\n  hot: {from: a, when: {above: 30}, response: Look.}\n"
        "  dead: {from: a, when: {silent: 1h}, response: Look.}\n"
        "  wet: {from: a, only: {metric: leak}, when: {is: on}, response: Look.}\n"
    )
    graph = Graph(compiled(tmp_path, text).plan)
    graph.feed("a", [Reading(id="1", time=1.0, subject="x", metric="t", value=31.0)], 1.0)

    def retire(subject: str) -> list[tuple[str, str | None]]:
        data = {"do": "retire", "flow": "f", "comment": "sold"}
        command = Occurrence(id=subject, time=2.0, subject=subject, type=COMMAND, data=data)
        answers = graph.feed(COMMANDS, [command], 2.0)[ANSWER_SINK]
        return [
            (str(one.data["alarm"]), one.data.get("error"))
            for one in answers
            if isinstance(one, Occurrence)
        ]

    assert sorted(retire("x")) == [("dead", None), ("hot", None)]
    assert retire("y") == [("None", "unknown_alarm")]
