"""Folders and files that hold a site's data, for the account that runs Vigie alone.

Whatever the umask, others may neither read nor write what is made here.
"""

import os
import shutil
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from connectors.base import ConnectorError

FOLDER, FILE = 0o700, 0o600
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
RESERVE, SHARE = 256 << 20, 0.05
"""Bytes, or that share of a small disk, which are left to a flow's saved state by what it can do
without.
"""


class NotPrivate(ConnectorError):
    """Others may write a file or folder that only Vigie may write; the message has the remedy."""


def private_folder(path: Path) -> Path:
    """Make a folder and its missing parents with mode 0700, and return it.

    Raises `NotPrivate` if it is there and its group or everybody may write it.
    """
    if not path.exists():
        if not path.parent.exists():
            private_folder(path.parent)
        try:
            path.mkdir(FOLDER)
        except FileExistsError:
            return private_folder(path)
        path.chmod(FOLDER)
    check_private(path)
    return path


def check_private(path: Path) -> None:
    """Raise `NotPrivate` if the group of a file or folder, or everybody, may write it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS_MAY_WRITE:
        raise NotPrivate(
            f"expected that only its owner may write {path}, but others may (mode {mode:04o}) and"
            " could replace what Vigie saved there. Check what is in it, then take their rights"
            f" away: chmod -R go-w {path}"
        )


def open_private(path: Path, mode: str, buffering: int = -1) -> IO[bytes]:
    """Open a file in binary `mode`; if it is new, it gets mode 0600."""
    return open(path, mode, buffering, opener=_create)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file as a whole, with mode 0600; it is durable on return.

    Raises `OSError` where there is no room for both; the file then is as it was.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with open_private(fresh, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)  # a part of it would take what room is left
        raise
    sync(path.parent)


class Room(NamedTuple):
    """Bytes that are free on a disk, and how many of them are the rest of the flow's."""

    free: int
    reserve: int

    @property
    def spare(self) -> int:
        """Bytes that may be taken; less than none where others lack some."""
        return self.free - self.reserve


def room(folder: Path) -> Room:
    """The room on the disk of a folder. Raises `OSError`."""
    disk = shutil.disk_usage(folder)
    return Room(disk.free, min(RESERVE, round(disk.total * SHARE)))


def sync(path: Path) -> None:
    """Make durable what a file holds, or which files a folder holds."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _create(path: str, flags: int) -> int:
    is_new = not os.path.exists(path)
    handle = os.open(path, flags, FILE)
    if is_new and flags & os.O_CREAT:
        os.fchmod(handle, FILE)
    return handle


def unpack(archive: tarfile.TarFile, into: Path) -> None:
    """Unpack files and folders below a folder; raises `tarfile.TarError` for anything else.

    Python can do so by itself from 3.11.4 on.
    """
    if hasattr(tarfile, "data_filter"):
        archive.extractall(into, filter="data")
        return
    members = archive.getmembers()
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"expected files below one folder, got {member.name!r}")
        member.mode = 0o700 if member.isdir() else 0o600
        member.uid = member.gid = -1
        member.uname = member.gname = ""
    archive.extractall(into, members)  # noqa: S202 - each was looked at
