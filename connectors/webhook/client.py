"""One HTTP request of the webhook sink, and what its answer means."""

import base64
import time
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import quote, urlsplit

import urllib3

from connectors.base import ConnectorError
from connectors.config.redaction import without_target
from connectors.runtime.backoff import retry_after_seconds
from connectors.runtime.error_text import encryption_fault, root_cause
from connectors.runtime.signature import key_of, signature
from connectors.runtime.subject_writer import (
    LOCKED_OUT,
    OF_THE_ADDRESS,
    SERVER_DOWN,
    Answer,
    refusal,
)
from connectors.webhook.connection import WebhookConnection
from connectors.webhook.deadline import pool_manager

EXCERPT = 500
PRINTABLE = "".join(map(chr, range(33, 127)))


class WebhookClient:
    """Sends bodies to one address; threads may share it."""

    def __init__(
        self,
        connection: WebhookConnection,
        path: str,
        method: str,
        threads: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.url = connection.url.rstrip("/") + path
        self._host = f"{connection.url.partition('://')[0]}://{urlsplit(connection.url).netloc}"
        self._target = self.url.removeprefix(self._host)
        self._method = method
        self._now = now
        self._key = key_of(connection.secret.get_secret_value()) if connection.secret else None
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"vigie/{version('vigie')}",
        }
        if connection.token:
            self._headers["Authorization"] = f"Bearer {connection.token.get_secret_value()}"
        elif connection.username:
            password = connection.password.get_secret_value() if connection.password else ""
            pair = base64.b64encode(f"{connection.username}:{password}".encode())
            self._headers["Authorization"] = f"Basic {pair.decode()}"  # in UTF-8 (RFC 7617)
        self._timeout = connection.timeout
        try:
            context = urllib3.util.create_urllib3_context()
            (
                context.load_verify_locations(connection.ca)
                if connection.ca
                else context.load_default_certs()
            )
        except OSError as error:  # ssl.SSLError is one
            raise ConnectorError(
                f"{self._host}: expected a certificate authority in PEM form in"
                f" {connection.ca}, got {error}; check 'ca' of the connection"
            ) from error
        self._pool = pool_manager(maxsize=threads, block=True, retries=False, ssl_context=context)

    def send(self, id: str, body: bytes) -> Answer:
        """Send one body with `id` as its `Idempotency-Key`; never raises because of the server."""
        id = quote(id, safe=PRINTABLE)
        headers = {**self._headers, "Idempotency-Key": id}
        if self._key:
            timestamp = int(self._now())
            headers |= {
                "webhook-id": id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(self._key, id, timestamp, body),
            }
        try:
            try:
                status, said, excerpt = self._exchange(body, headers)
            except urllib3.exceptions.ProtocolError:
                # usually a connection that the server had closed for idleness just then
                status, said, excerpt = self._exchange(body, headers)
        except urllib3.exceptions.HTTPError as error:
            late = isinstance(error, urllib3.exceptions.ReadTimeoutError)
            return Answer(detail=self._explain(error), server_down=not late, timed_out=late)
        return self._judge(status, said, excerpt)

    def _exchange(
        self, body: bytes, headers: dict[str, str]
    ) -> tuple[int, "urllib3.HTTPHeaderDict", bytes]:
        response = self._pool.request(
            self._method,
            self.url,
            body=body,
            headers=headers,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(total=self._timeout),
        )
        excerpt = b""
        try:
            excerpt = response.read(EXCERPT, decode_content=False)
            response.drain_conn() if len(excerpt) < EXCERPT else response.close()
        except urllib3.exceptions.HTTPError:
            response.close()  # the status tells what became of the event
        finally:
            response.release_conn()
        return response.status, response.headers, excerpt

    def close(self) -> None:
        """Close the connections that are idle."""
        self._pool.clear()

    def _judge(self, status: int, headers: "urllib3.HTTPHeaderDict", excerpt: bytes) -> Answer:
        if 200 <= status < 300:
            return Answer(delivered=True)
        said = f"{self._host} answers {status}"
        if 300 <= status < 400:
            return Answer(
                detail=(
                    f"{said}, which sends elsewhere; redirects are not followed: write the final"
                    " address as 'url'"
                ),
                server_down=True,
            )
        text = without_target(excerpt.decode(errors="replace").strip(), self._target)
        if refused := refusal(status, f"{said}{_remedy(status)}{text and f': {text}'}"):
            return refused
        after = retry_after_seconds(headers.get("Retry-After"), self._now())
        wish = f" and asks for {after:g} s of patience" if after is not None else "; see its log"
        return Answer(
            detail=f"{said}{wish}",
            after=after,
            server_down=status in SERVER_DOWN or after is not None,
        )

    def _explain(self, error: urllib3.exceptions.HTTPError) -> str:
        if fault := encryption_fault(error):
            return f"{self._host}: {fault}"
        if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
            error, urllib3.exceptions.NewConnectionError
        ):
            return f"{self._host} did not answer within {self._timeout} s"
        return f"no answer from {self._host} ({root_cause(error)}); is the server running there?"


def _remedy(status: int) -> str:
    if status in LOCKED_OUT:
        return " and does not let us in; check token, username and password of the connection"
    if status in OF_THE_ADDRESS:
        return "; if it does so to every event, check url, path, method and rights"
    return ""
