"""Tells browsers of alarms: what is news, to whom, and again where a push service was busy."""

import asyncio
import collections
import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import urllib3
from prometheus_client import Counter
from sqlalchemy import delete
from sqlalchemy.orm import Session

from api.browser_push.encryption import bytes_of, encrypt
from api.browser_push.message import URGENCY, Message, message_of
from api.browser_push.subscriptions import Recipients, digest
from api.browser_push.vapid import VapidKey
from api.database.database import Database
from api.database.models import PushSubscription
from api.database.work_queue import WorkQueue
from api.push.updates import ALARMS, Update
from operators.events import AlarmTransition

AT_ONCE = 100
TOGETHER = 8
"""Requests under way."""
WAITING = 1000
"""Messages that wait; what comes beyond is counted and lost."""
TRIES = (0.0, 2.0, 10.0, 60.0)
"""Seconds before each try."""
TIMEOUT = urllib3.Timeout(connect=5.0, read=10.0)
KEPT = 3600
"""Seconds for which a service keeps a message for a browser that is off."""
FLOOD, SPAN, EVERY = 10, 600.0, 60.0
MOST_TIMES = 1000
"""So many alarms in that many seconds are a flood; then one message a minute counts them."""
_log = logging.getLogger("vigie.api")


class Target(NamedTuple):
    """A browser, apart from its session."""

    id: str
    endpoint: str
    p256dh: str
    auth: str
    language: str


@dataclass
class _Recent:
    """When a browser was told, lately, and when of a flood; whose turn it is."""

    times: collections.deque[float] = field(
        default_factory=lambda: collections.deque(maxlen=MOST_TIMES)
    )
    flood: float = -math.inf
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class BrowserPush:
    """Takes updates in the event loop, and sends from threads."""

    def __init__(self, database: Database, key: VapidKey, site: str, sent: Counter) -> None:
        self.key = key
        self._database = database
        self._site = site
        self._sent = sent
        self._queue: WorkQueue[tuple[AlarmTransition, bool]] = WorkQueue()
        self._http = urllib3.PoolManager(maxsize=TOGETHER, retries=False, timeout=TIMEOUT)
        self._slots = asyncio.Semaphore(TOGETHER)
        self._deliveries: set[asyncio.Task[None]] = set()
        self._recent: dict[str, _Recent] = {}

    def collect(self, updates: Iterable[Update]) -> None:
        """Queue what people are told of."""
        for update in updates:
            event = update.event
            if (
                update.channel == ALARMS
                and isinstance(event, AlarmTransition)
                and event.annunciation is not None
            ):
                self._queue.put((event, update.live))

    async def run(self) -> None:
        """Tell browsers, for ever."""
        try:
            await self._queue.run(self._tell, AT_ONCE)
        finally:
            for task in self._deliveries:
                task.cancel()

    async def test(self, target: Target) -> str:
        """Send a message that says that it arrives; what became of it."""
        return await self._deliver(target, Message(self._site, target.language, test=True), (0.0,))

    async def _tell(self, batch: list[tuple[AlarmTransition, bool]]) -> None:
        def work(session: Session) -> list[tuple[Target, AlarmTransition]]:
            told = Recipients(session)
            return [
                (target_of(one), event) for event, live in batch for one in told.of(event, live)
            ]

        for target, event in await self._database.write_in_thread(work):
            message = self._bounded(target, event)
            if message is None:
                self._sent.labels("held").inc()
            elif len(self._deliveries) >= WAITING:
                self._sent.labels("dropped").inc()
            else:
                task = asyncio.create_task(self._send(target, message))
                self._deliveries.add(task)
                task.add_done_callback(self._deliveries.discard)

    def _bounded(self, target: Target, event: AlarmTransition) -> Message | None:
        """The message; in a flood one that counts, a minute apart, save for what is critical."""
        message = message_of(event, self._site, target.language)
        if event.annunciation == "end" or event.priority == "critical":
            return message
        recent = self._recent.setdefault(target.id, _Recent())
        now = time.monotonic()
        while recent.times and recent.times[0] < now - SPAN:
            recent.times.popleft()
        recent.times.append(now)
        if len(recent.times) <= FLOOD:
            return message
        if now - recent.flood < EVERY:
            return None
        recent.flood = now
        return Message(self._site, target.language, flood=len(recent.times), time=event.time)

    async def _send(self, target: Target, message: Message) -> None:
        """In turn for each browser: the end of an alarm must not come before its start."""
        recent = self._recent.setdefault(target.id, _Recent())
        async with recent.turn:
            await self._deliver(target, message, TRIES)

    async def _deliver(self, target: Target, message: Message, tries: Iterable[float]) -> str:
        """`sent`, `gone` (the browser is forgotten), or `failed`."""
        result = "failed"
        for wait in tries:
            await asyncio.sleep(wait)
            async with self._slots:
                status = await asyncio.to_thread(self._post, target, message)
            if status in (404, 410):
                await self._database.write_in_thread(
                    lambda session: session.execute(
                        delete(PushSubscription).where(PushSubscription.id == target.id)
                    )
                )
                self._recent.pop(target.id, None)
                result = "gone"
            elif 200 <= status < 300:
                result = "sent"
            if result != "failed" or (400 <= status < 500 and status not in (408, 429)):
                break
        self._sent.labels(result).inc()
        return result

    def _post(self, target: Target, message: Message) -> int:
        """The status of the answer; 0 without one."""
        body = encrypt(message.encode(), bytes_of(target.p256dh), bytes_of(target.auth))
        headers = {
            "Authorization": self.key.header(target.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT),
            "Topic": digest(message.key or "flood")[:32],
            "Urgency": URGENCY.get(message.priority, "normal"),
        }
        try:
            answer = self._http.request(
                "POST", target.endpoint, body=body, headers=headers, redirect=False,
                preload_content=False,
            )  # fmt: skip
            answer.release_conn()
            return answer.status
        except urllib3.exceptions.HTTPError as error:
            _log.warning("a push service gives no answer: %s", type(error).__name__)
            return 0


def target_of(one: PushSubscription) -> Target:
    """A browser as it is sent to."""
    return Target(one.id, one.endpoint, one.p256dh, one.auth, one.language)
