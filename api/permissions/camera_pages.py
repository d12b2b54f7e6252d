"""To which page a camera belongs, and which cameras an account does not know of.

The row that people made decides. A camera that only definitions know belongs to the page that the
labels of what it saw last named.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.models import Camera, SeenCamera

MOST_SEEN = 10_000


class Sighting(NamedTuple):
    """A page that an event of a camera named, and the time of the event (epoch seconds)."""

    page: str
    time: float


def camera_pages(session: Session) -> dict[str, str]:
    """The page of each camera that is on one, by the camera's name."""
    pages = {row.name: row.page for row in session.scalars(select(SeenCamera))}
    for name, page in session.execute(select(Camera.name, Camera.page)):
        pages.pop(name, None)
        if page:
            pages[name] = page
    return pages


def hidden_cameras(session: Session, pages: frozenset[str]) -> frozenset[str]:
    """The cameras that belong to other pages than these."""
    return frozenset(name for name, page in camera_pages(session).items() if page not in pages)


def note_seen(session: Session, seen: Mapping[str, Sighting]) -> bool:
    """Keep the newest page that each camera's events named; whether another page counts now."""
    before = camera_pages(session)
    room = MOST_SEEN - len(session.scalars(select(SeenCamera.name)).all())
    for name, (page, time) in seen.items():
        row = session.get(SeenCamera, name)
        if row is None and room > 0:
            session.add(SeenCamera(name=name, page=page, time=time))
            room -= 1
        elif row is not None and time >= row.time:
            row.page, row.time = page, time
    session.flush()
    return camera_pages(session) != before


def remember_removed(session: Session, name: str, page: str | None, time: float) -> None:
    """A camera is removed: what it saw stays on its page."""
    row = session.get(SeenCamera, name)
    if page is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(SeenCamera(name=name, page=page, time=time))
    else:
        row.page, row.time = page, time
