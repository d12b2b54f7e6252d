"""The street video over real RTSP: one event for each time somebody comes in. Run by
`make test-video`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from connectors.kafka.connection import TopicConnection
from infra.demo.cameras import STREET
from infra.embedded.broker import Broker
from infra.embedded.rtsp import Mount, Rtsp
from infra.embedded.stack import Stack
from tests.conftest import require
from tests.flow_process import FlowProcess
from tests.video.street import CONFIDENCE, PER_SECOND, PICTURES, passes
from tests.waiting import wait_until

ROUND = PICTURES / PER_SECOND
"""Seconds of the video, which the server repeats."""
NEAR = 2.5
"""Seconds between somebody's feet coming in and the event: three pictures, and the hand's error."""
TOPIC = "street.passes"
DEFINITION = """\
vigie: 1
flow: street
tables: {{cameras: cameras.csv}}
zones:
  left_side:
    camera: street  # from 25 to 145 pixels from the left, from 165 of the top down
    points: [[0.0326, 0.2865], [0.1888, 0.2865], [0.1888, 1], [0.0326, 1]]
sources:
  video: {{rtsp: {{each: cameras, url: "{url}", fps: 5}}}}
streams:
  passes:
    from: video
    steps:
      - motion_gate: {{min_area: 0.1 %, hold: 10s}}
      - detect: {{model: coco, classes: [person], confidence: {confidence}}}
      - track: {{lost_after: 3s}}
      - zones: {{}}
      - only: {{phase: entered}}
sinks:
  told: {{from: passes, topic: {topic}}}
"""


@pytest.fixture
def stack(tmp: Path, coco: Path) -> Iterator[Stack]:
    for service in (Broker, Rtsp):
        require(service)
    with Stack(tmp / "services", ["redpanda"]) as stack:
        yield stack


def test_each_pass_is_one_event(stack: Stack, tmp: Path, coco: Path) -> None:
    with Rtsp(tmp / "rtsp", [Mount("/street", STREET)]) as rtsp:
        definition = tmp / "street.yaml"
        definition.write_text(
            DEFINITION.format(url=rtsp.url("/{name}"), confidence=CONFIDENCE, topic=TOPIC)
        )
        (tmp / "cameras.csv").write_text("name\nstreet\n")
        site = tmp / "site.yaml"
        site.write_text(f"{stack.site.read_text()}\nmodels: {{coco: {coco}}}\n")
        times: list[float] = []
        with FlowProcess(definition, site, tmp / "data") as flow:
            consumer = _consumer(stack)

            def a_round_is_over() -> bool:
                for records in consumer.poll(200).values():
                    for record in records:
                        times.extend(json.loads(line)["time"] for line in record.value.splitlines())
                return bool(times) and max(times) > min(times) + ROUND - NEAR

            try:
                wait_until(a_round_is_over, 3 * ROUND, "people in a second round")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{flow.log.read_text()[-4000:]}") from error
            consumer.close()
            assert flow.stop() == 0
    times.sort()
    print(f"\nevents {_seconds(times)}, passes {passes()}")
    round_ = [each for each in times if each < times[0] + ROUND - NEAR]
    assert len(round_) == len(passes())
    assert _fits(round_), f"events {_seconds(round_)}, passes {passes()}"


def _consumer(stack: Stack) -> KafkaConsumer:
    connection = TopicConnection(**stack.connections()["redpanda"])
    return KafkaConsumer(
        TOPIC,
        **connection.client_options(),
        auto_offset_reset="earliest",
        group_id=None,
    )


def _fits(times: list[float]) -> bool:
    """Whether each event is near a pass of its own, whichever pass a round begins with."""
    expected = passes()
    for first in range(len(expected)):
        turned = [*expected[first:], *(each + ROUND for each in expected[:first])]
        late = [time - each for time, each in zip(times, turned, strict=True)]
        if max(late) - min(late) <= NEAR:
            return True
    return False


def _seconds(times: list[float]) -> list[float]:
    return [round(each - times[0], 1) for each in sorted(times)]
