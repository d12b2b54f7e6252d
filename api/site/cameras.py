"""The cameras that people added: in the database, and in the topic that flows read."""

import time
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database, permissions_changed
from api.database.models import Camera
from api.permissions.camera_pages import camera_pages, remember_removed
from api.permissions.page_permissions import EffectivePermissions
from api.permissions.visibility import EVERYTHING, Visibility
from api.topics.outbox import Outbox
from connectors.camera.address import masked_address
from connectors.camera.row_address import AddressRefused, check_row_address
from operators.vision.drawn_places import DrawnLine, DrawnZone, places_of, problem_of

MOST = 1000


class CameraError(Exception):
    """A camera cannot be added so; the message says what was expected."""


class CameraTaken(CameraError):
    """The name belongs to another camera."""


class CameraView(msgspec.Struct):
    """A camera as clients and topics have it.

    Times in epoch seconds; `status` is what people want it to do.
    """

    id: str
    name: str
    url: str
    status: str
    created: float
    changed: float
    changed_by: str
    area: str | None = None
    fps: float | None = None
    min_confidence: float | None = None
    page: str | None = None
    record_url: str | None = None
    zones: dict[str, DrawnZone] = {}
    lines: dict[str, DrawnLine] = {}


def without_credentials(camera: CameraView) -> CameraView:
    """The camera as those may see it who do not look after cameras."""
    record = None if camera.record_url is None else masked_address(camera.record_url)
    return msgspec.structs.replace(camera, url=masked_address(camera.url), record_url=record)


class Changed(NamedTuple):
    """A camera after a change, and the page it was on before."""

    camera: CameraView
    page_before: str | None


class Cameras:
    """The cameras in the database.

    What takes a session runs in its transaction; what has none is blocking, for a thread. A camera
    that an account may not see is not there for it.
    """

    def __init__(
        self, database: Database, outbox: Outbox, topic: str, variables: Collection[str]
    ) -> None:
        """`variables` are those that addresses of cameras may use."""
        self._variables = variables
        self._database = database
        self._outbox = outbox
        self._topic = topic
        self.names: dict[str, str] = {}
        self.all()

    def all(self, seen_by: Visibility = EVERYTHING) -> list[CameraView]:
        """All cameras by name; from then on `names` has their names by number and by id."""
        with self._database.read() as session:
            found = [
                _view(camera) for camera in session.scalars(select(Camera).order_by(Camera.name))
            ]
            self.names = {
                key: camera.name
                for camera in session.scalars(select(Camera))
                for key in (str(camera.number), camera.id)
            }
        return [camera for camera in found if seen_by.allows_camera(camera.name)]

    def get(self, id: str, by: Principal) -> CameraView | None:
        """The camera of a number; None if there is none."""
        with self._database.read() as session:
            camera = _known_to(session, id, by)
            return None if camera is None else _view(camera)

    def add(
        self, session: Session, name: str, settings: Mapping[str, Any], by: Principal, address: str
    ) -> CameraView:
        """Add a running camera. Raises `CameraError`."""
        self._check(session, settings, by)
        if len(session.scalars(select(Camera.id)).all()) >= MOST:
            raise CameraError(f"there are {MOST} cameras, which is the most")
        now = time.time()
        camera = Camera(
            name=name,
            number=(session.scalar(select(func.max(Camera.number))) or 0) + 1,
            **_plain(settings),
            running=True,
            created=now,
            changed=now,
            changed_by=by.username,
        )
        session.add(camera)
        try:
            session.flush()
        except IntegrityError:
            raise CameraTaken(f"there is a camera {name!r} already") from None
        self.names |= {str(camera.number): name, camera.id: name}
        self._changed(session, camera, by, "camera.add", address)
        if camera.page or name in camera_pages(session):
            permissions_changed(session)
        return _view(camera)

    def change(
        self, session: Session, id: str, settings: Mapping[str, Any], by: Principal, address: str
    ) -> Changed | None:
        """Change some settings; None if there is no such camera. Raises `CameraError`."""
        camera = _known_to(session, id, by)
        if camera is None:
            return None
        self._check(session, settings, by)
        before = camera.page
        for name, value in _plain(settings).items():
            setattr(camera, name, value)
        if problem := problem_of(places_of({"zones": camera.zones, "lines": camera.lines})):
            raise CameraError(problem)
        camera.changed, camera.changed_by = time.time(), by.username
        self._changed(session, camera, by, "camera.change", address)
        if camera.page != before:
            permissions_changed(session)
        return Changed(_view(camera), before)

    def run(
        self, session: Session, id: str, running: bool, by: Principal, address: str
    ) -> CameraView | None:
        """Start or stop a camera; None if there is none."""
        camera = _known_to(session, id, by)
        if camera is None:
            return None
        if camera.running != running:
            camera.running = running
            camera.changed, camera.changed_by = time.time(), by.username
            word = "camera.start" if running else "camera.stop"
            self._changed(session, camera, by, word, address)
        return _view(camera)

    def remove(self, session: Session, id: str, by: Principal, address: str) -> CameraView | None:
        """Remove a camera; None if there is none. What it saw stays on its page."""
        camera = _known_to(session, id, by)
        if camera is None:
            return None
        view = _view(camera)
        row = {"id": view.name, "deleted": True}
        self._outbox.put(session, self._topic, view.name, msgspec.json.encode(row))
        record_audit(session, by, "camera.remove", view.name, address=address)
        session.delete(camera)
        remember_removed(session, view.name, view.page, time.time())
        return view

    def _check(self, session: Session, settings: Mapping[str, Any], by: Principal) -> None:
        for name in ("url", "record_url"):
            if settings.get(name) is not None:
                try:
                    check_row_address(settings[name], self._variables)
                except AddressRefused as error:
                    raise CameraError(str(error)) from None
        _check_page(session, settings, by)

    def _changed(
        self, session: Session, camera: Camera, by: Principal, action: str, address: str
    ) -> None:
        record_audit(session, by, action, camera.name, address=address)
        row = msgspec.to_builtins(_view(camera)) | {
            "id": camera.name,
            "camera": camera.number,
            "running": camera.running,
        }
        self._outbox.put(session, self._topic, camera.name, msgspec.json.encode(row))


def _check_page(session: Session, settings: Mapping[str, Any], by: Principal) -> None:
    page = settings.get("page")
    if page and not EffectivePermissions(session, by.id, by.pages).visibility().allows_page(page):
        raise CameraError(f"there is no page {page!r} that you may see")


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the database has them."""
    return dict(msgspec.to_builtins(dict(settings)))


def _known_to(session: Session, id: str, by: Principal) -> Camera | None:
    camera = session.get(Camera, id)
    if camera is None:
        return None
    known = EffectivePermissions(session, by.id, by.pages).visibility().allows_camera(camera.name)
    return camera if known else None


def _view(camera: Camera) -> CameraView:
    drawn = places_of({"zones": camera.zones, "lines": camera.lines})
    return CameraView(
        id=camera.id,
        name=camera.name,
        url=camera.url,
        status="running" if camera.running else "stopped",
        created=camera.created,
        changed=camera.changed,
        changed_by=camera.changed_by,
        area=camera.area,
        fps=camera.fps,
        min_confidence=camera.min_confidence,
        page=camera.page,
        record_url=camera.record_url,
        zones=drawn.zones,
        lines=drawn.lines,
    )
