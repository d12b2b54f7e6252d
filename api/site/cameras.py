"""The cameras that people added: in the database, and in the topic that flows read."""

import time
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database
from api.database.models import Camera
from api.topics.outbox import Outbox
from connectors.config.variables import password_in_url

SCHEMES = ("rtsp", "rtsps", "http", "https")
MOST = 1000


class CameraError(Exception):
    """A camera cannot be added so; the message says what was expected."""


class CameraTaken(CameraError):
    """The name belongs to another camera."""


class CameraView(msgspec.Struct):
    """A camera as clients and topics have it.

    Times in epoch seconds; `status` is what people want it to do.
    """

    id: int
    name: str
    url: str
    status: str
    created: float
    changed: float
    changed_by: str
    area: str | None = None
    fps: float | None = None
    min_confidence: float | None = None


class Cameras:
    """Add, start and stop cameras. Blocking: call it in a thread."""

    def __init__(self, database: Database, outbox: Outbox, topic: str) -> None:
        self._database = database
        self._outbox = outbox
        self._topic = topic
        self.names: dict[int, str] = {}
        self.all()

    def all(self) -> list[CameraView]:
        """All cameras by name; from then on `names` has their names by number."""
        with self._database.read() as session:
            found = [
                _view(camera) for camera in session.scalars(select(Camera).order_by(Camera.name))
            ]
        for camera in found:
            self.names[camera.id] = camera.name
        return found

    def get(self, id: int) -> CameraView | None:
        """The camera of a number; None if there is none."""
        with self._database.read() as session:
            camera = session.get(Camera, id)
            return None if camera is None else _view(camera)

    def add(
        self,
        name: str,
        url: str,
        area: str | None,
        fps: float | None,
        confidence: float | None,
        by: Principal,
        address: str,
    ) -> CameraView:
        """Add a running camera. Raises `CameraError`."""
        check_url(url)
        now = time.time()
        try:
            with self._database.write() as session:
                if len(session.scalars(select(Camera.id)).all()) >= MOST:
                    raise CameraError(f"there are {MOST} cameras, which is the most")
                camera = Camera(
                    name=name,
                    url=url,
                    area=area,
                    fps=fps,
                    min_confidence=confidence,
                    running=True,
                    created=now,
                    changed=now,
                    changed_by=by.username,
                )
                session.add(camera)
                session.flush()
                self._changed(session, camera, by, "camera.add", address)
                self.names[camera.id] = name
                return _view(camera)
        except IntegrityError:
            raise CameraTaken(f"there is a camera {name!r} already") from None

    def run(self, id: int, running: bool, by: Principal, address: str) -> CameraView | None:
        """Start or stop a camera; None if there is none."""
        with self._database.write() as session:
            camera = session.get(Camera, id)
            if camera is None:
                return None
            if camera.running != running:
                camera.running, camera.changed, camera.changed_by = (
                    running,
                    time.time(),
                    by.username,
                )
                self._changed(
                    session, camera, by, "camera.start" if running else "camera.stop", address
                )
            return _view(camera)

    def remove(self, id: int, by: Principal, address: str) -> CameraView | None:
        """Remove a camera; None if there is none."""
        with self._database.write() as session:
            camera = session.get(Camera, id)
            if camera is None:
                return None
            view = _view(camera)
            self._outbox.put(
                session,
                self._topic,
                view.name,
                msgspec.json.encode({"id": view.name, "deleted": True}),
            )
            record_audit(session, by, "camera.remove", view.name, address=address)
            session.delete(camera)
            return view

    def _changed(
        self, session: Session, camera: Camera, by: Principal, action: str, address: str
    ) -> None:
        record_audit(session, by, action, camera.name, address=address)
        row = msgspec.to_builtins(_view(camera)) | {
            "id": camera.name,
            "camera": camera.id,
            "running": camera.running,
        }
        self._outbox.put(session, self._topic, camera.name, msgspec.json.encode(row))


def check_url(url: str) -> None:
    """Raise `CameraError` for what is no camera's address, or would show a password in topics."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError as error:
        raise CameraError(f"the url is not an address: {error}") from None
    if parts.scheme not in SCHEMES or not parts.netloc or "\x00" in url:
        raise CameraError("the url must be an address such as rtsp://10.0.0.21:554/stream2")
    if password_in_url(url):
        raise CameraError(
            "the url holds a password in clear; write"
            " rtsp://${RTSP_USER}:${RTSP_PASSWORD}@HOST/PATH and set both where the flow runs"
        )


def _view(camera: Camera) -> CameraView:
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
    )
