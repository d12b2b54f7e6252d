"""Whether a request says that its body is JSON."""

from collections.abc import Mapping

JSON = "application/json"


def why_not_json(headers: Mapping[str, str]) -> str | None:
    """What is wrong with the type of a body that is to be plain JSON; None if nothing.

    `application/json` and every `application/…+json` (RFC 6839) will do, uncompressed. The names
    of `headers` are in lower case, or found whatever their case.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        return f"expected Content-Type: {JSON}, got {kind[:80] or 'none'}"
    if headers.get("content-encoding", "identity") != "identity":
        return "expected a body that is not compressed"
    return None
