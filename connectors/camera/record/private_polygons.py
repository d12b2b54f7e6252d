"""What nobody may see of a camera, kept beside its packets for whoever cuts clips out of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from connectors.base import NoAnswer
from connectors.camera.motion import Polygon
from connectors.runtime.private_files import open_private, write_private

NAME = "private.json"


def write_polygons(folder: Path, polygons: Sequence[Polygon]) -> None:
    """Cover these polygons in all clips from now on, those of earlier packets included.

    Raises `OSError` where they cannot be written; until they are, there are no clips.
    """
    path = folder / NAME
    if not polygons:
        path.unlink(missing_ok=True)
        return
    try:
        write_private(path, json.dumps([list(polygon) for polygon in polygons]).encode())
    except OSError:
        open_private(path, "wb").close()  # the earlier ones would show what is private by now
        raise


def read_polygons(folder: Path) -> list[Polygon]:
    """The polygons to cover. Raises `NoAnswer` where they cannot be read: unknown is not public."""
    path = folder / NAME
    try:
        found = json.loads(path.read_bytes())
        return [[(float(x), float(y)) for x, y in polygon] for polygon in found]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise NoAnswer(f"expected the private polygons of a camera in {path}: {error}") from error
