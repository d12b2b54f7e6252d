"""One notification through a push service, and what its answer means."""

import logging
import re

import apprise

from connectors.apprise.connection import AppriseConnection
from connectors.base import ConnectorError
from connectors.runtime.subject_writer import SERVER_DOWN, TRY_AGAIN, Answer
from operators.events import AlarmTransition, Event

_log = logging.getLogger("apprise")
_log.propagate = False  # what it logs may hold tokens; `_judge` takes them out
_log.addHandler(logging.NullHandler())
_STATUS = re.compile(r"\berror=(\d{3})\b")
"""How every service of apprise reports an answer that is no success."""


class AppriseClient:
    """Sends titles and texts to one service; threads may share it."""

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
        self._scheme = connection.service
        self._secrets = sorted(_secrets(address), key=len, reverse=True)
        self._apprise = apprise.Apprise(asset=asset)
        self._apprise.add(service)

    def send(self, title: str, text: str, kind: str) -> Answer:
        """Send one notification; `kind` is info, success, warning or failure."""
        said: list[str] = []
        result = self._apprise.notify(
            title=title,
            body=text,
            notify_type=apprise.NotifyType(kind),
            body_format=apprise.NotifyFormat.TEXT,
            log_callback=lambda entry, service: said.append(entry.message),
            log_level=logging.WARNING,
        )
        if result:
            return Answer(delivered=True)
        return self._judge(" ".join(said) or "it was not taken")

    def _judge(self, said: str) -> Answer:
        for secret in self._secrets:
            said = said.replace(secret, "…")
        found = _STATUS.search(said)
        status = int(found[1]) if found else None
        detail = f"{self._scheme}: {said}"
        if status is not None and 400 <= status < 500 and status not in TRY_AGAIN:
            return Answer(refused=True, detail=detail)
        down = "onnection" in said if status is None else status in SERVER_DOWN
        return Answer(detail=detail, server_down=down)


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
