"""The RTSP server itself; runs under Debian's Python, which has GStreamer: `rtsp_server.py FILE`.

FILE is JSON: `port`, `user` and `password` (null for none), `digest`, the most
`sessions` (0 for any number) and `mounts`. A mount has its
`path`, the `launch` line of its pipeline and, where the element `pictures` of that gives no times,
the `rate` of pictures as a fraction (two numbers). The log tells each end of a session: `TEARDOWN`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found] # noqa: E402

ROLE = "viewer"


def _protect(server: Any, settings: dict[str, Any]) -> None:
    digest = settings["digest"]
    auth = GstRtspServer.RTSPAuth.new()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    if digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(settings["user"], settings["password"], token)
    else:
        basic = GstRtspServer.RTSPAuth.make_basic(settings["user"], settings["password"])
        auth.add_basic(basic, token)
    server.set_auth(auth)


def _number_pictures(factory: Any, media: Any, rate: list[int]) -> None:
    """Give the pictures of a stream without times their times, over every repetition."""
    count = 0

    def stamp(pad: Any, info: Any) -> Any:
        nonlocal count
        buffer = info.get_buffer()
        buffer.pts = buffer.dts = count * Gst.SECOND * rate[1] // rate[0]
        count += 1
        return Gst.PadProbeReturn.OK

    pad = media.get_element().get_by_name("pictures").get_static_pad("src")
    pad.add_probe(Gst.PadProbeType.BUFFER, stamp)


def _on_client(server: Any, client: Any) -> None:
    client.connect("describe-request", lambda _, context: print("DESCRIBE", flush=True))
    client.connect("teardown-request", lambda _, context: print("TEARDOWN", flush=True))


def main() -> None:
    """Serve until the process is ended."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    if settings["user"]:
        _protect(server, settings)
    if settings["sessions"]:
        server.get_session_pool().set_max_sessions(settings["sessions"])
    points = server.get_mount_points()
    for mount in settings["mounts"]:
        factory = GstRtspServer.RTSPMediaFactory.new()
        factory.set_launch(mount["launch"])
        factory.set_shared(True)
        if mount["rate"]:
            factory.connect("media-configure", _number_pictures, mount["rate"])
        if settings["user"]:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_role(ROLE)
            for permission in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role(ROLE, permission, True)
            factory.set_permissions(permissions)
        points.add_factory(mount["path"], factory)
    server.connect("client-connected", _on_client)
    if server.attach(None) == 0:
        sys.exit(f"cannot listen on 127.0.0.1:{settings['port']}")
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
