"""What a post holds: its objects, or what is wrong with it and where."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.http.readings import Readings, Unreadable
from operators.decoding.payloads.parse import MAX_BYTES
from operators.events import Event, Message

_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_plain = msgspec.json.Decoder().decode
_BYTE = re.compile(r"\(byte (\d+)\)")


class BadPost(Exception):
    """A refused post: the status of the answer, a sentence, and the object's number, from 0."""

    def __init__(self, status: int, detail: str, item: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.item = item


def events_of(
    body: bytes,
    topic: str,
    readings: Readings | None,
    key: str | None,
    fresh: Callable[[], str],
    received: float,
) -> list[Event]:
    """The events of a post: a reading for each object, or a message that holds its bytes.

    An object's id is its own `event_id`, else the post's `key`, with its number in a list, else a
    `fresh` one. Raises
    `BadPost`; then nothing of the post is to be stored.
    """
    parts, listed = _parts(body)
    events: list[Event] = []
    for number, (raw, item) in enumerate(parts):
        place = number if listed else None
        if not isinstance(item, dict):
            raise BadPost(
                400,
                f"expected an object{'' if listed else ' or a list of objects'}, got {_kind(item)}",
                place,
            )
        if len(raw) > MAX_BYTES:
            raise BadPost(
                413, f"expected at most {MAX_BYTES} bytes for an object, got {len(raw)}", place
            )
        id = _own_id(item) or (f"{key}.{number}" if key and listed else key) or fresh()
        if readings is None:
            events.append(Message(id=id, time=received, topic=topic, payload=bytes(raw)))
            continue
        try:
            events.append(readings.read(item, id, received))
        except Unreadable as error:
            raise BadPost(400, str(error), place) from None
    return events


def _parts(body: bytes) -> tuple[list[tuple[bytes | msgspec.Raw, Any]], bool]:
    """The bytes and the value of each object, and whether they came in a list."""
    try:
        value = _plain(body)
        if isinstance(value, list):
            return list(zip(_raw_list(body), value, strict=True)), True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPost(400, _explain(body, error)) from None
    return [(body.strip(), value)], False


def _explain(body: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        at = _first_bad_byte(body)
        return f"expected UTF-8; byte {at} is 0x{body[at]:02x}"
    if isinstance(error, RecursionError):
        return "expected less nesting than the body has"
    what = str(error)
    found = _BYTE.search(what)
    if found is None:
        return f"expected JSON; {what}"
    at = min(int(found[1]), len(body))
    line, column = body.count(b"\n", 0, at) + 1, at - (body.rfind(b"\n", 0, at) + 1) + 1
    return f"expected JSON; line {line}, column {column}: {what.removesuffix(found[0]).strip()}"


def _first_bad_byte(body: bytes) -> int:
    """Its offset in the whole body; what msgspec says counts from the beginning of a text."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _own_id(item: dict[str, Any]) -> str | None:
    details = item.get("details")
    for holder in (item, details if isinstance(details, dict) else {}):
        found = holder.get("event_id")
        if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
            return str(found)
    return None


def _kind(value: Any) -> str:
    return (
        "null"
        if value is None
        else {str: "a text", list: "a list", bool: "a yes or no"}.get(type(value), "a number")
    )
