"""From the settings of an alarm to rules of the engine."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from operators.alarms.engine.level_crossing import LASTS, level_of
from operators.alarms.engine.rule import Rule, Schedule
from operators.alarms.engine.schedule import WeeklySchedule
from operators.alarms.engine.state import About
from operators.alarms.settings import Alarm
from operators.component import StepContext
from operators.events import Reading
from operators.model.condition import Column, When
from operators.model.hysteresis import BadLimit, NoLimit, limit_record, resolved, state_value
from operators.model.priority import SEVERITY_OF
from operators.model.selections import Selections
from operators.model.tables import SubjectCells
from operators.model.units import quantity

_NO_DATA = {"hold": "keep", "clear": "ok", "raise": "alarm"}
_COMMON_METRICS = ("state", "door", "availability", "lock", "contact")
DEFAULT_MAX_FUTURE = 300.0


def sample(subject: str, about: About | None, unit: str | None) -> Reading:
    """A reading of a signal of which only this much is known."""
    metric, labels = about or (None, {})
    return Reading(
        id="", time=0.0, subject=subject, metric=metric or "", unit=unit, labels=dict(labels)
    )


def known(about: About | None, unit: str | None) -> set[str]:
    """The fields of a signal that are known."""
    metric, labels = about or (None, None)
    fields = {"metric": metric, "label": labels, "unit": unit}
    return {"subject", *(name for name, value in fields.items() if value is not None)}


class NoPriority(Exception):
    """What a column says is not the name of a priority."""


class Definition:
    """An `alarms:` entry as rule records, some of which depend on the subject or the metric.

    `varies` says that subjects may differ in their limits, which follow their labels;
    `priority_varies` that they may differ in their priority, which is read when an alarm is
    raised; `presence` that any event counts, not its value.
    """

    def __init__(self, alarm: Alarm, rule_id: str, context: StepContext) -> None:
        self.alarm, self.rule_id = alarm, rule_id
        self._context = context
        when = alarm.when
        self.presence = when is not None and when.kind in ("silent", "seen")
        self.schedule: Schedule | None = None
        if alarm.armed and (alarm.armed.hours or alarm.armed.days):
            self.schedule = WeeklySchedule(alarm.armed.hours, alarm.armed.days, context.timezone)
        edges = [
            edge
            for one in (when, *alarm.levels)
            if one is not None
            for edge in (one.above, one.below, one.clear)
        ]
        self._columns = [edge for edge in edges if isinstance(edge, Column)]
        self.priority_varies = isinstance(alarm.priority, Column)
        above = context.selected or Selections([()])
        self.above = above.then(alarm.only) if alarm.only is not None else above
        self._word = when.is_ if when is not None and isinstance(when.is_, str) else None
        self._cells = SubjectCells(context.tables)
        self._made: dict[str, Rule] = {}
        self._by_cells: dict[tuple[Any, ...], Rule] = {}
        self.varies = bool(self._columns) or self._word is not None
        self.common = self._common() if when is not None else None

    def saved(self) -> dict[str, Any]:
        """What it is, to be compared after an edit: what it judges, what comes, what is shown."""
        alarm = self.alarm
        return {
            "definition": alarm.model_dump_json(exclude={"response", "message", "was"}),
            "above": self.above.text,
            "shown": [self._context.name, alarm.response, alarm.message],
        }

    def compared(self, saved: Mapping[str, Any]) -> dict[str, bool]:
        """Which parts are as they were saved; earlier states know the first alone."""
        now = self.saved()
        return {
            key: saved.get(key, None if key == "definition" else now[key]) == now[key]
            for key in now
        }

    def _common(self) -> Rule:
        """The rule of all subjects that have nothing of their own."""
        when = self.alarm.when
        assert when is not None
        try:
            return self.rule({}, *_COMMON_METRICS)
        except NoLimit:
            return self.rule({column.column: "0" for column in self._columns}, *_COMMON_METRICS)

    def rule_for(self, subject: str, metric: str | None, labels: Mapping[str, str]) -> Rule:
        """The rule of one subject; raises `NoLimit` where it has none, or one that is no limit."""
        state = None if self._word is None else state_value(self._word, metric)
        cells = tuple(self.cell(column.column, subject, labels) for column in self._columns)
        key = (state, *cells)
        known = self._by_cells.get(key)
        if known is None:
            names = [column.column for column in self._columns]
            given = {n: c for n, c in zip(names, cells, strict=True) if c is not None}
            try:
                known = self.rule(given, metric)
            except ValueError as error:
                raise BadLimit(str(error)) from error
            if len(self._by_cells) > 10_000:
                self._by_cells.clear()
            self._by_cells[key] = known
        return known

    def severity_for(self, subject: str, labels: Mapping[str, str]) -> str:
        """The severity of an alarm of one subject; raises `NoPriority` where its cell is none."""
        priority = self.alarm.priority
        if isinstance(priority, Column):
            cells = {priority.column: self.cell(priority.column, subject, labels)}
            priority = resolved(priority, cells) or "medium"
        if priority not in SEVERITY_OF:
            raise NoPriority(priority)
        return SEVERITY_OF[priority]

    def of_severity(self, rule: Rule, severity: str) -> Rule:
        """The same rule with another severity."""
        return (
            rule
            if rule.base_severity == severity
            else self.made({**rule.record, "severity": severity})
        )

    def written(self) -> dict[str, Any]:
        """The columns that are read, with their cells in tables; a change of them is an edit."""
        alarm = self.alarm
        limits = [[column.column, str(column.default)] for column in self._columns]
        names = {column.column for column in self._columns}
        priority = None
        if isinstance(alarm.priority, Column):
            priority = [alarm.priority.column, alarm.priority.default]
            names.add(alarm.priority.column)
        if isinstance(alarm.page, Column):
            names.add(alarm.page.column)
        names |= {column for column in alarm.hiders.values() if column is not None}
        return {"limits": limits, "priority": priority, "cells": self._cells.written(names)}

    def selects(self, subject: str, about: About | None, unit: str | None) -> bool:
        """Whether `only` here and above lets a subject pass, by what is known of its readings."""
        return self.above.may_pass(sample(subject, about, unit), known(about, unit))

    def labels_now(
        self, subject: str, about: About, unit: str | None, given: Collection[str]
    ) -> Mapping[str, str] | None:
        """The labels of a subject's readings, where steps before an edit had `given` some.

        None where none of its readings comes any more.
        """
        if not given and not self.above.names:
            return about[1]
        signal: Any = self.above.arriving(sample(subject, about, unit), known(about, unit), given)
        return None if signal is None else dict(signal.labels)

    def cell(self, column: str, subject: str, labels: Mapping[str, str]) -> str | None:
        """A subject's value of a column: its label of that name, or the cell of its table row."""
        return self._cells.cell(column, subject, labels)

    def rule(self, cells: Mapping[str, Any], *metrics: str | None) -> Rule:
        """The rule for these cells of the columns; the word of `is` is one of these metrics."""
        alarm = self.alarm
        assert alarm.when is not None
        priority = alarm.priority.default if isinstance(alarm.priority, Column) else alarm.priority
        record = self._record(alarm.when, priority, self.rule_id, cells, metrics)
        return self.made(record)

    def made(self, record: Mapping[str, Any]) -> Rule:
        """The rule of a record, one object for equal records."""
        rule = Rule(record, self.schedule)
        return (
            self._made.setdefault(rule.hash + rule.id, rule) if len(self._made) < 10_000 else rule
        )

    def _record(
        self,
        when: When,
        priority: Any,
        rule_id: str,
        cells: Mapping[str, Any],
        metrics: Sequence[str | None],
    ) -> dict[str, Any]:
        alarm, chatter = self.alarm, self.alarm.chatter
        record: dict[str, Any] = {
            "id": rule_id,
            "severity": SEVERITY_OF[priority or "medium"],
            "max_shelve": alarm.shelve.max,
            "max_future": max(DEFAULT_MAX_FUTURE, self._context.ahead),
            **_condition(when, cells, metrics),
        }
        optional = {
            "for": when.for_,
            "clear_after": when.clear_for,
            "realarm": alarm.repeat,
            "latch": alarm.latch,
            "suppress_when": list(alarm.hiders),
            "suppress_hold": alarm.suppress_hold,
            "levels": _levels(alarm, when, record, cells),
            "escalate_after": alarm.escalate_after,
            "deescalate_after": alarm.deescalate_after,
            "unshelve_on_escalate": alarm.shelve.until_escalated,
            "flap": chatter and {"max": chatter.times, "window": chatter.in_, "hold": chatter.hold},
            "times": [when.times, when.in_] if when.times > 1 else None,
            "in_a_row": (
                [when.for_readings, when.clear_for_readings] if when.counts_readings else None
            ),
        }
        record.update({key: value for key, value in optional.items() if value})
        if alarm.ack == "automatic":
            record["ack_required"] = False
        elif alarm.ack == "optional":
            record["ack_optional"] = True
        if when.kind != "silent":
            record["no_data"] = _NO_DATA[alarm.bad]
        if alarm.expect_every is not None and when.kind not in ("silent", "seen"):
            record["expect_every"] = alarm.expect_every
        return record

    def record_of_row(self, row: Mapping[str, Any], rule_id: str) -> dict[str, Any]:
        """The record of a rule that a person wrote as a row.

        Raises `ValueError` (pydantic's, too) for what makes no sense.
        """
        given = {key: _span(key, row[key]) for key in _WHEN_KEYS if row.get(key) is not None}
        if level_of(row) is not None:
            if given:
                raise ValueError(f"'crosses' stands alone, without {', '.join(given)}")
            given = {"seen": LASTS}
        when = When.model_validate(given)
        priority = row.get("priority")
        if isinstance(self.alarm.priority, Column):
            priority = resolved(self.alarm.priority, row)
        elif priority is None:
            priority = self.alarm.priority
        if priority is not None and priority not in SEVERITY_OF:
            raise ValueError(
                f"{priority!r} is not a priority; write one of {', '.join(SEVERITY_OF)}"
            )
        metrics = (row["metric"],) if row.get("metric") else _COMMON_METRICS
        record = self._record(when, priority, rule_id, row, metrics)
        if row.get("enabled") is False:
            record["enabled"] = False
        record["signal"] = f"{row.get('subject')}/{row.get('metric') or '*'}"
        return record


