"""What a flow or the api says of its own health, asked at its own address."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.camera.state import trouble_of

SECONDS = 3.0
"""How long an answer is waited for: one that is well gives it at once."""


def troubles(address: str) -> list[str]:
    """What is wrong there, a line each; none where all is well. An address is on this machine."""
    try:
        said = _health(address)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return [f"does not say how it is: {error}"]
    cameras = list(_cameras(said.get("cameras", {})))
    if said.get("status") == "ok":
        return cameras
    waiting = [f"{name} waits: {why}" for name, why in said.get("waiting_for", {}).items()]
    down = [
        f"{name} is down: {part.get('detail')}"
        for name, part in said.items()
        if isinstance(part, dict) and part.get("up") is False
    ]
    return [
        *(f"{said.get('status')}: {line}" for line in waiting + down or ["see /health"]),
        *cameras,
    ]


def _cameras(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with cameras, by source."""
    for source, cameras in sources.items():
        lines = [(name, line) for name, state in cameras.items() if (line := trouble_of(state))]
        if lines:
            good = sum(bool(state.get("online")) for state in cameras.values())
            yield f"{source}: {good} of {len(cameras)} cameras send pictures"
            yield from (f"  {name}: {line}" for name, line in sorted(lines))


def _health(address: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=SECONDS) as answer:  # noqa: S310
            said: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        said = json.load(error)
    return said
