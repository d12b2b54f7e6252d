"""paho's client with fewer calls of the kernel and fewer objects a message.

paho 2.2 reads a packet in three pieces, two of them of one byte, and writes each by itself; its
thread wakes itself for each message that an acknowledgement lets it send; and of MQTT 5 a third of
its work is to make properties and a reason of each acknowledgement, which has none or a known one.
"""

import threading
from functools import lru_cache
from ssl import SSLSocket
from typing import Any, Literal

from paho.mqtt.client import PUBACK, PUBLISH, Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

PIECE = 64 << 10
NO_PROPERTIES = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]


class BufferedSocket:
    """A socket that is read in large pieces, whatever is asked for."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._piece, self._at = b"", 0

    def recv(self, size: int) -> bytes:
        """At most so many bytes; none once the other side has closed. Raises what sockets do."""
        if self._at >= len(self._piece):
            self._piece, self._at = b"", 0
            self._piece = self._sock.recv(max(size, PIECE))
        found = self._piece[self._at : self._at + size]
        self._at += len(found)
        return found

    def pending(self) -> int:
        """How many bytes there are that the kernel does not know of."""
        left = len(self._piece) - self._at
        return left or (self._sock.pending() if isinstance(self._sock, SSLSocket) else 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class QuickClient(Client):
    """A client of one network connection at a time, with its own thread."""

    def _create_socket(self) -> Any:
        return BufferedSocket(super()._create_socket())

    def _packet_write(self) -> Any:
        self._join_packets()
        return super()._packet_write()

    def _join_packets(self) -> None:
        """Make one of the packets that are next and after which nothing is done."""
        joined, size, packets = list[Any](), 0, self._out_packet
        while packets and size < PIECE and _is_plain(packets[0]):
            joined.append(packets.popleft())
            size += joined[-1]["to_process"]
        if joined:
            whole = joined[0]
            whole["packet"] = b"".join(bytes(one["packet"][one["pos"] :]) for one in joined)
            whole["pos"], whole["to_process"] = 0, size
            packets.appendleft(whole)

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        reason = _reason(bytes(packet[2:])) if len(packet) > 1 else None
        if cmd != "PUBACK" or reason is None:
            return super()._handle_pubackcomp(cmd)
        mid = int.from_bytes(packet[:2], "big")
        with self._out_message_mutex:
            if mid in self._out_messages:
                return self._do_on_publish(mid, reason, NO_PROPERTIES)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _packet_queue(self, *packet: Any) -> Any:
        if threading.current_thread() is not self._thread:
            return super()._packet_queue(*packet)
        # it looks for what is to be written before it waits; so does it for what others add now
        waking, self._sockpairW = self._sockpairW, None
        try:
            return super()._packet_queue(*packet)
        finally:
            self._sockpairW = waking


@lru_cache(256)
def _reason(rest: bytes) -> ReasonCode | None:
    """What an acknowledgement says behind its number, where that is a reason or nothing."""
    if len(rest) > 1:
        return None
    reason = ReasonCode(PacketTypes.PUBACK)
    try:
        if rest:
            reason.unpack(rest)
    except (KeyError, ValueError):
        return None
    return reason


def _is_plain(packet: Any) -> bool:
    """Whether paho does nothing once a packet is written."""
    kind = packet["command"] & 0xF0
    return bool(kind == PUBACK or (kind == PUBLISH and packet["qos"]))
