"""Which rules of a definition nothing has fed: their inputs, looked for in the live topics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError, PictureSource
from connectors.config.document import Path_
from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import TopicNames
from flows.dataflow.plan import Outlet, Outputs
from flows.language.field_values import Tables
from flows.language.model import Flow
from flows.replay.history_kafka import TopicHistory
from flows.replay.merge import HistoryDown
from flows.replay.player import Pace
from flows.replay.replay import Definition, Period, Replay, Run
from flows.replay.sources import Inputs, Place, needed, own_topic, resolve
from flows.replay.time_arguments import span
from operators.events import Event
from operators.model.selector import glob

INPUT = ".input"
"""Under `ALARM.input` comes what an alarm would judge."""
MOST_NAMES = 8


@dataclass(frozen=True)
class Unseen:
    """A rule whose input did not come; `path` is its place in the definition."""

    path: Path_
    message: str
    hint: str | None = None


def unseen(flow: Flow, tables: Tables, site: Site, start: float, end: float) -> list[Unseen]:
    """The rules of a flow for which nothing came from `start` to `end` (epoch seconds).

    An alarm that depends on a source without a topic of its own, or on pictures, is left out.
    Raises `ConnectorError`, and `HistoryDown` if the broker does not answer.
    """
    names = TopicNames.of_site(site)
    unknown = {
        name
        for name, source in flow.sources.items()
        if isinstance(source.settings, PictureSource) or own_topic(flow, name, names) is None
    }
    alarms = {
        name: alarm
        for name, alarm in flow.alarms.items()
        if not unknown & set(needed(_with_alarms(flow, {name: alarm})))
    }
    if not alarms:
        return []
    watched = _with_alarms(flow, alarms)
    period = Period(start, end)
    inputs = resolve(watched, dict.fromkeys(unknown, Place("none")), names)
    definition = Definition(flow.flow, watched, tables, inputs, {})
    sources, tables_ = (
        {name: place for name, place in places.items() if _is_there(place, period, site)}
        for places in (inputs.sources, inputs.tables)
    )
    definition = replace(definition, inputs=Inputs(sources, inputs.streams, tables_))
    replay = Replay([definition], period, site, make=SeenRun)
    replay.play()
    run = replay.runs[0]
    assert isinstance(run, SeenRun)
    return list(_missing(watched, run, span(end - start)))


def _with_alarms(flow: Flow, alarms: Mapping[str, Any]) -> Flow:
    """The flow with these alarms only."""
    return flow.model_copy(update={"alarms": dict(alarms)})


def _is_there(place: Place, period: Period, site: Site) -> bool:
    """Whether the topics of a place are there, with something of a period."""
    connection = site.connection(place.connection, TopicConnection)
    try:
        TopicHistory(connection, list(place.names), period.start, period.end, 0.0, site.zone)
    except HistoryDown:
        raise
    except ConnectorError:
        return False
    return True


def _missing(flow: Flow, run: "SeenRun", period: str) -> Iterator[Unseen]:
    for name, alarm in flow.alarms.items():
        came = run.came.get(name, {})
        place: Path_ = ("alarms", name, "only" if alarm.only is not None else "from")
        if not any(came.values()):
            names = list(dict.fromkeys(metric for _, metric in came if metric))
            what = ", ".join(sorted(names)[:MOST_NAMES])
            hint = f"what came has {what}" if what else None
            yield Unseen(place, f"nothing came for {name!r} in the last {period}", hint)
            continue
        for row in run.rows(alarm.rules) if alarm.rules else ():
            values = getattr(row, "values", None) or getattr(row, "data", {})
            if not values.get("deleted") and not _fed(values, came):
                yield Unseen(
                    ("alarms", name, "rules"),
                    f"nothing came for the rule {values.get('id')!r} in the last {period}",
                    f"it is about {values.get('subject')} {values.get('metric') or ''}".rstrip(),
                )


def _fed(row: Mapping[str, Any], came: Mapping[tuple[str, str | None], bool]) -> bool:
    subject, wanted = glob(str(row.get("subject"))), row.get("metric")
    return any(
        passed and subject.fullmatch(name) and wanted in (None, "", metric)
        for (name, metric), passed in came.items()
    )


class SeenRun(Run):
    """A run that notes what comes to each alarm, by signal, and whether its `only` passes it."""

    def __init__(
        self,
        definition: Definition,
        zone: ZoneInfo,
        rows: Mapping[str, list[Event]],
        pace: Pace | None = None,
    ) -> None:
        super().__init__(definition, zone, rows, pace)
        self.came: dict[str, dict[tuple[str, str | None], bool]] = {}
        alarms = definition.flow.alarms
        self._only = {
            name: alarm.only.matcher() if alarm.only else None for name, alarm in alarms.items()
        }
        nodes = [node for node in self._plan.nodes if node.is_alarm and node.name in alarms]
        outlets = [
            Outlet(node.name + INPUT, tuple(name for name, role in node.inputs if role is None))
            for node in nodes
        ]
        self._plan = replace(self._plan, outlets=tuple(outlets))

    def _collect(self, outputs: Outputs) -> None:
        for name, only in self._only.items():
            came = self.came.setdefault(name, {})
            for event in outputs.get(name + INPUT, ()):
                key = str(getattr(event, "subject", "")), getattr(event, "metric", None)
                if not came.get(key):
                    came[key] = only is None or bool(only(event))
