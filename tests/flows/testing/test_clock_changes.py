"""The nights in which clocks change, on the virtual clock, restarts in between."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

SITE = "vigie: 1\nsite: yard\ntimezone: Europe/Paris\nconnections: {}\n"
NIGHT = """\
vigie: 1
flow: night
sources: {s: {topic: s}}
streams:
  r: {from: s, steps: [only: {metric: motion}]}
alarms:
  evening: {from: r, when: {is: on}, armed: {hours: 22:00-02:30}, response: Look.}
  morning: {from: r, when: {is: on}, armed: {hours: 02:30-06:00}, response: Look.}
sinks:
  log: {from: alarms, topic: log}
tests:
  - test: the night
    start: START
    play:
"""
ON = "given: {s: {subject: x, metric: motion, value: on}}"


@pytest.mark.parametrize("restart", ["", ", do: restart"])
@pytest.mark.parametrize(
    ("start", "late_until", "early_from"),
    [
        ("2026-10-25T01:30:00+02:00", 120, 120),  # 02:30 comes twice; the second one counts
        ("2026-03-29T01:30:00+01:00", 30, 30),  # 02:30 does not come: the leap is both
        ("2026-06-14T01:30:00+02:00", 60, 60),
    ],
)
def test_alarms_are_armed_as_the_clock_shows_it_in_every_night_also_after_a_restart(
    tmp_path: Path, start: str, late_until: int, early_from: int, restart: str
) -> None:
    lines = [
        f"{{at: 0s, {ON}}}",
        f"{{at: {late_until - 1}min{restart}, expect: {{evening: unacked}}}}",
        f"{{at: {late_until}min1s{restart}, expect: {{evening: suppressed}}}}",
        f"{{at: {early_from + 1}min{restart}, expect: {{morning: unacked}}}}",
    ]
    flow, site = tmp_path / "flow.yaml", tmp_path / "site.yaml"
    flow.write_text(NIGHT.replace("START", start) + "".join(f"      - {one}\n" for one in lines))
    site.write_text(SITE)

    result = CliRunner().invoke(main, ["test", "--site", str(site), str(flow)])

    assert result.exit_code == 0, result.output
