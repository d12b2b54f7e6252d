"""The provider of OpenID Connect: where to send people, and what it says of whoever comes back.

The authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636).
"""

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.accounts.errors import LoginRefused
from api.accounts.openid.claims import Person, claim, person_of
from api.openid_connection import OpenIdConnection
from api.secret_repr import redacted

DEADLINE = 10.0
"""Seconds that the provider has for each answer."""
FRESH = 3600.0
"""Seconds for which the addresses and keys of the provider are used without asking again."""
ASK_AGAIN = 30.0
"""Seconds that keys must be old to be asked for again because of a token signed by another."""
CLOCK_SKEW = 60
"""Seconds by which the provider's clock may be off."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures that are taken: by a key that the provider alone has."""


class ProviderDown(Exception):
    """The provider does not answer, or not as one would."""


class Begun(NamedTuple):
    """Where to send somebody, and three secrets that tell later whether he came back from there."""

    address: str
    state: str
    nonce: str
    verifier: str

    def __repr__(self) -> str:
        return redacted(self)


class OpenIdProvider:
    """Its methods block: call them in a thread. `redirect` is where it sends people back to."""

    def __init__(self, connection: OpenIdConnection, redirect: str) -> None:
        self.connection = connection
        self._redirect = redirect
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys = KeySet([])
        self._asked = -FRESH

    def begin(self) -> Begun:
        """Raises `ProviderDown`."""
        metadata, _ = self._known(FRESH)
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        with self._client() as client:
            address, state = client.create_authorization_url(
                metadata["authorization_endpoint"], nonce=nonce, code_verifier=verifier
            )
        return Begun(address, state, nonce, verifier)

    def finish(self, code: str, nonce: str, verifier: str) -> Person:
        """Who came back with a code. Raises `LoginRefused` or `ProviderDown`."""
        metadata, _ = self._known(FRESH)
        with self._client() as client:
            try:
                tokens = client.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=verifier,
                    timeout=DEADLINE,
                )
                claims = self._claims(tokens, nonce)
                if any(claim(claims, name) is None for name in self._wanted()):
                    claims |= self._more(client, metadata, claims["sub"])
            except requests.RequestException as error:
                raise self._down(error) from None
            except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
                raise LoginRefused(
                    f"{self.connection.name} refused the login, or sent what cannot be trusted:"
                    f" {_why(error)}"
                ) from None
        return person_of(self.connection, claims)

    def _wanted(self) -> tuple[str, str]:
        return self.connection.username, self.connection.claim

    def _client(self) -> OAuth2Session:
        secret = self.connection.client_secret
        return OAuth2Session(
            self.connection.client_id,
            None if secret is None else secret.get_secret_value(),
            scope=" ".join(dict.fromkeys(["openid", *self.connection.scopes])),
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if secret is None else None,
        )

    def _claims(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, once its signature and each of them is right."""
        encoded = tokens.get("id_token")
        if not isinstance(encoded, str):
            raise ValueError("there is no id_token in the answer")
        metadata, keys = self._known(FRESH)
        try:
            token = jwt.decode(encoded, keys, ALGORITHMS)
        except (JoseError, ValueError):
            token = jwt.decode(encoded, self._known(ASK_AGAIN)[1], ALGORITHMS)
        told = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"value": metadata["issuer"]}, "aud": {"value": self.connection.client_id}},
            {
                "nonce": nonce,
                "client_id": self.connection.client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        told.validate(leeway=CLOCK_SKEW)
        return dict(told)

    def _more(self, client: OAuth2Session, metadata: dict[str, Any], sub: str) -> dict[str, Any]:
        """What the provider says of somebody where the ID token does not say it."""
        if "userinfo_endpoint" not in metadata:
            return {}
        answer = client.get(metadata["userinfo_endpoint"], timeout=DEADLINE)
        answer.raise_for_status()
        told = answer.json()
        if not isinstance(told, dict) or told.get("sub") != sub:
            raise ValueError("the user info is somebody else's")
        return told

    def _known(self, age: float) -> tuple[dict[str, Any], KeySet]:
        """Addresses and keys of the provider, at most `age` seconds old. Raises `ProviderDown`."""
        with self._lock:
            if time.monotonic() - self._asked >= age:
                try:
                    self._metadata, self._keys = self._ask()
                except (requests.RequestException, JoseError, KeyError, ValueError) as error:
                    raise self._down(error) from None
                self._asked = time.monotonic()
            return self._metadata, self._keys

    def _ask(self) -> tuple[dict[str, Any], KeySet]:
        """OpenID Connect Discovery 1.0, section 4."""
        issuer = self.connection.issuer
        metadata = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata["issuer"] != issuer:
            raise ValueError(
                f"it calls itself {str(metadata['issuer'])[:200]!r}; write that as 'issuer' under"
                " api: {openid: …} in the site file"
            )
        for name in ("authorization_endpoint", "token_endpoint"):
            if not isinstance(metadata[name], str):
                raise ValueError(f"it sent no address as {name!r}")
        return metadata, KeySet.import_key_set(_get(metadata["jwks_uri"]))  # type: ignore[arg-type]

    def _down(self, error: Exception) -> ProviderDown:
        return ProviderDown(
            f"{self.connection.name} cannot be asked at {self.connection.issuer}: {_why(error)};"
            " log in with a password, or try again"
        )


def _get(address: str) -> dict[str, Any]:
    answer = requests.get(address, timeout=DEADLINE)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError(f"expected an object at {address}, got {type(found).__name__}")
    return found


def _why(error: Exception) -> str:
    """The error without what a server may have put into it of secrets: no body, no request."""
    if isinstance(error, KeyError):
        return f"it sent no {error.args[0]!r}"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {DEADLINE:g} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)[:300] or type(error).__name__
