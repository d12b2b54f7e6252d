"""Providers of OpenID Connect: one that is right, and one that sends what it is told to."""

import base64
import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from api.openid_connection import OpenIdConnection
from infra.embedded.service import Service
from tests.waiting import PATIENCE

CLIENT = "vigie"
SECRET = "provider's secret"


class Provider(Service):
    """A provider that anybody may say to be anybody to."""

    NAME = "OpenID provider"

    def command(self) -> list[str]:
        """The package's own program."""
        return [sys.executable, "-m", "oidc_provider_mock", "--port", str(self.port)]

    def probe(self) -> None:
        """Ask for its addresses."""
        try:
            httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=PATIENCE)
        except httpx.TransportError as error:
            raise OSError(str(error)) from None

    @property
    def issuer(self) -> str:
        """How it calls itself."""
        return f"http://{self.address}"


def set_user(issuer: str, sub: str, **claims: Any) -> None:
    """Make an account at the provider, or give it other claims."""
    answer = httpx.put(f"{issuer}/users/{sub}", json=claims)
    assert answer.is_success, answer.text


def say_yes(address: str, sub: str) -> dict[str, str]:
    """Log in at the provider as a browser would; what it then puts into the address."""
    answer = httpx.post(address, data={"sub": sub})
    assert answer.status_code == 302, answer.text
    return {
        key: found[0] for key, found in parse_qs(urlsplit(answer.headers["location"]).query).items()
    }


def connection(issuer: str, **more: Any) -> OpenIdConnection:
    """The connection of a site file."""
    settings = {
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "name": "Example",
        "roles": {"admin": ["it"], "operator": ["desk"], "viewer": ["*"]},
    }
    return OpenIdConnection.model_validate(settings | more)


@dataclass
class Forger:
    """A server that answers as a provider does, with a token that a test chooses."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "own"}))
    published: list[RSAKey] = field(default_factory=list)
    id_token: str = ""
    status: int = 200

    def claims(self, login: str, **changed: Any) -> dict[str, Any]:
        """Those of a token that is right, but for what is `changed`; None leaves a claim out."""
        now = int(time.time())
        right = {
            "iss": self.url,
            "sub": "42",
            "aud": CLIENT,
            "exp": now + 600,
            "iat": now,
            "nonce": login,
            "preferred_username": "mallory",
            "groups": [],
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def sign(self, claims: dict[str, Any], key: Any = None, alg: str = "RS256") -> str:
        """A token with a signature by a key, its own unless another is given."""
        return jwt.encode({"alg": alg}, claims, key or self.key, algorithms=[alg])

    def answer(self, path: str) -> dict[str, Any]:
        """What stands at an address."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        if path == "/keys":
            keys = self.published or [self.key]
            return KeySet(keys).as_dict(private=False)  # type: ignore[arg-type, return-value]
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token}


def unsigned(claims: dict[str, Any]) -> str:
    """A token that says of itself that it needs no signature."""
    parts = ({"alg": "none"}, claims)
    texts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ]
    return f"{texts[0]}.{texts[1]}."


@contextlib.contextmanager
def forger() -> Iterator[Forger]:
    """A forger that serves."""
    forged = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(forged.answer(self.path)).encode()
            self.send_response(forged.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forged.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="forger")
    thread.start()
    try:
        yield forged
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
