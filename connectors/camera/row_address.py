"""Addresses that people write into a row: no secret stands in them, only names of allowed ones."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, unquote, urlsplit

from connectors.camera.address import SCHEMES

_VARIABLE = re.compile(r"\$\{(\w+)\}", re.ASCII)
_SECRET_NAME = re.compile(r"pass|pwd|token|secret|key|auth|credential|session|signature", re.I)
_USER_NAMES = ("user", "usr", "username", "login")
_PIECES = re.compile(r"[/?#&;,]")
_ODD = re.compile(r"[\x00-\x20\x7f\\^`|\"<>\s]")


class AddressRefused(ValueError):
    """The address of a row is none, or holds what it must not; the message says what helps."""


def check_row_address(url: str, allowed: Collection[str]) -> None:
    """Raise `AddressRefused` unless an address keeps its secrets in `allowed` variables.

    A variable is the whole user name, the whole password or the whole value of a parameter, so
    that what it holds goes nowhere else, such as into a host's name.
    """
    if found := _ODD.search(url):
        raise AddressRefused(
            f"the url holds {found[0]!r}, which stands in no address; write it percent-encoded"
        )
    parts = _parts(url)
    user, password, place = _user_info(parts.netloc)
    if "@" in place + parts.path + parts.query + parts.fragment:
        raise AddressRefused("the url holds an @ that ends no user and password; write it as %40")
    if unquote(password) and not _VARIABLE.fullmatch(password):
        raise AddressRefused(_in_clear("password", allowed))
    values = [user, password]
    others = [place]
    for piece in _PIECES.split(f"{parts.path}?{parts.query}#{parts.fragment}"):
        name, _, value = piece.partition("=")
        secret = _SECRET_NAME.search(unquote(name)) and unquote(name).lower() not in _USER_NAMES
        if secret and value and not _VARIABLE.fullmatch(value):
            raise AddressRefused(_in_clear("parameter", allowed))
        values.append(value)
        others.append(name)
    for value in values:
        found = _VARIABLE.fullmatch(value)
        if found is None:
            others.append(value)
        elif found[1] not in allowed:
            raise AddressRefused(
                f"addresses of cameras may not use ${{{found[1][:40]}}}, only {_listed(allowed)};"
                " the site file lists names under cameras: […]"
            )
    if any("$" in other for other in others):
        raise AddressRefused(
            "a $ may stand in an url for a variable only, which is a whole user name, password or"
            " value of a parameter; write others as %24"
        )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is none
        host = parts.hostname
    except ValueError:
        # what it says could hold a part of a password
        raise AddressRefused(f"the url is not an address; {_ENCODE}") from None
    if parts.scheme not in SCHEMES or not host:
        raise AddressRefused("the url must be an address such as rtsp://10.0.0.21:554/stream2")
    return parts


_ENCODE = "a / ? # @ or : in a user name or password is percent-encoded, or in a variable"


def _user_info(netloc: str) -> tuple[str, str, str]:
    """User, password, host with port."""
    given, _, place = netloc.rpartition("@")
    user, _, password = given.partition(":")
    return user, password, place


def _in_clear(what: str, allowed: Collection[str]) -> str:
    return (
        f"the url holds a password in clear ({what}); write it as a variable, such as"
        f" rtsp://${{RTSP_USER}}:${{RTSP_PASSWORD}}@HOST/PATH, which is set where the flow runs"
        f" and listed under cameras: […] of the site file (now: {_listed(allowed)})"
    )


def _listed(allowed: Collection[str]) -> str:
    return ", ".join(f"${{{name}}}" for name in allowed) or "none"
