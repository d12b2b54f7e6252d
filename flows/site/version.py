"""A version of a flow: a definition with the files it reads, copied to where nobody edits them."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
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

    def files(self) -> dict[str, bytes]:
        """All its files by name."""
        return files_in(Path(self.folder))


class Unusable(ValueError):
    """A file of a version cannot be copied: it is not below its folder, or cannot be read."""


def files_in(folder: Path) -> dict[str, bytes]:
    """The files of a version's folder, by their names from there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def content(path: Path) -> str:
    """The hash of a file; empty where there is none that can be read."""
    try:
        if not path.is_file():
            return ""  # a pipe has no end
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


Given = Mapping[str, bytes]
"""What files hold that are not there yet, by their names from the folder of the definition."""


def lay_out(definition: Path, into: Path, given: Given) -> tuple[str, list[Path]]:
    """Copy a definition and all it reads into an empty folder; its hash, and the files it named.

    What is copied is what is checked and what runs, whatever happens to the files meanwhile. A file
    that is missing is left out: the check says so. Raises `Unusable`.
    """
    named = list(_walk(definition, lambda where: _copy(definition.parent, where, into, given)))
    return _hash(into), [definition.parent / where for where in named]


def named_files(definition: Path) -> dict[str, Path]:
    """The files that a definition reads and that are there, by name; raises `Unusable`."""
    folder = definition.parent
    there = _walk(definition, lambda where: folder / where)
    return {str(one): folder / one for one in list(there)[1:] if (folder / one).is_file()}


def _walk(definition: Path, place: Callable[[Path], Path]) -> Iterator[Path]:
    """The files that a definition reads, itself first; `place` says where one is to be read."""
    known: set[Path] = set()
    waiting = [Path(definition.name)]
    while waiting:
        where = Path(os.path.normpath(waiting.pop(0)))
        if where.is_absolute() or ".." in where.parts:
            raise Unusable(
                f"{definition}: it reads {str(where)!r}, which is not below its folder; move that"
                " file there, for a version is kept with all its files"
            )
        if where in known:
            continue
        known.add(where)
        yield where
        file = place(where)
        if where.suffix in (".yaml", ".yml"):
            waiting += [where.parent / other for other in _named(file)]


def _named(copy: Path) -> Iterator[str]:
    """The other files that a definition, or a file that it includes, reads."""
    root = Document.read(copy).root
    for path, node in root.walk() if root is not None and root.entries is not None else ():
        match path:
            case ("include", int()) | ("tables", str()) | ("tests", _, "play", _, "do", "restart"):
                if isinstance(node.value, str):
                    yield node.value


def _copy(folder: Path, where: Path, into: Path, given: Given) -> Path:
    target = into / where
    private_folder(target.parent)
    data, source = given.get(str(where)), folder / where
    try:
        if data is None and not source.is_file():
            if source.exists() or source.is_symlink():
                raise Unusable(f"{source}: expected a file, got {_kind(source)}")
            return target
        data = source.read_bytes() if data is None else data
    except OSError as error:
        raise Unusable(f"{source}: it cannot be read: {error.strerror}") from None
    with open_private(target, "wb") as file:
        file.write(data)
    return target


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    return "a link that leads nowhere" if not path.exists() else "a pipe, a socket or a device"


def _hash(folder: Path) -> str:
    whole = hashlib.sha256()
    for name, data in files_in(folder).items():
        whole.update(f"{len(name)} {name} {len(data)} ".encode())
        whole.update(data)
    return whole.hexdigest()[:SHORT]
