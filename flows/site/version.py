"""A version of a flow: a definition with the files it reads, copied to where nobody edits them."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from connectors.config.document import Document
from connectors.runtime.private_files import open_private, private_folder

SHORT = 12
"""Digits of a version's name; those of the hash of its files."""


class Version(msgspec.Struct, frozen=True):
    """One version: `folder` holds copies of its files, `file` is the definition among them.

    `hash` is over the names and bytes of all of them, `site` over the site file. `states` are the
    identities of its saved state.
    """

    flow: str
    hash: str
    site: str
    folder: str
    file: str
    states: tuple[str, ...] = ()

    @property
    def definition(self) -> Path:
        """The copy of the definition."""
        return Path(self.folder, self.file)


class Outside(ValueError):
    """A definition names a file that is not below its folder."""


def content(path: Path) -> str:
    """The hash of a file; empty where there is none that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def lay_out(definition: Path, into: Path) -> tuple[str, list[Path]]:
    """Copy a definition and all it reads into an empty folder; its hash, and the files it named.

    What is copied is what is checked and what runs, whatever happens to the files meanwhile. A file
    that is missing is left out: the check says so. Raises `Outside`.
    """
    named: list[Path] = []
    waiting = [Path(definition.name)]
    while waiting:
        where = Path(os.path.normpath(waiting.pop()))
        if where.is_absolute() or ".." in where.parts:
            raise Outside(
                f"{definition}: it reads {str(where)!r}, which is not below its folder; move that"
                " file there, for a version is kept with all its files"
            )
        if where in named:
            continue
        named.append(where)
        private_folder((into / where).parent)
        _copy(definition.parent / where, into / where)
        if where.suffix in (".yaml", ".yml"):
            waiting += [where.parent / other for other in _named(into / where)]
    return _hash(into), [definition.parent / where for where in named]


def _named(copy: Path) -> Iterator[str]:
    """The other files that a definition, or a file that it includes, reads."""
    root = Document.read(copy).root
    for path, node in root.walk() if root is not None and root.entries is not None else ():
        match path:
            case ("include", int()) | ("tables", str()) | ("tests", _, "play", _, "do", "restart"):
                if isinstance(node.value, str):
                    yield node.value


def _copy(source: Path, target: Path) -> None:
    try:
        data = source.read_bytes()
    except OSError:
        return
    with open_private(target, "wb") as file:
        file.write(data)


def _hash(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            name = str(path.relative_to(folder))
            whole.update(f"{len(name)} {name} {len(data)} ".encode())
            whole.update(data)
    return whole.hexdigest()[:SHORT]
