"""Compatibility of saved state with a definition: lost steps and moved partitions are refused."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.runtime.saved_state import stores
from flows.runtime.shards import StateError

MANIFEST = "identity.json"


@dataclass(frozen=True)
class StateLayout:
    """What the saved state of a process must fit.

    `identities` are the persisted ids of the steps that keep state; `sharded` says that partitions
    are worked on apart; `shards` are those of this process and `parts` its source partitions by
    source; `partitions` is how many each topic has. `carried` are the identities of renamed steps
    (`was`), with those that they had before.
    """

    identities: tuple[str, ...]
    sharded: bool = False
    shards: tuple[str, ...] = ("0",)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    partitions: Mapping[str, int] = field(default_factory=dict)
    carried: Mapping[str, str] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """The record with which the next start is compared."""
        return {
            "sharded": self.sharded,
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
    was, before, counts = saved
    refuse_lost_state(before, layout.identities, layout.carried, drop)
    kept = before & {*layout.identities, *layout.carried.values()}
    if was != layout.sharded and kept:
        raise StateError(
            f"the flow now keeps its subjects {'apart' if layout.sharded else 'together'}, and"
            " its saved state does the opposite: a combining step or another kind of source"
            " came or went, or its topics have no longer equal numbers of partitions"
            f" ({_counts(layout.partitions)}). {stores.remedy(folder)}"
        )
    grown = [
        f"topic {topic} had {counts[topic]} partitions and now has {count}"
        for topic, count in layout.partitions.items()
        if counts.get(topic, count) != count
    ]
    if layout.sharded and kept and grown:
        raise StateError(
            f"{' and '.join(grown)}: its subjects have moved to other partitions, and the saved"
            f" state of {', '.join(sorted(kept))} cannot follow them. Either write into a new"
            " topic with that many partitions and let this flow read that one, or move"
            f" {folder} away to start without memory (the flow then reads its topics from"
            " the start, and sinks drop what they already have)"
        )


def read_manifest(folder: Path) -> tuple[bool, set[str], dict[str, int]] | None:
    """Whether a saved state is kept apart, its identities, and the partitions of its topics.

    None where nothing is saved. Raises `StateError` for a file that says something else.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return bool(saved["sharded"]), set(saved["state"]), dict(saved["partitions"])
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


def _counts(partitions: Mapping[str, int]) -> str:
    return ", ".join(f"{topic} {count}" for topic, count in partitions.items())
