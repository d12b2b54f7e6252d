"""Addresses of cameras: what is filled in, and what people get to see of them."""

from urllib.parse import unquote, urlsplit

import pytest

from connectors.camera.address import (
    AddressError,
    fill_address,
    host_of,
    kind_of,
    masked_address,
)

NAMES = ("RTSP_USER", "RTSP_PASSWORD")
TEMPLATE = "rtsp://${RTSP_USER}:${RTSP_PASSWORD}@{host}:554/{path}"


@pytest.mark.parametrize(
    "password",
    ["p@s/s#w:rd%41", "a b", "ü€", "p%40ss", "?x=1&y", "[::1]", "${HOME}", "{host}", "\\'\""],
)
def test_a_password_may_hold_any_letter(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("RTSP_USER", "us@er")
    monkeypatch.setenv("RTSP_PASSWORD", password)
    address = fill_address(TEMPLATE, {"host": "10.0.0.21", "path": "stream2"}, NAMES)
    parts = urlsplit(address)
    assert (parts.hostname, parts.port, parts.path) == ("10.0.0.21", 554, "/stream2")
    assert unquote(parts.username or "") == "us@er"
    assert unquote(parts.password or "") == password
    assert password not in masked_address(address)


def test_a_column_may_be_the_whole_address_with_variables_of_cameras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RTSP_PASSWORD", "a/b")
    row = {"url": "rtsp://cam:${RTSP_PASSWORD}@10.0.0.9/x"}
    assert fill_address("{url}", row, NAMES) == "rtsp://cam:a%2Fb@10.0.0.9/x"


def test_a_row_does_not_get_at_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    row = {"url": "http://elsewhere.example/${DATABASE_PASSWORD}"}
    with pytest.raises(AddressError, match="RTSP_USER, RTSP_PASSWORD, not DATABASE_PASSWORD"):
        fill_address("{url}", row, NAMES)
    assert fill_address("rtsp://{host}/x", {"host": "${DATABASE_PASSWORD}"}, NAMES).endswith("}/x")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RTSP_USER", raising=False)
    with pytest.raises(AddressError, match="needs RTSP_USER"):
        fill_address(TEMPLATE, {"host": "h", "path": "p"}, NAMES)
    with pytest.raises(AddressError, match="needs the column 'host'"):
        fill_address("rtsp://{host}/x", {"name": "gate"}, NAMES)
    assert fill_address("rtsp://${RTSP_USER:-me}@h/x", {}, NAMES) == "rtsp://me@h/x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@h/s", "rtsp://***@h/s"),
        ("rtsp://u:p@ss@h/s failed", "rtsp://***@h/s failed"),
        ("rtsp://u:p/s#w@h/s", "rtsp://***@h/s"),
        ("rtsp://h:554/a@b", "rtsp://h:554/a@b"),
        ("two rtsp://a:b@c/d http://e:f@g", "two rtsp://***@c/d http://***@g"),
        ("http://h/v?user=me&pwd=x&res=1", "http://h/v?user=***&pwd=***&res=1"),
        ("http://h/v?auth_token=x", "http://h/v?auth_token=***"),
        ("rtsp://h/a@b", "rtsp://h/a@b"),
        ("/videos/street.mp4", "/videos/street.mp4"),
    ],
)
def test_credentials_are_masked_in_any_text(text: str, shown: str) -> None:
    assert masked_address(text) == shown


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("rtsp://h/s", "rtsp"),
        ("RTSPS://h/s", "rtsp"),
        ("https://h/video", "http"),
        ("/videos/a.mp4", "file"),
        ("/pictures/", "folder"),
        ("usb:0", "usb"),
        ("/dev/video2", "usb"),
        ("simulate:walk", "simulate"),
    ],
)
def test_an_address_tells_what_it_leads_to(address: str, kind: str) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize("address", ["ftp://h/x", "rtsp:///x", "rtsp://h:port/x", "http://[::1"])
def test_what_is_no_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(AddressError):
        kind_of(address)
    with pytest.raises(AddressError) as refused:
        kind_of(address.replace("//", "//me:secret@", 1) + ":x")
    assert "secret" not in str(refused.value)


def test_the_host_is_what_connections_are_spread_by() -> None:
    assert host_of("rtsp://u:p@h:554/s") == "h:554"
    assert host_of("/videos/a.mp4") == ""
