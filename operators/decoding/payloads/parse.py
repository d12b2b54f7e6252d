"""Payload bytes to JSON values or text, with every limit checked before the work it bounds."""

import json
import math
import re
from typing import Any

import msgspec

MAX_BYTES = 262_144
MAX_DEPTH = 32

_decode = msgspec.json.Decoder().decode
_TOKEN = re.compile(
    r'[ \t\n\r]*("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
    r"|-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?"
    r"|-?Infinity|NaN|true|false|null|[\[\]{},:])",
    re.ASCII,
)
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|.)", re.DOTALL)
_OUTER = b" \t\r\n\x0b\x0c"
_C_NUMBER = re.compile(
    rb'"(?:[^"\\]|\\.)*+"?'
    rb"|[-+]?(?<![\w.])(?:1\.#(?:IND|QNAN|SNAN|INF)\d*|nan(?:\(\w*\))?|inf(?:inity)?)(?![\w.(])",
    re.DOTALL | re.IGNORECASE,
)
"""A JSON string, closed or not, or what C and its relatives print for a number that is none."""


class Undecodable(Exception):
    """The message goes to the dead letters.

    `reason` is one word; `detail` says what was expected and what came.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def wrong_type(expected: str, value: Any) -> Undecodable:
    """Return the error for a value of another JSON type."""
    return Undecodable("bad_shape", f"expected {expected}; got {type(value).__name__}")


def wrong_value(expected: str, value: Any) -> Undecodable:
    """Return the error for a value that means nothing where it stands."""
    return Undecodable("bad_shape", f"expected {expected}; got {str(value)[:40]!r}")


def missing(expected: str) -> Undecodable:
    """Return the error for a message without what makes it readable."""
    return Undecodable("bad_shape", f"expected {expected}; got none")


class Ignored(Exception):
    """The message is left out on purpose."""


class NotJSON(ValueError):
    """The text is not one JSON value."""


def excerpt(text: str) -> str:
    """Return the beginning of a text, quoted, for error messages."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


def trimmed(payload: bytes) -> bytes:
    """Strip the byte order mark, outer white space, and the NUL with which C ends a text.

    Raises `Undecodable` for what is not UTF-8.
    """
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            raise Undecodable(
                "not_utf8",
                f"expected UTF-8 text; byte {error.start} is 0x{payload[error.start]:02x}",
            ) from None
        payload = payload.lstrip(_OUTER).removeprefix(b"\xef\xbb\xbf")
    return payload.lstrip(_OUTER).rstrip(_OUTER + b"\0")


def loads(payload: bytes) -> Any:
    """Return the JSON value of trimmed UTF-8.

    Lone surrogates are tolerated, and so are NaN and infinity however they are spelt and numbers
    too big for a double, which become null.

    Raises `NotJSON`, or `Undecodable` for nesting beyond the limit.
    """
    if payload.count(b"{") + payload.count(b"[") > MAX_DEPTH and _depth(payload) > MAX_DEPTH:
        if not _well_formed(payload.decode()):
            raise NotJSON("not one JSON value")
        raise Undecodable(
            "too_deep", f"expected at most {MAX_DEPTH} levels of nesting; the message has more"
        )
    try:
        return _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _tolerant(payload)


def _tolerant(payload: bytes) -> Any:
    if b"\\ud" in payload or b"\\uD" in payload:
        payload = _ESCAPE.sub(_paired, payload)
    payload = _C_NUMBER.sub(lambda found: found[0] if found[0][:1] == b'"' else b"null", payload)
    try:
        return json.loads(payload, parse_int=_integer, parse_float=_float, parse_constant=_no_value)
    except ValueError as error:
        raise NotJSON(str(error)) from None


def _paired(escape: re.Match[bytes]) -> bytes:
    """Return the escape with U+FFFD in place of a surrogate without its other half.

    No text can hold those.
    """
    first, second = escape[1], escape[2]
    if first is None:
        return escape[0]
    high, low = (
        first[:1] in b"dD" and first[1:2] in b"89abAB",
        first[:1] in b"dD" and first[1:2] in b"cdefCDEF",
    )
    if high and second:
        return escape[0]
    kept = b"\\ufffd" if high or low else b"\\u" + first
    return kept + b"\\ufffd" if second else kept


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) < 300 else None


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _no_value(token: str) -> None:
    """NaN, Infinity and -Infinity mean null, as they do in every event that is written as JSON."""


def _depth(payload: bytes) -> int:
    depth = deepest = 0
    for match in _BRACKET.finditer(payload):
        byte = payload[match.start()]
        if byte in b"[{":
            depth += 1
            if depth > deepest:
                deepest = depth
        elif byte != 0x22:
            depth -= 1
    return deepest


def _well_formed(text: str) -> bool:
    """Whether a text is one JSON value.

    Takes time and memory proportional to its length, without recursion.
    """
    stack: list[str] = []
    expected, at, end = "value", 0, len(text)
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            return False
        at, token = match.end(), match[1]
        first = token[0]
        if first in "]}":
            if (
                not stack
                or expected not in ("next", "first")
                or stack.pop() != ("[" if first == "]" else "{")
            ):
                return False
            expected = "next"
        elif expected == "next":
            if first != "," or not stack:
                return False
            expected = "value" if stack[-1] == "[" else "key"
        elif expected == "colon":
            if first != ":":
                return False
            expected = "value"
        elif expected == "key" or (expected == "first" and stack[-1] == "{"):
            if first != '"':
                return False
            expected = "colon"
        elif first in "[{":
            stack.append(first)
            expected = "first"
        elif first in ",:":
            return False
        else:
            expected = "next"
    return expected == "next" and not stack
