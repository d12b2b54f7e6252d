"""Settings of one api process: addresses, folders, bounds and deadlines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from api.defaults import EVENT_TOPICS, HOST, PORT, READING_TOPICS
from api.openid_connection import OpenIdConnection
from connectors.clickhouse.client import open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.accounts_connection import ACCOUNTS, AccountsConnection
from connectors.config.api_section import ApiSection
from connectors.config.site import SiteError, load_site
from connectors.config.traces_section import TracesSection
from connectors.config.variables import CAMERA_VARIABLES
from connectors.http.connection import HttpConnection
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import DEFAULT_NAMES, TopicNames
from connectors.s3.connection import ObjectStoreConnection

QUERY_LIMIT = 10.0
"""Seconds a query of ClickHouse may take."""
OPENID = "openid"
"""The connection of the site file that names a provider by which people log in."""
OBJECTS = "minio"
"""The connection of the site file that names the object store of evidence."""
_DEFAULTS = ApiSection()
_NO_TRACES = TracesSection()


@dataclass(frozen=True)
class Bounds:
    """Limits that keep one client, or one mistake, from hurting the others.

    Times in seconds, sizes in bytes, bursts and rates in units (`api.web.budget`).
    """

    auth_deadline: float = 5.0
    write_deadline: float = 30.0
    close_grace: float = 5.0
    message_size: int = 64 << 10
    write_buffer: int = 256 << 10
    lag: int = 1000
    pending_events: int = 2000
    pending_states: int = 20_000
    pending_size: int = 16 << 20
    account_size: int = 64 << 20
    message_burst: float = 1000
    message_rate: float = 50
    account_burst: float = 5000
    account_rate: float = 1000
    channels_per_client: int = 64
    clients: int = 5000
    connections: int = 6000
    signals: int = 20_000
    spark_points: int = 90
    events: int = 10_000
    backfill_records: int = 20_000
    replay_updates: int = 100_000
    replay_size: int = 64 << 20
    heartbeat: float = 15.0
    resume_wait: float = 30.0
    body_size: int = 1 << 20


@dataclass(frozen=True)
class Settings:
    """One running api.

    `broker` is the connection to the broker, None where none is configured; `clickhouse` opens a
    new ClickHouse client (raising while the server is down), None where none is configured;
    addresses are for people. `supervisor` is the folder in which `vigie up` answers.
    """

    data: Path
    broker: TopicConnection | None = None
    clickhouse: Callable[[], Any] | None = None
    clickhouse_address: str = "not configured"
    objects: ObjectStoreConnection | None = None
    host: str = HOST
    port: int = PORT
    tls_cert: Path | None = None
    tls_key: Path | None = None
    site: str = "Vigie"
    topics: TopicNames = DEFAULT_NAMES
    reading_topics: tuple[str, ...] = READING_TOPICS
    event_topics: tuple[str, ...] = EVENT_TOPICS
    posts_topic: str = EVENT_TOPICS[0]
    section: ApiSection = _DEFAULTS
    camera_variables: tuple[str, ...] = CAMERA_VARIABLES
    device_tokens: Mapping[str, SecretStr] = field(default_factory=dict)
    token_lifetime: float = 12 * 3600
    database: str | None = field(default=None, repr=False)
    openid: OpenIdConnection | None = None
    supervisor: Path | None = None
    traces: TracesSection = _NO_TRACES
    bounds: Bounds = Bounds()


def from_site(path: Path | None) -> dict[str, Any]:
    """Arguments of `Settings` from a site file, as far as it has the connections.

    Raises `connectors.config.site.SiteError`.
    """
    site = load_site(path)
    settings: dict[str, Any] = {
        "site": site.site,
        "section": site.api,
        "traces": site.traces,
        "camera_variables": tuple(site.cameras),
    }
    if "redpanda" in site.connections:
        broker = site.connection("redpanda", TopicConnection)
        settings |= {"broker": broker, "topics": broker.topic_names}
    if "clickhouse" in site.connections:
        clickhouse = site.connection("clickhouse", ClickHouseConnection)
        settings |= {
            "clickhouse": lambda: open_client(clickhouse, timeout=QUERY_LIMIT),
            "clickhouse_address": clickhouse.url,
        }
    if OBJECTS in site.connections:
        settings["objects"] = site.connection(OBJECTS, ObjectStoreConnection)
    if "http" in site.connections:
        settings["device_tokens"] = site.connection("http", HttpConnection).tokens
    if ACCOUNTS in site.connections:
        settings["database"] = site.connection(ACCOUNTS, AccountsConnection).url.get_secret_value()
    if OPENID in site.connections:
        settings["openid"] = site.connection(OPENID, OpenIdConnection)
        if site.api.url is None:
            raise SiteError(
                f"{path}: connections.openid needs the address that the provider sends people back"
                " to; write it under api: {url: https://vigie.example.org}"
            )
    return settings
