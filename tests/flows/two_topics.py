"""Two topics that feed one alarm, and a flow that is killed before it saved what it had told."""

from collections.abc import Callable

from kafka import KafkaProducer

from operators.events import Event, Reading, encode_lines
from tests.flow_process import FlowProcess
from tests.flows.foreign_producer import SUBJECTS, changes, make_topic
from tests.waiting import wait_until

FLOW = """\
sources: {readings: {topic: [NAME.in, NAME.more]}}
alarms:
  hot: {from: readings, when: {above: 30, clear: 28}, response: Cool it.}
sinks:
  log: {from: readings, topic: NAME.out}
clock: {idle: 1h}
"""
ROUNDS = 4
Look = Callable[[], list[Event]]


class TwoTopics:
    """Writes the same subjects to both topics."""

    def __init__(self, address: str, name: str) -> None:
        self._name, self.count = name, 0
        for topic in ("in", "more"):
            make_topic(address, f"{name}.{topic}", 2)
        self._producer = KafkaProducer(bootstrap_servers=address, enable_idempotence=False)

    def send(self, topic: str, time: float, value: float) -> None:
        """A reading of each subject."""
        for number in range(SUBJECTS):
            event = Reading(
                id=f"r{self.count}", time=time, subject=f"s{number}", metric="t", value=value
            )
            self._producer.send(
                f"{self._name}.{topic}", encode_lines([event]), key=event.subject.encode()
            )
            self.count += 1
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()


def check_that_kills_change_no_alarm(
    topics: TwoTopics, start: Callable[[], FlowProcess], alarms: Look, out: Look
) -> None:
    """What comes later of one topic is older, so it counts no more, also when it is read again."""

    def wait_for(times: int) -> None:
        wait_until(
            lambda: all(len(of) >= times for of in changes(alarms()).values()) and alarms(),
            what=f"{times} changes of each alarm",
        )

    flow, expected = start(), list[tuple[int, str, float]]()
    for time in range(1000, 1000 + 100 * ROUNDS, 100):
        topics.send("more", time + 20, 31)
        expected.append((len(expected) + 1, "activated", time + 20))
        wait_for(len(expected))
        topics.send("in", time + 10, 32)
        wait_until(lambda: len({event.id for event in out()}) == topics.count, what="all readings")
        flow.kill()
        flow = start()
        topics.send("in", time + 30, 20)
        expected.append((len(expected) + 1, "returned", time + 30))
        wait_for(len(expected))
    topics.close()
    assert flow.stop() == 0
    assert changes(alarms()) == {f"s{number}": expected for number in range(SUBJECTS)}