_WHEN_KEYS = (
    "above",
    "below",
    "outside",
    "inside",
    "is",
    "silent",
    "seen",
    "clear",
    "for",
    "clear_for",
    "for_readings",
    "clear_for_readings",
    "times",
    "in",
)
_SPANS = frozenset(("silent", "seen", "for", "clear_for", "in"))


def _span(key: str, value: Any) -> Any:
    """Spans may be written as numbers of seconds by programs that write rules."""
    if key in _SPANS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value}s"
    return value


def _levels(
    alarm: Alarm, when: When, record: Mapping[str, Any], cells: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The limit of `when` and those beyond it, each with its severity; empty if there is only one.

    A level whose column has no value for a subject does not exist for it.
    """
    found = [{**record["when"], "severity": record["severity"]}]
    for level in alarm.levels:
        with contextlib.suppress(NoLimit):
            limits = limit_record(
                level.kind, getattr(level, level.kind), level.clear, cells, record.get("unit")
            )
            found.append({**limits, "severity": SEVERITY_OF[level.priority]})
    return found if len(found) > 1 else []


def _condition(
    when: When, cells: Mapping[str, Any], metrics: Sequence[str | None]
) -> dict[str, Any]:
    kind, unit = when.kind, when.unit
    if unit is None and isinstance(getattr(when, kind, None), Column):
        cell = resolved(getattr(when, kind), cells)
        unit = quantity(cell).unit if cell is not None else None
    if kind == "silent":
        return {"when": {"absent": when.silent}}
    if kind == "seen":
        return {"when": {"equals": True}, "pulse": when.seen}
    if kind == "is":
        assert when.is_ is not None
        return {"when": {"equals": state_value(when.is_, *metrics)}}
    condition = limit_record(kind, getattr(when, kind), when.clear, cells, unit)
    return {"when": condition, "unit": unit} if unit else {"when": condition}
