"""What a flow's status port tells."""

import re

import httpx


def passed(port: int, name: str) -> float:
    """How many events have passed the source or sink `name`; none while the flow does not
    answer.
    """
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx.TransportError:
        return 0.0
    found = re.search(
        rf'^vigie_events_total\{{[^}}]*name="{name}"[^}}]*\}} (\S+)', text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0
