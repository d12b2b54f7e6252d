"""Finding a model by what a definition calls it: a name, a file, or an object with its checksum."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from connectors.detector.backends import FAKE, OF_SUFFIX
from connectors.detector.model import ModelError
from connectors.runtime.private_files import private_folder, write_private

FOLDER = "models"
VARIABLE = "VIGIE_MODELS"
"""Environment variable: a folder of models that all definitions of a machine share."""
SHIPPED = Path(__file__).with_name(FOLDER)
CHECKSUM = re.compile(r"sha256=([0-9a-f]{64})")

Fetch = Callable[[str, str], bytes]
"""`fetch(bucket, key)`: the bytes of an object; raises `ConnectorError`."""


@dataclass(frozen=True)
class Places:
    """Where models are looked for, in this order.

    `mapped` is `models` of the site file, whose paths start at `site`. `definition` is the folder
    of the definition. `cache` keeps what `fetch` brought.
    """

    definition: Path = Path()
    site: Path | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)
    cache: Path | None = None
    fetch: Fetch | None = None

    def folders(self) -> list[Path]:
        """The folders with models by name."""
        shared = os.environ.get(VARIABLE)
        beside = [self.definition, *([self.site] if self.site is not None else [])]
        folders = [folder / FOLDER for folder in beside]
        return list(dict.fromkeys([*folders, *([Path(shared)] if shared else []), SHIPPED]))


def find_model(name: str, places: Places) -> str:
    """The file of a model, or the address of a fake. Raises `ModelError`, which says what to do."""
    mapped = places.mapped.get(name)
    if mapped is not None:
        return _written(mapped, places, places.site or places.definition, f"models.{name}")
    if is_address(name) or Path(name).suffix.lower() in OF_SUFFIX or "/" in name:
        return _written(name, places, places.definition, "model")
    tried = [folder / f"{name}{suffix}" for folder in places.folders() for suffix in OF_SUFFIX]
    found = next((path for path in tried if path.is_file()), None)
    if found is not None:
        return str(found.resolve())
    looked = ", ".join(str(folder) for folder in places.folders())
    raise ModelError(
        f"there is no model {name!r}. Put {name}.onnx into one of {looked}; or say in the site file"
        f" which one it is (models: {{{name}: PATH}}); or name another. Here are:"
        f" {', '.join(sorted(known_models(places)))}. `vigie model get coco` makes one that knows"
        " people and cars, and `vigie model export FILE.pt` turns one of ultralytics into ONNX"
    )


def known_models(places: Places) -> dict[str, Path]:
    """The models by name, each where it is found first."""
    return dict(reversed(list(_all(places))))


def is_address(name: str) -> bool:
    """Whether a model is named by an address, not by a name or a file."""
    return name.startswith((f"{FAKE}:", "s3://"))


def _all(places: Places) -> Iterator[tuple[str, Path]]:
    base = places.site or places.definition
    for name, written in places.mapped.items():
        if not is_address(written):
            yield name, base / written
    for folder in places.folders():
        for path in sorted(folder.glob("*")):
            if path.suffix.lower() in OF_SUFFIX:
                yield path.stem, path


def _written(written: str, places: Places, base: Path, where: str) -> str:
    if written.startswith(f"{FAKE}:"):
        return written
    if written.startswith("s3://"):
        return str(cached(written, places))
    path = (base / written).expanduser()
    if not path.is_file():
        raise ModelError(f"{where}: there is no file {path}; `vigie model list` shows what is here")
    return str(path.resolve())


def cached(address: str, places: Places) -> Path:
    """An object with its checksum, `s3://BUCKET/KEY#sha256=…`, fetched once. Raises `ModelError`.

    What is in the cache under that checksum is checked again, since it may have been cut short.
    """
    bucket, key, wanted = parse_object(address)
    if places.cache is None:
        raise ModelError(f"{address}: no folder is known to keep it in")
    kept = places.cache / f"{wanted}{Path(key).suffix.lower()}"
    if kept.is_file() and _checksum(kept.read_bytes()) == wanted:
        return kept
    if places.fetch is None:
        raise ModelError(f"{address}: no object store is known here; add the connection minio")
    data = places.fetch(bucket, key)
    if (got := _checksum(data)) != wanted:
        raise ModelError(
            f"{address}: the object has another checksum, sha256={got}; it is not used. If it is"
            " the model you mean, write that one"
        )
    private_folder(places.cache)
    write_private(kept, data)
    return kept


def parse_object(address: str) -> tuple[str, str, str]:
    """Bucket, key and SHA-256 of an address. Raises `ModelError`."""
    parts = urlsplit(address)
    key = parts.path.lstrip("/")
    checksum = CHECKSUM.fullmatch(parts.fragment)
    if not parts.netloc or not key or checksum is None:
        raise ModelError(
            f"expected a model as s3://BUCKET/KEY#sha256=<64 hexadecimal digits>, got {address}"
            " (sha256sum FILE prints it)"
        )
    if Path(key).suffix.lower() not in OF_SUFFIX:
        raise ModelError(f"{address}: expected a key that ends in {', '.join(OF_SUFFIX)}")
    return parts.netloc, key, checksum[1]


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
