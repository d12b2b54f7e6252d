"""A device that goes offline makes its last readings stale."""

from typing import Any

import pytest

from operators.component import Now
from operators.decoding import offline_devices as decode_offline
from operators.decoding.logic import DecodeLogic
from operators.events import Event, Reading
from operators.model.saved_state import decode, encode
from tests.operators.decoding.test_step import T, logic, message


def feed(decoder: DecodeLogic, topic: str, payload: Any, at: float = 0.0) -> list[Event]:
    event = message(topic, payload, id=f"{topic}@{at:g}")
    event.time = T + at
    return decoder.on_batch([event], Now(T + at, T + at))


def stale(events: list[Event]) -> list[tuple[str, str, float | None]]:
    return [
        (e.subject, e.metric, e.value)
        for e in events
        if isinstance(e, Reading) and e.quality == "stale"
    ]


def test_going_offline_issues_the_last_readings_again_as_stale() -> None:
    decoder = logic()
    feed(decoder, "zigbee2mqtt/plug", {"power": 5, "state_l1": "ON", "temperature": None})
    feed(decoder, "zigbee2mqtt/plug", {"power": 7}, 10)
    feed(decoder, "zigbee2mqtt/other", {"power": 1}, 10)
    offline, *again = feed(decoder, "zigbee2mqtt/plug/availability", "offline", 60)
    assert isinstance(offline, Reading)
    assert (offline.metric, offline.value, offline.quality) == ("availability", 0.0, "good")
    assert sorted(stale(again)) == [("plug", "power", 7.0), ("plug#l1", "state", 1.0)]
    assert {e.time for e in again if isinstance(e, Reading)} == {T + 60}
    assert len({e.id for e in (offline, *again)}) == 3


def test_a_second_offline_and_an_online_issue_nothing_again() -> None:
    decoder = logic()
    feed(decoder, "zigbee2mqtt/plug", {"power": 5})
    assert len(feed(decoder, "zigbee2mqtt/plug/availability", "offline", 1)) == 2
    assert len(feed(decoder, "zigbee2mqtt/plug/availability", "offline", 2)) == 1
    assert len(feed(decoder, "zigbee2mqtt/plug/availability", "online", 3)) == 1


@pytest.mark.parametrize(
    ("bridge", "topic", "payload"),
    [
        ("zigbee2mqtt/bridge/state", "zigbee2mqtt/plug", {"power": 5}),
        ("frigate/available", "frigate/plug/motion", "ON"),
        ("tele/zbgw/LWT", "tele/zbgw/SENSOR", {"ZbReceived": {"plug": {"Occupancy": 1}}}),
        ("home/OpenMQTTGateway/LWT", "home/OpenMQTTGateway/BTtoMQTT/A4C1380B0C0D", {"batt": 5}),
    ],
)
def test_a_bridge_that_goes_offline_takes_its_devices_along(
    bridge: str, topic: str, payload: Any
) -> None:
    decoder = logic()
    feed(decoder, topic, payload)
    feed(decoder, "elsewhere/plug2", {"power": 5})
    assert len(stale(feed(decoder, bridge, "offline", 1))) == 1


def test_the_device_of_a_name_does_not_take_along_longer_names() -> None:
    decoder = logic()
    feed(decoder, "zigbee2mqtt/hall/lamp", {"power": 5})
    assert stale(feed(decoder, "zigbee2mqtt/hall/availability", "offline", 1)) == []


def test_what_is_remembered_survives_a_restart_and_does_not_alias() -> None:
    decoder = logic()
    feed(decoder, "zigbee2mqtt/plug", {"power": 5})
    state = decode(encode(decoder.snapshot()), decoder.STATE)
    feed(decoder, "zigbee2mqtt/plug", {"power": 6}, 1)
    restored = logic()
    restored.restore(state, DecodeLogic.VERSION)
    assert stale(feed(restored, "zigbee2mqtt/plug/availability", "offline", 2)) == [
        ("plug", "power", 5.0)
    ]


def test_a_silent_device_is_forgotten_after_a_day() -> None:
    decoder = logic()
    feed(decoder, "zigbee2mqtt/plug", {"power": 5})
    feed(decoder, "zigbee2mqtt/other", {"power": 5}, decode_offline.EXPIRY + 1)
    assert (
        stale(feed(decoder, "zigbee2mqtt/plug/availability", "offline", decode_offline.EXPIRY + 2))
        == []
    )


def test_the_number_of_devices_and_signals_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_offline, "MAX_SIGNALS", 6)
    decoder = logic()
    for n in range(5):
        feed(decoder, f"zigbee2mqtt/d{n}", {"power": n})
    issued = [
        stale(feed(decoder, f"zigbee2mqtt/d{n}/availability", "offline", 1)) for n in range(5)
    ]
    assert issued == [
        [],
        [],
        [("d2", "power", 2.0)],
        [("d3", "power", 3.0)],
        [("d4", "power", 4.0)],
    ]
