"""What a broker refuses, in words with the remedy."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kafka.errors import (
    AuthorizationError,
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    InvalidProducerEpochError,
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    ProducerFencedError,
    RetriableError,
    TransactionalIdAuthorizationFailedError,
    UnsupportedVersionError,
    for_code,
)

from connectors.kafka.connection import TopicConnection

OPERATIONS = {"READ": "Read", "WRITE": "Write", "DESCRIBE": "Describe", "CREATE": "Create"}
NO_TOPIC = "no such topic any more"
TOO_FEW_COPIES = "too few copies in sync (min.insync.replicas)"


class BrokerRefusal(KafkaError):  # type: ignore[misc]
    """The broker answers, but not so that this can work; the message says why, with the remedy."""

    def __str__(self) -> str:
        return str(self.args[0])


def no_right(connection: TopicConnection, operation: str, *topics: str) -> BrokerRefusal:
    """The refusal for a right that is missing, naming the ACL to add."""
    topic, *others = sorted(topics)
    more = f" (nor {', '.join(others[:8])})" if others else ""
    who = f"User:{connection.username}" if connection.username else "this client's user"
    return BrokerRefusal(
        f"{who} has no right to {OPERATIONS[operation]} the topic {topic}{more}; add the ACL:"
        f" kafka-acls --add --allow-principal {who if connection.username else 'User:NAME'}"
        f" --operation {OPERATIONS[operation]} --topic {topic}"
    )


def refuse_missing_right(
    connection: TopicConnection, topic: dict[str, Any], needs: Sequence[str]
) -> None:
    """Raise `BrokerRefusal` where a described topic may not be used as it is needed.

    Brokers without ACLs do not say what may be done.
    """
    allowed = topic.get("authorized_operations")
    if allowed is None:
        return
    for operation in needs:
        if operation not in allowed and "ALL" not in allowed:
            raise no_right(connection, operation, topic["name"])


def meant_by(error: BaseException) -> BaseException:
    """The broker's own error, where the client only quotes its number: `… [Error 31] …`."""
    quoted = re.search(r"\[Error (\d+)\]", str(error)) if type(error) is KafkaError else None
    return for_code(int(quoted[1]))(str(error)) if quoted else error


def words_of(error: BaseException) -> str | None:
    """What an error of the client says of its own, where it is not about reaching the broker."""
    if isinstance(error, BrokerRefusal):
        return str(error)
    if isinstance(error, NotEnoughReplicasError | NotEnoughReplicasAfterAppendError):
        return f"{TOO_FEW_COPIES}; writing goes on once enough brokers are back"
    if isinstance(error, InvalidRecordError):
        return (
            "the broker refuses a record, as it does one without a key in a compacted topic; write"
            " `pack: false` at the sink, or change cleanup.policy of the topic"
        )
    if isinstance(error, InvalidTimestampError):
        return (
            "the broker takes no record of this time; set the clocks of this machine and of the"
            " broker, or raise message.timestamp.after.max.ms of the topic"
        )
    if isinstance(error, ProducerFencedError | InvalidProducerEpochError):
        return "the broker refuses what this process writes: another one took its place"
    if isinstance(error, ClusterAuthorizationFailedError):
        return (
            "this client's user has no right to Write any topic; add the ACL: kafka-acls --add"
            " --allow-principal User:NAME --operation Write --topic TOPIC (before Kafka 2.8 also"
            " --operation IdempotentWrite --cluster)"
        )
    if isinstance(error, TransactionalIdAuthorizationFailedError):
        return (
            "this client's user has no right to Write under the transactional ids of its flow,"
            " which `recovery` needs; add the ACL: kafka-acls --add --allow-principal User:NAME"
            " --operation Write --transactional-id vigie. --resource-pattern-type prefixed"
        )
    if isinstance(error, AuthorizationError):
        return f"a right is missing ({str(error)[:200]}); add an ACL for it"
    if isinstance(error, UnsupportedVersionError):
        return f"the broker's version is not supported ({str(error)[:200]}); Kafka 2.1 or later is"
    if isinstance(error, BrokerResponseError) and not isinstance(error, RetriableError):
        return f"the broker refuses what is asked of it: {str(error)[:200]}"
    return None


def waiting_words(silent: Mapping[Any, str], of: int) -> str:
    """Which partitions wait, by the reason; the other ones of `of` go on."""
    reasons: dict[str, list[str]] = {}
    for tp, reason in sorted(silent.items()):
        reasons.setdefault(reason, []).append(f"{tp.topic}/{tp.partition}")
    words = "; ".join(f"{reason} for {', '.join(names[:8])}" for reason, names in reasons.items())
    rest = f"; the other {of - len(silent)} partitions go on" if of > len(silent) else ""
    remedy = (
        "make the topic, or start what writes it, and it is read from its start"
        if reasons.keys() == {NO_TOPIC}
        else "start the brokers that are down"
    )
    return f"{words}{rest}; {remedy}"
