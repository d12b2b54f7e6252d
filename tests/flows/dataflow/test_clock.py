"""`clock:` of a definition, on its way through the whole graph."""

from flows.dataflow.graph import Graph
from operators.events import Message, Reading
from tests.flows.dataflow.histories import plan_of

FLOW = """\
vigie: 1
flow: yard
sources:
  doors: {mqtt: {topics: [zigbee2mqtt/doors]}, clock: {time: arrival}}
  meters: {mqtt: {topics: [zigbee2mqtt/meters]}}
streams:
  opened: {from: doors, steps: [decode: zigbee2mqtt]}
  power: {from: meters, steps: [decode: zigbee2mqtt]}
sinks:
  out: {from: [opened, power], topic: yard.out}
"""


def test_devices_without_a_clock_have_the_time_of_arrival_also_when_their_messages_tell_one() -> (
    None
):
    plan = plan_of(FLOW)
    assert plan is not None
    graph, received = Graph(plan), 1_772_366_400.0

    def time_of(source: str) -> float:
        payload = b'{"temperature": 3, "last_seen": "2026-03-01T11:00:00Z"}'
        message = Message(id="m", time=received, topic=f"zigbee2mqtt/{source}", payload=payload)
        (event,) = graph.feed(source, [message], received + 2)["out"]
        assert isinstance(event, Reading)
        return event.time - received

    assert time_of("doors") == 2
    assert time_of("meters") == -3600
