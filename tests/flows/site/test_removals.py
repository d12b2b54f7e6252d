"""`vigie remove`: a flow ends for good, and its alarms with it."""

import time

import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from operators.events import AlarmTransition, Reading
from tests.flows.conftest import Watch
from tests.flows.site.test_deploy import vigie
from tests.flows.site.up import Up
from tests.waiting import wait_until

pytestmark = pytest.mark.service


def say(up: Up, value: float) -> None:
    producer = Producer(up.connection, Health(), "p")
    hot = Reading(
        id=f"r{value}", time=time.time(), subject="rack", metric="temperature", value=value
    )
    producer.send_events(f"{up.prefix}.in", [hot])
    producer.flush()
    producer.close()


def test_alarms_of_a_removed_flow_end_also_where_its_file_was_gone(up: Up, topic: Watch) -> None:
    up.write("cool")
    up.start()
    up.wait_running("cool")
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    changes: list[AlarmTransition] = []

    def changed(to: str) -> bool:
        changes[:] = [one for one in alarms() if isinstance(one, AlarmTransition)]
        return bool(changes) and changes[-1].change == to

    code, said = vigie(up, "remove", "hot")
    assert code == 1 and "no flow 'hot' has run here" in said
    say(up, 31)
    wait_until(lambda: changed("raised"), what="the alarm")

    code, said = vigie(up, "remove", "cool", "--who", "ada")
    assert code == 0, said
    wait_until(lambda: changed("removed"), what="its end")
    assert not (up.folder / "cool.yaml").exists()
    assert up.flow("cool") is None

    up.write("cool")
    up.wait_running("cool")
    say(up, 33)
    wait_until(lambda: changed("raised"), what="the alarm of the flow that came back")
    (up.folder / "cool.yaml").unlink()
    up.wait("cool", lambda one: one.state == "removed", "the flow to stop")
    assert vigie(up, "remove", "cool")[0] == 0
    wait_until(lambda: changed("removed"), what="its end")
    assert [(one.change, one.occ) for one in changes] == [
        ("raised", 1), ("removed", 1), ("raised", 2), ("removed", 2)
    ]  # fmt: skip
    assert up.stop() == 0
