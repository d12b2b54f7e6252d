"""The pages that a definition declares, made known to the api over a topic."""

import time

from kafka.errors import KafkaError

from connectors.base import ConnectorError
from connectors.kafka.admin import ensure_topic, explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.language.model import Flow
from operators.events import Row, encode_lines

TABLE = "pages"


def announce_pages(flow: Flow, connection: TopicConnection, producer: Producer) -> None:
    """Have the topic of pages hold one row for this flow: all its pages, with their rights.

    One row a flow, so that a page that is declared no longer is gone with the next start. Raises
    `ConnectorError` while no broker answers.
    """
    topic = connection.topic_names.pages
    pages = {name: page.model_dump() for name, page in flow.pages.items()}
    row = Row(
        id=flow.flow,
        time=time.time(),
        table=TABLE,
        op="update",
        values={"id": flow.flow, "pages": pages},
    )
    try:
        ensure_topic(connection, topic, 1, compact=True)
    except (KafkaError, OSError) as error:
        raise ConnectorError(explain(error, connection)) from error
    producer.send(topic, flow.flow, encode_lines([row]), pack=False)
