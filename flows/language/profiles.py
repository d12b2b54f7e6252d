"""Profiles: parts of a flow that exist only while one, such as `hardware`, is active."""

from collections.abc import Iterable
from typing import TypeVar

from flows.language.model import Flow, Sink, Stream, inputs, origin
from operators.alarms.settings import Alarm

Entry = TypeVar("Entry", Stream, Alarm, Sink)


def profiles(flow: Flow) -> set[str]:
    """The profiles that a flow's sources and sinks name."""
    named = {source.profile for source in flow.sources.values()} | {
        sink.profile for sink in flow.sinks.values()
    }
    return {profile for profile in named if profile is not None}


def for_profile(flow: Flow, active: str | Iterable[str] | None) -> Flow:
    """The flow with the sources and sinks of the active profiles, and those without a profile.

    `profile` is a name, or several with commas. What reads only sources that are left out is left
    out too; roles and list entries that name them are removed.
    """
    names = set(active.replace(",", " ").split()) if isinstance(active, str) else set(active or ())
    sources = {
        name: source
        for name, source in flow.sources.items()
        if source.profile is None or source.profile in names
    }
    sinks = {
        name: sink
        for name, sink in flow.sinks.items()
        if sink.profile is None or sink.profile in names
    }
    if len(sources) == len(flow.sources) and len(sinks) == len(flow.sinks):
        return flow
    gone = set(flow.sources) - set(sources)
    streams, alarms = dict(flow.streams), dict(flow.alarms)
    changed = True
    while changed:
        lost = {name for name, stream in streams.items() if _unfed(stream, gone)}
        lost |= {name for name, alarm in alarms.items() if _unfed(alarm, gone)}
        gone |= lost
        if flow.alarms and not set(alarms) - lost:
            gone.add("alarms")
        changed = bool(lost)
        streams = {name: stream for name, stream in streams.items() if name not in lost}
        alarms = {name: alarm for name, alarm in alarms.items() if name not in lost}
    return flow.model_copy(
        update={
            "sources": sources,
            "streams": {name: _pruned(stream, gone) for name, stream in streams.items()},
            "alarms": {name: _pruned(alarm, gone) for name, alarm in alarms.items()},
            "sinks": {
                name: _pruned(sink, gone) for name, sink in sinks.items() if not _unfed(sink, gone)
            },
        }
    )


def _unfed(entry: Stream | Alarm | Sink, gone: set[str]) -> bool:
    return all(origin(name) in gone for name in inputs(entry.from_))


def _pruned(entry: Entry, gone: set[str]) -> Entry:
    reads = entry.from_
    if isinstance(reads, str) or not any(origin(name) in gone for name in inputs(reads)):
        return entry
    if isinstance(reads, dict):
        return entry.model_copy(
            update={
                "from_": {role: name for role, name in reads.items() if origin(name) not in gone}
            }
        )
    return entry.model_copy(update={"from_": [name for name in reads if origin(name) not in gone]})
