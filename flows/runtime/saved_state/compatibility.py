"""Compatibility of saved state with a definition: lost steps are refused."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from flows.runtime.saved_state import stores
from flows.runtime.shards import StateError

MANIFEST = "identity.json"
FORMAT = 1
"""Raise it when an earlier release could not go on from what is saved."""


@dataclass(frozen=True)
class StateLayout:
    """What the saved state of a process must fit.

    `identities` are the persisted ids of the steps that keep state; `count` is how many shards
    there are, `shards` those of this process and `parts` its source partitions by source;
    `partitions` is how many each topic has. `carried` are the identities of renamed steps
    (`was`), with those that they had before. Sources that `begin_early` are read from their first
    record where nothing was saved of them.
    """

    identities: tuple[str, ...]
    count: int = 1
    shards: tuple[str, ...] = ("0",)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    partitions: Mapping[str, int] = field(default_factory=dict)
    carried: Mapping[str, str] = field(default_factory=dict)
    begin_early: frozenset[str] = frozenset()

    def manifest(self) -> dict[str, Any]:
        """The record with which the next start is compared."""
        return {
            "format": FORMAT,
            "shards": self.count,
            "state": sorted(self.identities),
            "partitions": dict(self.partitions),
        }


def refuse_misfit(folder: Path, layout: StateLayout, drop: set[str]) -> None:
    """Raise `StateError` if the saved state in `folder` does not fit a definition.

    `drop` are identities whose state may be lost.
    """
    saved = read_manifest(folder)
    if saved is None:
        return
    refuse_lost_state(saved.state, layout.identities, layout.carried, drop)
    kept = saved.state & {*layout.identities, *layout.carried.values()}
    if saved.shards != layout.count and kept:
        raise StateError(
            "the flow now keeps its subjects together, and its saved state apart: a combining step"
            f" or another kind of source came. {stores.remedy(folder)}"
        )


class Manifest(NamedTuple):
    """How many shards a saved state has, and its identities."""

    shards: int
    state: set[str]


def read_manifest(folder: Path) -> Manifest | None:
    """What is saved; None where nothing is. Raises `StateError` for a file that says it badly."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if (format := int(saved.get("format", FORMAT))) > FORMAT:
            raise StateError(
                f"the saved state in {folder} is of a newer release of Vigie (format {format}; this"
                f" one knows {FORMAT}). Go on with that release, or restore a backup of before the"
                " upgrade"
            )
        # an earlier version's shards were the partitions, of which all topics had as many
        counts = dict(saved["partitions"]).values() if saved.get("sharded") else ()
        return Manifest(int(saved.get("shards", max(counts, default=1))), set(saved["state"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path} is damaged ({error}). {stores.remedy(folder)}") from error


def refuse_lost_state(
    before: set[str], identities: Iterable[str], carried: Mapping[str, str], drop: set[str]
) -> None:
    """Raise `StateError` where a saved identity has no step any more and may not be lost."""
    now = set(identities)
    lost = sorted(before - now - set(carried.values()) - drop)
    if not lost:
        return
    wrong = {new: old for new, old in carried.items() if not {new, old} & before}
    new = sorted(now - before - set(carried))
    said = "".join(
        f"; `was` of {name} says {old}, of which nothing is saved" for name, old in wrong.items()
    ) + (f"; new here: {', '.join(new)}" if new else "")
    remedy = (
        "correct `was`"
        if wrong
        else "if it was renamed, write `was: OLD_NAME` on the new one"
        if new
        else "bring it back"
    )
    raise StateError(
        f"saved state of {', '.join(lost)} has no step any more{said}. Either {remedy}, or, to lose"
        f" the state, run once with {' '.join(f'--drop {name}' for name in lost)}; alarms of it"
        " that stand are ended then"
    )
