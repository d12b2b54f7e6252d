"""Dead letters as text for people and as JSON for programs."""

import collections
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.kafka.dead_letters import Entry

HEADER = ("SET ASIDE", "FLOW", "REASON", "STEP", "ORIGIN", "BYTES", "STATE", "ID")
FLAGS = ("retained", "redelivered", "cut")
HEX_BYTES = 16
ORIGIN_COLUMNS = 40


def table(entries: Sequence[Entry]) -> str:
    """One line a dead letter, under a header."""
    rows = [HEADER, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = []
    for *cells, last in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        lines.append("  ".join([*padded, last]))
    return "\n".join(lines)


def _row(entry: Entry) -> tuple[str, ...]:
    letter = entry.letter
    size = str(len(letter.payload)) + ("+" if letter.cut else "")
    return (
        _iso(entry.set_aside), letter.flow, letter.reason, letter.step, _short(letter.origin), size,
        replay_state(entry), letter.id,
    )  # fmt: skip


def summary(entries: Sequence[Entry]) -> str:
    """How many dead letters there are, how many of them are open, and how many for each reason."""
    reasons = collections.Counter(entry.letter.reason for entry in entries).most_common()
    waiting = sum(entry.is_open for entry in entries)
    counted = ", ".join(f"{number} {reason}" for reason, number in reasons)
    plural = "" if len(entries) == 1 else "s"
    return f"\n{len(entries)} dead letter{plural} ({waiting} open): {counted}"


def details(entry: Entry, topic: str) -> str:
    """All that is known of a dead letter, which stands in `topic`, and its payload."""
    letter = entry.letter
    times = f", {entry.times} times" if entry.times > 1 else ""
    holds = f" of {letter.holds}" if letter.holds != "bytes" else ""
    fields = {
        "id": letter.id,
        "flow": letter.flow,
        "step": letter.step,
        "reason": letter.reason,
        "detail": letter.detail,
        "origin": letter.origin,
        "source": letter.source or "",
        "time": _iso(letter.time),
        "set aside": f"{_iso(entry.set_aside)}{times}",
        "record": f"{topic}/{entry.partition}/{entry.offset}",
        "state": replay_state(entry),
        "flags": ", ".join(flag for flag in FLAGS if getattr(letter, flag)),
        "labels": json.dumps(letter.labels, ensure_ascii=False) if letter.labels else "",
        "payload": f"{len(letter.payload)} bytes{holds}",
    }
    lines = [f"{name + ':':<11}{value}" for name, value in fields.items() if value]
    return "\n".join([*lines, _payload(letter.payload)])


def plain(entry: Entry) -> dict[str, Any]:
    """A dead letter as JSON has it, with the payload in base64."""
    return {
        **msgspec.to_builtins(entry.letter),
        "set_aside": entry.set_aside,
        "times": entry.times,
        "open": entry.is_open,
        "replayed": entry.replayed,
        "partition": entry.partition,
        "offset": entry.offset,
    }


def replay_state(entry: Entry) -> str:
    """Whether a dead letter was replayed, and what came of it."""
    if entry.replayed is None:
        return "open"
    words = "refused again after" if entry.is_open else "replayed"
    return f"{words} {_iso(entry.replayed)}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(text: str) -> str:
    return text if len(text) <= ORIGIN_COLUMNS else f"{text[: ORIGIN_COLUMNS - 1]}…"


def _payload(payload: bytes) -> str:
    """The payload as text if it is printable, otherwise in hexadecimal beside its ASCII."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = ""
    if text and all(letter.isprintable() or letter in "\n\t" for letter in text):
        return text.rstrip("\n")
    lines = []
    for start in range(0, len(payload), HEX_BYTES):
        row = payload[start : start + HEX_BYTES]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:08x}  {row.hex(' '):<{3 * HEX_BYTES - 1}}  {shown}")
    return "\n".join(lines)
