"""Deploying to a site over its api."""

import http.client
import json
import os
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

import msgspec

from connectors.runtime.supervisor import LONG, Became, Deploy, Held

TOKEN = "VIGIE_TOKEN"  # noqa: S105
"""Variable with the bearer token of an admin."""


class NotReached(Exception):
    """The api does not answer, or does not let us in; the message has the remedy."""


def fetch(url: str, flow: str) -> Held:
    """What runs there as a flow."""
    status, answer = _ask(url, f"/api/flows/{quote(flow)}/definition", "GET", None, {})
    if status == 404:
        return Held()
    if status != 200:
        raise NotReached(_why(url, status, answer))
    return msgspec.json.decode(answer, type=Held)


def bring(url: str, wish: Deploy) -> Became:
    """Have it run there; the version that is replaced is the one that `wish` expects."""
    body = msgspec.json.encode({"text": wish.text, "files": wish.files, "drop": wish.drop})
    expected = {"If-Match": f'"{wish.expected}"'} if wish.expected else {}
    status, answer = _ask(url, f"/api/flows/{quote(wish.flow)}", "PUT", body, expected)
    if status == 200:
        return Became(json.loads(answer)["version"])
    if status in (409, 422):
        return Became(None, str(json.loads(answer)["error"]), status == 409)
    raise NotReached(_why(url, status, answer))


def _ask(
    url: str, path: str, method: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise NotReached(f"expected an address such as https://vigie.example.org, got {url!r}")
    if not (token := os.environ.get(TOKEN)):
        raise NotReached(f"set {TOKEN} to the token of an admin (POST /api/auth/login gives one)")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    request = urllib.request.Request(  # noqa: S310
        url.rstrip("/") + path, body, headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=LONG) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotReached(f"{url} does not answer: {error}") from None


def _why(url: str, status: int, answer: bytes) -> str:
    try:
        said = str(json.loads(answer)["error"])
    except (ValueError, LookupError, TypeError):
        said = "no Vigie api answers there"
    return f"{url} answers {status}: {said}"
