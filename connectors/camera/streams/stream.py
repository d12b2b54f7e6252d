"""A stream of pictures and packets by PyAV: RTSP, MJPEG over HTTP, video files."""

import errno
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import av
from av.error import (
    ArgumentError,
    ExitError,
    FFmpegError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPOtherClientError,
    HTTPServerError,
    HTTPUnauthorizedError,
    InvalidDataError,
)
from av.error import (
    EOFError as EndOfStream,
)

from connectors.base import ConnectorError
from connectors.camera.address import Kind, kind_of, masked_address
from connectors.camera.streams.elsewhere import (
    HTTP_OPTIONS,
    connections,
    moved_to,
    on_its_machine,
    other_machine,
)
from connectors.camera.streams.whole_picture import MOST_PIXELS
from connectors.runtime.error_text import one_line

OPEN_TIMEOUT, READ_TIMEOUT = 4.0, 2.5
"""Seconds; a server that is mute or frozen is given up after them."""
STALLED = READ_TIMEOUT - 0.1
DAMAGED_FOR = 5.0
"""Seconds without a good picture, though packets come, after which the stream is opened anew."""
FIRST_KEY = 30.0
"""Seconds for the first key frame, without which nothing can be decoded."""
LONGEST_HEAD = 1024
"""Bytes of what may stand between two pictures of MJPEG."""
STILLS = ("image2", "jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe")
"""How the library calls an answer that is one picture."""
MOST_MOVES = 4
"""Addresses that are tried where a camera leads from one of its own to the next."""
LARGE = 1920 * 1080
"""Pixels above which two threads decode; smaller pictures are decoded by the camera's own."""


class StreamError(ConnectorError):
    """A stream cannot be opened, or broke; the message holds no credentials."""


class Refused(StreamError):
    """The camera does not take the user and password."""


class Unreadable(StreamError):
    """What comes is not what it says it is."""


class SinglePicture(StreamError):
    """The address answers with one picture, and not with a stream."""


class Broken(StreamError):
    """The connection breaks off, or the server sends us to another address."""


class Busy(StreamError):
    """The camera has no room for another viewer, perhaps since it keeps an old session."""


class Picture(NamedTuple):
    """A decoded picture and its time in the stream, in seconds; None where it has none."""

    frame: av.VideoFrame
    pts: float | None


@dataclass
class StreamFacts:
    """What is known of a stream: codecs, and seconds between its last two key frames.

    `shape` is the width of its pictures as they are shown, divided by their height; 0 if unknown.
    """

    codec: str = ""
    audio: list[str] = field(default_factory=list)
    key_interval: float = 0.0
    shape: float = 0.0
    damaged: int = 0


class Stream(Protocol):
    """What gives pictures; iterating ends with the stream or raises `StreamError`."""

    facts: StreamFacts

    def pictures(self) -> Iterator[Picture]:
        """The pictures as they come."""

    def close(self) -> None:
        """Take leave of the other end."""


PacketTaker = Callable[["av.Packet[Any]", av.VideoStream, bool], None]
"""Gets every packet, its stream, and whether pictures have another size from it on."""
Arrived = Callable[[float | None], None]
"""Called with the time in the stream of every packet, when it comes."""


