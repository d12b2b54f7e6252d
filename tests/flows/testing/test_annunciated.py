"""What sinks for people hear of alarms, in the definitions' own tests."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

HEAD = """\
vigie: 1
flow: yard
sources: {s: {mqtt: {topics: [t/+]}}}
streams:
  r: {from: s, steps: [only: {metric: [temperature, motion, power]}]}
alarms:
  hot:
    from: r
    only: {metric: temperature}
    when: {above: 30 °C}
    levels: [{priority: critical, above: 40 °C}]
    repeat: 1h
    suppressed_by: [dark]
    response: Look.
  inside: {from: r, only: {metric: motion}, when: {is: on}, armed: {hours: 20:00-07:00}, response: Look.}
  dark: {from: r, only: {metric: power}, when: {is: off}, response: Look.}
sinks:
  mail: {from: [hot, inside], email: {to: a@example.org, title: "{change}"}}
  phone: {from: [hot, inside], webhook: {connection: pager, path: /}, shape: {title: "{change}"}}
  bell: {from: [hot, inside], mqtt: {topic: bell}}
  former: {from: [hot, inside], only: {change: [raised, cleared]}, email: {to: a@example.org, title: "{change}"}}
  over: {from: [hot, inside], only: {change: over}, email: {to: a@example.org, title: "{change}"}}
  unseen: {from: [hot, inside], only: {change: returned}, email: {to: a@example.org, title: "{change}"}}
  seen: {from: [hot, inside], only: {change: [annunciated, acked]}, email: {to: a@example.org, title: "{change}"}}
  all: {from: [hot, inside], only: {change: all}, email: {to: a@example.org, title: "{change}"}}
  entities: {from: [hot, inside], mqtt: {discovery: homeassistant}}
  log: {from: [hot, inside], topic: log}
  ends: {from: [hot, inside], only: {change: over}, topic: ends}
