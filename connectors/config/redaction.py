"""Texts as they may be shown: each secret in them is replaced by the name that stands for it."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote, unquote

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


def without_target(text: str, target: str) -> str:
    """A text without the path and the query of an address, in which a secret may be.

    Of them it keeps plain words of up to eleven small letters, such as `events`. Where the text
    was cut off within them, what is left of them goes, too.
    """
    path, _, query = target.partition("?")
    parts = {part for part in path.split("/") if not _PLAIN.fullmatch(part)}
    parts |= {part.partition("=")[2] or part for part in query.split("&")}
    forms = {target, path, query, escape(target), escape(query), *parts, *map(unquote, parts)}
    begun = (n for one in forms for n in range(4, len(one)) if text.endswith(one[:n]))
    text = f"{text[:-cut]}…" if (cut := max(begun, default=0)) else text
    return hidden(text, dict.fromkeys((one for one in forms if len(one) > 3), "…"))


_PLAIN = re.compile(r"[a-z_-]{0,11}")


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
