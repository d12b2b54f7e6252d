"""What people wrote that lies in topics: rules, pages, cameras, kept evidence, the mode."""

import base64
from collections.abc import Mapping
from typing import Any

from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import TopicNames
from connectors.kafka.topics.copy import put_missing, rows_of


def names(topics: TopicNames) -> dict[str, str]:
    """The tables, by what they are called in a backup."""
    return {
        "rules": topics.rules,
        "pages": topics.pages,
        "cameras": topics.cameras,
        "evidence_pins": topics.evidence_pins,
        "mode": topics.mode,
    }


def read(site: Site) -> dict[str, dict[str, str]]:
    """All rows of all tables as text; raises `NoAnswer`."""
    connection = site.connection("redpanda", TopicConnection)
    return {
        name: {
            key: base64.b64encode(value).decode()
            for key, value in rows_of(connection, topic).items()
        }
        for name, topic in names(connection.topic_names).items()
    }


def put(site: Site, saved: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Write back the rows that a site lacks: (written, of how many) by table.

    Raises `NoAnswer`.
    """
    connection = site.connection("redpanda", TopicConnection)
    done: dict[str, tuple[int, int]] = {}
    for name, topic in names(connection.topic_names).items():
        rows = {key: base64.b64decode(value) for key, value in saved.get(name, {}).items()}
        done[name] = put_missing(connection, topic, rows), len(rows)
    return done
