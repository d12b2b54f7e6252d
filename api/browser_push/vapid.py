"""The key by which push services know this site (VAPID, RFC 8292)."""

import contextlib
import os
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from api.accounts.signing_keys import FOLDER, KeyFileError
from api.browser_push.encryption import CURVE, point_of, text_of
from connectors.runtime.private_files import check_private, private_folder, write_private

FILE = "push.key"
LIFETIME = 12 * 3600.0
"""Seconds for which a signature holds; services refuse more than a day."""


class VapidKey:
    """The key beside those of tokens, readable by its owner only; made at the first start.

    With another key, browsers must ask anew. Raises `KeyFileError`.
    """

    def __init__(self, data: Path, contact: str) -> None:
        path = private_folder(data / FOLDER) / FILE
        if not path.exists():
            _make(path)
        check_private(path)
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except ValueError:
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(
            key.curve, ec.SECP256R1
        ):
            raise KeyFileError(
                f"{path} holds no P-256 key in PEM form; put the copy of a backup there, or remove"
                " it: then browsers ask for notifications anew"
            )
        self._key, self._contact = key, contact
        self.public = text_of(point_of(key.public_key()))

    def __repr__(self) -> str:
        return f"VapidKey({self.public!r})"

    def header(self, endpoint: str) -> str:
        """The `Authorization` of a request to an endpoint."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time() + LIFETIME),
            "sub": self._contact,
        }
        return f"vapid t={jwt.encode(claims, self._key, 'ES256')}, k={self.public}"


def _make(path: Path) -> None:
    """Make a key, unless another process is faster."""
    made = ec.generate_private_key(CURVE)
    text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    own = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    write_private(own, text)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(own, path)
    finally:
        own.unlink()


def contact_of(url: str | None) -> str:
    """Where services find who sends: the page's address, where it has one they take."""
    return url if url is not None and url.startswith("https://") else "mailto:admin@vigie.invalid"
