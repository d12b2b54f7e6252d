"""Names of metrics that are nearly one that everybody uses."""

from collections.abc import Iterator
from typing import Any

from connectors.config.document import Path_
from connectors.config.suggestion import near
from flows.checks.context import Scope, map_of
from operators.decoding.payloads.metrics import ALIASES, METRICS
from operators.model.selector import Selector
from operators.model.two_state import CONDITIONS, is_two_state


def check_metrics(scope: Scope) -> None:
    """Warn of a metric that nothing makes and no decoder knows, but that is nearly a known one."""
    made = set(_made(scope))
    known = sorted({*METRICS, *made})
    told = {problem.place for problem in scope.document.problems}
    for path, name in _named(scope):
        if scope.document.place(path) in told:
            continue
        if (
            name in METRICS
            or name in made
            or is_two_state(name)
            or any(sign in name for sign in "*?{")
        ):
            continue
        if name.rpartition("_")[2] in CONDITIONS:
            continue
        is_key = path[-2] == "convert"
        if metric := ALIASES.get(name.lower()):
            message = f"decoders give the metric of {name!r} another name"
            scope.say(path, message, f"write {metric}", key=is_key, level="warning")
        elif hint := near(name, known, 0.75):
            scope.say(
                path, f"no decoder gives a metric {name!r}", hint, key=is_key, level="warning"
            )


def _named(scope: Scope) -> Iterator[tuple[Path_, str]]:
    """Path and name of every metric that a selector or `convert` names."""
    for path, _, step in scope.steps():
        if isinstance(step.settings, Selector):
            yield from _of(step.settings, (*path, step.kind, "metric"))
        elif step.kind == "convert":
            yield from (((*path, "convert", name), name) for name in map_of(step.settings))
    for section in ("alarms", "sinks"):
        for name, entry in getattr(scope.flow, section).items():
            if entry.only is not None:
                yield from _of(entry.only, (section, name, "only", "metric"))


def _of(only: Selector, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(only.metric, str):
        yield path, only.metric
    elif only.metric is not None:
        yield from (((*path, index), name) for index, name in enumerate(only.metric))


def _made(scope: Scope) -> Iterator[str]:
    """Metrics that the flow names itself: in its sources, its steps and its tests."""
    for source in scope.flow.sources.values():
        settings: Any = source.settings
        if source.kind == "simulate":
            yield from (name.rpartition("/")[2] for name in settings.signals)
        elif source.kind == "http" and settings.metric:
            yield settings.metric
        elif source.kind == "mariadb_binlog":
            yield from (mapping.metric for mapping in settings.rows.values() if mapping.metric)
    for _, _, step in scope.steps():
        settings = step.settings
        if step.kind in ("rename", "translate", "shape", "label"):
            yield from (str(value) for value in _texts(settings))
        elif isinstance(made := getattr(settings, "metric", None), str) and not isinstance(
            settings, Selector
        ):
            yield made


def _texts(settings: Any) -> Iterator[Any]:
    for _, value in settings:
        if isinstance(value, dict):
            yield from value.values()
