"""The settings that come from the site file."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.clickhouse.components import ClickHouseConnection
from connectors.config.site import load_site
from connectors.http.components import HttpConnection
from connectors.kafka.connection import TopicConnection
from operators.component import Spec

QUERY_LIMIT = 10.0
DATABASE = "accounts"


class DatabaseConnection(Spec):
    """Where the api keeps accounts, pages and their alarms, if not in a file of its own."""

    url: SecretStr = Field(
        description=(
            "Address of a PostgreSQL database, such as `postgresql://USER:PASSWORD@HOST/NAME`."
        ),
        examples=["${ACCOUNTS_URL}"],
    )


def from_site(path: Path | None) -> dict[str, Any]:
    """Arguments of `Settings` from a site file, as far as it has the connections `redpanda` and
    `clickhouse`.

    Raises `connectors.config.site.SiteError`.
    """
    site = load_site(path)
    settings: dict[str, Any] = {"site": site.site, "section": site.api}
    if "redpanda" in site.connections:
        broker = site.connection("redpanda", TopicConnection)
        settings |= {
            "kafka": broker.client_options(),
            "broker": broker,
            "kafka_address": ", ".join(broker.brokers),
            "prefix": broker.prefix,
            "fetch_wait_ms": broker.fetch_wait_ms,
        }
    if "clickhouse" in site.connections:
        clickhouse = site.connection("clickhouse", ClickHouseConnection)
        settings |= {
            "clickhouse": lambda: clickhouse.client(timeout=QUERY_LIMIT),
            "clickhouse_address": clickhouse.url,
        }
    if "http" in site.connections:
        settings["device_tokens"] = site.connection("http", HttpConnection).tokens
    if DATABASE in site.connections:
        settings["database"] = site.connection(DATABASE, DatabaseConnection).url.get_secret_value()
    return settings
