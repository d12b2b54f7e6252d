"""The folder that holds a flow's saved state: recovery stores, and what their states belong to."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bytewax.recovery import RecoveryConfig

from connectors.base import ConnectorError
from connectors.kafka.log.position import Position
from connectors.runtime.private_files import write_private
from flows.dataflow.plan import COMMANDS
from flows.runtime.saved_state import stores
from flows.runtime.saved_state.compatibility import (
    MANIFEST,
    StateLayout,
    read_manifest,
    refuse_misfit,
)
from flows.runtime.saved_state.shared_parts import take_shared
from flows.runtime.saved_state.states import States
from flows.runtime.saved_state.stores import Store
from flows.runtime.shards import WHOLE, Share, StateError, lock_folder, lock_shards

SQLITE_SAYS = re.compile(r'SqliteFailure\(.*Some\("(.*)"\)')


@dataclass(frozen=True)
class OpenedState:
    """A store ready to go on from.

    `saved` are its states, also those from other stores that it has not replaced yet; `known` the
    sources of which some partition has a position.
    """

    store: Path
    recovery: RecoveryConfig
    saved: States
    known: frozenset[str]


@dataclass(frozen=True)
class StateFolder:
    """The folder `DATA/flows/FLOW`, where every process of a flow has a recovery store.

    Shards move between the stores when the number of processes changes.
    """

    path: Path
    flow: str
    share: Share = WHOLE

    @contextmanager
    def locked(self, shards: Iterable[str]) -> Iterator[None]:
        """Keep other processes off these shards while this one runs. Raises `StateError`."""
        with lock_shards(self.path, shards, self.share):
            yield

    def open(
        self,
        layout: StateLayout,
        drop: Iterable[str] = (),
        told: Mapping[tuple[str, str], Position] | None = None,
    ) -> OpenedState:
        """Find, take over or create the states of this process's shards, which it must hold.

        Raises `StateError` rather than lose the state of a step in silence; `drop` are persisted
        ids whose state may be lost. `told` is where the partitions begin, by source, that have
        subjects of several processes (`flows.runtime.sources.crossings`).
        """
        with lock_folder(self.path):
            known = stores.stores(self.path)
            if known:
                refuse_misfit(self.path, layout, set(drop))
            store, states = self._mine(known, layout, told or {})
            self._write_manifest(layout.manifest())
            stores.remove_superseded(self.path)
        sources = frozenset(
            name for name in {name for name, _ in states.positions} if states.knows(name)
        )
        return OpenedState(store.path, RecoveryConfig(str(store.path)), states, sources)

    def _mine(
        self, known: list[Store], layout: StateLayout, told: Mapping[tuple[str, str], Position]
    ) -> tuple[Store, States]:
        """The store that holds just these shards, or a new one that takes them over."""
        newest = {shard: _first(known, shard) for shard in layout.shards}
        for store in set(newest.values()) - {None}:
            assert store is not None
            if store.is_just_of(layout.shards) and all(found == store for found in newest.values()):
                stores.check(store)
                stores.upgrade(store, self.flow)
                return store, stores.read(store, self.flow)
        taken = self._take_over(known, layout, newest, told)
        number = known[0].number + 1 if known else 1
        return stores.create(self.path, layout.shards, number, taken), taken

    def is_shared_out(self) -> bool:
        """Whether several processes have parts of the saved state."""
        return len(stores.stores(self.path)) > 1

    def replace(self, layout: StateLayout, states: States) -> None:
        """Have the next start go on from other states, none of which may not be lost."""
        with lock_folder(self.path):
            number = stores.stores(self.path)[0].number + 1
            stores.create(self.path, layout.shards, number, states)
            self._write_manifest(replace(layout, identities=()).manifest())
            stores.remove_superseded(self.path)

    def shards(self) -> int | None:
        """How many shards the saved state has, None where there is none; raises `StateError`."""
        saved = read_manifest(self.path) if stores.stores(self.path) else None
        return saved.shards if saved is not None and saved.state else None

    def _take_over(
        self,
        known: list[Store],
        layout: StateLayout,
        newest: Mapping[str, Store | None],
        told: Mapping[tuple[str, str], Position],
    ) -> States:
        read: dict[int, States] = {}

        def states_of(store: Store) -> States:
            if store.number not in read:
                stores.check(store)
                read[store.number] = stores.read(store, self.flow)
            return read[store.number]

        taken = States()
        for shard, store in newest.items():
            if store is not None and shard in states_of(store).shards:
                taken.shards[shard] = states_of(store).shards[shard]
            if store is not None and shard in states_of(store).figures:
                taken.figures[shard] = states_of(store).figures[shard]
        for source, parts in layout.parts.items():
            for part in parts:
                store = next((store for store in known if store.has(part, layout.count)), None)
                if store is None:
                    continue
                states = states_of(store)
                if (source, part) in states.positions:
                    taken.positions[source, part] = states.positions[source, part]
                if (source, part) in states.waiting:
                    taken.waiting[source, part] = states.waiting[source, part]
        by_shard = {shard: states_of(store) for shard, store in newest.items() if store is not None}
        take_shared(taken, by_shard, told if by_shard else {}, layout)
        for store in known:
            if store.number in read and min(store.made_for) in layout.shards:
                for sink, records in states_of(store).records.items():
                    taken.records.setdefault(sink, []).extend(records)
        for states in read.values():
            for name, part in states.positions:
                if name == COMMANDS:
                    taken.keep_earliest(states, name, part)
        return taken

    def _write_manifest(self, now: dict[str, Any]) -> None:
        write_private(self.path / MANIFEST, f"{json.dumps(now, indent=1)}\n".encode())

    def unusable(self, store: Path, error: Exception) -> StateError:
        """The error to raise when Bytewax cannot go on from the store."""
        return StateError(
            f"the recovery store {store} does not fit together ({error}). {stores.remedy(store)}"
        )

    def failed(self, store: Path, error: BaseException) -> ConnectorError:
        """The error to raise when Bytewax could not read or write the store."""
        found = SQLITE_SAYS.search(str(error))
        return ConnectorError(
            f"the recovery store {store} can no longer be read or written"
            f" ({found[1] if found else error}); see to its disk and the rights of its folder: the"
            " next start goes on from the state saved last"
        )


def _first(known: list[Store], shard: str) -> Store | None:
    return next((store for store in known if shard in store.shards), None)
