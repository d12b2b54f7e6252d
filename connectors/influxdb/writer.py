"""The running side of the InfluxDB sink: a batch of events is one request in line protocol."""

import json
import time
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from connectors.base import ConnectorContext
from connectors.influxdb.connection import InfluxConnection
from connectors.influxdb.line_protocol import Lines
from connectors.runtime.backoff import retry_after_seconds
from connectors.runtime.batch_writer import BatchWriter
from connectors.runtime.error_text import encryption_fault, one_line
from connectors.runtime.far_end_check import FarEndCheck, any_answer
from connectors.runtime.threaded_writer import Retry
from operators.events import Event

STORED = (201, 202, 204)
"""HTTP statuses by which InfluxDB says that it has the points; 200 is none of them."""
BAD_LINES = (400, 413, 422)
"""HTTP statuses that blame the lines, not the moment."""


class InfluxWriter:
    """Sends a batch as one request, and looks for the bad lines when InfluxDB refuses some.

    The lines are made in the writer's thread. `name` is the connection's in the site file.
    """

    def __init__(self, context: ConnectorContext, lines: Lines, bucket: str, name: str) -> None:
        connection: InfluxConnection = context.connection
        self._context = context
        self._connection = connection
        self._lines = lines
        self._bucket = bucket
        self._name = name
        self._client = InfluxDBClient(
            url=connection.url.rstrip("/"),
            token=connection.token.get_secret_value(),
            org=connection.org,
            timeout=connection.timeout * 1000,
            ssl_ca_cert=connection.ca,
        )
        self._service = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]
        self._writer = BatchWriter(
            context,
            self._deliver,
            max_events=5_000,
            max_wait=0.5,
            queue_bound=50_000,
            takes=self._takes,
            idle=FarEndCheck(any_answer(connection.url, connection.ca, "/ping", "InfluxDB")),
        )
        self.write = self._writer.write
        self.flush = self._writer.flush

    def close(self) -> None:
        """Stop the thread and close the connection."""
        self._writer.close()
        self._client.close()  # type: ignore[no-untyped-call]

    def _deliver(self, events: list[Event]) -> None:
        make = self._lines.line
        lines = [(line, event) for event in events if (line := make(event)) is not None]
        if len(lines) < len(events):
            self._context.count("without_value", len(events) - len(lines))
        if lines:
            self._send(lines)

    def _takes(self) -> bool:
        """Whether InfluxDB does something else with a write than fail: a comment stores nothing."""
        try:
            self._write("# is anybody there?")
        except ApiException as error:
            return error.status is not None and error.status < 500
        except (HTTPError, OSError):
            return False
        return True

    def _write(self, lines: str) -> None:
        _, status, _ = self._service.post_write_with_http_info(  # type: ignore[no-untyped-call]
            self._connection.org,
            self._bucket,
            lines.encode(),
            precision=self._lines.precision,
            content_type="text/plain; charset=utf-8",
        )
        if status not in STORED:  # such as a proxy's page for logging in
            answer = "not what InfluxDB says; check url"
            raise ApiException(status=status, reason=answer)  # type: ignore[no-untyped-call]

    def _send(self, lines: list[tuple[str, Event]]) -> None:
        """Send lines; of those InfluxDB refuses, halves are tried until the bad ones are found."""
        try:
            self._write("\n".join([line for line, _ in lines]))
        except ApiException as error:
            if fault := encryption_fault(error):
                raise Retry(f"InfluxDB at {self._connection.url}: {fault}") from error
            if error.status not in BAD_LINES or _body(error).lstrip().startswith("<"):
                header = error.headers.get("Retry-After") if error.headers else None
                after = retry_after_seconds(header, time.time())
                suspect = error.status == 500
                raise Retry(self._explain(error), after=after, suspect=suspect) from error
            if len(lines) == 1:
                self._refuse(*lines[0], _message(error))
                return
            middle = len(lines) // 2
            self._send(lines[:middle])
            self._send(lines[middle:])
        except (HTTPError, OSError) as error:
            what = type(getattr(error, "reason", None) or error).__name__
            raise Retry(
                f"no InfluxDB answers at {self._connection.url} ({what}); is it running there?"
            ) from error

    def _refuse(self, line: str, event: Event, detail: str) -> None:
        self._context.refuse(
            event, "refused", f"InfluxDB refused the line {line[:200]!r}: {detail}"
        )

    def _explain(self, error: ApiException) -> str:
        url, name = self._connection.url, self._name
        message = _message(error)
        if error.status in (401, 403):
            return (
                f"InfluxDB at {url} does not let us write ({error.status}: {message}); check the"
                f" token of the connection {name!r}: it must be allowed to write the bucket"
                f" {self._bucket!r}"
            )
        if error.status == 404:
            return (
                f"InfluxDB at {url} does not know the bucket {self._bucket!r} or the"
                f" organisation {self._connection.org!r} ({message}); create it, or check org of"
                f" the connection {name!r}"
            )
        if _body(error).lstrip().startswith("<"):
            return f"{url} answers {error.status} with a page, not as InfluxDB does; check url"
        return f"InfluxDB at {url} answers {error.status}: {message}; trying again"


def _said(answer: dict[str, Any]) -> str:
    """InfluxDB 2 says a `message`; 3 an `error`, with what is wrong with each line under `data`."""
    words = str(answer.get("message") or answer.get("error") or "")
    of_lines = answer.get("data")
    if isinstance(of_lines, list) and of_lines and isinstance(of_lines[0], dict):
        return f"{words}: {of_lines[0].get('error_message', '')}"
    return words


def _body(error: ApiException) -> str:
    body = error.body
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")


def _message(error: ApiException) -> str:
    body = _body(error)
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    message = _said(found) if isinstance(found, dict) else body
    return one_line(str(message or error.reason), 300)
