"""Endpoints that look for cameras: on the network, and at an address that is to be tried."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from api.routes.cameras import TAG, Url
from api.secret_repr import redacted
from api.site.camera_test import NoPicture, picture_of
from api.site.onvif_discovery import MULTICAST, FoundCamera, discover_streams
from api.site.onvif_soap import Asker
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected
from connectors.camera.row_address import AddressRefused, check_row_address

Secret = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class Search(msgspec.Struct):
    """How long to wait for answers."""

    seconds: Annotated[float, Meta(gt=0, le=10)] = 3.0


class Credentials(msgspec.Struct):
    """A user of the cameras, for this request only."""

    username: Secret = ""
    password: Secret = ""

    __repr__ = redacted


class TestedCamera(Credentials, kw_only=True):
    """An address to be tried. User and password are kept nowhere."""

    url: Url

    __repr__ = redacted


class Found(msgspec.Struct):
    """The devices that answered."""

    found: list[FoundCamera]


class CameraSearchEndpoints:
    """Answer for what may be a camera. Off unless the site file has `api: {discovery: true}`."""

    def __init__(
        self,
        enabled: bool,
        cameras_here: bool,
        variables: Collection[str],
        target: tuple[str, int] = MULTICAST,
    ) -> None:
        self._variables = variables
        self._enabled = enabled
        self._cameras_here = cameras_here
        self._target = target
        self._busy = asyncio.Lock()

    def endpoints(self) -> list[Endpoint]:
        """The search of the network, and the test of an address."""
        return [
            Endpoint(
                "POST",
                "/api/cameras/discover",
                self.search,
                TAG,
                "Search the local network",
                Found,
                role="operator",
                query=Search,
                body=Credentials,
                body_optional=True,
                errors=(409, 503),
                whole_site=True,
            ),
            Endpoint(
                "POST",
                "/api/cameras/test",
                self.test,
                TAG,
                "Take a test picture",
                role="operator",
                body=TestedCamera,
                errors=(409, 502),
                whole_site=True,
                media="image/jpeg",
            ),
        ]

    async def search(self, call: Call) -> Found:
        """Probes the local network for ONVIF cameras (WS-Discovery, by multicast).

        Answers with those that replied in time, and asks each for the addresses of its streams,
        with the user and password given. Off unless the site file has `api: {discovery: true}`.
        """
        given: Credentials = call.body or Credentials()
        asker = Asker(given.username, given.password, self._cameras_here)
        async with self._alone("searching the network"):
            try:
                return Found(await discover_streams(call.query.seconds, asker, self._target))
            except OSError as error:
                raise Rejected(
                    503, f"the network cannot be searched: {error.strerror or error}"
                ) from None

    async def test(self, call: Call) -> Response:
        """Takes one picture of an address, to see whether it is that of a camera.

        502 says what came instead. Off unless the site file has `api: {discovery: true}`.
        """
        body: TestedCamera = call.body
        async with self._alone("taking test pictures"):
            try:
                check_row_address(body.url, self._variables)
                picture = await picture_of(
                    body.url, body.username, body.password, self._cameras_here
                )
            except AddressRefused as error:
                raise Rejected(400, str(error)) from None
            except NoPicture as error:
                raise Rejected(502, f"no picture: {error}") from None
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @asynccontextmanager
    async def _alone(self, what: str) -> AsyncIterator[None]:
        if not self._enabled:
            raise Rejected(
                403, f"{what} is off; turn it on in the site file: api: {{discovery: true}}"
            )
        if self._busy.locked():
            raise Rejected(409, "the network is being searched; ask again in a moment")
        async with self._busy:
            yield
