"""Cameras in tests: pictures that say what is on them."""

import re
from collections.abc import Mapping
from typing import Any

from operators.events import Frame, Seen

_COLUMN = re.compile(r"(?<!\$)\{(\w+)\}")
SEES = list[Seen]


def picture(camera: str, sees: list[Seen], id: str, time: float, labels: dict[str, str]) -> Frame:
    """A picture on which a detector found what the test says."""
    return Frame(id=id, time=time, subject=camera, width=1, height=1, seen=sees, labels=labels)


def camera_labels(settings: Any, row: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a camera's row that are not in its address."""
    used = {"name", *_COLUMN.findall(settings.url)}
    return {
        column: str(value)
        for column, value in row.items()
        if column not in used and value not in (None, "")
    }
