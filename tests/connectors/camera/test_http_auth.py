"""User and password over HTTP, beside another client and the example of the RFC."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from connectors.camera.http_auth import HttpAuth, challenges
from tests.http_digest import Guard

EXAMPLE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, nonce='
    '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque='
    '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_the_rfc_comes_out_as_it_stands_there(algorithm: str, response: str) -> None:
    auth = HttpAuth("Mufasa", "Circle of Life")
    assert auth.take([EXAMPLE.format(algorithm)])
    assert f'response="{response}"' in str(auth.header("GET", "/dir/index.html", CNONCE))


def test_of_several_challenges_in_one_value_or_more_the_best_is_answered() -> None:
    both = 'Basic realm="a, Digest b=c", ' + EXAMPLE.format("MD5")
    assert [one.scheme for one in challenges([both])] == ["basic", "digest"]
    auth = HttpAuth("Mufasa", "Circle of Life")
    assert auth.take([both, EXAMPLE.format("SHA-256"), 'Negotiate, Digest algorithm="SHA-9"'])
    assert "algorithm=SHA-256" in str(auth.header("GET", "/"))
    assert not HttpAuth("u", "p", basic=False).take(['Basic realm="x"'])
    assert not HttpAuth("", "").take([both])
    assert "Circle" not in repr(auth)


@pytest.fixture
def guarded() -> Iterator[tuple[ThreadingHTTPServer, list[Guard]]]:
    guards: list[Guard] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            good = guards[-1].knows("GET", self.path, self.headers.get("Authorization"))
            self.send_response(200 if good else 401)
            for value in [] if good else guards[-1].challenges():
                self.send_header("WWW-Authenticate", value)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, guards
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "schemes",
    [("MD5",), ("SHA-256",), ("MD5-sess",), ("SHA-256-sess",), ("RFC 2069",), ("Basic",),
     ("Basic", "MD5", "SHA-256")],
)  # fmt: skip
@pytest.mark.parametrize(("user", "password"), [("admin", 'p@s/s <"\\&>:%41'), ("süd", "größe")])
def test_whom_another_client_lets_in_is_let_in_as_often_as_he_asks(
    guarded: tuple[ThreadingHTTPServer, list[Guard]],
    schemes: tuple[str, ...],
    user: str,
    password: str,
) -> None:
    server, guards = guarded
    guards.append(guard := Guard(user, password, *schemes))
    path = "/a/b.cgi?x=1&y=%20"
    if "Basic" not in schemes and user.isascii():
        url = f"http://127.0.0.1:{server.server_port}{path}"
        assert httpx.get(url, auth=httpx.DigestAuth(user, password)).status_code == 200
    link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)

    def ask(auth: HttpAuth) -> int:
        proof = auth.header("GET", path)
        link.request("GET", path, headers={"Authorization": proof} if proof else {})
        answer = link.getresponse()
        answer.read()
        if answer.status == 401:
            assert auth.take(answer.headers.get_all("WWW-Authenticate") or [])
        return answer.status

    good, wrong = HttpAuth(user, password), HttpAuth(user, password + "x")
    assert [ask(good) for _ in range(4)] == [401, 200, 200, 200]
    assert [ask(wrong) for _ in range(2)] == [401, 401]
    guard.nonces.clear()  # they are too old
    assert [ask(good) for _ in range(2)] == [401, 200] or schemes == ("Basic",)
    link.close()
