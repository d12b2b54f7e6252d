"""Streams that read streams that read streams: as many as anybody writes, and no more."""

from pathlib import Path

from flows.loader import load

HEAD = """\
vigie: 1
flow: chain
sources:
  plugs: {mqtt: {topics: [zigbee2mqtt/+]}}
streams:
  a0: {from: plugs, steps: [decode: zigbee2mqtt]}
"""
SINK = "sinks:\n  out: {from: %s, topic: {name: site.readings}}\n"


def _problems(tmp_path: Path, streams: list[str], last: str) -> list[str]:
    path = tmp_path / "chain.yaml"
    path.write_text(HEAD + "".join(f"  {line}\n" for line in streams) + SINK % last)
    document, _ = load(path)
    return [problem.message for problem in document.problems]


def _chain(count: int) -> list[str]:
    return [f"a{n}: {{from: a{n - 1}, steps: [scale: {{plus: 1}}]}}" for n in range(1, count)]


def test_a_hundred_streams_one_behind_the_other_are_checked(tmp_path: Path) -> None:
    assert _problems(tmp_path, _chain(100), "a99") == []


def test_a_chain_that_is_longer_is_refused_where_it_begins_to_be(tmp_path: Path) -> None:
    assert _problems(tmp_path, _chain(1000), "a999") == [
        "'a100' is the end of a chain of more than 100 streams; put steps of several of them into"
        " one"
    ]


def test_a_circle_of_a_thousand_streams_is_told(tmp_path: Path) -> None:
    circle = [*_chain(1000), "b: {from: [a999, c], steps: [scale: {plus: 1}]}"]
    circle += ["c: {from: b, steps: [scale: {plus: 1}]}"]
    assert _problems(tmp_path, circle, "c") == ["streams run in a circle: b -> c -> b"]


def test_streams_that_part_and_meet_forty_times_are_checked_in_no_time(tmp_path: Path) -> None:
    """There are 2^40 ways through them, of which none is gone twice."""
    streams = ["b0: {from: a0, steps: [only: {metric: temperature}]}"]
    for n in range(1, 40):
        streams += [
            f"{one}{n}: {{from: [a{n - 1}, b{n - 1}], steps: [scale: {{plus: 1}}]}}" for one in "ab"
        ]
    assert _problems(tmp_path, streams, "[a39, b39]") == []
