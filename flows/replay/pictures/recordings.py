"""Which recordings a folder or a file holds: of which camera each is, and when it begins."""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from connectors.base import ConnectorError
from connectors.config.suggestion import near

SUFFIXES = (".mp4", ".m4v", ".mkv", ".mov", ".avi", ".ts", ".webm", ".mjpeg")
LINES = (".jsonl", ".ndjson", ".json", ".gz")
"""Files that hold events, not pictures."""
LONGEST_BEFORE = 3600.0
"""Seconds by which a clip may begin before the event that it is called after."""
_KEY = re.compile(r"evt_(\d{8}_\d{6})_(.+)")
_NUMBER = re.compile(r"_\d+$")


class Recording(NamedTuple):
    """A file of one camera; `called` is the time in its name, in epoch seconds."""

    camera: str
    path: Path
    called: float | None = None


def holds_pictures(where: Path) -> bool:
    """Whether a place of a camera source is to be looked at; else it holds events, one a line."""
    return where.is_dir() or (where.is_file() and where.suffix.lower() not in LINES)


def recordings(where: Path, cameras: Collection[str]) -> list[Recording]:
    """The recordings, in the order of their names; without known `cameras` any name is one.

    `where` is a file, or a folder of CAMERA.mp4, CAMERA/*.mp4 and evt_…_CAMERA.mp4. Raises
    `ConnectorError`.
    """
    if where.is_file():
        found = [_of_file(where, cameras)]
    else:
        found = list(_of_folder(where, cameras))
        if not found:
            raise ConnectorError(
                f"{where} holds no recordings: expected CAMERA.mp4, or CAMERA/ with clips, or clips"
                " called evt_YYYYMMDD_HHMMSS_CAMERA.mp4"
            )
    return found


def begins(recording: Recording, made: float | None) -> float | None:
    """When a recording begins; `made` is what the file itself says, in epoch seconds.

    A clip is called after its event and begins before it, so the file knows better, if it can be
    right.
    """
    called = recording.called
    if called is None:
        return made
    return made if made is not None and called - LONGEST_BEFORE <= made <= called else called


def _of_file(path: Path, cameras: Collection[str]) -> Recording:
    camera, called = _named(path.stem, cameras)
    if cameras and camera not in cameras:
        if len(cameras) > 1 or called is not None:
            raise _no_camera(path, camera, cameras)
        camera = next(iter(cameras))
    return Recording(camera, path, called)


def _of_folder(folder: Path, cameras: Collection[str]) -> Iterator[Recording]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            clips = [one for one in sorted(path.iterdir()) if one.suffix.lower() in SUFFIXES]
            if clips and cameras and path.name not in cameras:
                raise _no_camera(path, path.name, cameras)
            for clip in clips:
                yield Recording(path.name, clip, _named(clip.stem, [path.name])[1])
        elif path.suffix.lower() in SUFFIXES:
            camera, called = _named(path.stem, cameras)
            if cameras and camera not in cameras:
                raise _no_camera(path, camera, cameras)
            yield Recording(camera, path, called)


def _named(stem: str, cameras: Collection[str]) -> tuple[str, float | None]:
    """The camera and the time in a name; a second clip of one key ends in `_2`."""
    key = _KEY.fullmatch(stem)
    if key is None:
        return stem, None
    try:
        called = datetime.strptime(key[1], "%Y%m%d_%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return stem, None
    shorter = _NUMBER.sub("", key[2])
    return (shorter if key[2] not in cameras and shorter in cameras else key[2]), called


def _no_camera(path: Path, camera: str, cameras: Collection[str]) -> ConnectorError:
    hint = near(camera, list(cameras)) or f"cameras: {', '.join(list(cameras)[:20])}"
    return ConnectorError(f"{path}: there is no camera {camera!r} ({hint})")
