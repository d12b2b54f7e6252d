"""The second stream of a camera, of which only the packets are kept."""

import threading
import time
from typing import Any

import av

from connectors.camera.address import AddressError, host_of, kind_of
from connectors.camera.connect_pace import HostPace, RetryPace
from connectors.camera.event_clock import EventClock
from connectors.camera.output import Output
from connectors.camera.record.packet_ring import CODECS, PacketRing
from connectors.camera.settings import CameraSettings
from connectors.camera.state import UNRECORDED, state_reading
from connectors.camera.streams.stream import AvStream, StreamError


class Recorder:
    """Keeps the packets of a camera's second stream, which is never decoded."""

    def __init__(
        self,
        settings: CameraSettings,
        address: str,
        ring: PacketRing,
        pace: HostPace,
        output: Output,
    ) -> None:
        self._settings = settings
        self._address = address
        self._ring = ring
        self._pace = pace
        self._output = output
        self._clock = EventClock()
        self._is_lost: bool | None = None
        self.stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"record {settings.name}", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the end."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        pace = RetryPace()
        while not self.stopping.is_set():
            began = None
            failure: StreamError | None = None
            try:
                if self.stopping.wait(self._pace.delay(host_of(self._address))):
                    break
                kind, transport = kind_of(self._address), self._settings.transport
                stream = AvStream(self._address, kind, transport, False, self._arrived, self._keep)
                began = time.monotonic()
                self._clock.restart()
                self._tell(False)
                try:
                    for _ in stream.pictures():
                        pass
                finally:
                    stream.close()
            except (StreamError, AddressError) as error:
                failure = error if isinstance(error, StreamError) else None
                self._output.count("record_lost", 1)
                self._tell(True, str(error))
            except _Stopped:
                break
            self._ring.end_segment()
            good = 0.0 if began is None else time.monotonic() - began
            self.stopping.wait(pace.pause(good, failure))
        self._ring.end_segment()

    def _tell(self, is_lost: bool, why: str | None = None) -> None:
        if is_lost is not self._is_lost:
            self._is_lost = is_lost
            name, labels = self._settings.name, self._settings.labels
            told = state_reading(name, UNRECORDED, is_lost, time.time(), why, labels)
            self._output.event(told)

    def _arrived(self, pts: float | None) -> None:
        if self.stopping.is_set():
            raise _Stopped
        self._clock.arrived(pts, time.monotonic(), time.time())

    def _keep(self, packet: "av.Packet[Any]", video: av.VideoStream, changed: bool) -> None:
        if video.codec_context.name in CODECS and packet.pts is not None:
            assert packet.time_base is not None
            at = self._clock.time_of(float(packet.pts * packet.time_base))
            self._ring.write(packet, video, at)


class _Stopped(Exception):
    """The recorder is to end."""
