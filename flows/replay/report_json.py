"""The outcome of a replay as JSON for programs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from flows.replay.episodes import Episode
from flows.replay.lint import Finding
from flows.replay.pictures import report as pictures
from flows.replay.pictures.history import PictureHistory
from flows.replay.report import Outcome, inputs_of, warnings_of
from flows.replay.sources import Place
from flows.replay.time_arguments import iso
from operators.alarms.kpi_figures import Figures

VERSION = 1


def as_json(outcome: Outcome) -> str:
    """The outcome as one JSON object; docs/replay.md says what is in it."""
    replay, zone = outcome.replay, outcome.zone
    data: dict[str, Any] = {
        "vigie_replay": VERSION,
        "flow": outcome.run.definition.flow.flow,
        "definition": outcome.run.definition.label,
        "from": iso(replay.start, zone),
        "to": iso(replay.end, zone),
        "timezone": zone.key,
        "inputs": [
            {"name": name, "from": str(place), "events": replay.counts.get(place, 0)}
            | _looked(outcome, place)
            for name, place in inputs_of(outcome.run)
        ],
        "events": outcome.events,
        "seconds": round(outcome.seconds, 3),
        "alarms": [_episode(episode, replay.end, zone) for episode in outcome.episodes],
        "objects": [pictures.as_object(one, replay.end, zone) for one in outcome.stays],
        "kpi": _plain(outcome.figures),
        "lint": [_finding(finding) for finding in outcome.findings if not finding.note],
        "notes": [_finding(finding) for finding in outcome.findings if finding.note],
        "warnings": list(warnings_of(outcome)),
    }
    if (
        outcome.difference is not None
        and outcome.before is not None
        and outcome.before_figures is not None
    ):
        found = outcome.difference
        data["against"] = {
            "definition": outcome.before.definition.label,
            "alarms": len(outcome.before_episodes),
            "kpi": _plain(outcome.before_figures),
            "same": found.same,
            "only_before": [_episode(one, replay.end, zone) for one in found.only_before],
            "only_after": [_episode(one, replay.end, zone) for one in found.only_after],
            "moved": _pairs(found.moved, replay.end, zone),
            "other_priority": _pairs(found.reprioritised, replay.end, zone),
        }
        if outcome.stays_difference is not None:
            data["against"]["objects"] = pictures.difference_json(
                outcome.stays_difference, lambda one: pictures.as_object(one, replay.end, zone)
            )
    return msgspec.json.format(msgspec.json.encode(data), indent=1).decode()


def _looked(outcome: Outcome, place: Place) -> dict[str, Any]:
    history = outcome.replay.histories.get(place)
    if not isinstance(history, PictureHistory):
        return {}
    return {"pictures": pictures.looked_json(history)}


def _pairs(
    pairs: Sequence[tuple[Episode, Episode]], end: float, zone: ZoneInfo
) -> list[dict[str, Any]]:
    return [
        {"before": _episode(one, end, zone), "after": _episode(other, end, zone)}
        for one, other in pairs
    ]


def _episode(episode: Episode, end: float, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "alarm": episode.alarm,
        "subject": episode.subject,
        "priority": episode.priority,
        "raised": iso(episode.raised, zone),
        "cleared": None if episode.cleared is None else iso(episode.cleared, zone),
        "seconds": round(episode.seconds(end), 3),
        "unheard": episode.masked,
        "value": episode.value,
        "unit": episode.unit,
        "limit": episode.limit,
        "page": episode.page,
        "reason": episode.reason,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    found = {
        "code": finding.code,
        "alarm": finding.alarm,
        "subject": finding.subject,
        "text": finding.text,
    }
    return found if finding.note else {**found, "value": finding.value, "limit": finding.limit}


def _plain(figures: Figures) -> dict[str, Any]:
    """The figures that a replay can know: none of acknowledgements and shelving."""
    return {
        "annunciated": figures.annunciated,
        "unheard": figures.masked,
        "rate": figures.rate,
        "peak": figures.peak,
        "hourly": figures.hourly,
        "daily": figures.daily,
        "overloaded": figures.overloaded,
        "floods": [{"start": f.start, "end": f.end, "alarms": f.alarms} for f in figures.floods],
        "in_flood": figures.in_flood,
        "chattering": [list(key) for key in figures.chattering],
        "fleeting": figures.fleeting,
        "standing": figures.standing,
        "stale": [list(key) for key in figures.stale],
        "top_rules": dict(figures.top_rules),
        "top_share": figures.top_share,
        "priorities": dict(Counter(figures.priorities)),
        "realarmed": figures.realarmed,
        "escalated": figures.escalated,
    }
