"""A real RTSP server: GStreamer's, from Debian, under Debian's own Python."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from infra.embedded.elementary_stream import elementary_stream
from infra.embedded.ports import connect
from infra.embedded.service import Service, ServiceError, write_private

PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
PACKAGES = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav"
)
_ELEMENTS = "x264enc x265enc multifilesrc h264parse rtph264pay rtph265pay videotestsrc"
_CHECK = f"""
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
missing = [name for name in {_ELEMENTS!r}.split() if not Gst.ElementFactory.find(name)]
raise SystemExit("no " + ", ".join(missing) if missing else 0)
"""


@dataclass(frozen=True)
class Mount:
    """One stream of the server, at `path`.

    With `file` it is that video, in a loop: an H.264 file as it is, any other encoded before the
    server starts, and `NAME.h264` taken as an elementary stream of `fps`. Without, it is a
    generated pattern of that size and rate, with a key frame every `key_interval` pictures, and
    with `audio` a tone as G.711.
    """

    path: str
    file: Path | str | None = None
    pattern: str = "ball"
    width: int = 640
    height: int = 360
    fps: int = 15
    codec: Literal["h264", "h265"] = "h264"
    key_interval: int = 15
    audio: bool = False


class Rtsp(Service):
    """Serves every mount to any number of clients at once, over TCP and UDP."""

    NAME: ClassVar[str] = "rtsp"

    def __init__(
        self,
        folder: Path | str,
        mounts: Sequence[Mount] = (Mount("/camera"),),
        port: int | None = None,
        user: str | None = None,
        password: str | None = None,
        digest: bool = True,
        sessions: int = 0,
    ) -> None:
        """With `user`, only they may watch, with `password` or else a random one.

        With `sessions` no more may be open at once.
        """
        super().__init__(folder, port)
        self.mounts = tuple(mounts)
        self.user = user
        self.digest = digest
        self.sessions = sessions
        self._password = password

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        return _missing()

    @property
    def password(self) -> str:
        """The user's password."""
        return self._password if self._password is not None else self.secret("rtsp")

    def url(self, path: str = "/camera") -> str:
        """The address of a mount, without user and password."""
        return f"rtsp://{self.address}{path}"

    def prepare(self) -> None:
        """Write the settings, and encode what is no H.264."""
        mounts = [{"path": mount.path, **self._pipeline(mount)} for mount in self.mounts]
        settings = {
            "port": self.port,
            "user": self.user,
            "password": self.password if self.user else None,
            "digest": self.digest,
            "sessions": self.sessions,
            "mounts": mounts,
        }
        write_private(self.folder / "settings.json", json.dumps(settings))

    def command(self) -> list[str]:
        """The command line of the program."""
        return [PYTHON, "-I", str(SERVER), str(self.folder / "settings.json")]

    def probe(self) -> None:
        """Ask for the server's methods."""
        with connect(self.port) as link:
            link.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            if not link.recv(64).startswith(b"RTSP/1.0 "):
                raise ServiceError(f"{self.address} does not answer as an RTSP server does")

    def _pipeline(self, mount: Mount) -> dict[str, Any]:
        number = mount.codec[1:]
        pay = f"rtph{number}pay name=pay0 pt=96 config-interval=-1"
        if mount.file is not None:
            stream, rate = elementary_stream(Path(mount.file), self.folder / "streams", mount.fps)
            caps = f"video/x-h264,stream-format=byte-stream,framerate={rate[0]}/{rate[1]}"
            source = f'multifilesrc location="{stream}" loop=true caps="{caps}"'
            units = "video/x-h264,stream-format=byte-stream,alignment=au"
            line = f"( {source} ! h264parse ! {units} ! identity name=pictures ! {pay} )"
            return {"launch": line, "rate": rate}
        encoder = f"x{number}enc tune=zerolatency speed-preset=ultrafast"
        if mount.codec == "h264":
            encoder += " threads=1"  # the payloader ends a key frame after each slice
        size = f"width={mount.width},height={mount.height},framerate={mount.fps}/1"
        video = (
            f"videotestsrc is-live=true pattern={mount.pattern} ! video/x-raw,format=I420,{size}"
            f" ! {encoder} key-int-max={mount.key_interval} bitrate=800"
            f" ! {pay}"
        )
        audio = (
            " audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc"
            " ! rtppcmapay name=pay1 pt=8"
        )
        return {"launch": f"( {video}{audio if mount.audio else ''} )", "rate": None}


@cache
def _missing() -> str | None:
    if not Path(PYTHON).exists():
        return f"{PYTHON} is not there"
    done = subprocess.run([PYTHON, "-I", "-c", _CHECK], capture_output=True, text=True)
    if done.returncode == 0:
        return None
    why = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
    return f"GStreamer's RTSP server does not load ({why}); Debian: apt-get install {PACKAGES}"
