"""A push service and the browsers behind it: it takes messages as they come, and decrypts them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.browser_push.encryption import bytes_of, text_of
from infra.embedded.ports import free_port

CURVE = ec.SECP256R1()


def decrypt(body: bytes, own: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What a browser reads of a message: the other side of RFC 8291."""
    salt, sender, sealed = body[:16], body[21:86], body[86:]
    assert body[20] == 65 and int.from_bytes(body[16:20], "big") >= len(sealed)
    point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
    key = HKDF(SHA256(), 32, auth, b"WebPush: info\0" + point + sender).derive(shared)
    content = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(key)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(key)
    text = AESGCM(content).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert text.endswith(b"\x02")
    return text[:-1]


@dataclass
class Browser:
    """One browser: its keys, its address, and what it was told. `statuses` are answered in turn."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = b"sixteen bytes ok"
    statuses: list[int] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def subscription(self, *priorities: str, language: str = "en") -> dict[str, Any]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": self.endpoint,
            "keys": {"p256dh": text_of(point), "auth": text_of(self.auth)},
            "priorities": list(priorities),
            "language": language,
        }


class PushService:
    """Where browsers subscribe."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.browsers: dict[str, Browser] = {}

    def browser(self) -> Browser:
        path = f"/send/{len(self.browsers)}"
        self.browsers[path] = Browser(self.url + path)
        return self.browsers[path]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """A message for the browser at a path; the status that is answered."""
        browser = self.browsers[path]
        token, key = (part.split("=", 1)[1] for part in headers["authorization"][6:].split(", "))
        public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, bytes_of(key))
        claims = jwt.decode(token, public, ["ES256"], audience=self.url)
        assert claims["sub"].startswith(("https://", "mailto:"))
        browser.headers.append(headers)
        browser.told.append(json.loads(decrypt(body, browser.key, browser.auth)))
        return browser.statuses.pop(0) if browser.statuses else 201


@contextmanager
def push_service() -> Iterator[PushService]:
    service = PushService(f"http://127.0.0.1:{free_port()}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(service.take(self.path, headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", int(service.url.rpartition(":")[2])), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