class AvStream:
    """One connection; `decode` False gives packets only and no pictures."""

    def __init__(
        self,
        address: str,
        kind: Kind,
        transport: str = "tcp",
        decode: bool = True,
        arrived: Arrived = lambda pts: None,
        take: PacketTaker | None = None,
        only_jpegs: bool = False,
    ) -> None:
        """Connect. Raises `StreamError`, `Refused` for a wrong password, or `SinglePicture`.

        With `only_jpegs` whatever stands between pictures is passed over, for MJPEG whose parts
        have a wrong length, no type, or something before the first.
        """
        self.facts = StreamFacts()
        self._address = address
        self._is_live = kind != "file"
        self._decode = decode
        self._arrived = arrived
        self._take = take
        self._has_times = True
        self._key_at: float | None = None
        format_ = "mjpeg" if only_jpegs else None
        if kind == "rtsp":
            self._input = _open_rtsp(address, transport)
        elif kind == "http":
            self._input = _open_http(address, format_)
        else:
            self._input = _open(address, format_, {}, None)
        if kind == "http" and self._input.format.name in STILLS:
            self._input.close()
            raise SinglePicture(
                f"{masked_address(address)} gives single pictures, and no stream that can be kept:"
                " leave record_url out, then those that were looked at are kept"
            )
        if not self._input.streams.video:
            self._input.close()
            raise StreamError(f"{masked_address(address)} has no video")
        self._video = self._input.streams.video[0]
        codec = self._video.codec_context
        self.facts.codec = codec.name
        self.facts.shape = _shape(codec)
        self.facts.audio = [stream.codec_context.name for stream in self._input.streams.audio]
        self._has_times = not (kind == "http" and codec.name == "mjpeg")
        if decode:
            if codec.width * codec.height > MOST_PIXELS:
                self._input.close()
                size = f"{codec.width}x{codec.height}"
                raise StreamError(oversized(masked_address(address), size))
            codec.options = {"max_pixels": str(MOST_PIXELS)}
            codec.thread_type = "SLICE"
            codec.thread_count = 2 if codec.width * codec.height > LARGE else 1

    def pictures(self) -> Iterator[Picture]:
        """The pictures as they come; none of what is damaged. Raises `StreamError`."""
        asked = last_video = good = time.monotonic()
        size: tuple[int, int] | None = None
        try:
            for packet in self._input.demux(*self._wanted()):
                now = time.monotonic()
                if now - asked > STALLED and self._is_live:
                    # the time-out, which gave the rest of a picture; the next would take as long
                    raise StreamError(_unanswered(self._shown(), READ_TIMEOUT))
                asked = now
                if packet.stream is not self._video and packet.stream.type != "video":
                    if now - last_video > READ_TIMEOUT:
                        raise StreamError(f"{self._shown()} sends sound but no pictures")
                    continue
                last_video = now
                if packet.size == 0 and packet.pts is None and packet.dts is None:
                    continue  # the end of a file: the decoder has nothing left
                pts = self._time_of(packet)
                self._arrived(pts)
                self._note_key(packet, pts, now)
                frames = self._decoded(packet)
                if frames or not self._decode:
                    good = now
                elif now - good > (FIRST_KEY if size is None else DAMAGED_FOR):
                    raise StreamError(f"{self._shown()} sends nothing that can be decoded")
                changed = False
                if frames:
                    new = (frames[0].width, frames[0].height)
                    changed, size = size is not None and new != size, new
                if self._take is not None:
                    self._take(packet, self._video, changed)
                for frame in frames:
                    yield Picture(frame, self._time_of(frame))
                asked = time.monotonic()
        except EndOfStream:
            return
        except (FFmpegError, OSError, ValueError) as error:
            raise _explained(error, self._address, "read") from None

    def close(self) -> None:
        """Take leave of the server, so that it forgets the session at once (TEARDOWN)."""
        self._input.close()

    def _wanted(self) -> Sequence[Any]:
        return [self._video, *self._input.streams.audio]

    def _shown(self) -> str:
        return masked_address(self._address)

    def _time_of(self, part: "av.Packet[Any] | av.VideoFrame") -> float | None:
        if part.pts is None or part.time_base is None or not self._has_times:
            return None
        return float(part.pts * part.time_base)

    def _note_key(self, packet: "av.Packet[Any]", pts: float | None, now: float) -> None:
        at = now if pts is None else pts
        if packet.is_keyframe:
            if self._key_at is not None and at > self._key_at:
                self.facts.key_interval = at - self._key_at
            self._key_at = at
        elif self._key_at is None:
            self._key_at = at
        elif at - self._key_at > self.facts.key_interval:
            self.facts.key_interval = at - self._key_at

    def _decoded(self, packet: "av.Packet[Any]") -> list[av.VideoFrame]:
        if not self._decode:
            return []
        if self.facts.codec == "mjpeg" and not whole_jpeg(bytes(packet)):
            self.facts.damaged += 1
            return []
        try:
            frames = self._video.codec_context.decode(packet)
        except (InvalidDataError, ValueError):
            self.facts.damaged += 1
            return []
        good = [frame for frame in frames if not frame.is_corrupt]
        self.facts.damaged += len(frames) - len(good)
        return good


def _shape(codec: "av.VideoCodecContext") -> float:
    pixel = codec.sample_aspect_ratio
    wide = float(pixel) if pixel else 1.0
    return wide * codec.width / codec.height if codec.height else 0.0


