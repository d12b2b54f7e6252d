"""Tables and what names them: rows, columns, zones, lines and cameras."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.camera.rate import is_fps
from connectors.config.document import Path_
from connectors.config.suggestion import near
from flows.checks.changed_values import OTHER_VALUES
from flows.checks.context import Scope
from flows.language.field_values import either, facts_of, ignore_field, names_in, narrowed
from flows.language.picture_model import areas, polygons
from flows.language.upstream import live_cameras
from operators.alarms.settings import Alarm
from operators.decoding.payloads.metrics import METRICS
from operators.model.condition import Column
from operators.model.fields import text
from operators.model.units import UNITS, quantity
from operators.transforms.enrich import Enrich
from operators.transforms.lookup import Lookup
from operators.vision.polygon import Point, problem_of

URL_FIELD = re.compile(r"(?<!\$)\{(\w+)\}")


def check_tables(scope: Scope) -> None:
    """Check tables and what names them: rows, columns, zones, lines and cameras."""
    scope.read_tables()
    for name, source in scope.flow.sources.items():
        if getattr(source.settings, "each", None) is not None:
            _check_each(scope, ("sources", name, source.kind), source.settings)
    _check_places(scope)
    for path, _, step in scope.steps():
        table = getattr(step.settings, "table", None)
        if isinstance(table, str) and step.kind == "lookup":
            known_table(scope, (*path, step.kind, "table"), table)
        if (side := step.settings.side_input()) is not None:
            key = "from" if isinstance(step.settings, Enrich) else "mode"
            _check_live(scope, (*path, step.kind, key), side)
    _check_columns(scope)
    _check_keys(scope)


def _check_live(scope: Scope, path: Path_, name: str) -> None:
    source = scope.flow.sources.get(name)
    if scope.is_broken("sources", name):
        return
    if source is None:
        hint = (
            f"{name!r} is a table of the definition: use 'lookup'"
            if name in scope.flow.tables
            else None
        )
        if hint:
            scope.say(path, f"no source {name!r}", hint)
        else:
            scope.unknown(path, f"no source {name!r}", name, list(scope.flow.sources))
    elif not getattr(source.settings, "table", False):
        scope.say(path, f"the source {name!r} is not a table", "add  table: true  to its topic")


def known_table(scope: Scope, path: Path_, table: str) -> bool:
    """Whether the flow has the table; says so if not."""
    if table in scope.flow.tables or scope.is_broken("tables", table):
        return table in scope.tables
    scope.unknown(path, f"no table {table!r}", table, list(scope.flow.tables))
    return False


def _check_each(scope: Scope, path: Path_, settings: Any) -> None:
    live = scope.flow.sources.get(settings.each)
    if live is not None and getattr(live.settings, "table", False):
        return
    if not known_table(scope, (*path, "each"), settings.each):
        return
    columns = scope.columns(settings.each)
    for field in ("url", "host", "path"):
        text = getattr(settings, field, None)
        for column in URL_FIELD.findall(text) if isinstance(text, str) else ():
            if column not in columns:
                scope.unknown(
                    (*path, field),
                    f"table {settings.each!r} has no column {column!r}",
                    column,
                    columns,
                )
    rows = scope.tables.get(settings.each, []) if "name" in columns else []
    for problem in (*_row_problems(rows, settings), *_shared_names(scope, path, settings, rows)):
        scope.say((*path, "each"), f"table {settings.each!r}: {problem}")
    if "name" not in columns:
        scope.say(
            (*path, "each"),
            f"table {settings.each!r} has no column 'name', the name of each camera",
        )


def _row_problems(rows: Sequence[Mapping[str, Any]], settings: Any) -> Iterator[str]:
    """What is wrong with rows of cameras, each told by its number or its name."""
    seen: set[str] = set()
    addresses = f"{settings.url}{settings.record_url or ''}"
    for number, row in enumerate(rows, 1):
        name = str(row.get("name") or "")
        if not name:
            yield f"row {number} has no 'name'; give each camera one of its own"
            continue
        if name in seen:
            yield f"two cameras are called {name!r}; give each a name of its own"
        seen.add(name)
        for column in dict.fromkeys(URL_FIELD.findall(addresses)):
            if column in row and row[column] in (None, ""):
                yield f"the camera {name!r} has no {column!r}, which its address needs"
        if row.get("fps") not in (None, "") and not is_fps(row["fps"]):
            yield (
                f"the camera {name!r} has the 'fps' {row['fps']!r}; expected pictures a second,"
                " more than 0 and at most 60"
            )


def _shared_names(
    scope: Scope, path: Path_, settings: Any, rows: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Say which cameras have the name of one in the table of a source before."""
    known: dict[str, str] = {}
    for other, source in scope.flow.sources.items():
        if other == path[1]:
            break
        each = getattr(source.settings, "each", None)
        if each != settings.each:  # one table in two sources has the same cameras
            for row in scope.tables.get(each or "", []):
                known.setdefault(str(row.get("name") or ""), other)
    for name in dict.fromkeys(str(row.get("name") or "") for row in rows):
        if name and name in known:
            yield (
                f"a camera of the source {known[name]!r} is called {name!r}, too, and a clip could"
                " be of either; give each a name of its own"
            )


