"""Where flows would go on reading, against what their topics still have."""

from collections.abc import Iterator
from pathlib import Path

from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.position import Position
from connectors.kafka.topics.copy import spans
from flows.runtime.saved_state import stores
from flows.runtime.saved_state.states import States

PLACES = ("", "shares/*/", "processes/*/", "processes/*/shares/*/")
"""Where below the data folder the states of flows are: of the whole, of shares, of more processes.
"""


def missing(site: Site, data: Path) -> Iterator[str]:
    """What flows would read on and is no longer there, a line for each partition.

    Raises `NoAnswer` and `StateError`.
    """
    known = dict(saved(data))
    topics = {part.rpartition("/")[0] for _, part in known}
    there = spans(site.connection("redpanda", TopicConnection), topics) if topics else {}
    for (flow, part), offset in known.items():
        where = f"flow {flow}: {part}"
        if part not in there:
            yield (
                f"{where}: stood at offset {offset}, and the topic is not there: what was in it and"
                " not yet read is lost; the flow reads the new one from its start"
            )
            continue
        low, high = there[part]
        if offset < low:
            yield (
                f"{where}: stood at offset {offset}, and the topic begins at {low}:"
                f" {low - offset} records are lost; the flow goes on at {low}"
            )
        elif offset > high:
            yield (
                f"{where}: stood at offset {offset}, and the topic ends at {high}: it is another"
                " one, or lost its end; the flow reads what is there as new"
            )


def saved(data: Path) -> Iterator[tuple[tuple[str, str], int]]:
    """The saved offset of each partition of each flow, by flow and `TOPIC/NUMBER`.

    Where several folders have a partition, since it was once another share's, the furthest counts.
    """
    found: dict[tuple[str, str], int] = {}
    for folder in sorted(folder for place in PLACES for folder in data.glob(f"{place}flows/*")):
        for part, offset in _newest(folder).items():
            found[folder.name, part] = max(offset, found.get((folder.name, part), 0))
    yield from found.items()


def _newest(folder: Path) -> dict[str, int]:
    """The offsets of one folder, each of the newest store that has it."""
    found: dict[str, int] = {}
    for store in reversed(stores.stores(folder)):
        found |= dict(_offsets(stores.read(store, folder.name)))
    return found


def _offsets(states: States) -> Iterator[tuple[str, int]]:
    for source, part in states.positions:
        if "/" not in part:
            continue
        position = states.position(source, part)
        if position is not None:
            yield part, Position.parse(position).offset