def _open(
    address: str, format_: str | None, options: dict[str, str], timeout: tuple[float, float] | None
) -> "av.container.InputContainer":
    try:
        return av.open(address, format=format_, options=options, timeout=timeout)
    except (FFmpegError, OSError, ValueError) as error:
        raise _explained(error, address, "opened") from None


def _open_rtsp(address: str, transport: str) -> "av.container.InputContainer":
    options = {"fflags": "nobuffer", "rtsp_transport": transport}
    options |= {"probesize": "32768", "analyzeduration": "100000"}
    before = connections()
    opened = _open(address, None, options, (OPEN_TIMEOUT, READ_TIMEOUT))
    if other := other_machine(address, before):
        opened.close()
        raise _led_away(address, other)
    return opened


def _open_http(address: str, format_: str | None) -> "av.container.InputContainer":
    options = {"fflags": "nobuffer", **HTTP_OPTIONS}
    shown = address
    for _ in range(MOST_MOVES):
        try:
            return _open(address, format_, options, (OPEN_TIMEOUT, READ_TIMEOUT))
        except Broken:
            moved = moved_to(address, OPEN_TIMEOUT)
            if moved is None:
                raise
            there = on_its_machine(address, moved)
            if there is None:
                raise _led_away(shown, masked_address(one_line(moved))) from None
            address = there
    raise StreamError(f"{masked_address(shown)} leads from one address to the next without an end")


def _led_away(address: str, to: str) -> StreamError:
    return StreamError(
        f"{masked_address(address)} leads to {to}, which is not followed: if the stream is there,"
        " give that address"
    )


def whole_jpeg(data: bytes) -> bool:
    """Whether it is one picture, and perhaps the head of the next part of a multipart answer."""
    end = data.rfind(b"\xff\xd9")
    rest = data[end + 2 :].strip(b"\0\r\n")
    return data.startswith(b"\xff\xd8") and end > 0 and len(rest) < LONGEST_HEAD and rest.isascii()


def oversized(shown: str, size: str) -> str:
    """What is said of a stream whose pictures are too large to be decoded."""
    return (
        f"{shown} sends pictures of {size}, and at most {MOST_PIXELS >> 20} million pixels are"
        " decoded: give the address of a smaller stream"
    )


def _unanswered(shown: str, limit: float) -> str:
    return f"{shown} did not answer within {limit:g} s"


def _unknown_host(error: Exception, address: str) -> str | None:
    """The host of an address where its name was the reason, which the library does not tell."""
    if getattr(error, "errno", None) != errno.EIO or kind_of(address) not in ("rtsp", "http"):
        return None
    host = urlsplit(address).hostname
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return host
    return None


def _explained(error: Exception, address: str, what: str) -> StreamError:
    """An error in words: those of the library repeat the address with its password."""
    shown = masked_address(address)
    if isinstance(error, HTTPUnauthorizedError | HTTPForbiddenError):
        return Refused(
            f"{shown} refuses the user and password; check both where the flow gets them from"
        )
    if isinstance(error, HTTPOtherClientError | HTTPServerError) and what == "opened":
        return Busy(
            f"{shown} takes no other viewer at present; a camera keeps the session of one that"
            " was cut off for a minute or so"
        )
    if isinstance(error, HTTPNotFoundError):
        return StreamError(f"{shown} does not have this stream; check the path of the address")
    if isinstance(error, ExitError):
        limit = OPEN_TIMEOUT if what == "opened" else READ_TIMEOUT
        return StreamError(_unanswered(shown, limit))
    if isinstance(error, InvalidDataError):
        return Unreadable(
            f"{shown} is no stream that can be {what}; check the port and the path of the address"
        )
    is_http = what == "opened" and kind_of(address) == "http"
    if is_http and isinstance(error, ArgumentError):
        return StreamError(
            f"{shown} is no stream, or a list of others (HLS), which is not followed: give the"
            " address of a stream, such as MJPEG or RTSP"
        )
    if what == "opened" and (host := _unknown_host(error, address)):
        return StreamError(f"{shown} cannot be opened: no machine is known by the name {host}")
    reason = one_line(getattr(error, "strerror", None) or type(error).__name__)
    kind = Broken if is_http and getattr(error, "errno", None) == errno.EIO else StreamError
    return kind(f"{shown} cannot be {what}: {masked_address(reason)}")
