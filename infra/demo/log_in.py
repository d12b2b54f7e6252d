"""Logging in to an api, and choosing a password for the one that its first start printed."""

import json
import secrets

from infra.embedded.ports import ask


def log_in(port: int, username: str, password: str) -> str:
    """An access token. Raises `RuntimeError`."""
    return str(_post(port, "login", {"username": username, "password": password})["access_token"])


def choose_password(port: int, username: str, printed: str) -> str:
    """A new password in the place of the printed one. Raises `RuntimeError`."""
    chosen = secrets.token_urlsafe(12)
    token = log_in(port, username, printed)
    _post(port, "password", {"old": printed, "new": chosen}, token)
    return chosen


def _post(
    port: int, action: str, body: dict[str, str], token: str | None = None
) -> dict[str, object]:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    status, answer = ask(port, f"/api/auth/{action}", "POST", json.dumps(body).encode(), headers)
    if status != 200:
        raise RuntimeError(
            f"the api refused {action} with status {status}: {answer.decode('utf-8', 'replace')}"
        )
    return dict(json.loads(answer))
