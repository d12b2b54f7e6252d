"""Messages are encrypted as RFC 8291 says, and no address but a push service's is taken."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api.accounts.signing_keys import KeyFileError
from api.browser_push.encryption import CURVE, LONGEST, bytes_of, encrypt, point_of, text_of
from api.browser_push.message import Message
from api.browser_push.services import ForeignService, check_endpoint
from api.browser_push.vapid import VapidKey
from tests.api.browser_push.push_service import decrypt


def test_the_example_of_the_standard_is_encrypted_to_the_same_bytes() -> None:
    own = ec.derive_private_key(
        int.from_bytes(bytes_of("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), CURVE
    )
    browser = (
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        bytes_of(browser),
        bytes_of("BTBZMqHH6r4Tts7J_aSIgg"),
        own,
        bytes_of("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert text_of(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
        "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
        "lcy4a-fN"
    )


@pytest.mark.parametrize("letter", ["a", "é", "🔥", "\u202e", '"', "<"])
def test_what_devices_are_called_fits_one_message_whatever_it_is(letter: str) -> None:
    browser, auth = ec.generate_private_key(CURVE), b"sixteen bytes ok"
    long = letter * 300
    message = Message("site", "en", long[:300], long, long, "high", "start", long, long).encode()
    assert len(message) <= LONGEST
    body = encrypt(message, point_of(browser.public_key()), auth)
    assert len(body) <= 4096
    assert decrypt(body, browser, auth) == message


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = VapidKey(tmp_path, "https://vigie.example")
    file = tmp_path / "api.keys" / "push.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert VapidKey(tmp_path, "https://vigie.example").public == first.public
    file.write_text("broken")
    with pytest.raises(KeyFileError, match="no P-256 key"):
        VapidKey(tmp_path, "https://vigie.example")


@pytest.mark.parametrize(
    ("endpoint", "known"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", True),
        ("https://wns2-par02p.notify.windows.com/w/?token=x", True),
        ("https://web.push.apple.com/x", True),
        ("https://push.example.org/x", True),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com:8443/x", False),
        ("https://fcm.googleapis.com@127.0.0.1/x", False),
        ("https://evilpush.apple.com/x", False),
        ("https://fcm.googleapis.com.evil.org/x", False),
        ("http://127.0.0.1:9100/metrics", False),
        ("https://push.example.org:1/x", False),
        ("file:///etc/passwd", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_messages_go_to_push_services_alone(endpoint: str, known: bool) -> None:
    if known:
        check_endpoint(endpoint, ["https://push.example.org"])
        return
    with pytest.raises(ForeignService, match="push_services"):
        check_endpoint(endpoint, ["https://push.example.org"])
