"""One HTTP request of the webhook sink, and what its answer means."""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import urllib3

from connectors.base import ConnectorError
from connectors.runtime.backoff import retry_after_seconds
from connectors.webhook.components import WebhookConnection
from connectors.webhook.signature import key_of, signature

EXCERPT = 500
TRY_AGAIN = frozenset((408, 425, 429))
WHOLE_SERVER = frozenset((408, 429, 502, 503, 504))
PRINTABLE = "".join(map(chr, range(33, 127)))


class Answer(NamedTuple):
    """What became of a request.

    `delivered`, else `refused` for good with `detail` for the dead letter, else to be sent again,
    not before `after` seconds if the server said so. `whole` tells that the server as such is down
    or busy, not only for this event; `mute` that it gave no answer in time.
    """

    delivered: bool = False
    refused: bool = False
    detail: str = ""
    after: float | None = None
    whole: bool = False
    mute: bool = False


class Requests:
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
            self._headers |= urllib3.make_headers(basic_auth=f"{connection.username}:{password}")
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
                f"{connection.url}: expected a certificate authority in PEM form in"
                f" {connection.ca}, got {error}; check 'ca' of the connection"
            ) from error
        self._pool = urllib3.PoolManager(
            maxsize=threads, block=True, retries=False, ssl_context=context
        )

    def send(self, id: str, body: bytes) -> Answer:
        """Send one body; `id` goes with it as `Idempotency-Key`. Never raises because of the
        server.
        """
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
            mute = isinstance(error, urllib3.exceptions.ReadTimeoutError)
            return Answer(detail=self._explain(error), whole=not mute, mute=mute)
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
        try:
            excerpt = response.read(EXCERPT, decode_content=False)
            response.drain_conn() if len(excerpt) < EXCERPT else response.close()
        finally:
            response.release_conn()
        return response.status, response.headers, excerpt

    def close(self) -> None:
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
                )
            )
        if 400 <= status < 500 and status not in TRY_AGAIN:
            text = excerpt.decode(errors="replace").strip()
            return Answer(refused=True, detail=f"{said}: {text}" if text else said)
        after = retry_after_seconds(headers.get("Retry-After"), self._now())
        wish = f" and asks for {after:g} s of patience" if after is not None else "; see its log"
        return Answer(
            detail=f"{said}{wish}", after=after, whole=status in WHOLE_SERVER or after is not None
        )

    def _explain(self, error: urllib3.exceptions.HTTPError) -> str:
        if isinstance(error, urllib3.exceptions.SSLError):
            return (
                f"no encrypted connection to {self._host}: {error}; check 'ca' and 'url' of the"
                " connection"
            )
        if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
            error, urllib3.exceptions.NewConnectionError
        ):
            return f"{self._host} did not answer within {self._timeout} s"
        return f"no answer from {self._host} ({_cause(error)}); is the server running there?"


def _cause(error: BaseException) -> str:
    """What the operating system said, in its words, where it said something."""
    below = error.__cause__ or error.__context__
    while below is not None:
        error, below = below, below.__cause__ or below.__context__
    return (
        (error.strerror if isinstance(error, OSError) else None)
        or str(error)
        or type(error).__name__
    )
