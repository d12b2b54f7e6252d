"""Wycheproof's HS256 vectors, as they are and carried over to claims of ours."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from api.accounts.tokens import TokenError, Tokens

DATA = json.loads((Path(__file__).parents[2] / "data" / "wycheproof_hs256.json").read_text())
KEY = base64.urlsafe_b64decode(DATA["key"] + "=")
HEADER, PAYLOAD, SIGNATURE = DATA["tests"][0]["jws"].split(".")


class Ring:
    newest = (DATA["kid"], KEY)

    def find(self, name: str) -> bytes | None:
        return KEY if name == DATA["kid"] else None


TOKENS = Tokens(Ring(), 60, lambda: 1000.0)


def signed(payload: str) -> str:
    digest = hmac.new(KEY, f"{HEADER}.{payload}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def carried_over(jws: str) -> str:
    """The vector with the payload of a token of ours and its signature, changed where it is."""
    payload = TOKENS.issue("ann", "login").split(".")[1]
    signature = signed(payload)
    other = "X" if signature[0] != "X" else "Y"
    for theirs, ours in (
        (PAYLOAD, payload),
        ("WG9v", payload[:-4] + "AAAA"),
        (SIGNATURE, signature),
        ("X" + SIGNATURE[1:], other + signature[1:]),
    ):
        jws = jws.replace(theirs, ours)
    return jws


def test_signatures_are_made_as_the_vectors_say() -> None:
    assert signed(PAYLOAD) == SIGNATURE


@pytest.mark.parametrize("vector", DATA["tests"], ids=lambda vector: vector["comment"])
def test_a_vector_of_wycheproof_is_taken_if_it_is_valid_and_says_whose_it_is(
    vector: dict[str, Any],
) -> None:
    own = carried_over(vector["jws"])
    if vector["result"] == "valid":
        assert TOKENS.check(own).user_id == "ann"
    else:
        with pytest.raises(TokenError):
            TOKENS.check(own)
    with pytest.raises(TokenError):  # what it says is no claims of ours, even where it is signed
        TOKENS.check(vector["jws"])
