"""paho's client with fewer calls: it reads and writes what paho itself does."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet
from paho.mqtt.client import CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBLISH
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes

from connectors.mqtt.quick_client import BufferedSocket, QuickClient


@given(sent=st.binary(min_size=1, max_size=2000), sizes=st.lists(st.integers(1, 300), min_size=1))
def test_what_is_read_is_what_was_sent_however_much_is_asked_for(
    sent: bytes, sizes: list[int]
) -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(sent)
        there.shutdown(socket.SHUT_WR)
        reading, found, turn = BufferedSocket(here), b"", 0
        while piece := reading.recv(size := sizes[turn % len(sizes)]):
            assert len(piece) <= size
            found, turn = found + piece, turn + 1
            assert reading.pending() == len(sent) - len(found)
    assert found == sent


def test_a_socket_with_nothing_to_read_says_so() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        reading = BufferedSocket(here)
        with pytest.raises(BlockingIOError):
            reading.recv(1)
        there.sendall(b"ab")
        assert reading.recv(1) + reading.recv(1) == b"ab"
        with pytest.raises(BlockingIOError):
            reading.recv(1)


@pytest.mark.parametrize(
    "rest", [b"", b"\x00", b"\x10", b"\x18", b"\x42", b"\x87", b"\x97", b"\x00\x00", b"\x97\x00"]
)
def test_an_acknowledgement_says_what_paho_finds_in_it(rest: bytes) -> None:
    client = _client()
    packet = (7).to_bytes(2, "big") + rest
    try:
        wanted = _packet.decode_puback(PUBACK, packet, MQTTProtocolVersion.MQTTv5).reason
    except _packet.MalformedPacket:
        wanted = None
    said: list[Any] = []
    client.on_publish = lambda _client, _data, mid, reason, _properties: said.append((mid, reason))
    client._out_messages[7] = SimpleNamespace(  # type: ignore[assignment]
        info=SimpleNamespace(_set_as_published=lambda: None), qos=0
    )
    client._in_packet |= {"command": PUBACK, "packet": bytearray(packet)}
    if wanted is None:
        with pytest.raises(_packet.MalformedPacket):
            client._handle_pubackcomp("PUBACK")
    else:
        client._handle_pubackcomp("PUBACK")
        assert [(mid, reason.value, str(reason)) for mid, reason in said] == [
            (7, wanted.value, str(wanted))
        ]
        assert wanted.packetType == PacketTypes.PUBACK


def test_messages_leave_together_and_what_has_consequences_by_itself() -> None:
    client = _client()
    packets = [
        (CONNECT, 0, b"c"), (PUBLISH, 1, b"one"), (PUBLISH, 1, b"two"), (PUBACK, 0, b"a"),
        (PUBLISH, 0, b"zero"), (PINGREQ, 0, b"p"), (PUBLISH, 1, b"three"), (DISCONNECT, 0, b"d"),
    ]  # fmt: skip
    for command, qos, data in packets:
        client._out_packet.append(
            {
                "command": command, "mid": 1, "qos": qos, "pos": 0, "to_process": len(data),
                "packet": data, "info": None,
            }
        )  # fmt: skip
    client._out_packet[1]["pos"], client._out_packet[1]["to_process"] = 1, 2  # half written
    written = []
    while client._out_packet:
        client._join_packets()
        first = client._out_packet.popleft()
        written.append(bytes(first["packet"][first["pos"] :]))
        assert len(written[-1]) == first["to_process"]
    assert written == [b"c", b"netwoa", b"zero", b"p", b"three", b"d"]


def _client() -> QuickClient:
    return QuickClient(
        CallbackAPIVersion.VERSION2, client_id="c", protocol=MQTTProtocolVersion.MQTTv5
    )
