"""The file of a backup: what it holds, written as one consistent point, and unpacked as a whole.

A SQLite database is copied by its own backup, which gives one instant of it while a flow or the api
writes: a shard's state and positions lie in one database, so they always fit each other. The
accounts come first and the tables in topics last: what the api tells topics is in one or the other.
"""

import hashlib
import io
import json
import re
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from connectors.base import ConnectorError
from connectors.config.document import Document
from connectors.config.redaction import hidden
from connectors.config.site import read_site
from connectors.runtime import private_files
from connectors.runtime.private_files import FILE, FOLDER, open_private, private_folder
from flows.runtime.saved_state import instant

FORMAT = 1
MANIFEST, DATA, SITE, TABLES = "backup.json", "data", "site", "topics.json"
ACCOUNTS = "accounts.dump"
"""Those of a PostgreSQL; others are among the data."""
DEFINITIONS = {".yaml", ".yml", ".lock", ".csv", ".onnx"}
SHORTEST = 6
"""Characters of a secret from which on no text holds it by chance."""
Tell = Callable[[float, str], None]


class BackupError(ConnectorError):
    """A backup cannot be made or used; the message says why, with the remedy."""


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself."""

    format: int
    made: float
    vigie: str
    site: str
    files: dict[str, str]
    """SHA-256 by name."""


def write(
    path: Path,
    data: Path,
    site: Path,
    accounts: Callable[[], bytes | None],
    tables: Callable[[], object],
    vigie: str,
    tell: Tell,
) -> Contents:
    """Write a backup beside `path` and give it its name when it is whole.

    `accounts` gives those of a PostgreSQL, and is called first; `tables` reads what lies in topics,
    and is called last.
    """
    document, place = read_site(site)
    if place is None:
        raise BackupError(document.report())
    if not data.is_dir():
        raise BackupError(f"there is no data folder {data}; name it with --data")
    fresh = path.with_name(f"{path.name}.new")
    sums: dict[str, str] = {}
    fresh.unlink(missing_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            open_private(fresh, "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as tar,
        ):
            if (saved := accounts()) is not None:
                _add(tar, ACCOUNTS, saved, sums)
            parts = _data_files(data)
            for number, part in enumerate(parts):
                tell(number / len(parts), str(part))
                content = _instant(data / part, Path(folder) / "copy")
                if content is not None:
                    _add(tar, f"{DATA}/{part}", content, sums)
            for name, text in _site_files(site, document):
                _add(tar, f"{SITE}/{name}", text, sums)
            _add(tar, TABLES, json.dumps(tables()).encode(), sums)
            contents = Contents(FORMAT, time.time(), vigie, place.site, sums)
            _add(tar, MANIFEST, json.dumps(asdict(contents), indent=1).encode(), {})
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return contents


def _data_files(data: Path) -> list[Path]:
    """Files below the data folder, the accounts first."""
    return sorted(instant.files(data), key=lambda part: part.parts[0] != "api")


def _instant(path: Path, copy: Path) -> bytes | None:
    """A file as it is at one instant; None if it went meanwhile, as superseded states do."""
    try:
        return instant.content(path, copy)
    except sqlite3.OperationalError as error:
        raise BackupError(f"{path} cannot be copied: {error}") from error


def _site_files(site: Path, document: Document) -> Iterator[tuple[str, bytes]]:
    """The site file without secrets, and the definitions beside it with their own files."""
    yield "site.yaml", _without_secrets(site, document).encode()
    for path in sorted(site.parent.rglob("*")):
        if path.suffix in DEFINITIONS and path.is_file() and path.resolve() != site.resolve():
            yield str(path.relative_to(site.parent)), path.read_bytes()


def _without_secrets(site: Path, document: Document) -> str:
    """The site file with a variable in the place of each secret that is written in clear."""
    lines = site.read_text(encoding="utf-8").splitlines(keepends=True)
    secrets = [secret for secret in document.text.secrets if secret]
    for path, node in document.root.walk() if document.root else ():
        if not isinstance(node.value, str) or not any(one in node.value for one in secrets):
            continue
        word = re.sub(r"\W", "_", "_".join(str(part) for part in path[1:])).upper()
        variable = hidden(node.value, dict.fromkeys(secrets, f"${{{word}}}"))
        line, column = node.place.line, node.place.column
        before, rest = lines[line][:column], lines[line][column:]
        for form in (json.dumps(node.value), f"'{node.value}'", node.value):
            if rest.startswith(form):
                lines[line] = before + json.dumps(variable) + rest.removeprefix(form)
                break
    left = {one: "***" for one in secrets if len(one) >= SHORTEST}
    return hidden("".join(lines), left)


def _add(tar: tarfile.TarFile, name: str, content: bytes, sums: dict[str, str]) -> None:
    sums[name] = hashlib.sha256(content).hexdigest()
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), FILE, int(time.time())
    tar.addfile(info, io.BytesIO(content))


def unpack(path: Path, folder: Path) -> Contents:
    """Unpack a backup into an empty folder, and check every file in it."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            private_files.unpack(tar, folder)
        written = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        contents = Contents(**written)
    except (OSError, tarfile.TarError, EOFError, ValueError, TypeError, KeyError) as error:
        raise BackupError(
            f"{path} is no backup of Vigie, or is damaged ({error}); take another copy of it"
        ) from error
    if contents.format > FORMAT:
        raise BackupError(
            f"{path} has format {contents.format}, this Vigie reads {FORMAT}: it was made by"
            f" {contents.vigie}; install that or a later one"
        )
    for name, wanted in contents.files.items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            raise BackupError(f"{path} is damaged: {name} is not what was saved; take another copy")
    return contents


def put_data(unpacked: Path, data: Path) -> None:
    """Put the data where none are; raises `BackupError` if there are some."""
    if data.exists() and any(data.iterdir()):
        raise BackupError(
            f"{data} is not empty: restore into another folder (--data), or move it away first"
        )
    source = unpacked / DATA
    private_folder(data)
    if source.is_dir():
        shutil.copytree(source, data, dirs_exist_ok=True)
    for path in data.rglob("*"):
        path.chmod(FOLDER if path.is_dir() else FILE)


def put_site(unpacked: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Put the definitions and the site file where none are: (written, left as they were)."""
    written, kept = [], []
    source = unpacked / SITE
    for path in sorted(source.rglob("*")):
        if not path.is_file():
            continue
        name = str(path.relative_to(source))
        target = folder / name
        if target.exists():
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        written.append(name)
    return written, kept
