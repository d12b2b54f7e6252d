"""Signed requests between programs of one site, which share the secrets of its site file."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import urlencode

LASTS = 60
"""Seconds that a ticket is good for."""


def signed(path: str, query: Mapping[str, str], secret: str) -> str:
    """The path with its query and a signature (HMAC, RFC 2104, SHA-256) that lasts a minute."""
    asked = {**query, "until": str(int(time.time()) + LASTS)}
    return f"{path}?{urlencode({**asked, 'signature': _signature(path, asked, secret)})}"


def is_signed(path: str, query: Mapping[str, str], secret: str) -> bool:
    """Whether who asks holds the secret, and asked within the last minute."""
    asked = {name: value for name, value in query.items() if name != "signature"}
    given = query.get("signature", "")
    until = asked.get("until", "")
    good = hmac.compare_digest(given.encode(), _signature(path, asked, secret).encode())
    return bool(secret) and good and until.isdigit() and int(until) >= time.time()


def _signature(path: str, query: Mapping[str, str], secret: str) -> str:
    said = f"{path}?{urlencode(sorted(query.items()))}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()
