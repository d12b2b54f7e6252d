"""A dead letter as a line of its topic."""

import hashlib

import msgspec

from operators.events import DeadLetter, encode_lines

TEXTS = ("id", "flow", "step", "reason", "detail", "origin", "source")
LONG_TEXT = 16
"""No text of a letter that is cut takes more than this part of a record."""
ROOM_TO_SAY = 100
"""Bytes for what a letter says of its cuts, and for the name of its payload."""


def line_of(letter: DeadLetter, limit: int) -> bytes:
    """A letter as a line of at most `limit` bytes (1000 or more).

    Texts that are too long are cut, then the payload.
    """
    line = encode_lines([letter])
    if len(line) <= limit:
        return line
    share = limit // LONG_TEXT
    texts = {name: getattr(letter, name) for name in TEXTS}
    short = {name: text and _shortened(text, share) for name, text in texts.items()}
    if short["id"] != letter.id:
        short["id"] += f"~{hashlib.sha256(letter.id.encode()).hexdigest()[:16]}"
    labels, left = dict[str, str](), share
    for name, text in letter.labels.items():
        size = len(msgspec.json.encode({name: text}))
        if size <= left:
            labels[name] = text
            left -= size
    said = "; long texts are cut" if short != texts or labels != letter.labels else ""
    bare = msgspec.structs.replace(letter, **short, labels=labels, payload=b"", cut=True)
    room = limit - len(encode_lines([bare])) - ROOM_TO_SAY
    payload = letter.payload[: min(limit // 2, max(0, room) // 4 * 3)]
    if len(payload) < len(letter.payload):
        said += f"; the payload of {len(letter.payload)} bytes is cut"
    return encode_lines(
        [msgspec.structs.replace(bare, detail=short["detail"] + said, payload=payload)]
    )


def _shortened(text: str, limit: int) -> str:
    """A text that needs at most `limit` bytes as JSON, where a character takes up to six."""
    return text if len(msgspec.json.encode(text)) - 2 <= limit else text[: limit // 6]
