"""Reading the ring of packets of a camera: which of its files hold a stretch of time."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

_NAME = re.compile(r"(\d{1,16})\.ts")


class Segment(NamedTuple):
    """A file of the ring; `start` is the time of its first packet, a key frame (epoch seconds)."""

    start: float
    path: Path


def camera_folder(ring: Path, camera: str) -> Path | None:
    """The folder of a camera in a ring; None for a name that no folder can have."""
    if camera in ("", ".", ".."):
        return None
    return ring / quote(camera, safe="").replace("~", "%7E")


def segments(folder: Path, start: float, end: float) -> list[Segment]:
    """The files that hold packets from `start` to `end`, in order of time.

    The first is the last one that begins before `start`, if it is there. Files that are deleted
    meanwhile are for the reader to notice.
    """
    try:
        names = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = sorted(Segment(int(path.stem) / 1000, path) for path in names)
    earlier = [one for one in found if one.start <= start]
    return earlier[-1:] + [one for one in found if start < one.start <= end]
