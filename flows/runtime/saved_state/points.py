"""The saved state of a flow as one object: written while it runs, and put where there is none.

A point is the flow's folder: its recovery store as of one instant, in which states and positions
fit each other, and then what its sinks keep: that holds all of which the positions are past.
"""

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from connectors.runtime import private_files
from connectors.runtime.private_files import FILE, FOLDER, private_folder
from flows.runtime.saved_state import instant
from flows.runtime.saved_state.stores import PREFIX, stores
from flows.runtime.shards import Share, StateError

OWNER = "owner.json"
"""Which process of which machine has the folder; no part of a point."""
OUTBOX = "outbox"
"""Folder of what sinks with an outbox have written: a folder a sink, a file a partition."""


def make(folder: Path) -> bytes:
    """The point of a flow's folder at this instant; raises `sqlite3.Error` or `OSError`."""
    whole = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as scratch,
        tarfile.open(fileobj=whole, mode="w:gz", compresslevel=1) as tar,
    ):
        parts = [part for part in instant.files(folder) if part.name != OWNER]
        parts.sort(key=lambda part: not part.parts[0].startswith(PREFIX))
        for part in parts:
            content = instant.content(folder / part, Path(scratch, "copy"))
            if content is not None:
                info = tarfile.TarInfo(str(part))
                info.size, info.mode = len(content), FILE
                tar.addfile(info, io.BytesIO(content))
    data = whole.getvalue()
    return hashlib.sha256(data).digest() + data


def put(found: Iterable[tuple[Share, bytes]], folder: Path) -> None:
    """Put points in the place of a flow's folder, whole or not at all; raises `StateError`.

    Each counts for the shards and partitions of its share, and of several the last one. What the
    folder had stays beside it until then, and the name of its owner with it.
    """
    fresh = folder.parents[1] / f"recovering-{folder.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    private_folder(fresh)
    number = 0
    for share, point in found:
        with tempfile.TemporaryDirectory(dir=folder.parents[1]) as place:
            part = Path(place)
            _unpack(point, part)
            for store in reversed(stores(part)):
                store.leave_out(share)
                number += 1
                store.path.rename(fresh / f"{PREFIX}{number}")
            for position in part.glob(f"{OUTBOX}/*/*"):
                if not share.has(int(position.name)):
                    position.unlink()
            shutil.copytree(part, fresh, dirs_exist_ok=True)
    for path in fresh.rglob("*"):
        path.chmod(FOLDER if path.is_dir() else FILE)
    if (folder / OWNER).exists():
        shutil.copyfile(folder / OWNER, fresh / OWNER)
        (fresh / OWNER).chmod(FILE)
    old = folder.parents[1] / f"superseded-{folder.name}"
    shutil.rmtree(old, ignore_errors=True)
    private_folder(folder.parent)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _unpack(point: bytes, into: Path) -> None:
    digest, data = point[:32], point[32:]
    if hashlib.sha256(data).digest() != digest:
        raise StateError("the copy of the saved state in the object store is damaged")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        private_files.unpack(tar, into)
