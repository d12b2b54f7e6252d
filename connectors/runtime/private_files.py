"""Folders and files that hold a site's data, for the account that runs Vigie alone.

Whatever the umask, others may neither read nor write what is made here.
"""

import os
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

from connectors.base import ConnectorError

FOLDER, FILE = 0o700, 0o600
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


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


def open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file in binary `mode`; if it is new, it gets mode 0600."""
    return open(path, mode, opener=_create)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file as a whole, with mode 0600; it is durable on return."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open_private(fresh, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)


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
