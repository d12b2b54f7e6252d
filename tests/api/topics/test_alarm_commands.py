"""Commands to alarms and their answers, over a real broker."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.metrics import Metrics
from api.push.feed import Feed
from api.topics.alarm_commands import AlarmCommands
from api.topics.writer import NO_BROKER, BrokerDown, TopicWriter
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import DEFAULT_NAMES
from infra.embedded.broker import Broker
from operators.alarms.command_handler import ACCEPTED
from operators.events import Event, Occurrence
from tests.api.running import Topics, settings_for
from tests.waiting import wait_until


class Ears:
    """Takes what the feed reads."""

    def __init__(self) -> None:
        self.answers: list[Event] = []

    def begin(self, part: str, place: object) -> None: ...

    def forget(self, parts: set[str]) -> None: ...

    def publish(self, updates: object) -> None: ...

    def backfilled(self) -> None: ...

    def answered(self, events: list[Event]) -> None:
        self.answers += events


@pytest.fixture
def ears(tmp: Path, broker: Broker, topics: Topics) -> Iterator[Ears]:
    ears = Ears()
    feed = Feed(settings_for(tmp / "data", broker.address, topics), Metrics(), ears)
    feed.start()
    wait_until(lambda: topics.alarms in feed.state.topics, what="the feed to read")
    yield ears
    feed.stop()


def answer(command: str, subject: str = "rack") -> Occurrence:
    data = {"command": command, "state": "acked"}
    return Occurrence(
        id=f"{command}/{subject}", time=1.0, subject=subject, type=ACCEPTED, data=data
    )


def test_the_feed_hands_over_answers_of_a_topic_that_appears_later(
    ears: Ears, topics: Topics
) -> None:
    topics.events(answer("c1"), topic=topics.names.alarm_replies)
    wait_until(lambda: ears.answers, what="the answer")
    assert ears.answers == [answer("c1")]


def test_a_command_reaches_its_topic_and_its_answer_who_asked(
    broker: Broker, topics: Topics
) -> None:
    writer = TopicWriter(
        TopicConnection(brokers=[broker.address], prefix=topics.prefix, idempotence=False)
    )
    commands = AlarmCommands(writer, topics.names)

    async def ask() -> list[Occurrence]:
        question = asyncio.create_task(
            commands.ask("rack", {"do": "ack", "alarm": "too_hot"}, 30, "c2")
        )
        await asyncio.sleep(0)  # it asks
        commands.answered([answer("other"), answer("c2"), answer("c2")])
        return await question

    try:
        assert asyncio.run(ask()) == [answer("c2")]
    finally:
        writer.stop()


def test_without_a_broker_the_reason_is_said() -> None:
    commands = AlarmCommands(TopicWriter(None), DEFAULT_NAMES)
    with pytest.raises(BrokerDown, match=NO_BROKER.split(";")[0]):
        asyncio.run(commands.ask("rack", {"do": "ack"}))


def test_a_broker_that_is_down_is_said_before_anything_is_queued(tmp_path: Path) -> None:
    writer = TopicWriter(TopicConnection(brokers=["127.0.0.1:1"]))
    try:
        writer.send("t", "k", b"{}")
        wait_until(lambda: writer.down, what="the writer to notice")
        with pytest.raises(BrokerDown, match="no answer from the broker"):
            asyncio.run(writer.deliver("t", "k", b"{}", 30))
    finally:
        writer.stop()
