"""The looks of a definition's recordings: cameras by their table, the model by the site file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.config.site import Site
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from flows.language.field_values import Tables
from flows.language.model import Flow
from flows.replay.history_file import FileHistory
from flows.replay.history_kafka import table_rows
from flows.replay.pictures.look import look_of
from flows.replay.sources import Inputs, Place
from operators.model.tables import is_deleted, row_of


def with_looks(
    inputs: Inputs,
    flow: Flow,
    tables: Tables,
    given: Mapping[str, Place],
    site: Site,
    folder: Path,
    cache: Path,
) -> Inputs:
    """Inputs whose recordings say how they are looked at; models are looked for beside `folder`.

    A table that is a source is read from where it is `given`, else from its topic. Raises
    `ConnectorError` and `NotRunnable`.
    """
    sources = dict(inputs.sources)
    for name, place in inputs.sources.items():
        if place.kind == "pictures":
            rows = _rows(flow, name, tables, given, site)
            sources[name] = place._replace(look=look_of(flow, name, rows, site, folder, cache))
    return replace(inputs, sources=sources)


def _rows(
    flow: Flow, source: str, tables: Tables, given: Mapping[str, Place], site: Site
) -> Sequence[Mapping[str, Any]]:
    each = str(getattr(flow.sources[source].settings, "each", ""))
    live = flow.sources.get(each)
    if live is None or not isinstance(live.settings, Topic):
        return tables.get(each, ())
    place = given.get(each)
    if place is not None and place.kind == "none":
        return ()
    if place is not None and place.kind == "file":
        rows = FileHistory(Path(place.names[0]), 0.0, 0.0, site.zone).rows()
    else:
        topic = live.settings if place is None else Topic(name=list(place.names), table=True)
        rows = table_rows(site.connection(topic.connection, TopicConnection), topic, each)
    return [row_of(row) for row in rows if not is_deleted(row)]
