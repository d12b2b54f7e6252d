"""What an address may hold that people write into a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.camera.address import fill_address, masked_address
from connectors.camera.row_address import AddressRefused, check_row_address

NAMES = ("RTSP_USER", "RTSP_PASSWORD")


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.21:554/stream2",
        "rtsp://${RTSP_USER}:${RTSP_PASSWORD}@10.0.0.21/stream2",
        "rtsp://admin:${RTSP_PASSWORD}@cam.local/h264?channel=1&subtype=0",
        "http://[fe80::1]:8080/mjpeg?user=admin&pwd=${RTSP_PASSWORD}",
        "rtsp://cam/user=admin&password=${RTSP_PASSWORD}&channel=1&stream=0.sdp",
        "RTSP://cam/a%24b?x=%20",
    ],
)
def test_addresses_without_secrets_are_taken(url: str) -> None:
    check_row_address(url, NAMES)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("rtsp://me:geheim@cam/x", "password in clear"),
        ("rtsp://me:ge$heim@cam/x", "password in clear"),
        ("rtsp://me:$@cam/x", "password in clear"),
        ("rtsp://me:ge heim@cam/x", "percent-encoded"),
        ("rtsp://me:ge%20heim@cam/x", "password in clear"),
        ("rtsp://me:${RTSP_PASSWORD}x@cam/x", "password in clear"),
        ("rtsp://me:${RTSP_PASSWORD:-geheim}@cam/x", "password in clear"),
        ("rtsp://me:a@b@cam/x", "password in clear"),
        ("rtsp://me:12/geheim@cam/x", "written? as %40|percent-encoded|write it as %40"),
        ("rtsp://me:12?geheim@cam/x", "%40"),
        ("rtsp://me:12#geheim@cam/x", "%40"),
        ("rtsp://me:ge/heim@cam/x", "percent-encoded"),
        ("rtsp://cam/x?password=geheim", "password in clear"),
        ("rtsp://cam/x?pass%77ord=geheim", "password in clear"),
        ("rtsp://cam/x?user=me&PWD=geheim", "password in clear"),
        ("rtsp://cam/x;token=geheim", "password in clear"),
        ("rtsp://cam/user=me&password=geheim&channel=1", "password in clear"),
        ("rtsp://cam/x#api_key=geheim", "password in clear"),
        ("rtsp://cam/x?authkey=geheim", "password in clear"),
        ("rtsp://${DATABASE_PASSWORD}@cam/x", "may not use"),
        ("rtsp://me:${DATABASE_PASSWORD}@cam/x", "may not use"),
        ("rtsp://cam/x?pwd=${DATABASE_PASSWORD}", "may not use"),
        ("rtsp://cam/x?what=${DATABASE_PASSWORD}", "may not use"),
        ("rtsp://${RTSP_PASSWORD}.elsewhere.example/", "variable only"),
        ("rtsp://${RTSP_PASSWORD}@${RTSP_PASSWORD}.example/", "variable only"),
        ("rtsp://cam/${RTSP_PASSWORD}", "variable only"),
        ("rtsp://cam/x?${RTSP_PASSWORD}=1", "password in clear"),
        ("rtsp://cam/${RTSP_PASSWORD", "variable only"),
        ("rtsp://cam\\@elsewhere/x", "percent-encoded"),
        ("ftp://cam/x", "must be an address"),
        ("rtsp:///x", "must be an address"),
        ("rtsp://cam:x/", "not an address"),
    ],
)
def test_what_would_show_or_send_a_secret_is_refused_without_repeating_it(
    url: str, why: str
) -> None:
    with pytest.raises(AddressRefused, match=why) as refusal:
        check_row_address(url, NAMES)
    assert "geheim" not in str(refusal.value)
    assert "heim" not in str(refusal.value)


@given(st.text("aZ9:/?#@&;=$ {}%.\\", max_size=12), st.text("aZ9:/?#@&;=$ {}%", max_size=12))
def test_no_password_passes_and_a_masked_address_never_has_one(before: str, behind: str) -> None:
    """Whatever stands around it: the address is refused, or hides it from viewers."""
    for url in (
        f"rtsp://me{before}:geheim{behind}@cam/x",
        f"rtsp://cam/{before}?pass=geheim{behind}",
    ):
        try:
            check_row_address(url, NAMES)
        except AddressRefused:
            continue
        assert "geheim" not in masked_address(url)


@given(st.text("aZ9:/?#@&;=${}RTSP_", max_size=30))
def test_an_address_that_passes_is_filled_in_with_allowed_variables_only(text: str) -> None:
    url = f"rtsp://{text}"
    try:
        check_row_address(url, ())
    except AddressRefused:
        return
    assert fill_address("{url}", {"url": url}, ()) == url
