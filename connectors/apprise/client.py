"""One notification through a push service, and what its answer means."""

import copy
import logging
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import apprise
from apprise.logger import NotifyLogEntry

from connectors.apprise.connection import AppriseConnection
from connectors.base import ConnectorError
from connectors.runtime.retry_queue import TRIES
from connectors.runtime.subject_writer import SERVER_DOWN, Answer, refusal
from operators.events import AlarmTransition, Event

_log = logging.getLogger("apprise")
_log.propagate = False  # what it logs may hold tokens; `_judge` takes them out
_log.addHandler(logging.NullHandler())
_STATUS = re.compile(r"\berror=(\d{3})\b")
"""How every service of apprise reports an answer that is no success."""
_CERTIFICATE = re.compile(r"certificate verify failed: ([^()]+)")
REMEMBERED = 10_000


class _Target:
    """One target of an address, asked as often as its service allows.

    apprise itself paces by the wall clock: set back by an hour, it would wait for an hour.
    """

    def __init__(self, service: apprise.NotifyBase, asset: apprise.AppriseAsset) -> None:
        self._pause = service.request_rate_per_sec
        service.request_rate_per_sec = 0
        self._service = apprise.Apprise(asset=asset)
        self._service.add(service)
        self._turn = threading.Lock()
        self._next = time.monotonic()

    def notify(self, **notification: Any) -> bool:
        """Send at the next turn; returns whether the service took it."""
        with self._turn:
            at = max(self._next, time.monotonic())
            self._next = at + self._pause
        time.sleep(max(0.0, at - time.monotonic()))
        return bool(self._service.notify(**notification))


@dataclass
class _Progress:
    """A notification with several targets: who still lacks it, and what others said for good."""

    left: list[_Target]
    refused: list[str] = field(default_factory=list)
    is_taken: bool = False
    tries: int = 0


class AppriseClient:
    """Sends titles and texts to the targets of one address; threads may share it."""

    def __init__(self, connection: AppriseConnection, name: str) -> None:
        asset = apprise.AppriseAsset(
            app_id="Vigie",
            app_desc="Vigie",
            async_mode=False,
            service_timeout=0,  # with one, every notification goes through a pool of threads
        )
        address = connection.url.get_secret_value()
        service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            raise ConnectorError(
                f"{name}: the address of its connection, {connection.service}://…, is none that"
                " apprise knows; compare it with https://github.com/caronc/apprise/wiki"
            )
        service.socket_connect_timeout = service.socket_read_timeout = connection.timeout
        self._targets = [_Target(target, asset) for target in _one_by_one(service)]
        self._progress: dict[str, _Progress] = {}
        self._scheme = connection.service
        self._secrets = sorted(_secrets(address), key=len, reverse=True)

    def send(self, id: str, title: str, text: str, kind: str) -> Answer:
        """Send one notification; `kind` is info, success, warning or failure.

        Sent again with the same `id`, it goes to those targets alone that did not take it. One that
        does not while others do is refused in the end.
        """
        progress = self._progress.pop(id, None) or _Progress(self._targets)
        waiting = []
        for target in progress.left:
            answer = self._notify(target, title, text, kind)
            if answer.refused:
                progress.refused.append(answer.detail)
            elif not answer.delivered:
                waiting.append((target, answer))
            progress.is_taken |= answer.delivered
        if progress.is_taken:
            progress.tries += 1
            waiting = [(target, answer._replace(server_down=False)) for target, answer in waiting]
            gone = [one for one in waiting if one[1].doubtful or progress.tries >= TRIES]
            progress.refused += [answer.detail for _, answer in gone]
            waiting = [one for one in waiting if one not in gone]
        if waiting:
            self._remember(id, progress, [target for target, _ in waiting])
            return waiting[0][1]
        if progress.refused:
            return Answer(refused=True, detail="; ".join(progress.refused))
        return Answer(delivered=True)

    def _remember(self, id: str, progress: _Progress, left: list[_Target]) -> None:
        progress.left = left
        self._progress[id] = progress
        if len(self._progress) > REMEMBERED:
            self._progress.pop(next(iter(self._progress)), None)

    def _notify(self, target: _Target, title: str, text: str, kind: str) -> Answer:
        said: list[str] = []
        result = target.notify(
            title=title,
            body=text,
            notify_type=apprise.NotifyType(kind),
            body_format=apprise.NotifyFormat.TEXT,
            log_callback=lambda entry, service: said.append(_told(entry)),
            log_level=logging.DEBUG,
        )
        if result:
            return Answer(delivered=True)
        return self._judge(" ".join(filter(None, said)) or "it was not taken")

    def _judge(self, said: str) -> Answer:
        for secret in self._secrets:
            said = said.replace(secret, "…")
        found = _STATUS.search(said)
        status = int(found[1]) if found else None
        detail = f"{self._scheme}: {said}"
        if status is not None and (refused := refusal(status, detail)):
            return refused
        down = "onnection" in said if status is None else status in SERVER_DOWN
        return Answer(detail=detail, server_down=down)


def _told(entry: NotifyLogEntry) -> str:
    """What an entry of the log says to people; of those for developers, a certificate's fault."""
    if entry.level in ("WARNING", "ERROR", "CRITICAL"):
        return entry.message
    found = _CERTIFICATE.search(entry.message)
    return f"({found[1].strip(' .')})" if found else ""


def _one_by_one(service: apprise.NotifyBase) -> list[apprise.NotifyBase]:
    """A service for each target of its address, where the package has them as a list."""
    for name in ("targets", "channels", "topics"):
        targets = getattr(service, name, None)
        if isinstance(targets, list) and len(targets) == len(service) > 1:
            parts = [copy.copy(service) for _ in targets]
            for part, target in zip(parts, targets, strict=True):
                setattr(part, name, [target])
            return parts
    return [service]


def kind_of(event: Event) -> str:
    """How a service may colour the notification of an event."""
    if not isinstance(event, AlarmTransition):
        return "info"
    if event.annunciation == "end":
        return "success"
    return {"low": "info", "medium": "warning"}.get(event.priority, "failure")


def _secrets(address: str) -> set[str]:
    """The parts of an address that nobody may read in a message."""
    parts = re.split(r"[/:@?&=#]+", address.partition("://")[2])
    return {part for part in parts if len(part) > 3}
