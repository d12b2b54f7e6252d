"""The topics that a site file declares, compared with those of its brokers."""

from collections.abc import Iterator

from kafka.errors import KafkaError

from connectors.base import ConnectorError
from connectors.config.site import Site
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topics.settings import Difference, apply, differences

Place = tuple[str, ...]


def declaring(site: Site) -> dict[str, TopicConnection]:
    """The connections that declare topics, by name; raises `SiteError`."""
    return {
        name: site.connection(name, TopicConnection)
        for name, written in site.connections.items()
        if "brokers" in written and written.get("topics")
    }


def differing(site: Site) -> Iterator[tuple[Place, Difference]]:
    """What is not as declared, with its place in the file. Raises `ConnectorError`, `SiteError`."""
    for name, connection in declaring(site).items():
        try:
            found = differences(connection)
        except (KafkaError, OSError) as error:
            raise ConnectorError(explain(error, connection)) from error
        for one in found:
            yield ("connections", name, "topics", one.topic), one


def make_as_declared(site: Site, dry_run: bool) -> Iterator[tuple[str, bool]]:
    """Change topics; a line of each change, and whether it was refused. Raises as `differing`."""
    for connection in declaring(site).values():
        try:
            for one, refusal in apply(connection, dry_run):
                change = f"topic {one.topic}: {one.setting} {one.found} -> {one.wanted}"
                yield (change if refusal is None else f"{change}: {refusal}"), refusal is not None
        except (KafkaError, OSError) as error:
            raise ConnectorError(explain(error, connection)) from error
