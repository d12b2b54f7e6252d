"""A data folder of its own for each of several processes of a flow on one machine."""

import fcntl
import itertools
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.runtime.private_files import open_private, private_folder

SHARES, PROCESSES = "shares", "processes"
"""Below a data folder: those of shares, and of further processes."""


@contextmanager
def slot_of(data: Path, flow: str) -> Iterator[tuple[Path, str]]:
    """The first folder that no other process of this flow has, and a name that no other has.

    The first is `data` itself, so that what one process knew goes on. The name stays with the
    folder.
    """
    for number in itertools.count(1):
        folder = private_folder(data)
        if number > 1:
            folder = private_folder(private_folder(data / PROCESSES) / str(number))
        with open_private(folder / f"member-{flow}", "ab+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            file.seek(0)
            name = file.read().decode("utf-8", "replace").strip()
            if not name:
                name = f"{socket.gethostname()}/{uuid.uuid4().hex[:8]}"
                file.write(f"{name}\n".encode())
                file.flush()
            yield folder, name
            return
