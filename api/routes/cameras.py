"""Endpoints of cameras."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from api.site.cameras import CameraError, Cameras, CameraTaken, CameraView
from api.site.onvif_discovery import MULTICAST, FoundCamera, discover
from api.topics.notifications import Notifications
from api.topics.outbox import Outbox
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Cameras"
CHANNEL = "cameras"
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="Its subject in events: letters, digits, _ . -",
    ),
]


class CameraList(msgspec.Struct):
    """All cameras, by name."""

    cameras: list[CameraView]


class NewCamera(msgspec.Struct):
    """A camera to be added. Its user and password are named as variables of the flow."""

    name: Name
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            examples=["rtsp://${RTSP_USER}:${RTSP_PASSWORD}@10.0.0.21/stream2"],
        ),
    ]
    area: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]*$")] | None = (
        None
    )
    fps: Annotated[float, Meta(gt=0, le=60, description="Pictures a second to look at.")] | None = (
        None
    )
    min_confidence: Annotated[float, Meta(ge=0, le=1)] | None = None


class CameraId(msgspec.Struct):
    """Which camera."""

    id: Number


class Search(msgspec.Struct):
    """How long to wait for answers."""

    seconds: Annotated[float, Meta(gt=0, le=10)] = 3.0


class Found(msgspec.Struct):
    """The devices that answered."""

    found: list[FoundCamera]


class CameraEndpoints:
    """Answer for cameras."""

    def __init__(
        self,
        cameras: Cameras,
        outbox: Outbox,
        notifications: Notifications,
        discovery: bool,
        target: tuple[str, int] = MULTICAST,
    ) -> None:
        self._cameras = cameras
        self._outbox = outbox
        self._notifications = notifications
        self._discovery = discovery
        self._target = target
        self._searching = asyncio.Lock()

    def endpoints(self) -> list[Endpoint]:
        """Cameras, starting and stopping them, and the search of the network."""
        one = "/api/cameras/{id}"
        return [
            Endpoint("GET", "/api/cameras", self.all, TAG, "All cameras", CameraList),
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
                "POST",
                "/api/cameras/discover",
                self.search,
                TAG,
                "Search the local network",
                Found,
                role="operator",
                query=Search,
                errors=(409, 503),
            ),
            Endpoint(
                "GET", one, self.show, TAG, "One camera", CameraView, path=CameraId, errors=(404,)
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
        """The cameras that people added, by name."""
        return CameraList(await asyncio.to_thread(self._cameras.all))

    async def add(self, call: Call) -> CameraView:
        """The camera runs from then on. Flows learn of it from the topic `vigie.cameras`."""
        body: NewCamera = call.body
        try:
            camera = await asyncio.to_thread(
                self._cameras.add,
                body.name,
                body.url,
                body.area,
                body.fps,
                body.min_confidence,
                call.who,
                address_of(call.request),
            )
        except CameraTaken as error:
            raise Rejected(409, str(error)) from None
        except CameraError as error:
            raise Rejected(400, str(error)) from None
        return self._told(camera)

    async def show(self, call: Call) -> CameraView:
        """One camera."""
        return _found(await asyncio.to_thread(self._cameras.get, call.path.id), call.path.id)

    async def remove(self, call: Call) -> CameraView:
        """Removes a camera, and answers with what it was."""
        camera = await asyncio.to_thread(
            self._cameras.remove, call.path.id, call.who, address_of(call.request)
        )
        return self._told(_found(camera, call.path.id), removed=True)

    async def start(self, call: Call) -> CameraView:
        """Has flows read the camera."""
        return await self._run(call, True)

    async def stop(self, call: Call) -> CameraView:
        """Has flows leave the camera alone."""
        return await self._run(call, False)

    async def search(self, call: Call) -> Found:
        """Probes the local network for ONVIF cameras (WS-Discovery, by multicast).

        Answers with those that replied in time. Off unless the site file has `api: {discovery:
        true}`.
        """
        if not self._discovery:
            raise Rejected(
                403,
                "searching the network is off; turn it on in the site file: api: {discovery: true}",
            )
        if self._searching.locked():
            raise Rejected(409, "the network is being searched; ask again in a moment")
        async with self._searching:
            try:
                return Found(await discover(call.query.seconds, self._target))
            except OSError as error:
                raise Rejected(
                    503, f"the network cannot be searched: {error.strerror or error}"
                ) from None

    async def _run(self, call: Call, running: bool) -> CameraView:
        camera = await asyncio.to_thread(
            self._cameras.run, call.path.id, running, call.who, address_of(call.request)
        )
        return self._told(_found(camera, call.path.id))

    def _told(self, camera: CameraView, removed: bool = False) -> CameraView:
        """Let flows and clients know."""
        self._outbox.wake()
        data = msgspec.to_builtins(camera) | ({"status": "removed"} if removed else {})
        self._notifications.publish((CHANNEL, f"camera_{camera.name}"), "camera", camera.name, data)
        return camera


def _found(camera: CameraView | None, id: int) -> CameraView:
    if camera is None:
        raise Rejected(404, f"there is no camera {id}")
    return camera
