"""What an account may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PAGE = "page/"
CAMERA = "camera_"


@dataclass(frozen=True)
class Visibility:
    """The `pages` whose alarms and channels an account may see; None means every page.

    `hidden` are the cameras of other pages, by name. For this account they do not exist.
    """

    pages: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()

    def as_data(self) -> dict[str, Any]:
        """For a command to alarms, of which the flow decides whom it may concern."""
        pages = None if self.pages is None else sorted(self.pages)
        return {"pages": pages, "hidden": sorted(self.hidden)}

    def allows_page(self, name: str | None) -> bool:
        """Whether the account may see what belongs to a page; what belongs to none is public."""
        return not name or self.pages is None or name in self.pages

    def allows_camera(self, name: str) -> bool:
        """Whether the account may know of a camera."""
        return name not in self.hidden

    def allows(self, page: str | None, subject: str = "", camera: str | None = None) -> bool:
        """Whether the account may see something: the rule of all routes and channels.

        Its own `page` decides. Without one it is as visible as the camera that it is about: its
        subject, or the `camera` that its labels name.
        """
        if page:
            return self.allows_page(page)
        return subject not in self.hidden and camera not in self.hidden

    def allows_event(self, subject: str, labels: Mapping[str, str]) -> bool:
        """Whether the account may see an event, its pictures and its clip."""
        return self.allows(labels.get("page"), subject, labels.get("camera"))

    def allows_plain(self, event: Mapping[str, Any]) -> bool:
        """The same for a reading or an alarm as plain JSON values."""
        labels = event.get("labels") or {}
        page = event.get("page") or labels.get("page")
        return self.allows(page, str(event.get("subject")), labels.get("camera"))

    def allows_channel(self, name: str) -> bool:
        """Whether the account may subscribe to a channel.

        A hidden camera's is like that of a camera that is not there: nobody is refused, and
        nothing comes.
        """
        return self.allows_page(name[len(PAGE) :] if name.startswith(PAGE) else None)

    def reaches(self, channel: str) -> bool:
        """Whether anything of a channel is for the account."""
        if channel.startswith(CAMERA):
            return self.allows_camera(channel[len(CAMERA) :])
        return self.allows_channel(channel)


EVERYTHING = Visibility()
PUBLIC_ONLY = Visibility(frozenset())
"""What belongs to no page."""
