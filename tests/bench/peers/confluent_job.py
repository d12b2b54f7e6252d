"""librdkafka on the same topic, in its own environment: `confluent_job.py BROKER TOPIC COUNT`.

Reads COUNT readings, one JSON line each, one or many a record, decodes them, and prints readings
per CPU-second.
"""

import sys
import time

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition


class Reading(msgspec.Struct, tag="reading", tag_field="kind"):
    """A reading with all its fields, so that both sides decode the same."""

    id: str
    time: float
    subject: str
    metric: str
    value: float | None = None
    text: str | None = None
    unit: str | None = None
    quality: str = "good"
    labels: dict[str, str] = {}


def main(broker: str, topic: str, count: int) -> None:
    """Read and decode `count` lines."""
    consumer = Consumer(
        {"bootstrap.servers": broker, "group.id": "bench", "enable.auto.commit": False}
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in partitions])
    decode = msgspec.json.Decoder(Reading).decode_lines
    seen = 0
    before = time.process_time()
    while seen < count:
        for message in consumer.consume(10_000, timeout=0.1):
            if message.error() is None:
                seen += len(decode(message.value()))
    print(count / (time.process_time() - before))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
