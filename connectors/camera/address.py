"""Addresses of cameras: filled in from a table's row and from variables, and shown to people.

What is filled into the user info or a parameter is percent-encoded, so that a password may hold any
letter.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from connectors.base import ConnectorError
from connectors.config.variables import SECRETS, encoded_ranges, look_up

SCHEMES = ("rtsp", "rtsps", "http", "https")
Kind = Literal["rtsp", "http", "file", "folder", "usb", "simulate"]

_PLACE = re.compile(r"\$\{(?P<variable>[^}:]*)(?::-(?P<default>[^}]*))?\}|\{(?P<column>\w+)\}")
_WHOLE = re.compile(r"\s*\{(\w+)\}\s*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_USER_INFO = re.compile(
    r"([a-z][a-z0-9+.-]*://)(?:[^/?#\s]*|[^\s/@:]*:(?!\d{1,5}[/?#])\S*)@", re.IGNORECASE
)
_SECRET_PARAMETER = re.compile(
    r"([?&;](?:[\w.-]*(?:pass|pwd|token|secret|key|auth)[\w.-]*|user|usr)=)[^&;#\s]*", re.IGNORECASE
)


class AddressError(ConnectorError):
    """An address cannot be made from its template; the message says what is missing."""


def fill_address(template: str, row: Mapping[str, Any], allowed: Collection[str]) -> str:
    """The address of a row's camera. Raises `AddressError`.

    `{column}` is a column, `${NAME}` a variable. A template that is nothing but a column takes the
    row's text as the template; it may only use variables that are `allowed`: whoever may add a
    camera shall not get at all secrets of the flow.
    """
    whole = _WHOLE.fullmatch(template)
    if whole:
        return _fill(str(_column(row, whole[1])), {}, allowed)
    return _fill(template, row, None)


def _fill(template: str, row: Mapping[str, Any], allowed: Collection[str] | None) -> str:
    ranges = encoded_ranges(_PLACE.sub(lambda match: "x" * len(match[0]), template))

    def value(match: re.Match[str]) -> str:
        if match["column"] is not None:
            found = str(_column(row, match["column"]))
        else:
            found = _variable(match["variable"], match["default"], allowed)
        is_encoded = any(start <= match.start() and match.end() <= end for start, end in ranges)
        return quote(found, safe="") if is_encoded else found

    return _PLACE.sub(value, template)


def _column(row: Mapping[str, Any], name: str) -> Any:
    if row.get(name) in (None, ""):
        raise AddressError(f"the address needs the column {name!r}, which the row does not have")
    return row[name]


def _variable(name: str, default: str | None, allowed: Collection[str] | None) -> str:
    if allowed is not None and name not in allowed:
        raise AddressError(
            f"the address of a row may use the variables {', '.join(allowed) or 'none'}, not"
            f" {name}; the site file lists them under cameras: […]"
        )
    found = look_up(name)
    if found is None and default is None:
        raise AddressError(
            f"the address needs {name}: neither the environment nor {SECRETS / name} has it"
        )
    return found if found is not None else default or ""


def masked_address(text: str) -> str:
    """A text with the credentials of every address in it replaced by `***`."""
    return _SECRET_PARAMETER.sub(r"\1***", _USER_INFO.sub(r"\1***@", text))


def kind_of(address: str) -> Kind:
    """What an address leads to. Raises `AddressError` for what is none."""
    scheme = address.partition(":")[0].lower() if ":" in address else ""
    if scheme in ("rtsp", "rtsps"):
        host_of(address)
        return "rtsp"
    if scheme in ("http", "https"):
        host_of(address)
        return "http"
    if scheme == "usb" or address.startswith("/dev/video"):
        return "usb"
    if scheme == "simulate":
        return "simulate"
    check_scheme(address)
    return "folder" if address.endswith("/") else "file"


def check_scheme(address: str) -> None:
    """Raise `AddressError` for an address, or its template, of which it is known to be none."""
    if _SCHEME.match(address) and address.partition(":")[0].lower() not in SCHEMES:
        raise AddressError(
            f"{masked_address(address)} is no camera's address: expected rtsp://, rtsps://,"
            " http://, https://, usb:0, simulate:NAME, a video file or a folder of pictures"
        )


def host_of(address: str) -> str:
    """Host and port of an address, or an empty text. Raises `AddressError`."""
    if not _SCHEME.match(address):
        return ""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{masked_address(address)} is no address: {error}") from None
    if not host:
        raise AddressError(f"{masked_address(address)} names no host")
    return host if port is None else f"{host}:{port}"
