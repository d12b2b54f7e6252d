"""Texts as they may be shown: each secret in them is replaced by the name that stands for it."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.config.variables import NAME, VARIABLE, look_up


def redacted(text: str, written: Any) -> str:
    """A text with the values of the variables in `written` shown as the variables."""
    shown: dict[str, str] = {}
    for match in VARIABLE.finditer(str(written)):
        parts = NAME.fullmatch(match[1])
        value = look_up(parts[1]) if parts else None
        if value:
            for form in (value, repr(value)[1:-1], quote(value, safe="")):
                shown.setdefault(form, f"${{{match[1]}}}")
    return hidden(text, shown)


def hidden(text: str, secrets: Mapping[str, str]) -> str:
    """A text with what stands for each secret in its place.

    Where secrets overlap, nothing of either is left; of one inside another, the longer counts.
    """
    found = sorted(
        (match.start(), -len(secret), secret)
        for secret in secrets
        if secret
        for match in re.finditer(f"(?={re.escape(secret)})", text)
    )
    parts: list[str] = []
    end = 0
    for start, length, secret in found:
        if start - length <= end:
            continue
        if start >= end:
            parts.append(text[end:start])
        parts.append(secrets[secret])
        end = start - length
    return "".join(parts) + text[end:]
