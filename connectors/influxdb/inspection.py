"""Whether InfluxDB answers, in which version and with which clock."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from connectors.base import NoAnswer
from connectors.influxdb.connection import InfluxConnection
from connectors.runtime.finding import Finding, clock


def inspect(connection: InfluxConnection) -> Iterator[Finding]:
    """Ask the server who it is; raises `NoAnswer`."""
    client = InfluxDBClient(
        url=connection.url.rstrip("/"),
        token=connection.token.get_secret_value(),
        org=connection.org,
        timeout=connection.timeout * 1000,
        ssl_ca_cert=connection.ca,
    )
    try:
        _, status, headers = client.api_client.call_api(  # type: ignore[no-untyped-call]
            "/ping", "GET", _return_http_data_only=False
        )
    except (ApiException, HTTPError, OSError) as error:
        what = type(getattr(error, "reason", None) or error).__name__
        raise NoAnswer(
            f"no InfluxDB answers at {connection.url} ({what}); is it running there?"
        ) from error
    finally:
        client.close()  # type: ignore[no-untyped-call]
    yield Finding("version", "ok", headers.get("X-Influxdb-Version") or f"answers {status}")
    if date := headers.get("Date"):
        yield clock(parsedate_to_datetime(date).timestamp() + 0.5 - time.time())
