"""Variables in settings, `${NAME}` and `${NAME:-default}`, so that no secret stands in a file."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

SECRETS = Path("/run/secrets")
VARIABLE = re.compile(r"\$\{([^}]*)(\})?")
NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_PASSWORD_IN_URL = re.compile(r"://[^/@:\s]*:([^/@\s]+)@")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
CAMERA_VARIABLES = ("RTSP_USER", "RTSP_PASSWORD")
"""What addresses that people write may use unless the site file says otherwise."""
FORM = "write ${NAME} or ${NAME:-default}"


class VariableError(Exception):
    """A variable is missing or cannot be read; the message names every place that was tried."""


def mistakes(text: str) -> Iterator[str]:
    """Say what is wrong with the form of the variables in a text; `FORM` is the remedy."""
    for match in VARIABLE.finditer(text):
        if match[2] is None:
            yield "'${' is not closed"
        elif not NAME.fullmatch(match[1]):
            yield f"{match[0]!r} names no variable"


def password_in_url(text: str) -> str | None:
    """The password in a URL, if one is written there rather than as a variable."""
    found = _PASSWORD_IN_URL.search(text)
    return found[1] if found and "$" not in found[1] else None


def fill(value: Any, where: str) -> Any:
    """Fill in every variable of a text, or of the texts in maps and lists.

    In an address, what stands before its `@` or behind its `?` is percent-encoded, so that a secret
    may hold any letter; a variable that is the whole address is not. Raises `VariableError` that
    names all that are missing; `where` is the place of the value.
    """
    missing: list[str] = []
    filled = _fill(value, missing)
    if missing:
        names = list(dict.fromkeys(missing))
        tried = "; ".join(
            f"{name}: neither the environment nor {SECRETS / name} has it" for name in names
        )
        raise VariableError(f"{where}: {tried}")
    return filled


def look_up(name: str) -> str | None:
    """The value of a variable: of the environment, else the text of `/run/secrets/NAME`.

    The file's last newline is left out. None if neither has it; raises `VariableError` for a file
    that cannot be read.
    """
    if name in os.environ:
        return os.environ[name]
    try:
        return (SECRETS / name).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise VariableError(
            f"{SECRETS / name} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        ) from None


def encoded_ranges(address: str) -> list[tuple[int, int]]:
    """Where what is filled into an address is percent-encoded: its user info, its parameters."""
    scheme = _SCHEME.match(address)
    if scheme is None:
        return []
    authority = re.match(r"[^/?#]*", address[scheme.end() :])
    assert authority is not None
    query = address.find("?")
    return [
        (scheme.end(), scheme.end() + max(authority[0].rfind("@"), 0)),
        (query if query >= 0 else len(address), len(address)),
    ]


def _fill(value: Any, missing: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, missing) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, missing) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        parts = NAME.fullmatch(match[1])
        if parts is None or match[2] is None:
            raise VariableError(f"{match[0]!r} names no variable; {FORM}")
        found = look_up(parts[1])
        if found is None and parts[2] is None:
            missing.append(parts[1])
        found = parts[2] or "" if found is None else found
        is_encoded = any(start <= match.start() and match.end() <= end for start, end in ranges)
        return quote(found, safe="") if is_encoded else found

    # a variable is as long as it is, whatever letters its name and default have
    ranges = encoded_ranges(VARIABLE.sub(lambda match: "x" * len(match[0]), value))
    return VARIABLE.sub(replace, value)
