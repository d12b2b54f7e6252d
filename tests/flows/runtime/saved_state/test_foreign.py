"""Stores that Vigie did not write: refused with a message, and never a reason to run code."""

import os
import pickle
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.runtime.private_files import NotPrivate
from flows.runtime.saved_state import legacy_pickle
from flows.runtime.saved_state.compatibility import StateLayout
from flows.runtime.saved_state.envelope import wrap
from flows.runtime.saved_state.folder import StateFolder
from flows.runtime.saved_state.row_pickle import bytes_of, row_of
from flows.runtime.saved_state.stores import TAKEN_OVER
from flows.runtime.shards import StateError
from infra.embedded.broker import Broker
from operators.events import Reading
from operators.model.saved_state import encode
from tests.flow_process import FlowProcess
from tests.flows.running import HOT, run_refused, site_of, write

LAYOUT = StateLayout(("f/a/debounce",), parts={"in": ["t/0"]}, partitions={"t": 1})
ROOT = Path(__file__).parents[4]
READING = Reading(id="r1", time=1.0, subject="rack", metric="temperature", value=20.0)


class Canary:
    """An object whose unpickling makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


class Named:
    """A class of some module."""


def store_with(tmp: Path, row: object, table: str = "snaps") -> tuple[StateFolder, Path]:
    """A flow's folder of saved states, in whose store a row was put by somebody else."""
    folder = StateFolder(tmp / "flow", "f")
    file = next(folder.open(LAYOUT).store.glob("*.sqlite3"))
    put(file, "f.source_in", "t/0", row)
    return folder, file


def put(file: Path, step: str, key: str, row: object) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("INSERT INTO snaps VALUES ('now', ?, ?, 1, ?)", (step, key, row))
        database.commit()


def foreign_rows(canary: Path) -> dict[str, bytes]:
    """Pickles that are no states, each of which would run code or make objects."""
    by_protocol = {f"protocol {n}": pickle.dumps(Canary(canary), protocol=n) for n in range(6)}
    command = f"posix\nsystem\n(V mkdir {canary}\n".encode()
    return {
        **by_protocol,
        "INST": b"(S'mkdir " + str(canary).encode() + b"'\niposix\nsystem\n.",
        "OBJ": b"(cposix\nsystem\nS'mkdir " + str(canary).encode() + b"'\no.",
        "GLOBAL": b"c" + command + b"tR.",
        "bytes, then a call": pickle.dumps(b"x")[:-1] + b"0c" + command + b"tR.",
        "a call, then bytes": b"c" + command + b"tR0" + pickle.dumps(b"x")[2:],
        "a call in a legacy event": pickle.dumps((READING, Canary(canary))),
        "a class of Vigie": pickle.dumps(StateFolder),
        "a class of elsewhere": pickle.dumps(Named()),
        "a number with a class": pickle.dumps(Decimal(1)),
        "extension": b"\x80\x04\x82\x01.",
        "persistent id": b"Pabc\n.",
        "no pickle": b"\x00\x01\x02",
        "nothing": b"",
        "cut short": pickle.dumps((1, 2, 3))[:-1],
        "bytes that are no envelope": row_of(b"hello"),
        "the envelope of a newer format": row_of(msgspec.msgpack.encode(["vigie", 3, "shard", 1])),
        "more behind the end": row_of(wrap("position", encode(1))) + b"c" + command + b"tR.",
    }


@pytest.mark.parametrize("name", foreign_rows(Path("/")))
def test_a_store_with_a_foreign_row_is_refused_and_runs_nothing(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    folder, file = store_with(tmp_path, foreign_rows(canary)[name])
    before = file.read_bytes()

    with pytest.raises(StateError) as refused:
        folder.open(LAYOUT)

    said = str(refused.value)
    assert f"the recovery store {file} is not used" in said
    assert "table snaps, step 'f.source_in', key 't/0', epoch 1" in said
    assert "Restore it from a backup, or move" in said
    assert not canary.exists()
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["protocol 4", "a call in a legacy event", "nothing"])
def test_a_foreign_file_of_states_taken_over_is_refused(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    folder = StateFolder(tmp_path / "flow", "f")
    store = folder.open(LAYOUT).store
    (store / TAKEN_OVER).unlink()
    (store / "taken-over.pickle").write_bytes(foreign_rows(canary)[name])

    with pytest.raises(StateError, match=r"taken-over\.pickle is not used, since it holds what"):
        folder.open(LAYOUT)

    assert not canary.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TABLE more (a)",
        "CREATE TRIGGER more AFTER INSERT ON exs BEGIN DELETE FROM snaps; END",
        "DROP TABLE snaps; CREATE VIEW snaps AS SELECT 1 AS ser_change",
    ],
)
def test_a_store_with_more_than_bytewaxs_tables_is_refused(tmp_path: Path, sql: str) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    file = next(folder.open(LAYOUT).store.glob("*.sqlite3"))
    with closing(sqlite3.connect(file)) as database:
        database.executescript(sql)

    with pytest.raises(StateError, match="expected the tables of Bytewax alone"):
        folder.open(LAYOUT)


