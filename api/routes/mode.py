"""Endpoints of the site's mode."""

import asyncio

import msgspec

from api.site.mode import ModeView, SiteMode
from api.topics.notifications import Notifications
from api.topics.outbox import Outbox
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Mode"
CHANNEL = "mode"


class NewMode(msgspec.Struct):
    """The mode to put into force."""

    mode: str


class ModeEndpoints:
    """Answer for the mode."""

    def __init__(self, mode: SiteMode, outbox: Outbox, notifications: Notifications) -> None:
        self._mode = mode
        self._outbox = outbox
        self._notifications = notifications

    def endpoints(self) -> list[Endpoint]:
        """Reading the mode for everybody, changing it for operators."""
        return [
            Endpoint("GET", "/api/mode", self.show, TAG, "The mode in force", ModeView),
            Endpoint(
                "PUT",
                "/api/mode",
                self.change,
                TAG,
                "Choose the mode",
                ModeView,
                role="operator",
                body=NewMode,
                whole_site=True,
            ),
        ]

    async def show(self, call: Call) -> ModeView:
        """The mode of the site, such as `surveillance` or `active`."""
        return await asyncio.to_thread(self._mode.get)

    async def change(self, call: Call) -> ModeView:
        """Puts a mode into force.

        Flows read it from the topic `vigie.mode`, as readings of the subject `site`.
        """
        if call.body.mode not in self._mode.modes:
            raise Rejected(
                400,
                f"the modes of this site are {', '.join(self._mode.modes)}; got"
                f" {call.body.mode[:40]!r}",
            )
        view = await asyncio.to_thread(
            self._mode.set, call.body.mode, call.who, address_of(call.request)
        )
        self._outbox.wake()
        self._notifications.publish(
            (CHANNEL,), "mode", "site", {"mode": view.mode, "by": view.by}, first="snapshot"
        )
        return view
