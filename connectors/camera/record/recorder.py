"""The second stream of a camera, of which only the packets are kept."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import av

from connectors.camera.address import AddressError, host_of, kind_of, masked_address
from connectors.camera.advice import Adviser
from connectors.camera.connect_pace import HostPace, RetryPace
from connectors.camera.event_clock import EventClock
from connectors.camera.output import Output
from connectors.camera.record.packet_ring import CODECS, PacketRing
from connectors.camera.settings import CameraSettings
from connectors.camera.state import UNRECORDED, state_reading
from connectors.camera.streams.stream import AvStream, StreamError, StreamFacts
from connectors.runtime import steady_clock
from connectors.runtime.error_text import one_line

log = logging.getLogger("vigie")


class Recorder:
    """Keeps the packets of a camera's second stream, which is never decoded."""

    def __init__(
        self,
        settings: CameraSettings,
        address: str,
        ring: PacketRing,
        pace: HostPace,
        output: Output,
        looked: Callable[[], float],
    ) -> None:
        """`looked` tells the shape of the pictures that are looked at; 0 if unknown."""
        self._settings = settings
        self._address = address
        self._ring = ring
        self._pace = pace
        self._output = output
        self._looked = looked
        self._clock = EventClock()
        self._adviser = Adviser(settings, output)
        self._facts = StreamFacts()
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

    def leave(self) -> None:
        """Tell, after its end, that nothing is to be recorded any more."""
        if self._is_lost:
            self._tell(False)

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
                self._adviser.restart()
                self._facts = stream.facts
                try:
                    if self._facts.codec not in CODECS:
                        raise StreamError(_unkept(self._address, self._facts.codec))
                    self._tell(False)
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
            except Exception as error:  # one camera's oddities shall not end its recording
                why = f"{type(error).__name__}: {masked_address(one_line(str(error)))}"
                log.warning("%s: %s", self._settings.name, why)
                self._output.count("errors", 1)
                self._tell(True, why)
            self._ring.end_segment()
            good = 0.0 if began is None else time.monotonic() - began
            self.stopping.wait(pace.pause(good, failure))
        self._ring.end_segment()

    def _tell(self, is_lost: bool, why: str | None = None) -> None:
        if is_lost is not self._is_lost:
            self._is_lost = is_lost
            name, labels = self._settings.name, self._settings.labels
            told = state_reading(name, UNRECORDED, is_lost, steady_clock.now(), why, labels)
            self._output.event(told)

    def _arrived(self, pts: float | None) -> None:
        if self.stopping.is_set():
            raise _Stopped
        self._clock.arrived(pts, time.monotonic(), steady_clock.now())

    def _keep(self, packet: "av.Packet[Any]", video: av.VideoStream, changed: bool) -> None:
        if packet.pts is None or packet.time_base is None:
            return
        at = self._clock.time_of(float(packet.pts * packet.time_base))
        self._ring.write(packet, video, at)
        self._adviser.look(self._facts, at, self._looked())
        self._tell(self._ring.problem is not None, self._ring.problem)


def _unkept(address: str, codec: str) -> str:
    return (
        f"{masked_address(address)} sends {codec}, which cannot be kept as it is: set it to H.264,"
        " or leave record_url out, then the pictures that were looked at are kept"
    )


class _Stopped(Exception):
    """The recorder is to end."""
