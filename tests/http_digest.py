"""A server's side of HTTP Digest and Basic: RFC 7616, RFC 7617, for one user."""

import base64
import hashlib
import re
import secrets

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
REALM = 'Login to "Digest cam", Basic'


class Guard:
    """Asks for a user. `schemes`: algorithms of Digest, "RFC 2069" for one without qop, "Basic".

    A nonce is good `lasts` times, and each count once.
    """

    def __init__(self, username: str, password: str, *schemes: str, lasts: int = 1000) -> None:
        self.username, self.password = username, password
        self.schemes = schemes
        self.lasts = lasts
        self.used: set[tuple[str, str]] = set()
        self.nonces: dict[str, int] = {}
        self.refused = 0

    def challenges(self) -> list[str]:
        self.refused += 1
        made = []
        for scheme in self.schemes:
            if scheme == "Basic":
                made.append('Basic realm="cam"')
                continue
            nonce = secrets.token_hex(8)
            self.nonces[nonce] = self.lasts
            algorithm = (
                "" if scheme == "RFC 2069" else f', algorithm={scheme}, qop="auth-int, auth"'
            )
            realm = REALM.replace('"', '\\"')
            made.append(f'Digest realm="{realm}", nonce="{nonce}", opaque="o/p="{algorithm}')
        return made

    def knows(self, method: str, uri: str, given: str | None) -> bool:
        """Whether a value of `Authorization` (as http.server gives it) is that of the user."""
        scheme, _, rest = (given or "").encode("latin-1").decode().partition(" ")
        if scheme == "Basic":
            both = f"{self.username}:{self.password}"
            return "Basic" in self.schemes and base64.b64decode(rest).decode() == both
        said = {
            name: (quoted or plain).replace('\\"', '"')
            for name, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', rest)
        }
        nonce, algorithm = said.get("nonce", ""), said.get("algorithm", "MD5")
        if scheme != "Digest" or self.nonces.get(nonce, 0) < 1 or said.get("opaque") != "o/p=":
            return False
        self.nonces[nonce] -= 1
        make = HASHES[algorithm.removesuffix("-sess")]

        def h(text: str) -> str:
            return make(text.encode()).hexdigest()

        a1 = h(f"{self.username}:{REALM}:{self.password}")
        if algorithm.endswith("-sess"):
            a1 = h(f"{a1}:{nonce}:{said['cnonce']}")
        a2 = h(f"{method}:{uri}")
        middle = nonce
        if "qop" in said:
            if (nonce, said["nc"]) in self.used:
                return False
            self.used.add((nonce, said["nc"]))
            middle = f"{nonce}:{said['nc']}:{said['cnonce']}:{said['qop']}"
        return (
            said["uri"] == uri
            and said["username"] == self.username
            and said["response"] == h(f"{a1}:{middle}:{a2}")
        )
