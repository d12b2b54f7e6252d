"""Cameras in tests: pictures that say what is on them, and stand-ins for steps that look."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from operators.component import Logic, MapLogic, StepContext
from operators.events import Detection, Event, Frame
from operators.model.condition import Column
from operators.model.tables import rows_by_key

_COLUMN = re.compile(r"(?<!\$)\{(\w+)\}")
_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """One object on a picture: `box` is left, top, width and height as fractions of the picture."""

    class_: str = msgspec.field(name="class")
    box: tuple[_Fraction, _Fraction, _Fraction, _Fraction] = (0.4, 0.4, 0.2, 0.2)
    score: _Fraction = 1.0


SEES = list[Seen]


def picture(camera: str, sees: list[Seen], id: str, time: float, labels: dict[str, str]) -> Frame:
    """A picture whose bytes are the answer of the model."""
    return Frame(
        id=id,
        time=time,
        subject=camera,
        width=1,
        height=1,
        jpeg=msgspec.json.encode(sees),
        labels=labels,
    )


def camera_labels(settings: Any, row: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a camera's row that are not in its address."""
    used = {"name", *_COLUMN.findall(settings.url)}
    return {
        column: str(value)
        for column, value in row.items()
        if column not in used and value not in (None, "")
    }


def look(settings: Any, context: StepContext) -> Logic:
    """Stand-in for `detect`: what the test says is there, of the wanted classes and confidence."""
    rows = [rows_by_key(rows, "name") for rows in context.tables.values() if rows]

    def least(frame: Frame) -> float:
        wanted = settings.confidence
        if not isinstance(wanted, Column):
            return float(wanted)
        cells = [frame.labels, *(row[frame.subject] for row in rows if frame.subject in row)]
        found = next(
            (cell[wanted.column] for cell in cells if wanted.column in cell), wanted.default
        )
        return float(found or 0.0)

    def detect(events: list[Event], now: object) -> list[Event]:
        out: list[Event] = []
        for frame in events:
            if not isinstance(frame, Frame):
                continue
            for number, seen in enumerate(msgspec.json.decode(frame.jpeg, type=SEES)):
                if seen.class_ in settings.classes and seen.score >= least(frame):
                    out.append(
                        Detection(
                            id=f"{frame.id}/{number}",
                            time=frame.time,
                            subject=frame.subject,
                            class_=seen.class_,
                            score=seen.score,
                            box=seen.box,
                            frame=frame.id,
                            labels=frame.labels,
                        )
                    )
        return out

    return MapLogic(detect)


def pass_all(settings: Any, context: StepContext) -> Logic:
    """In place of `motion_gate`: what a test shows moves."""
    return MapLogic(lambda events, now: events)


STAND_INS = {"motion_gate": pass_all, "detect": look}
"""Steps that look at pictures, by their kind."""
