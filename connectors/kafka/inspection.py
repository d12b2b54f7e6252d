"""What a broker has, looked at from outside: nothing is made or changed."""

from collections.abc import Iterator, Mapping

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from connectors.base import NoAnswer
from connectors.kafka.access.refusals import BrokerRefusal, refuse_missing_right
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.topics.retention import kept_seconds
from connectors.kafka.topics.settings import Settings, read_settings
from connectors.runtime.finding import Finding

LEAST_KEPT = 86_400.0
"""Seconds that a topic keeps its records at least, so that a night's outage loses nothing."""


def existing_topics(connection: TopicConnection) -> set[str]:
    """The topics that are there; raises `NoAnswer`."""
    try:
        with open_consumer(connection) as consumer:
            return set(consumer.topics())
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error


def inspect(connection: TopicConnection) -> Iterator[Finding]:
    """Look at the broker, its topics, and what this user may do with them; raises `NoAnswer`."""
    there = existing_topics(connection)
    own = sorted(topic for topic in there if topic.startswith(connection.prefix))
    try:
        admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5000)
        try:
            brokers = len(admin.describe_cluster()["brokers"])
            described = admin.describe_topics(own) if own else []
            settings = read_settings(admin, own) if own else {}
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error
    yield _copies(connection, brokers)
    yield Finding("topics", "ok", f"{len(there)}, {len(own)} of them Vigie's")
    for topic in described:
        try:
            refuse_missing_right(connection, topic, ("READ", "WRITE"))
        except BrokerRefusal as error:
            name = topic["name"]
            yield Finding(f"rights on {name}", "fault", "none", "read and write", str(error))
    yield from _settings(connection, settings)


def _copies(connection: TopicConnection, brokers: int) -> Finding:
    wanted = connection.replication or 1
    is_fine = wanted <= brokers
    return Finding(
        "brokers",
        "ok" if is_fine else "fault",
        f"{brokers}",
        f"at least {wanted}",
        "" if is_fine else "start the other brokers, or lower `replication` of the connection",
    )


def _settings(connection: TopicConnection, settings: Mapping[str, Settings]) -> Iterator[Finding]:
    names = connection.topic_names
    tables = {names.pages, names.rules, names.cameras, names.evidence_pins}
    for topic, found in settings.items():
        policy = found.get("cleanup.policy", "")
        if topic in tables:
            if policy and "compact" not in policy:
                yield Finding(
                    f"topic {topic}",
                    "fault",
                    f"cleanup.policy={policy}",
                    "compact: it is a table, whose old rows count",
                    f"rpk topic alter-config {topic} --set cleanup.policy=compact",
                )
            continue
        kept = kept_seconds(found)
        if kept is not None and kept < LEAST_KEPT and topic != names.live_pictures:
            yield Finding(
                f"topic {topic}",
                "warning",
                f"keeps records {kept / 3600:g} h",
                "a day: what a longer outage leaves unread is gone",
                f"rpk topic alter-config {topic} --set retention.ms=86400000",
            )
