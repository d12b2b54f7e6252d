"""The settings that come from the site file."""

from pathlib import Path
from typing import Any

from connectors.site import load_site

from connectors.clickhouse import ClickHouseConnection
from connectors.topic_client import TopicConnection


def from_site(path: Path | None) -> dict[str, Any]:
    """Arguments of `Settings` for the connections `redpanda` and `clickhouse` of a site file."""
    site = load_site(path)
    broker = site.connection("redpanda", TopicConnection)
    clickhouse = site.connection("clickhouse", ClickHouseConnection)
    return {
        "kafka": broker.client_options(),
        "kafka_address": ", ".join(broker.brokers),
        "prefix": broker.prefix,
        "fetch_wait_ms": broker.fetch_wait_ms,
        "clickhouse": clickhouse.client,
        "clickhouse_address": clickhouse.url,
    }
