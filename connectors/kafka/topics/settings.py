"""The settings of topics, as the broker has them."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from connectors.kafka.access.refusals import BrokerRefusal
from connectors.kafka.connection import TopicConnection

Settings = Mapping[str, str]


class Difference(NamedTuple):
    """A setting of a topic that is not as declared."""

    topic: str
    setting: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.setting} is {self.found}, declared is {self.wanted}"


def refuse_unkeyed(admin: KafkaAdminClient, topic: str) -> None:
    """Raise `BrokerRefusal` for a compacted topic, which takes no packed records.

    They have no key. Where the settings are not to be had, it is found out by the first record.
    """
    found: Settings = {}
    with contextlib.suppress(KafkaError, OSError):
        found = read_settings(admin, [topic]).get(topic, {})
    if "compact" in found.get("cleanup.policy", ""):
        raise BrokerRefusal(
            f"the topic {topic} is compacted: it keeps the last record of each key, and packed"
            " records have none; write `pack: false` at the sink, or change cleanup.policy of the"
            " topic"
        )


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


def differences(connection: TopicConnection) -> list[Difference]:
    """Where topics that exist are not as the connection declares; raises `KafkaError`."""
    admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5_000)
    try:
        return _differences(connection, admin)
    finally:
        admin.close()


def apply(connection: TopicConnection, dry_run: bool) -> Iterator[tuple[Difference, str | None]]:
    """Make topics as declared: each difference, and why it stays, if the broker refuses it.

    Raises `KafkaError`.
    """
    admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5_000)
    try:
        for one in _differences(connection, admin):
            yield one, None if dry_run else _set(admin, one)
    finally:
        admin.close()


def _differences(connection: TopicConnection, admin: KafkaAdminClient) -> list[Difference]:
    declared = {name: topic.settings() for name, topic in connection.topics.items()}
    if not declared:
        return []
    return [
        Difference(topic, setting, wanted, found.get(setting, "unknown"))
        for topic, found in read_settings(admin, declared).items()
        for setting, wanted in declared[topic].items()
        if found.get(setting) != wanted
    ]


def _set(admin: KafkaAdminClient, one: Difference) -> str | None:
    change = ConfigResource(ConfigResourceType.TOPIC, one.topic, {one.setting: one.wanted})
    try:
        answer = admin.alter_configs([change])
    except KafkaError as error:
        return str(error)[:200]
    result = str(answer["topic"][one.topic])
    return None if result == "OK" else result
