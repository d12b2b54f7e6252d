"""Which cameras somebody watches, told to those who take their pictures."""

import asyncio
import contextlib
import logging
import re
import secrets
import time

import msgspec

from api.permissions.visibility import CAMERA
from api.push.hub import Hub
from api.topics.writer import BrokerDown, TopicWriter
from connectors.kafka.push_record import TOLD_EVERY, WatchedCameras

MOST = 1000
SHORTEST = 0.1
"""Seconds between two records, however many come and go."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_log = logging.getLogger("vigie.api")


class Watching:
    """Tells the topic `vigie.watched-cameras` which channels `camera_NAME` have subscribers here.

    Only those that may see the camera subscribe to anything. While the broker is down nothing is
    told: what was told is outdated by then, and nobody gets pictures anyway.
    """

    def __init__(self, hub: Hub, writer: TopicWriter, topic: str) -> None:
        self._hub = hub
        self._writer = writer
        self._topic = topic
        self._key = secrets.token_hex(8)

    def cameras(self) -> list[str]:
        """The cameras that somebody watches now, by name."""
        names = (
            channel[len(CAMERA) :] for channel in self._hub.channels() if channel.startswith(CAMERA)
        )
        return sorted(name for name in names if _NAME.fullmatch(name))[:MOST]

    async def run(self) -> None:
        """Tell it at every change, and now and then, for ever."""
        told: list[str] = []
        told_at = 0.0
        while True:
            self._hub.subscribed.clear()
            cameras = self.cameras()
            outdated = bool(cameras) and time.monotonic() - told_at >= TOLD_EVERY
            if (cameras != told or outdated) and self._tell(cameras):
                told, told_at = cameras, time.monotonic()
            await asyncio.sleep(SHORTEST)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._hub.subscribed.wait(), TOLD_EVERY if cameras or told else None
                )

    def _tell(self, cameras: list[str]) -> bool:
        if self._writer.down is not None:
            return False
        record = WatchedCameras(cameras=cameras, at=time.time())
        try:
            self._writer.send(self._topic, self._key, msgspec.json.encode(record))
        except BrokerDown as error:
            _log.debug("nobody is told which cameras are watched: %s", error)
            return False
        return True
