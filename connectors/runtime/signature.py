"""Signatures of HTTP messages after Standard Webhooks 1.0.0 (standardwebhooks.com).

HMAC-SHA256 over id, time and body.
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
TOLERANCE = 300.0
"""How far the time of a message may be from the receiver's clock, in seconds."""


def key_of(secret: str) -> bytes:
    """The key in a secret: base64 behind `whsec_`, or else its UTF-8 bytes.

    Raises `ValueError` for one that is too short.
    """
    try:
        key = (
            base64.b64decode(secret.removeprefix(PREFIX), validate=True)
            if secret.startswith(PREFIX)
            else None
        )
    except binascii.Error:
        raise ValueError(f"expected base64 after {PREFIX!r}; generate a secret again") from None
    key = secret.encode() if key is None else key
    if len(key) < 24:
        raise ValueError(
            f"expected a secret of at least 24 bytes, got {len(key)}; generate a longer one"
        )
    return key


def signature(key: bytes, id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,` and base64 of the HMAC of `id.timestamp.body`."""
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def why_unsigned(
    key: bytes, id: str, timestamp: str, signatures: str, body: bytes, now: float
) -> str | None:
    """The fault of a received signature; None if there is none.

    `signatures` may hold several, between spaces.
    """
    if not (id and timestamp and signatures):
        return "expected the headers webhook-id, webhook-timestamp and webhook-signature"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return "expected epoch seconds as webhook-timestamp"
    if abs(now - int(timestamp)) > TOLERANCE:
        return f"webhook-timestamp is over {TOLERANCE:g} s away from this clock; check both clocks"
    expected = signature(key, id, int(timestamp), body).encode()
    found = [hmac.compare_digest(expected, given.encode()) for given in signatures.split()[:8]]
    return (
        None
        if any(found)
        else "webhook-signature does not match; is the secret the same on both sides?"
    )
