"""Another version of a definition: a file, or what it was at a git revision."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.runtime.private_files import unpack

BESIDE = ("*.yaml", "*.yml", "*.csv", "*.lock")
"""What a definition may read from beside it."""


class NoRevision(ValueError):
    """Neither a file nor a revision; the message says what git said."""


@contextmanager
def other_version(definition: Path, other: str) -> Iterator[tuple[Path, str]]:
    """The file of another version, and its name for people; raises `NoRevision`.

    The definitions and tables of a revision's folder are laid out in a temporary folder.
    """
    if Path(other).is_file():
        yield Path(other), other
        return
    if Path(other).suffix in (".yaml", ".yml"):
        raise NoRevision(f"there is no file {other!r} to compare with")
    folder = definition.resolve().parent
    commit = (
        _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{other}^{{commit}}")
        .decode()
        .split()
    )
    if not commit:
        raise NoRevision(f"{other!r} is neither a file nor a git revision of {folder}")
    packed = _git(folder, "archive", "--format=tar", commit[-1], "--", *_there(folder, commit[-1]))
    with TemporaryDirectory(prefix="vigie-replay-") as place:
        try:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                unpack(archive, Path(place))
        except tarfile.TarError as error:
            raise NoRevision(f"{other} cannot be laid out: {error}") from None
        found = Path(place) / definition.name
        if not found.is_file():
            raise NoRevision(f"there is no {definition.name} in {folder} at {other}")
        yield found, f"{other}:{definition.name}"


def _there(folder: Path, revision: str) -> list[str]:
    """The files a definition may read that a revision has in this folder and below."""
    names = (
        _git(folder, "ls-tree", "-r", "-z", "--name-only", revision)
        .decode("utf-8", "surrogateescape")
        .split("\0")
    )
    return [
        f":(literal){name}"
        for name in names
        if name and any(Path(name).match(pattern) for pattern in BESIDE)
    ] or ["."]


def _git(folder: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except FileNotFoundError:
        raise NoRevision("git is not installed; name a file to compare with") from None
    if done.returncode and words[0] != "rev-parse":
        raise NoRevision(f"git {words[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    if done.returncode and done.stderr:
        raise NoRevision(done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: "))
    return done.stdout
