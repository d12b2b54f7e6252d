"""One camera: a thread that connects, decodes, tells what it sees, and connects again."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import msgspec

from connectors.camera.address import AddressError, host_of, kind_of, masked_address
from connectors.camera.advice import Adviser
from connectors.camera.connect_pace import HostPace, RetryPace
from connectors.camera.event_clock import EventClock
from connectors.camera.jpeg import encode_jpeg, small_gray, small_picture
from connectors.camera.last_looks import LastLooks
from connectors.camera.motion import Box, MotionGate
from connectors.camera.output import Output
from connectors.camera.picture_health import PictureHealth
from connectors.camera.rate import RatePicker
from connectors.camera.record.packet_ring import CODECS, PacketRing, camera_folder
from connectors.camera.record.picture_record import PictureRecord
from connectors.camera.record.recorder import Recorder
from connectors.camera.settings import CameraSettings
from connectors.camera.state import (
    ONLINE,
    STATES,
    UNRECORDED,
    last_frame,
    state_reading,
    unwatched_reading,
)
from connectors.camera.streams.local_streams import Folder, Paced, Simulated, Usb
from connectors.camera.streams.snapshots import Snapshots
from connectors.camera.streams.stream import (
    AvStream,
    Picture,
    Refused,
    SinglePicture,
    Stream,
    StreamError,
    Unreadable,
)
from connectors.runtime import steady_clock
from connectors.runtime.error_text import one_line
from operators.events import Frame

log = logging.getLogger("vigie")

SHORTEST_FILE = 0.5
"""Seconds after which a video file or a folder begins again at the earliest."""
CALM = 30.0
"""Seconds of looking after which it is told that somebody looks again."""
NO_PROCESS = "no process took its pictures"
SIGN_EVERY = 1.0
"""Seconds between two events that say a camera works, though nothing moves or no detector looks."""


class Camera:
    """Runs until it is stopped; whatever goes wrong is a reading of the camera and tried again."""

    def __init__(
        self,
        settings: CameraSettings,
        output: Output,
        pace: HostPace,
        looks: LastLooks,
        most_bytes: int = 900_000,
        pictures: bool = True,
        clock: EventClock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = steady_clock.now,
    ) -> None:
        """`most_bytes` is the largest JPEG; without `pictures` frames are told without any.

        `clock` is that of the camera of this name before, so that times never go back.
        """
        self.settings = settings
        self._output = output
        self._pace = pace
        self._looks = looks
        self._most_bytes = most_bytes
        self._pictures = pictures
        self._monotonic, self._wall = monotonic, wall
        self.stopping = threading.Event()
        self._clock = clock or EventClock()
        self._health = PictureHealth()
        gate = settings.gate
        self._gate = MotionGate(gate.min_area, gate.hold, settings.masks) if gate else None
        self._states: dict[str, bool] = {}
        self._why: str | None = None
        self._lost_why = NO_PROCESS
        self._only_jpegs = self._stills = False
        self._is_back = False
        self._calm_at: float | None = None
        self._size: tuple[int, int] | None = None
        self._shape = 0.0
        self._sign_given = 0.0
        self._damaged_counted = 0
        self._ring = self._open_ring()
        self._recorder = (
            Recorder(
                settings, settings.record_address, self._ring, pace, output, lambda: self._shape
            )
            if settings.record_address and self._ring
            else None
        )
        self._adviser = Adviser(settings, output) if self._recorder is None else None
        self._encoded = (
            PictureRecord(self._ring, settings.fps)
            if self._ring is not None and self._recorder is None
            else None
        )
        self._thread = threading.Thread(
            target=self._run, name=f"camera {settings.name}", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        if self._recorder is not None:
            self._recorder.start()

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        self.stopping.set()
        if self._recorder is not None:
            self._recorder.stopping.set()

    def seen(self) -> None:
        """Something was found on its pictures: a gate leaves that in sight."""
        if self._gate is not None:
            self._gate.seen(self._monotonic())

    def join(self, timeout: float) -> None:
        """Wait for the end."""
        deadline = time.monotonic() + timeout
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._recorder is not None:
            self._recorder.join(max(0.0, deadline - time.monotonic()))

    def leave(self) -> None:
        """Tell, after its end, that nobody is to look at it any more."""
        if self._recorder is not None:
            self._recorder.leave()
        self._tell_states({metric: False for metric in STATES if self._states.get(metric)})
        self._output.event(
            last_frame(self.settings.name, self._clock.next(None), self.settings.labels)
        )

    def _open_ring(self) -> PacketRing | None:
        limits = self.settings.ring
        if limits is None:
            return None
        folder = camera_folder(limits.folder, self.settings.name)
        return PacketRing(folder, limits.seconds, limits.most_bytes, self.settings.private)

    # The rest runs in the camera's thread.

    def _run(self) -> None:
        pace = RetryPace()
        while not self.stopping.is_set():
            began = None
            failure: StreamError | None = None
            why = f"{masked_address(self.settings.address)} ended the stream"
            try:
                host = host_of(self.settings.address)
                if self.stopping.wait(self._pace.delay(host)):
                    break
                stream = self._open()
                try:
                    began = time.monotonic()
                    self._watch(stream)
                except StreamError as error:
                    self._lost(False, str(error))  # before a close that waits for the other end
                    raise
                finally:
                    stream.close()
                    self._count_damaged(stream)
                    if self._ring is not None and self._recorder is None:
                        self._ring.end_segment()  # the next connection may be of another codec
                if self.stopping.is_set():
                    break
                if kind_of(self.settings.address) in ("file", "folder"):
                    self.stopping.wait(max(0.0, began + SHORTEST_FILE - time.monotonic()))
                    continue  # from its beginning
            except StreamError as error:
                failure, why = error, str(error)
                if isinstance(error, Unreadable) and kind_of(self.settings.address) == "http":
                    self._only_jpegs = self._stills or not self._only_jpegs
                    self._stills = False
            except AddressError as error:
                why = str(error)
            except Exception as error:  # one camera's oddities shall not end the others
                why = f"{type(error).__name__}: {masked_address(one_line(str(error)))}"
                log.warning("%s: %s", self.settings.name, why)
                self._output.count("errors", 1)
            self._lost(isinstance(failure, Refused), why)
            good = 0.0 if began is None else time.monotonic() - began
            self.stopping.wait(pace.pause(good, failure))
        if self._encoded is not None:
            self._encoded.end()
        self._tell_states({ONLINE: False})

    def _open(self) -> Stream:
        settings = self.settings
        kind = kind_of(settings.address)
        if kind == "folder":
            return Folder(Path(settings.address), settings.fps, self.stopping)
        if kind == "simulate":
            return Simulated(settings.address, settings.fps, self.stopping)
        if kind == "usb":
            number = settings.address.removeprefix("usb:").removeprefix("/dev/video")
            if not number.isdigit():
                raise AddressError(f"expected usb:NUMBER, such as usb:0, got {settings.address}")
            return Usb(int(number))
        if not self._stills:
            take = self._record if self._ring is not None and self._recorder is None else None
            try:
                stream = AvStream(
                    settings.address,
                    kind,
                    settings.transport,
                    arrived=self._arrived,
                    take=take,
                    only_jpegs=self._only_jpegs,
                )
                return Paced(stream, self.stopping) if kind == "file" else stream
            except SinglePicture:
                self._stills = True
        return Snapshots(settings.address, settings.fps, self.stopping)

    def _arrived(self, pts: float | None) -> None:
        self._clock.arrived(pts, self._monotonic(), self._wall())

    def _record(self, packet: "av.Packet[Any]", video: av.VideoStream, changed: bool) -> None:
        if self._ring is None or video.codec_context.name not in CODECS or packet.pts is None:
            return
        if changed:
            self._ring.end_segment()
        assert packet.time_base is not None
        self._ring.write(packet, video, self._clock.time_of(float(packet.pts * packet.time_base)))

    def _watch(self, stream: Stream) -> None:
        """Look at a stream's pictures until it ends or we stop."""
        settings = self.settings
        self._is_back = True
        self._shape = stream.facts.shape
        self._clock.restart()
        self._health.restart()
        if self._adviser is not None:
            self._adviser.restart()
        picker = RatePicker(settings.fps)
        encoded = None if stream.facts.codec in CODECS else self._encoded
        own_clock = not isinstance(stream, AvStream | Paced)
        for picture in stream.pictures():
            if self.stopping.is_set():
                return
            if own_clock:
                self._arrived(picture.pts)
            if self._states.get(ONLINE) is not True:
                self._up()
            if not picker.takes(self._clock.time_of(picture.pts)):
                continue
            time_ = self._look(picture)
            if encoded is not None and not encoded.keep(picture.frame, time_):
                self._output.count("record_failed", 1)
            self._tell_unrecorded()
            if self._adviser is not None:
                self._adviser.look(stream.facts, self._clock.time_of(None))
            self._count_damaged(stream)

    def _up(self) -> None:
        states = {change.metric: change.on for change in self._health.states()}
        self._states = {}
        self._tell_states({ONLINE: True, "camera_refused": False, **states})

    def _lost(self, refused: bool, why: str) -> None:
        if self._states.get(ONLINE) is not False or refused:
            log.info("%s: %s", self.settings.name, why)
        self._lost_why = why
        changes = {ONLINE: False}
        if refused:
            changes["camera_refused"] = True
        self._tell_states(changes, why)
        if self._encoded is not None:
            self._encoded.end()

    def _tell_states(self, states: dict[str, bool], why: str | None = None) -> None:
        self._clock.arrived(None, self._monotonic(), self._wall())
        for metric, on in states.items():
            is_known = self._states.get(metric) is on
            if is_known and (metric != ONLINE or on or why in (None, self._why)):
                continue
            self._states[metric] = on
            if metric == ONLINE:
                self._why = why
            name, labels = self.settings.name, self.settings.labels
            at = self._clock.time_of(None)
            self._output.event(state_reading(name, metric, on, at, why, labels))

    def _tell_unrecorded(self) -> None:
        if self._ring is None or self._recorder is not None:
            return
        problem = self._ring.problem
        if problem is not None or self._states.get(UNRECORDED):
            self._tell_states({UNRECORDED: problem is not None}, problem)

    def _look(self, picture: Picture) -> float:
        """Look at a picture, and return its event time."""
        frame = picture.frame
        size = (frame.width, frame.height)
        if self._size not in (None, size):
            self._health.restart()
            if self._gate is not None:
                self._gate.restart()
        self._size = size
        time_ = self._clock.next(picture.pts)
        now = self._monotonic()
        self._looked(time_, now)
        gray = small_gray(frame)
        self._tell_states({change.metric: change.on for change in self._health.look(gray, now)})
        look = self._gate.look(gray, now) if self._gate is not None else None
        passes = look is None or look.passes
        name = self.settings.name
        if self._output.shows(name, moving=passes):
            shown = self._frame(time_, frame.width, frame.height, moving=passes)
            self._output.show(shown, small_picture(frame, self.settings.private))
        sign_is_due = now - self._sign_given >= SIGN_EVERY
        if sign_is_due and (self._pictures or not passes):
            self._sign_given = now
            sign = self._frame(time_, frame.width, frame.height, moving=False)
            self._output.event(msgspec.structs.replace(sign, id=f"{sign.id}/sign"))
        if passes:
            self._pass(frame, time_, look.boxes if look else [])
        else:
            self._output.count("gated", 1)
        return time_

    def _looked(self, time_: float, now: float) -> None:
        """Tell in which time nobody looked, once somebody does again."""
        name, labels = self.settings.name, self.settings.labels
        seconds = None
        if self._is_back:
            gap = self._looks.gap(name, time_, 1 / self.settings.fps)
            seconds = gap.end - gap.begin if gap else 0.0
            self._is_back, self._calm_at = False, now + CALM if gap else None
        elif self._calm_at is not None and now >= self._calm_at:
            seconds, self._calm_at = 0.0, None
        self._looks.looked(name, time_)
        if seconds is not None:
            told = unwatched_reading(name, seconds, time_, self._lost_why, labels)
            self._output.event(told)

    def _pass(self, frame: av.VideoFrame, time_: float, boxes: Sequence[Box]) -> None:
        if not self._pictures:
            self._output.event(self._frame(time_, frame.width, frame.height, moving=True))
            return
        encoded = encode_jpeg(frame, self._most_bytes, self.settings.private)
        if encoded is None:
            self._output.count("frames_too_large", 1)
            return
        jpeg, width, height = encoded
        self._output.picture(self._frame(time_, width, height, moving=True), boxes, jpeg)

    def _frame(self, time_: float, width: int, height: int, moving: bool) -> Frame:
        name = self.settings.name
        return Frame(
            id=f"{name}/{round(time_ * 1000)}",
            time=time_,
            subject=name,
            width=width,
            height=height,
            moving=moving,
            labels=dict(self.settings.labels),
        )

    def _count_damaged(self, stream: Stream) -> None:
        new = stream.facts.damaged
        if new:
            stream.facts.damaged = 0
            self._output.count("frames_damaged", new)