tests:
"""
SITE = "vigie: 1\nsite: yard\ntimezone: Europe/Paris\nconnections: {}\n"


def given(at: str, metric: str, value: str) -> str:
    return f"{{at: {at}, given: {{s: {{subject: x, metric: {metric}, value: {value}}}}}}}"


def hears(at: str, **sinks: str) -> list[str]:
    """Expectations: the changes that each sink hears, in order; none where it is empty."""
    out = []
    for sink, changes in sinks.items():
        key = "change" if sink in ("entities", "log", "ends", "bell") else "title"
        wanted = ", ".join(f"{{{key}: {change}}}" for change in changes.split())
        out.append(f"{{at: {at}, expect: {{{sink}: {f'[{wanted}]' if wanted else 'nothing'}}}}}")
    return out


CASES = {
    "by day nobody is told of motion, neither that it comes nor that it goes": (
        "12:00",
        given("0s", "motion", "on"),
        given("1min", "motion", "off"),
        *hears("2min", mail="", phone="", bell="", former="", over="", unseen="", seen=""),
        *hears("2min", log="suppressed raised returned", ends="returned"),
        *hears("2min", all="suppressed raised returned", entities="suppressed raised returned"),
    ),
    "who is inside when the night begins is told of then, and that it ended though nobody saw it": (
        "19:00",
        given("0s", "motion", "on"),
        *hears("59min", mail="", former=""),
        *hears("1h1s", mail="raised", phone="raised", bell="raised", former="raised", over=""),
        given("2h", "motion", "off"),
        *hears("2h1s", mail="cleared", phone="cleared", bell="cleared", former="cleared"),
        *hears("2h1s", over="cleared", unseen="cleared", seen="raised cleared"),
        "{at: 3h, do: {ack: inside}}",
        *hears("4h", mail="", former="", over="", seen=""),
        *hears("4h", log="suppressed raised unsuppressed returned cleared", ends="returned"),
    ),
    "an alarm out of service is nobody's news, and once it is in service it is": (
        "12:00",
        given("0s", "temperature", "20"),
        "{at: 1s, do: {out_of_service: hot, note: repair}}",
        given("2s", "temperature", "35"),
        *hears("3s", mail="", former="", seen=""),
        "{at: 4s, do: {in_service: hot}}",
        *hears("5s", mail="raised", former="raised", seen="raised"),
    ),
    "what is shelved is told of when that ends, and what ended meanwhile of its end": (
        "12:00",
        given("0s", "temperature", "35"),
        *hears("1s", mail="raised", former="raised"),
        "{at: 2s, do: {shelve: hot, for: 10min}}",
        given("3s", "temperature", "45"),
        *hears("4s", mail="", former=""),
        *hears("11min", mail="unshelved", former=""),
        "{at: 12min, do: {shelve: hot, for: 10min}}",
        given("13min", "temperature", "20"),
        *hears("14min", mail="cleared", former="cleared", over="cleared"),
        *hears("1h", mail="", former="", over=""),
    ),
    "an alarm that escalates or repeats is told of again, until it is over": (
        "12:00",
        given("0s", "temperature", "35"),
        given("1min", "temperature", "45"),
        *hears("2min", mail="raised escalated", former="raised"),
        "{at: 3min, do: {ack: hot}}",
        *hears("90min", mail="realarmed", seen="raised escalated acked realarmed"),
        given("2h", "temperature", "20"),
        *hears("121min", mail="cleared", unseen="cleared"),
    ),
    "an alarm that another one hides is told of when that is over": (
        "12:00",
        given("0s", "power", "off"),
        given("1s", "temperature", "35"),
        *hears("2s", mail="", former=""),
        "{at: 3s, do: restart}",
        given("1min", "power", "on"),
        *hears("2min", mail="raised", former="raised", over=""),
        "{at: 3min, do: restart}",
        given("4min", "temperature", "20"),
        *hears("5min", mail="cleared", former="cleared", over="cleared"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_people_hear_of(name: str, tmp_path: Path) -> None:
    start, *lines = CASES[name]
    flow = tmp_path / "yard.yaml"
    play = "".join(f"      - {line}\n" for line in lines)
    test = f"  - test: it\n    start: 2026-01-05T{start}:00\n    play:\n{play}"
    flow.write_text(HEAD + test, encoding="utf-8")
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    site = str(tmp_path / "site.yaml")
    result = CliRunner().invoke(main, ["test", "-v", "--site", site, str(flow)])
    assert result.exit_code == 0, result.output


def test_the_end_is_heard_by_who_heard_of_it_at_a_higher_priority(tmp_path: Path) -> None:
    flow = tmp_path / "hall.yaml"
    room = "{subject: room, metric: temperature, value: %d}"
    flow.write_text(
        "vigie: 1\nflow: hall\nsources: {s: {topic: s}}\nalarms:\n"
        "  hot: {from: s, when: {above: 30}, levels: [{priority: critical, above: 40}], response: x}\n"
        "sinks:\n  boss: {from: alarms, only: {priority: critical}, email: {to: a@b.c}}\n"
        "tests:\n  - test: it\n    play:\n"
        f"      - {{at: 0s, given: {{s: {room % 45}}}}}\n"
        "      - {at: 1s, expect: {boss: {change: raised}}}\n"
        f"      - {{at: 1min, given: {{s: {room % 35}}}}}\n"
        f"      - {{at: 2min, given: {{s: {room % 20}}}}}\n"
        "      - {at: 3min, expect: {boss: {change: cleared}}}\n"
        f"      - {{at: 4min, given: {{s: {room % 35}}}}}\n"
        f"      - {{at: 5min, given: {{s: {room % 20}}}}}\n"
        "      - {at: 6min, expect: {boss: nothing}}\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(main, ["test", str(flow)])
    assert result.exit_code == 0, result.output


def test_the_first_flow_of_the_readme_mails_the_start_and_the_end(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    flow = tmp_path / "cool.yaml"
    hot, cold = (
        f"given: {{sensors: {{topic: zigbee2mqtt/rack, raw: {{temperature: {value}}}}}}}"
        for value in (31, 27)
    )
    flow.write_text(
        readme.partition("```yaml\n")[2].partition("```")[0]
        + "tests:\n  - test: it\n    play:\n"
        + f"      - {{at: 0s, every: 30s, until: 3min, {hot}}}\n"
        + "      - {at: 4min, expect: {mail: {title: 'too_hot raised: rack at 31 °C'}}}\n"
        + f"      - {{at: 5min, {cold}}}\n"
        + "      - {at: 6min, expect: {mail: {title: 'too_hot cleared: rack at 27 °C'}}}\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(main, ["test", str(flow)])
    assert result.exit_code == 0, result.output
