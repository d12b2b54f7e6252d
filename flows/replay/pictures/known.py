"""What was found on recordings, kept in a folder, so that a recording costs the model once."""

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from connectors.base import ConnectorError
from connectors.detector.worker_messages import Box
from connectors.runtime.private_files import private_folder, write_private
from flows.replay.pictures.look import Look, View

VERSION = 1
"""Of what is kept, and of the way pictures are looked at."""
MOST_BYTES = 512 << 20
SUFFIX = ".pictures"
BLOCK = 1 << 20


class SeenPicture(Struct, frozen=True, array_like=True):
    """A picture that a camera would have told of, `at` seconds after its recording begins.

    `boxes` is what the model found; None if it did not look. `moving` says whether it passed the
    gate.
    """

    at: float
    width: int
    height: int
    moving: bool
    boxes: list[Box] | None


_decode = msgspec.msgpack.Decoder(list[SeenPicture]).decode


class Known:
    """The folder. It holds numbers and names of classes, no pictures; at most half a gigabyte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checksums: dict[Path, str] = {}

    def key(self, recording: Path, look: Look, view: View) -> str:
        """What the pictures of a recording depend on, as a checksum. Raises `ConnectorError`."""
        model = "" if look.model is None else self._model(look.model)
        masks = view.masks if look.gate else ()
        parts = [VERSION, self._of(recording), model, look.classes, look.gate, view.fps, masks]
        parts += [look.by_motion] if look.by_motion else []
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    def get(self, key: str) -> list[SeenPicture] | None:
        """What is known; None if nothing is, or it was damaged."""
        path = self._path(key)
        try:
            pictures = _decode(zlib.decompress(path.read_bytes()))
        except (OSError, zlib.error, msgspec.DecodeError):
            return None
        with suppress(OSError):
            path.touch()
        return pictures

    def put(self, key: str, pictures: list[SeenPicture]) -> None:
        """Keep it; the longest unused go. Raises `ConnectorError`."""
        try:
            private_folder(self._folder)
            write_private(self._path(key), zlib.compress(msgspec.msgpack.encode(pictures)))
            self._prune()
        except OSError as error:
            raise ConnectorError(
                f"{self._folder} cannot be written: {error.strerror}; name another folder with"
                " --cache"
            ) from error

    def _prune(self) -> None:
        kept = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)
        size = sum(path.stat().st_size for path in kept)
        for path in kept[:-1]:
            if size <= MOST_BYTES:
                return
            size -= path.stat().st_size
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _model(self, model: str) -> str:
        path = Path(model)
        if not path.is_file():
            return model  # the address of a fake
        weights = path.with_suffix(".bin")
        files = [path, weights] if path.suffix == ".xml" and weights.is_file() else [path]
        return " ".join(map(self._of, files))

    def _of(self, path: Path) -> str:
        if path not in self._checksums:
            try:
                self._checksums[path] = _checksum(path)
            except OSError as error:
                raise ConnectorError(f"{path} cannot be read: {error.strerror}") from error
        return self._checksums[path]


def _checksum(path: Path) -> str:
    found = hashlib.sha256()
    for block in _blocks(path):
        found.update(block)
    return found.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