def cameras(scope: Scope) -> list[str]:
    """The names of the cameras in the tables that sources go through."""
    rows: list[dict[str, Any]] = []
    for source in scope.flow.sources.values():
        rows += scope.tables.get(getattr(source.settings, "each", None) or "", [])
    return [str(row["name"]) for row in rows if "name" in row]


def _check_places(scope: Scope) -> None:
    """Check what zones and lines name, and what names them."""
    known = cameras(scope)
    complete = not scope.broken and len(scope.tables) == len(scope.flow.tables)
    live = [getattr(source.settings, "each", None) for source in scope.flow.sources.values()]
    complete = complete and not any(each in scope.flow.sources for each in live)
    zones, lines = scope.flow.zones, scope.flow.lines
    places: list[tuple[Path_, str]] = [
        (("zones", name) if number is None else ("zones", name, number), zone.camera)
        for name, number, zone in polygons(zones)
    ]
    places += [(("lines", name), line.camera) for name, line in lines.items()]
    for name, source in scope.flow.sources.items():
        for camera, masks in getattr(source.settings, "motion_masks", {}).items():
            mask = ("sources", name, source.kind, "motion_masks", camera)
            if complete and camera not in known:
                scope.unknown(mask, f"no camera {camera!r}", camera, known)
            _check_polygons(scope, mask, f"a mask of {camera!r}", masks)
    for name, number, zone in polygons(zones):
        where: Path_ = ("zones", name) if number is None else ("zones", name, number)
        found = [zone.points, *zone.exclude]
        _check_polygons(scope, where, f"the zone {name!r}", found, must_be_whole=zone.privacy)
    for path, camera in places:
        if complete and camera not in known:
            scope.unknown((*path, "camera"), f"no camera {camera!r}", camera, known)
    names = [*areas(zones), *lines]
    for path, stream, step in scope.steps():
        only = getattr(step.settings, "only", None) if step.kind == "zones" else None
        if step.kind == "zones":
            _check_modes(scope, path, step.settings, only)
        if only and live_cameras(scope.flow, stream):
            continue  # people draw on the page what it names
        for index, name in enumerate([only] if isinstance(only, str) else only or ()):
            if name in names or any(scope.is_broken(kind, name) for kind in ("zones", "lines")):
                continue
            place: Path_ = (*path, "zones", "only")
            if not isinstance(only, str):
                place = (*place, index)
            if name in zones:
                scope.say(place, f"{name!r} has 'privacy': nothing enters it")
            else:
                what = "zone or line" if lines else "zone"
                scope.unknown(place, f"no {what} {name!r}", name, names)


def _check_polygons(
    scope: Scope,
    path: Path_,
    what: str,
    found: Sequence[Sequence[Point]],
    must_be_whole: bool = False,
) -> None:
    """Say what is wrong with polygons; one with a part left out `must_be_whole` to hide it."""
    for problem in dict.fromkeys(filter(None, map(problem_of, found))):
        is_error = must_be_whole or problem.startswith("encloses")
        scope.say(path, f"{what} {problem}", key=True, level="error" if is_error else "warning")


def _check_modes(scope: Scope, path: Path_, step: Any, only: str | list[str] | None) -> None:
    meant = [only] if isinstance(only, str) else only
    for name, _, zone in polygons(scope.flow.zones):
        if zone.modes and step.mode is None and (meant is None or name in meant):
            scope.say(
                (*path, "zones"),
                f"the zone {name!r} has 'modes', but no source says which one is on",
                "name it, such as  mode: site_mode  with"
                "  site_mode: {topic: {name: vigie.mode, table: true}}  under 'sources'",
                key=True,
            )
            return


