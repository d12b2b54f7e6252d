"""User and password over HTTP as a server asks for them: Digest (RFC 7616) or Basic (RFC 7617)."""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
"""The algorithms that are answered, the best one first."""
_PIECE = re.compile(
    r'(?P<name>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))'
    r"|(?P<scheme>[A-Za-z][\w-]*)"
)


class Challenge(NamedTuple):
    """What a server wants to be answered: a scheme in small letters, and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(values: Iterable[str]) -> Iterator[Challenge]:
    """The challenges of the values of `WWW-Authenticate`; one may hold several."""
    for value in values:
        scheme, parameters = "", dict[str, str]()
        for piece in _PIECE.finditer(value):
            if piece["scheme"]:
                if scheme:
                    yield Challenge(scheme, parameters)
                scheme, parameters = piece["scheme"].lower(), {}
            else:
                quoted = piece["quoted"]
                said = piece["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                parameters[piece["name"].lower()] = said
        if scheme:
            yield Challenge(scheme, parameters)


class HttpAuth:
    """Proves to one server who asks. Not thread-safe.

    `take` is given what came with a 401, `header` then makes the value of `Authorization` for each
    request. Without `basic` a password is never sent itself.
    """

    def __init__(self, username: str, password: str, basic: bool = True) -> None:
        self._username, self._password = username, password
        self._basic = basic
        self._chosen: Challenge | None = None
        self._count = 0

    def __repr__(self) -> str:
        return "HttpAuth(***)"

    def take(self, values: Iterable[str]) -> bool:
        """Take the best of a server's challenges; False where none can be answered."""
        known = [one for one in challenges(values) if self._rank(one) is not None]
        if not known or not self._username:
            return False
        self._chosen, self._count = min(known, key=lambda one: self._rank(one) or 0), 0
        return True

    def header(self, method: str, uri: str, cnonce: str | None = None) -> str | None:
        """The value for a request of this path and query; None before any challenge."""
        if self._chosen is None:
            return None
        if self._chosen.scheme == "basic":
            both = f"{self._username}:{self._password}".encode()
            return f"Basic {base64.b64encode(both).decode()}"
        self._count += 1
        return self._digest(method, uri, cnonce or secrets.token_hex(16))

    def _rank(self, challenge: Challenge) -> int | None:
        """Its place among those that can be answered; None for one that cannot be."""
        if challenge.scheme == "basic":
            return len(_HASHES) if self._basic else None
        qop = challenge.parameters.get("qop")
        if challenge.scheme != "digest" or (qop and "auth" not in re.split(r"[\s,]+", qop)):
            return None
        algorithm = _algorithm(challenge)
        return list(_HASHES).index(algorithm) if algorithm in _HASHES else None

    def _digest(self, method: str, uri: str, cnonce: str) -> str:
        assert self._chosen is not None
        given = self._chosen.parameters
        make = _HASHES[_algorithm(self._chosen)]

        def hashed(*parts: str) -> str:
            return make(":".join(parts).encode(), usedforsecurity=False).hexdigest()

        realm, nonce = given.get("realm", ""), given.get("nonce", "")
        who = hashed(self._username, realm, self._password)
        if given.get("algorithm", "").lower().endswith("-sess"):
            who = hashed(who, nonce, cnonce)
        what = hashed(method, uri)
        said = {"username": self._username, "realm": realm, "nonce": nonce, "uri": uri}
        bare = {"algorithm": given["algorithm"]} if "algorithm" in given else {}
        if given.get("qop"):
            count = f"{self._count:08x}"
            said |= {"response": hashed(who, nonce, count, cnonce, "auth", what), "cnonce": cnonce}
            bare |= {"qop": "auth", "nc": count}
        else:  # RFC 2069
            said |= {"response": hashed(who, nonce, what)}
            said |= {"cnonce": cnonce} if "-sess" in given.get("algorithm", "").lower() else {}
        if "opaque" in given:
            said["opaque"] = given["opaque"]
        pieces = [f'{name}="{_escaped(value)}"' for name, value in said.items()]
        pieces += [f"{name}={value}" for name, value in bare.items()]
        return f"Digest {', '.join(pieces)}".encode().decode("latin-1")  # as http.client sends it


def _algorithm(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _escaped(value: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", value)
