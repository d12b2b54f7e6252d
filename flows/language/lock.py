"""The identity of saved state, and the lock file that keeps it through renames.

A step that keeps state is known as `flow/stream/kind`, with `:id` where it has one; an alarm as
`flow/alarm`. `FLOW.lock` beside the definition lists the identities that were deployed, and for a
renamed one the identity it was born with, under which its state is saved.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.config.document import Document, Path_, Place, Text
from flows.language.catalogue import OPERATORS
from flows.language.model import Flow


def identity(flow: str, stream: str, kind: str, step_id: str | None = None) -> str:
    """The identity of one step's saved state."""
    return f"{flow}/{stream}/{kind}" + (f":{step_id}" if step_id else "")


def identities(flow: Flow) -> dict[str, Path_]:
    """Every identity of saved state in a flow, with its path in the definition."""
    found: dict[str, Path_] = {}
    for name, stream in flow.streams.items():
        for index, step in enumerate(stream.steps):
            if OPERATORS[step.kind].STATEFUL:
                found[identity(flow.flow, name, step.kind, step.id)] = (
                    "streams",
                    name,
                    "steps",
                    index,
                )
    for name in flow.alarms:
        found[f"{flow.flow}/{name}"] = ("alarms", name)
    return found


def carried(flow: Flow) -> dict[str, str]:
    """What `was` says: each identity whose state comes from another one, with that one."""
    moved: dict[str, str] = {}
    for name, stream in flow.streams.items():
        for step in stream.steps:
            if not OPERATORS[step.kind].STATEFUL or (stream.was is None and step.was is None):
                continue
            old_stream = stream.was or name
            if step.was is None:
                old = identity(flow.flow, old_stream, step.kind, step.id)
            else:
                kind, _, old_id = step.was.rpartition(":")
                old_id = old_id if kind or step.was != step.kind else ""
                old = identity(flow.flow, old_stream, kind or step.kind, old_id or None)
            moved[identity(flow.flow, name, step.kind, step.id)] = old
    for name, alarm in flow.alarms.items():
        if alarm.was is not None:
            moved[f"{flow.flow}/{name}"] = f"{flow.flow}/{alarm.was}"
    return moved


@dataclass(frozen=True)
class Lock:
    """What was deployed: identities, those born under another name, those dropped on purpose."""

    flow: str
    state: tuple[str, ...] = ()
    born: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def dumps(self) -> str:
        """The text of the lock file."""
        data: dict[str, Any] = {"flow": self.flow, "state": list(self.state)}
        if self.born:
            data["born"] = self.born
        if self.dropped:
            data["dropped"] = list(self.dropped)
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


class LockError(ValueError):
    """A lock file that is not one."""


def lock_path(path: Path, flow: Flow) -> Path:
    """Where a flow's lock is: beside its definition, under the flow's name."""
    return path.with_name(f"{flow.flow}.lock")


def read_lock(path: Path) -> Lock | None:
    """The lock in a file, or None if there is none; raises `LockError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LockError(f"cannot be read: {error}") from None
    if (
        not isinstance(data, dict)
        or set(data) - {"flow", "state", "born", "dropped"}
        or not isinstance(data.get("flow"), str)
    ):
        raise LockError("is not a lock file: expected the keys flow, state, born, dropped")
    state, born, dropped = data.get("state", []), data.get("born", {}), data.get("dropped", [])
    lists = isinstance(state, list) and isinstance(dropped, list) and isinstance(born, dict)
    if not lists or not all(
        isinstance(text, str) for text in (*state, *dropped, *born, *born.values())
    ):
        raise LockError(
            "is not a lock file: state and dropped are lists of texts, born is a map of texts"
        )
    return Lock(data["flow"], tuple(state), dict(born), tuple(dropped))


def born(flow: Flow, lock: Lock | None) -> dict[str, str]:
    """Each identity of the flow with the one its state is saved under."""
    known = dict(lock.born) if lock else {}
    moved = carried(flow)
    result = {}
    for now in identities(flow):
        before = moved.get(now)
        if lock is not None and before in lock.state and now not in lock.state:
            result[now] = known.get(str(before), str(before))
        else:
            result[now] = known.get(now, now)
    return result


def vanished(flow: Flow, lock: Lock) -> list[str]:
    """Deployed identities that the flow neither has nor carries."""
    now = set(identities(flow))
    kept = set(carried(flow).values())
    return [old for old in lock.state if old not in now and old not in kept]


def next_lock(flow: Flow, lock: Lock | None, dropped: tuple[str, ...] = ()) -> Lock:
    """The lock after a deployment.

    `dropped` are the identities that are gone and whose state is given up.
    """
    names = born(flow, lock)
    renamed = {now: old for now, old in names.items() if now != old}
    past = lock.dropped if lock else ()
    return Lock(flow.flow, tuple(names), renamed, tuple(dict.fromkeys((*past, *dropped))))


def check_lock(document: Document, flow: Flow) -> None:
    """Compare a flow with its lock: deployed state without a step is an error."""
    path = lock_path(document.path, flow)
    try:
        lock = read_lock(path)
    except LockError as error:
        document.say(Place(Text(str(path)), 0, 0), str(error))
        return
    if lock is None:
        return
    if lock.flow != flow.flow:
        document.say_at(("flow",), f"{path.name} beside it is the lock of the flow {lock.flow!r}")
        return
    now = identities(flow)
    for old in vanished(flow, lock):
        _say_vanished(document, lock, now, old)


def _say_vanished(document: Document, lock: Lock, now: dict[str, Path_], old: str) -> None:
    message = f"deployed state {old!r} has no step any more"
    drop = f"deploy --drop {old}"
    kind = old.split("/", 1)[1].split("/")[1:]
    alike = [
        new
        for new in now
        if new not in lock.state and _kind(new) == (kind[0].split(":")[0] if kind else None)
    ]
    if not alike:
        document.say_at(("flow",), message, f"bring it back, or {drop}", key=True)
        return
    path = now[alike[0]]
    old_parts, new_parts = old.split("/"), alike[0].split("/")
    if old_parts[1] == new_parts[1]:
        was = old_parts[2].partition(":")[2] or old_parts[2]
        name, place = new_parts[2].partition(":")[2] or new_parts[2], path
    else:
        was, name, place = old_parts[1], new_parts[1], path[:2]
    document.say_at(
        place,
        f"{message}; is {name!r} its new name?",
        f"add  was: {was}  to keep it, or {drop}",
        key=True,
    )


def _kind(name: str) -> str | None:
    parts = name.split("/")
    return parts[2].split(":")[0] if len(parts) > 2 else None