def _check_columns(scope: Scope) -> None:
    """A `{column: ...}` must name a label that the events have, or a column of a table."""
    for path, stream, step in scope.steps():
        for field, value in step.settings:
            if isinstance(value, Column):
                place = (*path, step.kind, field, "column")
                _check_column(scope, place, value, [stream])
                if step.kind == "threshold":
                    _check_cells(scope, place, value.column)
    for name, alarm in scope.flow.alarms.items():
        for index, match in enumerate(alarm.hiders.values()):
            if match is not None:
                place = ("alarms", name, "suppressed_by", index, "match")
                _check_column(scope, place, Column(column=match), alarm.sources)
        if alarm.rules is not None:
            continue
        for field in ("priority", "page"):
            value = getattr(alarm, field)
            if isinstance(value, Column):
                _check_column(scope, ("alarms", name, field, "column"), value, alarm.sources)
        for path, condition in alarm.conditions():
            for field, value in condition:
                if isinstance(value, Column):
                    place = ("alarms", name, *path, field, "column")
                    _check_column(scope, place, value, alarm.sources)
                    _check_cells(scope, place, value.column, _metric_of(scope, alarm))


def _check_keys(scope: Scope) -> None:
    """Of two rows with one key only the first is read."""
    keys = {
        (step.settings.table, step.settings.key)
        for _, _, step in scope.steps()
        if isinstance(step.settings, Lookup)
    }
    columns = {
        value.column
        for alarm in scope.flow.alarms.values()
        for _, condition in alarm.conditions()
        for _, value in condition
        if isinstance(value, Column)
    }
    keys |= {(table, "subject") for table in scope.tables if columns & set(scope.columns(table))}
    for table, key in sorted(keys):
        seen = set[str]()
        for row in scope.tables.get(table, ()):
            name = text(row.get(key))
            if name and name in seen:
                message = f"table {table!r} has two rows with the {key} {name!r}: the first counts"
                scope.say(("tables", table), message, "keep one", key=True, level="warning")
                break
            seen.add(name)


def _metric_of(scope: Scope, alarm: Alarm) -> str | None:
    """The one metric that an alarm judges; None where it is not known, or steps change it."""
    streams = {one for name in alarm.sources for one in scope.upstream(name)}
    for one in streams & set(scope.flow.streams):
        if any(step.kind in OTHER_VALUES for step in scope.flow.streams[one].steps):
            return None
    facts = either(facts_of(scope.flow, read) for read in alarm.sources)
    if alarm.only is not None:
        facts = narrowed(facts, alarm.only, ignore_field)
    metrics = names_in(facts, "metric")
    return metrics[0] if len(metrics) == 1 else None


def _check_cells(scope: Scope, path: Path_, column: str, metric: str | None = None) -> None:
    """The cells of a column of limits must be numbers, in a unit that the metric can have."""
    unit = METRICS[metric].unit if metric in METRICS else None
    for table, rows in scope.tables.items():
        for row in rows:
            cell = row.get(column)
            if cell in (None, "") or "subject" not in row:
                continue
            try:
                limit = quantity(cell)
                if unit in UNITS and limit.unit and UNITS[unit][0] != limit.kind():
                    message = (
                        f"{cell!r} is no limit of {metric!r}, which is measured in {unit}:"
                        f" {row['subject']!r} of {table!r} has no limit"
                    )
                    scope.say(path, message, f"write it in {unit}", level="warning")
                    return
            except ValueError:
                message = f"{cell!r} is not a number: {row['subject']!r} of {table!r} has no limit"
                scope.say(path, message, "such as  30 °C  or  30", level="warning")
                return


def _check_column(scope: Scope, path: Path_, value: Column, read: list[str]) -> None:
    """Check a column that is read as a label.

    Labels come from tables, `lookup` and `label`; where there is none of these, a device may bring
    its own.
    """
    if not scope.is_whole or any(scope.enriched(name) for name in read):
        return
    labels = set().union(*(scope.labels_after(name) for name in read))
    known = sorted(labels.union(*(scope.columns(table) for table in scope.flow.tables)))
    if not known or value.column in known:
        return
    message = f"no table or label here has a column {value.column!r}"
    if labels or near(value.column, known):
        scope.unknown(path, message, value.column, known)
        return
    outcome = (
        "every subject gets the default"
        if value.default is not None
        else "a subject without such a label is left out"
    )
    scope.say(path, message, f"{outcome}; known: {', '.join(known)}", level="warning")
