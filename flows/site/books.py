"""What the supervisor keeps on disk: which versions run, and who brought each and when."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from connectors.runtime.private_files import open_private, write_private
from flows.site.version import Version

How = Literal["saved", "deployed", "rolled back"]


class Entry(msgspec.Struct, frozen=True):
    """One line of a flow's history: a version that came to run, when (epoch seconds), and how."""

    version: str
    file: str
    when: float
    who: str
    how: How = "saved"


class Books:
    """The versions that ran last, by file, and the history of each flow.

    What cannot be written, because the disk is full, is said and left out: nothing ends by that.
    """

    def __init__(self, data: Path, say: Callable[[str], None] = lambda text: None) -> None:
        self._say = say
        self._accepted_file = data / "up" / "accepted.json"
        self._versions = data / "versions"
        self.accepted = self._read()

    def accept(self, files: list[str], version: Version, who: str, how: How) -> None:
        """Note that a version runs."""
        for file in files:
            self.accepted[file] = version
        self._write()
        history = self.history(version.flow)
        if not history or history[-1].version != version.hash:
            entry = Entry(version.hash, version.file, time.time(), who, how)
            lines_file = self._versions / version.flow / "history.jsonl"
            with self._noting(lines_file), open_private(lines_file, "ab") as lines:
                lines.write(msgspec.json.encode(entry) + b"\n")

    def forget(self, file: str) -> None:
        """A file that is gone has no version any more; the flow's history stays."""
        if self.accepted.pop(file, None) is not None:
            self._write()

    def running(self, flow: str) -> Version | None:
        """The version of a flow that ran last."""
        return next((one for one in self.accepted.values() if one.flow == flow), None)

    def last(self, flow: str) -> Version | None:
        """The version that ran last, also of a flow whose file is gone."""
        history = self.history(flow)
        if not history:
            return self.running(flow)
        entry = history[-1]
        return Version(flow, entry.version, "", str(self.folder(flow, entry.version)), entry.file)

    def history(self, flow: str) -> list[Entry]:
        """The history of a flow, oldest first."""
        try:
            lines = (self._versions / flow / "history.jsonl").read_bytes().splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Entry))
            except msgspec.MsgspecError:
                continue  # cut short by a crash
        return found

    def folder(self, flow: str, version: str) -> Path:
        """Where the files of a version are."""
        return self._versions / flow / version

    def _read(self) -> dict[str, Version]:
        try:
            return msgspec.json.decode(self._accepted_file.read_bytes(), type=dict[str, Version])
        except (OSError, msgspec.MsgspecError):
            return {}

    def _write(self) -> None:
        with self._noting(self._accepted_file):
            write_private(self._accepted_file, msgspec.json.encode(self.accepted))

    @contextmanager
    def _noting(self, file: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._say(f"what runs cannot be noted in {file} ({error.strerror}); make room")
