"""The settings of topics, as the broker has them."""

from collections.abc import Iterable, Mapping

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from connectors.kafka.connection import TopicConnection

Settings = Mapping[str, str]


def settings_of(connection: TopicConnection, topics: Iterable[str]) -> dict[str, Settings]:
    """The settings of topics that exist, by topic; raises `KafkaError`.

    A topic that this user may not describe is missing.
    """
    admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5_000)
    try:
        return read_settings(admin, topics)
    finally:
        admin.close()


def read_settings(admin: KafkaAdminClient, topics: Iterable[str]) -> dict[str, Settings]:
    """The same by a client that is there."""
    known = {one["name"] for one in admin.describe_topics(list(topics)) if not one["error_code"]}
    if not known:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in sorted(known)]
    found = admin.describe_configs(wanted, config_filter="all").get("topic", {})
    return {
        topic: {name: str(one["value"]) for name, one in values.items()}
        for topic, values in found.items()
    }
