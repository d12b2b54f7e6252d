"""Pictures of cameras that send no video that can be kept (MJPEG, USB, folders), as H.264."""

from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from connectors.camera.record.packet_ring import PacketRing

ENCODER = "libx264"
OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "crf": "25"}
"""The fastest of x264's presets, no picture held back: 1280×720 costs 3 to 7 ms a picture."""
KEY_EVERY = 2.0
"""Seconds between key frames, at one of which a clip begins."""
TICKS = 1000


class PictureRecord:
    """Codes pictures into the ring of a camera. Not thread-safe."""

    def __init__(self, ring: PacketRing, fps: float) -> None:
        self._ring = ring
        self._fps = fps
        self._stream: Any = None
        self._container: Any = None
        self._began = 0.0

    def keep(self, frame: av.VideoFrame, time: float) -> bool:
        """Keep a picture of event time `time`; times rise. False for one that cannot be coded."""
        size = frame.width & ~1, frame.height & ~1
        try:
            if self._stream is None or (self._stream.width, self._stream.height) != size:
                self._begin(size, time)
            picture = frame.reformat(*size, format="yuv420p")
            picture.pts = round((time - self._began) * TICKS)
            picture.time_base = self._stream.codec_context.time_base
            for packet in self._stream.encode(picture):
                at = self._began + float(packet.pts * packet.time_base)
                self._ring.write(packet, self._stream, at)
        except (FFmpegError, OSError, ValueError):
            self._stream = None
            return False
        return True

    def end(self) -> None:
        """The camera is gone; what comes later is a segment of its own."""
        self._stream = self._container = None
        self._ring.end_segment()

    def _begin(self, size: tuple[int, int], time: float) -> None:
        self._ring.end_segment()
        self._container = av.open("/dev/null", "w", format="mpegts")  # streams belong to one
        rate = max(1, round(self._fps))
        stream: Any = self._container.add_stream(ENCODER, rate=rate, options=OPTIONS)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = max(1, round(self._fps * KEY_EVERY))
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.thread_count = 1  # beside other cameras more only wait for each other
        self._stream, self._began = stream, time