def test_a_row_of_another_type_is_refused(tmp_path: Path) -> None:
    folder, file = store_with(tmp_path, row_of(wrap("position", encode(1))))
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            "DROP TABLE snaps; CREATE TABLE snaps (created_at, step_id, state_key, snap_epoch, ser_change)"
        )
    put(file, "f.source_in", "t/0", "text")

    with pytest.raises(StateError, match="expected bytes, got str"):
        folder.open(LAYOUT)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.tuples(st.text(), st.text()), inner, max_size=4)
        | st.sets(st.integers() | st.text(), max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(plain)
def test_a_pickle_of_plain_data_is_read_like_python_reads_it(state: object) -> None:
    assert legacy_pickle.loads(pickle.dumps((state, READING))) == (state, READING)


@settings(max_examples=300)
@given(st.binary())
def test_bytes_go_through_a_row_and_are_what_python_unpickles(data: bytes) -> None:
    assert bytes_of(row_of(data)) == pickle.loads(row_of(data)) == bytes_of(pickle.dumps(data))


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_as_a_pickle(data: bytes) -> None:
    for read in (bytes_of, legacy_pickle.loads):
        try:
            read(data)
        except ValueError:
            continue


def test_mutated_pickles_give_plain_data_or_a_refusal_and_run_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    canary = tmp_path / "canary"
    seeds = [*foreign_rows(canary).values(), pickle.dumps(({"a": [1, (2.0, b"x")]}, READING))]
    refused = 0
    for _ in range(20_000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(3):
                case 0:
                    data[at:at] = bytes([chance.randrange(256)])
                case 1:
                    del data[at : at + chance.randint(1, 5)]
                case _:
                    data[at:at] = chance.choice(seeds)[: chance.randint(1, 40)]
        for read in (bytes_of, legacy_pickle.loads):
            try:
                read(bytes(data))
            except ValueError:
                refused += 1
    assert not canary.exists()
    assert refused > 20_000


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(LAYOUT)
    folder.path.chmod(0o777)

    with pytest.raises(NotPrivate, match=r"\(mode 0777\).*chmod -R go-w .*/flow"):
        folder.open(LAYOUT)


def test_a_store_that_others_may_write_is_refused(tmp_path: Path) -> None:
    folder, file = store_with(tmp_path, row_of(wrap("position", encode(1))))
    file.chmod(0o666)

    with pytest.raises(NotPrivate, match=rf"{file}, but others may \(mode 0666\)"):
        folder.open(LAYOUT)


def test_only_the_reader_of_old_states_imports_pickle() -> None:
    importing = re.compile(r"^\s*(import|from) (pickle|marshal|shelve|dill|cloudpickle)\b", re.M)
    found = [
        str(path.relative_to(ROOT))
        for package in ("operators", "connectors", "flows", "api", "infra")
        for path in (ROOT / package).rglob("*.py")
        if importing.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["flows/runtime/saved_state/legacy_pickle.py"]


def test_a_run_on_a_foreign_store_ends_with_one_message_and_runs_nothing(
    broker: Broker, tmp: Path, unique: str
) -> None:
    site = site_of(tmp, redpanda={"brokers": [broker.address], "idempotence": False})
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    data = tmp / "data"
    with FlowProcess(definition, site, data):
        pass
    store = next(data.rglob("*.sqlite3"))
    put(store, "hot.graph", "9", pickle.dumps(Canary(tmp / "canary")))

    refused = run_refused(definition, site, data)
    store.parent.parent.chmod(0o775)
    unsafe = run_refused(definition, site, data)

    assert refused.returncode == 1
    assert f"{store} is not used" in refused.stderr
    assert "it names posix.mkdir" in refused.stderr
    assert "move" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp / "canary").exists()
    assert unsafe.returncode != 0
    assert f"chmod -R go-w {store.parent.parent}" in unsafe.stderr
    assert "Traceback" not in unsafe.stderr


def test_what_a_run_saves_is_for_its_own_account_alone(
    broker: Broker, tmp: Path, unique: str
) -> None:
    site = site_of(tmp, redpanda={"brokers": [broker.address], "idempotence": False})
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    (tmp / "data").mkdir()
    before = os.umask(0)
    try:
        with FlowProcess(definition, site, tmp / "data"):
            pass
    finally:
        os.umask(before)

    saved = tmp / "data" / "flows"
    found = [saved, *saved.rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in found if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}
