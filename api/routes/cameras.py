"""Endpoints of cameras."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.permissions.camera_pages import camera_pages
from api.push.live_permissions import LivePermissions
from api.routes.parameters import Id
from api.site.cameras import (
    CameraError,
    Cameras,
    CameraTaken,
    CameraView,
    without_credentials,
)
from api.site.flow_status import CameraState, FlowStatus
from api.topics.notifications import Notifications
from api.topics.outbox import Outbox
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected
from operators.vision.drawn_places import DrawnLine, DrawnZone, PlaceName

TAG = "Cameras"
CHANNEL = "cameras"
Done = TypeVar("Done")
Known = TypeVar("Known")
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="Its subject in events: letters, digits, _ . -",
    ),
]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        examples=["rtsp://${RTSP_USER}:${RTSP_PASSWORD}@10.0.0.21/stream2"],
    ),
]
Area = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Fps = Annotated[float, Meta(gt=0, le=60, description="Pictures a second to look at.")]
PageKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00-\x1f]*$",
        description="The page, by its key, whose accounts alone know of it.",
    ),
]
DrawnZones = Annotated[
    dict[PlaceName, DrawnZone],
    Meta(max_length=50, description="All zones drawn on its picture, by name."),
]
DrawnLines = Annotated[
    dict[PlaceName, DrawnLine],
    Meta(max_length=50, description="All lines drawn on its picture, by name."),
]


class CameraList(msgspec.Struct):
    """All cameras, by name."""

    cameras: list[CameraView]


class CameraStates(msgspec.Struct):
    """What the cameras of all flows tell of themselves, by name."""

    cameras: list[CameraState]


class NewCamera(msgspec.Struct):
    """A camera to be added. Its user and password are named as variables of the flow."""

    name: Name
    url: Url
    area: Area | None = None
    fps: Fps | None = None
    min_confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    page: PageKey | None = None
    record_url: Url | None = None


class CameraChanges(msgspec.Struct):
    """What to change; what is left out stays, null takes it away."""

    url: Url | UnsetType = UNSET
    area: Area | UnsetType | None = UNSET
    fps: Fps | UnsetType | None = UNSET
    min_confidence: Annotated[float, Meta(ge=0, le=1)] | UnsetType | None = UNSET
    page: PageKey | UnsetType | None = UNSET
    record_url: Url | UnsetType | None = UNSET
    zones: DrawnZones | UnsetType | None = UNSET
    lines: DrawnLines | UnsetType | None = UNSET


class CameraId(msgspec.Struct):
    """Which camera."""

    id: Id


class CameraEndpoints:
    """Answer for cameras."""

    def __init__(
        self,
        cameras: Cameras,
        outbox: Outbox,
        notifications: Notifications,
        permissions: LivePermissions,
        flows: FlowStatus,
    ) -> None:
        self._cameras = cameras
        self._flows = flows
        self._outbox = outbox
        self._notifications = notifications
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """Cameras, and changing, starting and stopping them."""
        one = "/api/cameras/{id}"
        return [
            Endpoint("GET", "/api/cameras", self.all, TAG, "All cameras", CameraList),
            Endpoint(
                "GET", "/api/cameras/states", self.states, TAG, "What cameras send", CameraStates
            ),
            Endpoint(
                "POST",
                "/api/cameras",
                self.add,
                TAG,
                "Add a camera",
                CameraView,
                role="operator",
                body=NewCamera,
                status=201,
                errors=(409,),
            ),
            Endpoint(
                "GET", one, self.show, TAG, "One camera", CameraView, path=CameraId, errors=(404,)
            ),
            Endpoint(
                "PATCH",
                one,
                self.change,
                TAG,
                "Change a camera",
                CameraView,
                role="operator",
                path=CameraId,
                body=CameraChanges,
                errors=(404,),
            ),
            Endpoint(
                "DELETE",
                one,
                self.remove,
                TAG,
                "Remove a camera",
                CameraView,
                role="operator",
                path=CameraId,
                errors=(404,),
            ),
            Endpoint(
                "POST",
                f"{one}/start",
                self.start,
                TAG,
                "Start a camera",
                CameraView,
                role="operator",
                path=CameraId,
                errors=(404,),
            ),
            Endpoint(
                "POST",
                f"{one}/stop",
                self.stop,
                TAG,
                "Stop a camera",
                CameraView,
                role="operator",
                path=CameraId,
                errors=(404,),
            ),
        ]

    async def all(self, call: Call) -> CameraList:
        """The cameras that people added, by name: those of pages that the account may see.

        Viewers do not see user names and passwords in addresses, nor their variables.
        """
        seen_by = await self._permissions.visibility(call.who)
        found = await asyncio.to_thread(self._cameras.all, seen_by)
        return CameraList([_shown(camera, call.who) for camera in found])

    async def states(self, call: Call) -> CameraStates:
        """Which cameras send pictures, and why others do not; those that the account may see.

        Of flows on other machines nothing is known here.
        """
        seen_by = await self._permissions.visibility(call.who)
        return CameraStates(
            [one for one in await self._flows.cameras() if seen_by.allows(one.page, one.name)]
        )

    async def add(self, call: Call) -> CameraView:
        """The camera runs from then on. Flows learn of it from the topic `vigie.cameras`.

        With a `page`, only accounts that may see that page know of it.
        """
        body: NewCamera = call.body
        settings = msgspec.structs.asdict(body)
        name, address = settings.pop("name"), address_of(call.request)
        camera = await self._write(
            lambda session: self._cameras.add(session, name, settings, call.who, address)
        )
        self._tell(camera, camera.page)
        return camera

    async def change(self, call: Call) -> CameraView:
        """Changes what is given. Flows follow at once."""
        settings = {
            name: value
            for name, value in msgspec.structs.asdict(call.body).items()
            if value is not UNSET
        }
        address, id = address_of(call.request), call.path.id
        changed = await self._write(
            lambda session: self._cameras.change(session, id, settings, call.who, address)
        )
        camera, before = _found(changed, id)
        if before != camera.page:
            self._tell(camera, before, removed=True)
        self._tell(camera, camera.page)
        return camera

    async def show(self, call: Call) -> CameraView:
        """One camera."""
        found = await asyncio.to_thread(self._cameras.get, call.path.id, call.who)
        return _shown(_found(found, call.path.id), call.who)

    async def remove(self, call: Call) -> CameraView:
        """Removes a camera, and answers with what it was."""
        address, id = address_of(call.request), call.path.id
        camera = _found(
            await self._write(lambda session: self._cameras.remove(session, id, call.who, address)),
            id,
        )
        self._tell(camera, camera.page, removed=True)
        return camera

    async def start(self, call: Call) -> CameraView:
        """Has flows read the camera."""
        return await self._run(call, True)

    async def stop(self, call: Call) -> CameraView:
        """Has flows leave the camera alone."""
        return await self._run(call, False)

    async def _run(self, call: Call, running: bool) -> CameraView:
        address, id = address_of(call.request), call.path.id
        camera = _found(
            await self._write(
                lambda session: self._cameras.run(session, id, running, call.who, address)
            ),
            id,
        )
        self._tell(camera, camera.page)
        return camera

    async def _write(self, work: Callable[[Session], Done]) -> Done:
        """Change cameras; once it returns, open connections see what they may see now."""

        def changed(session: Session) -> tuple[Done, Iterable[str] | None]:
            before = camera_pages(session)
            done = work(session)
            return done, () if camera_pages(session) == before else None

        try:
            return await self._permissions.change_permissions(changed)
        except CameraTaken as error:
            raise Rejected(409, str(error)) from None
        except CameraError as error:
            raise Rejected(400, str(error)) from None

    def _tell(self, camera: CameraView, page: str | None, removed: bool = False) -> None:
        """Let flows know, and the clients that may see the page."""
        self._outbox.wake()
        data = msgspec.to_builtins(camera) | ({"status": "removed"} if removed else {})
        for name in ("url", "record_url"):
            data.pop(name)  # viewers listen, too
        channels = (CHANNEL, f"camera_{camera.name}")
        self._notifications.publish(channels, "camera", camera.name, data, page=page)


def _shown(camera: CameraView, to: Principal) -> CameraView:
    return without_credentials(camera) if to.role == "viewer" else camera


def _found(camera: Known | None, id: str) -> Known:
    if camera is None:
        raise Rejected(404, f"there is no camera {id}")
    return camera
