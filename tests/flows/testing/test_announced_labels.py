"""Who is told of an alarm's start is told of its end, however its labels and priority change."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

HEAD = """\
vigie: 1
flow: yard
sources: {s: {mqtt: {topics: [t/+]}}, at: {mqtt: {topics: [m]}}}
alarms:
  hot:
    from: r
    only: {metric: temperature}
    when: {above: 30 °C}
    priority: low
    levels: [{priority: critical, above: 60 °C}]
    response: Look.
streams:
  r: {from: s, steps: [severity: {above: {high: 45 °C}, otherwise: low, label: band}]}
  named: {from: hot, steps: [label: {place: "room {label.room}"}]}
  kitchen: {from: hot, steps: [only: {label: {room: kitchen}}]}
  elsewhere: {from: hot, steps: [drop: {label: {room: kitchen}}]}
  away: {from: {changes: hot, switch: at}, steps: [mode: {role: switch, passes: away}]}
  calls: {from: kitchen, steps: [notify: {wait: 0s, repeat: 1h}]}
sinks:
  cook: {from: hot, only: {label: {room: kitchen}}, email: {to: a@example.org, title: "{change}"}}
  cooks: {from: kitchen, email: {to: a@example.org, title: "{change}"}}
  placed: {from: named, only: {label: {place: room kitchen}}, email: {to: a@example.org, title: "{change}"}}
  guard: {from: hot, only: {label: {room: cellar}}, email: {to: a@example.org, title: "{change}"}}
  others: {from: elsewhere, email: {to: a@example.org, title: "{change}"}}
  urgent: {from: hot, only: {priority: critical}, email: {to: a@example.org, title: "{change}"}}
  calm: {from: hot, only: {priority: low}, email: {to: a@example.org, title: "{change}"}}
  banded: {from: hot, only: {label: {band: high}}, email: {to: a@example.org, title: "{change}"}}
  boiling: {from: hot, only: {value: {above: 50 °C}}, email: {to: a@example.org, title: "{change}"}}
  both: {from: hot, only: {priority: critical, label: {room: kitchen}}, email: {to: a@example.org, title: "{change}"}}
  ends: {from: hot, only: {change: cleared, label: {room: kitchen}}, email: {to: a@example.org, title: "{change}"}}
  absent: {from: away, email: {to: a@example.org, title: "{change}"}}
  phone: {from: calls, webhook: {connection: pager, path: /}, shape: {title: "{text}"}}
  log: {from: hot, topic: log}
  kitchen_log: {from: hot, only: {label: {room: kitchen}}, topic: log}
tests:
"""
SITE = "vigie: 1\nsite: yard\ntimezone: Europe/Paris\nconnections: {}\n"


def given(at: str, room: str, value: float) -> str:
    event = f"{{subject: x, metric: temperature, value: {value}, labels: {{room: {room}}}}}"
    return f"{{at: {at}, given: {{s: {event}}}}}"


def switched(at: str, mode: str) -> str:
    return f"{{at: {at}, given: {{at: {{subject: house, metric: mode, value: {mode}}}}}}}"


def hears(at: str, **sinks: str) -> list[str]:
    """Expectations: the changes that each sink hears, in order; none where it is empty."""
    out = []
    for sink, changes in sinks.items():
        key = "change" if sink.endswith("log") else "title"
        wanted = ", ".join(f"{{{key}: {change}}}" for change in changes.split())
        out.append(f"{{at: {at}, expect: {{{sink}: {f'[{wanted}]' if wanted else 'nothing'}}}}}")
    return out


CASES = {
    "the room whose alarm began is told that it is over, the room in which it ends is not": (
        given("0s", "kitchen", 35),
        given("1min", "cellar", 36),
        "{at: 2min, do: restart}",
        given("3min", "cellar", 20),
        *hears("4min", cook="raised cleared", cooks="raised cleared", placed="raised cleared"),
        *hears("4min", guard="", others="", ends="cleared", both=""),
        *hears("4min", log="raised returned", kitchen_log="raised returned"),
    ),
    "who is told of the rise is told of the end, whatever the priority, room and value are then": (
        given("0s", "kitchen", 35),
        given("1min", "cellar", 65),
        given("2min", "hall", 20),
        *hears(
            "3min", cook="raised cleared", guard="escalated cleared", urgent="escalated cleared"
        ),
        *hears("3min", calm="raised cleared", others="escalated cleared", both=""),
        *hears("3min", boiling="escalated cleared", banded="escalated cleared"),
    ),
    "an alarm that nobody was told of under a label ends unheard there": (
        given("0s", "hall", 35),
        given("1min", "kitchen", 36),
        given("2min", "kitchen", 20),
        *hears("3min", cook="", cooks="", placed="", ends="", others="raised cleared"),
        *hears("3min", phone="", kitchen_log="returned"),
    ),
    "what is masked while it changes is told as what it is when the mask ends": (
        "{at: 0s, given: {s: {subject: x, metric: temperature, value: 20}}}",
        "{at: 1s, do: {out_of_service: hot, note: repair}}",
        given("2s", "kitchen", 35),
        given("3s", "cellar", 36),
        "{at: 4s, do: {in_service: hot}}",
        given("5s", "kitchen", 20),
        *hears("6s", cook="", guard="raised cleared", ends=""),
    ),
    "who is told while away is told of the end at home, and of no end else": (
        switched("0s", "away"),
        given("1s", "kitchen", 35),
        switched("2s", "home"),
        given("3s", "kitchen", 20),
        *hears("4s", absent="raised cleared"),
        given("5s", "kitchen", 35),
        "{at: 6s, do: restart}",
        switched("7s", "away"),
        given("8s", "kitchen", 20),
        *hears("9s", absent=""),
    ),
    "a notification goes on with its alarm: it ends, and stops to repeat once it is acknowledged": (
        given("0s", "kitchen", 35),
        given("1min", "cellar", 36),
        "{at: 2min, do: {ack: hot}}",
        "{at: 5h, expect: {phone: {count: 1}}}",
        given("5h1s", "cellar", 20),
        r'{at: 6h, expect: {phone: {title: "1 alarm over\nover: hot of x at 20 °C"}}}',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_who_was_told_of_a_start_is_told_of_its_end_once(name: str, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    steps = "\n".join(f"      - {step}" for step in CASES[name])
    (tmp_path / "yard.yaml").write_text(f"{HEAD}  - test: this\n    play:\n{steps}\n")

    result = CliRunner().invoke(main, ["test", str(tmp_path / "yard.yaml")])

    assert result.exit_code == 0, result.output
