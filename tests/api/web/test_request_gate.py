"""What the api refuses before it looks at a request, as a hostile client sends it."""

import socket
from dataclasses import replace

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from api.settings import Bounds, Settings
from api.web.http_protocol import HttpProtocol
from connectors.config.api_section import ApiSection
from connectors.http.host_names import asks_for_us
from tests.api.conftest import Start
from tests.api.running import Api, connect
from tests.waiting import PATIENCE, wait_until


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True), ("127.0.0.1", True), ("[::1]:8080", True), ("[::1]", True), ("::1", False),
        ("localhost", True), ("LOCALHOST:80", True), ("a.localhost:1", True), ("10.1.2.3", True),
        ("wall.example", True), ("Wall.Example.:443", True), ("evil.example", False),
        ("wall.example.evil.org", False), ("127.0.0.1.evil.org", False), ("", False),
        ("localhost.evil.org:8080", False), ("1.2.3", False), ("[::1].evil.org", False),
    ],
)  # fmt: skip
def test_a_host_is_ours_by_address_as_localhost_or_by_a_name_of_the_site_file(
    host: str, ours: bool
) -> None:
    assert asks_for_us(host, {"wall.example"}) is ours


def test_a_request_for_another_name_is_refused_with_the_remedy(
    start: Start, settings: Settings
) -> None:
    api = start(replace(settings, section=ApiSection(hosts=["wall.example"], anonymous="viewer")))

    def ask(host: str) -> httpx.Response:
        return httpx.get(f"{api.url}/health", headers={"Host": host}, timeout=PATIENCE)

    assert ask("wall.example:443").status_code != 421
    refused = ask("evil.example")
    assert refused.status_code == 421
    assert refused.json()["error"] == (
        "'evil.example' is no name of this server: write it under api: {hosts: […]} in the site"
        " file"
    )
    with pytest.raises(InvalidStatus, match="403"):
        connect("ws://evil.example/ws", address=("127.0.0.1", api.settings.port))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("X-One: a\r\n b\r\n", "400"),
        ("X-One: a\r\n\tb\r\n", "400"),
        ("Host: evil.example\r\n", "400"),
        (f"X-One: {'a' * 100_000}\r\n", "4"),
        ("".join(f"X-{n}: {'a' * 1000}\r\n" for n in range(40)), "4"),
    ],
)
def test_a_head_that_two_servers_may_read_differently_or_that_is_too_long_is_refused(
    api: Api, head: str, status: str
) -> None:
    with socket.create_connection(("127.0.0.1", api.settings.port), PATIENCE) as client:
        client.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
        answer = client.recv(64).decode()
    assert answer.startswith(f"HTTP/1.1 {status}"), answer


@pytest.mark.parametrize(
    "later",
    [
        b"GET /health HTTP/1.1\r\nHost: ",
        b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{",
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{",
    ],
)
def test_a_later_request_that_never_comes_whole_is_cut_off(
    api: Api, later: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpProtocol, "DEADLINE", 0.2)
    with socket.create_connection(("127.0.0.1", api.settings.port), PATIENCE) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1")
        client.sendall(later)
        while True:
            try:
                if not client.recv(4096):
                    break
            except ConnectionResetError:
                break


def test_one_address_takes_so_many_places_and_gets_one_again_when_it_leaves(
    start: Start, settings: Settings
) -> None:
    """Slow requests, kept connections and WebSockets count alike."""
    api = start(replace(settings, section=ApiSection(connections_per_address=3)))
    place = ("127.0.0.1", api.settings.port)
    token = api.login()
    slow = [socket.create_connection(place) for _ in range(2)]
    for one in slow:
        one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
    with api.socket(token=token) as client:
        client.recv(PATIENCE)
        with socket.create_connection(place, timeout=PATIENCE) as more:
            more.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert more.recv(100).startswith(b"HTTP/1.1 503 ")
    for one in slow:
        one.close()
    wait_until(lambda: _status(place) != b"503", what="a place to be free")


def test_behind_a_proxy_its_address_has_no_limit_but_that_of_all(
    start: Start, settings: Settings
) -> None:
    section = ApiSection(connections_per_address=1, proxies=["127.0.0.0/8"])
    api = start(replace(settings, section=section, bounds=Bounds(connections=3)))
    place = ("127.0.0.1", api.settings.port)
    held = [socket.create_connection(place) for _ in range(2)]
    wait_until(lambda: _status(place) != b"503", what="the proxy to be answered")
    held.append(socket.create_connection(place))
    wait_until(lambda: _status(place) == b"503", what="all places to be taken")
    for one in held:
        one.close()


def _status(place: tuple[str, int]) -> bytes:
    with socket.create_connection(place, timeout=PATIENCE) as one:
        one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return one.recv(100).split(b" ")[1]
