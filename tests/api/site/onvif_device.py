"""An ONVIF device as far as looking for cameras needs it: WS-Discovery, and its media service."""

import base64
import hashlib
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.http_digest import Guard

PROFILES = (("main", 1920, 1080), ("sub", 640, 360))


class OnvifDevice:
    """Answers on loopback; `password` is asked for, the address of streams is `stream`.

    Its clock is `ahead`, and it knows nobody who asks at another hour. It answers as `wrongly`
    says, where that says anything, and names the services `also` before its own. With a `guard` it
    knows users by HTTP alone.
    """

    def __init__(self, stream: str, password: str = "p@s/s <&>") -> None:
        self.stream, self.password = stream, password
        self.ahead = timedelta()
        self.guard: Guard | None = None
        self.wrongly: dict[str, str] = {}
        self.also = ""
        self.asked: list[str] = []
        self.nonces: set[str] = set()
        device = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                guard, given = device.guard, self.headers.get("Authorization")
                known = guard is None or guard.knows("POST", self.path, given)
                status, answer = device.answer(body) if known else (401, "")
                data = answer.encode()
                self.send_response(status)
                for challenge in [] if known or guard is None else guard.challenges():
                    self.send_header("WWW-Authenticate", challenge)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *values: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.service = f"http://127.0.0.1:{self.server.server_port}/onvif/device_service"
        self.probes = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.probes.bind(("127.0.0.1", 0))
        self.target: tuple[str, int] = self.probes.getsockname()
        for work in (self.server.serve_forever, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.probes.close()

    def _listen(self) -> None:
        while True:
            try:
                data, sender = self.probes.recvfrom(4096)
            except OSError:
                return
            probe = re.search(r"uuid:([\w-]+)", data.decode())
            assert probe is not None
            self.probes.sendto(
                (
                    f"<e:Envelope><e:Header><w:RelatesTo>uuid:{probe[1]}</w:RelatesTo></e:Header>"
                    "<e:Body><d:ProbeMatches><d:ProbeMatch><d:Scopes>"
                    "onvif://www.onvif.org/name/Gate%20cam</d:Scopes>"
                    f"<d:XAddrs>{self.also} {self.service} http://10.9.9.9/onvif</d:XAddrs>"
                    "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
                ).encode(),
                sender,
            )

    def answer(self, body: str) -> tuple[int, str]:
        """The status and the answer to a request."""
        if "GetSystemDateAndTime" in body:
            now = datetime.now(UTC) + self.ahead
            parts = (
                ("Year", now.year),
                ("Month", now.month),
                ("Day", now.day),
                ("Hour", now.hour),
                ("Minute", now.minute),
                ("Second", now.second),
            )
            return 200, "<tt:UTCDateTime>{}</tt:UTCDateTime>".format(
                "".join(f"<tt:{name}>{value}</tt:{name}>" for name, value in parts)
            )
        for word, said in self.wrongly.items():
            if word in body:
                return 200, said
        if self.guard is None and not self._knows(body):
            return 400, (
                "<s:Envelope><s:Body><s:Fault><s:Code><s:Subcode><s:Value>ter:NotAuthorized"
                "</s:Value></s:Subcode></s:Code></s:Fault></s:Body></s:Envelope>"
            )
        for word in ("GetCapabilities", "GetProfiles", "GetStreamUri"):
            if f"<t:{word}" in body:
                self.asked.append(word)
        if "GetCapabilities" in body:
            inside = (
                "<tt:Media><tt:XAddr>http://192.168.77.1:"
                f"{self.server.server_port}/onvif/media</tt:XAddr></tt:Media>"
            )
        elif "GetProfiles" in body:
            inside = "".join(
                f'<trt:Profiles fixed="true" token="{name}"><tt:Name>{name} &amp; co</tt:Name>'
                "<tt:VideoEncoderConfiguration><tt:Encoding>H264</tt:Encoding><tt:Resolution>"
                f"<tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
                "</tt:VideoEncoderConfiguration></trt:Profiles>"
                for name, width, height in PROFILES
            )
        else:
            token = re.search(r"<t:ProfileToken>(\w+)<", body)
            assert token is not None
            inside = f"<tt:Uri>{self.stream}?profile={token[1]}&amp;x=1</tt:Uri>"
        return 200, f"<s:Envelope><s:Body>{inside}</s:Body></s:Envelope>"

    def _knows(self, body: str) -> bool:
        """Whether the digest is right, and its nonce new."""
        found = [
            re.search(rf"<\w:{name}[^>]*>([^<]*)</", body)
            for name in ("Username", "Password", "Nonce", "Created")
        ]
        if None in found:
            return False
        user, digest, nonce, created = (match[1] for match in found if match)
        away = datetime.fromisoformat(created) - datetime.now(UTC) - self.ahead
        if abs(away) > timedelta(hours=1):
            return False
        raw = base64.b64decode(nonce) + created.encode() + self.password.encode()
        right = base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode()
        fresh = nonce not in self.nonces
        self.nonces.add(nonce)
        return fresh and (user, digest) == ("admin", right)
