"""Pieces of video by camera and time, from what the flow's cameras recorded."""

from collections.abc import Callable
from pathlib import Path

from connectors.base import VideoCut

RINGS = "ring"
"""The folder beside a flow's files in which each camera source has the ring of its packets."""


def video_reader(folder: Path) -> Callable[[str, float, float, Path], VideoCut | None]:
    """A function that writes a piece of a camera's video to a file, as `ConnectorContext.video`."""

    def video(camera: str, start: float, end: float, path: Path) -> VideoCut | None:
        from connectors.camera.record.clip import cut_clip  # PyAV, which only clips need
        from connectors.camera.record.packet_ring import camera_folder

        rings = folder / RINGS
        for ring in sorted(rings.iterdir()) if rings.is_dir() else ():
            record = camera_folder(ring, camera)
            if record.is_dir():
                cut = cut_clip(record, start, end, path)
                if cut is not None:
                    return cut
        return None

    return video
