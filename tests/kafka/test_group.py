"""A flow's positions are shown in a consumer group, and are never read from there."""

from pathlib import Path

from kafka import TopicPartition
from kafka.errors import RetriableError
from kafka.structs import OffsetAndMetadata

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.kafka.server import Kafka
from tests.flow_process import FlowProcess
from tests.flows.running import HOT, site_of, write
from tests.kafka.conftest import Administer
from tests.kafka.reading import reading
from tests.waiting import wait_until


def test_the_positions_of_a_checkpoint_that_holds_are_in_the_group_of_the_flow(
    connection: TopicConnection, kafka: Kafka, unique: str, tmp: Path, administer: Administer
):
    admin, place = administer([kafka.address]), TopicPartition(f"{unique}.in", 0)
    admin.create_topics({place.topic: {"num_partitions": 1}})
    group = f"{unique}.hot"

    def alter(offset: int) -> bool:
        try:
            done = admin.alter_group_offsets(group, {place: OffsetAndMetadata(offset, "", -1)})
        except RetriableError:  # a young broker has no coordinator yet
            return False
        return not done[place].errno

    wait_until(lambda: alter(3), what="a coordinator")
    producer = Producer(connection, Health(), "p")
    producer.send_events(place.topic, [reading(n) for n in range(5)], pack=False)
    producer.flush()
    producer.close()
    settings = connection.model_dump(include={"brokers", "prefix"})
    definition = write(tmp, "hot", HOT.replace("NAME", unique))

    def committed() -> int:
        found = admin.list_group_offsets(group)[group].get(place)
        return -1 if found is None else int(found.offset)

    with FlowProcess(definition, site_of(tmp, redpanda=settings), tmp / "data"):
        wait_until(lambda: committed() == 5, what="the position of the flow")
    wait_until(lambda: alter(0), what="the group to take another position")
    with FlowProcess(definition, site_of(tmp, redpanda=settings), tmp / "data"):
        wait_until(lambda: committed() == 5, what="its own position, not the group's")
