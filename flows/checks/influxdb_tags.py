"""Labels that InfluxDB would have under another name: a field is called so, or InfluxDB's own."""

from collections.abc import Iterator

from connectors.config.document import Path_
from connectors.influxdb.components import InfluxDB
from connectors.influxdb.line_protocol import RESERVED
from flows.checks.context import Scope, map_of

OF_ALARMS = ("state", "change", "severity", "value")


def check_tags(scope: Scope) -> None:
    """Warn where a label or tag is called as a field of the points that a sink writes."""
    for name, sink in scope.flow.sinks.items():
        settings = sink.settings
        if not isinstance(settings, InfluxDB):
            continue
        names = [read for _, read in scope.from_paths("sinks", name, sink.from_)]
        fields = {settings.field, "text", "quality", *(OF_ALARMS if "alarms" in names else ())}
        if sink.shape is not None:
            fields = {*sink.shape}
        for path, label, is_key in _named(scope, name, settings, names):
            if label in fields | RESERVED:
                why = (
                    f"the sink {name!r} writes a field {label!r}, and InfluxDB takes no tag of that"
                    " name"
                    if label in fields
                    else f"InfluxDB takes no tag of the name {label!r}"
                )
                scope.say(
                    path,
                    f"{why}: there it is {label + '_tag'!r}",
                    "give it another name if a query is to find it under its own",
                    key=is_key,
                    level="warning",
                )


def _named(
    scope: Scope, sink: str, settings: InfluxDB, read: list[str]
) -> Iterator[tuple[Path_, str, bool]]:
    """Path and name of each tag of the sink and each label that comes to it, and if it is a key."""
    for index, tag in enumerate(settings.tags):
        yield ("sinks", sink, "influxdb", "tags", index), tag, False
    if not settings.labels:
        return
    before = {name for one in read for name in scope.upstream(one)}
    for path, stream, step in scope.steps():
        if step.kind == "label" and stream in before:
            yield from (((*path, "label", name), name, True) for name in map_of(step.settings))
