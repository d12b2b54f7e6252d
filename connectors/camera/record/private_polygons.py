"""What nobody may see of a camera, kept beside its packets for whoever cuts clips out of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from connectors.base import NoAnswer
from connectors.camera.motion import Polygon
from connectors.runtime.private_files import write_private

NAME = "private.json"


def write_polygons(folder: Path, polygons: Sequence[Polygon]) -> None:
    """Cover these polygons in all clips from now on, those of earlier packets included."""
    path = folder / NAME
    if polygons:
        write_private(path, json.dumps([list(polygon) for polygon in polygons]).encode())
    else:
        path.unlink(missing_ok=True)


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
