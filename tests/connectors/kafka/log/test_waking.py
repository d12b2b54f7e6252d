"""Whether a broker hands out records as they come is found out from when its answers come."""

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log import fetch_state
from connectors.kafka.log.fetch_state import Fetches
from connectors.kafka.log.waking import Waking
from connectors.kafka.open_consumer import open_consumer
from infra.embedded.broker import Broker
from tests.waiting import PATIENCE, wait_until

USUAL = 500
Spans = Iterator[float]
Look = Callable[[float, float, int], float]
"""When a broker answers, by when records come, when it was asked, and for how long it may wait."""


def woken(at: float, asked: float, wait: int) -> float:
    return min(max(at, asked), asked + wait)


def looking(at: float, asked: float, wait: int) -> float:
    return next((asked + one for one in (0.0, wait / 2, wait) if asked + one >= at), asked + wait)


def asked_for(spans: Spans, waking: Waking, look: Look, delay: float) -> Iterator[float]:
    """Fetches one after the other; gives how long each took that brought records."""
    now, at = 0.0, next(spans)
    while True:
        wait, asked = waking.wait, now
        now = look(at, asked, wait) + delay
        if at + delay > now:
            continue
        while at + delay <= now:
            at += next(spans)
        waking.answered(now - asked, wait)
        yield now - asked


def at_random(every: float) -> Spans:
    rng = random.Random(every)
    return (rng.expovariate(1 / every) for _ in itertools.count())


@pytest.mark.parametrize(
    ("every", "delay"), [(1, 0.5), (60, 1.0), (60, 20.0), (1000, 20.0), (20_000, 20.0)]
)
def test_a_broker_that_looks_for_records_at_its_own_instants_is_found_out(
    every: int, delay: float
) -> None:
    waking = Waking(USUAL)
    fetches = asked_for(at_random(every), waking, looking, delay)
    for _ in range(30):
        next(fetches)
    assert waking.is_lacking


@pytest.mark.parametrize("every", [1, 60, 150, 250, 255, 275, 300, 500, 1000, 20_000])
@pytest.mark.parametrize("regular", [True, False])
def test_a_broker_that_wakes_is_believed_to_whenever_records_come(
    every: int, regular: bool
) -> None:
    waking = Waking(USUAL)
    spans = itertools.repeat(float(every)) if regular else at_random(every)
    fetches = asked_for(spans, waking, woken, 3.0)
    for _ in range(5000):
        next(fetches)
        assert not waking.is_lacking


@pytest.mark.service
def test_the_embedded_broker_is_asked_often_once_records_came(
    tmp: Path, own: Callable[[Any], Any], unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_state, "_never_wake", set[str]())
    broker = own(Broker(tmp / "broker"))
    connection = TopicConnection(brokers=[broker.address])
    ensure_topic(connection, unique, 1)
    producer = KafkaProducer(
        bootstrap_servers=broker.address, acks="all", enable_idempotence=False, linger_ms=0
    )
    with open_consumer(connection) as consumer:
        consumer.assign([TopicPartition(unique, 0)])
        Fetches(consumer)

        def one_more() -> bool:
            consumer.poll(20)  # asks, so that the record comes while the broker waits
            producer.send(unique, b"x").get(PATIENCE)
            while not consumer.poll(100):
                pass
            return bool(fetch_state._never_wake)

        wait_until(one_more, what="a broker that is known not to wake fetches", every=0.0)
    producer.close()
