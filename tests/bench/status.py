"""What a flow's status port tells."""

import re

import httpx


def status(port: int) -> str:
    """The metrics of a flow, in Prometheus's text; none while it does not answer."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx.TransportError:
        return ""


def passed(port: int, name: str) -> float:
    """How many events have passed the source or sink `name`; none while the flow does not
    answer.
    """
    text = status(port)
    found = re.search(
        rf'^vigie_events_total\{{[^}}]*name="{name}"[^}}]*\}} (\S+)', text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0
