"""What the bytes of a picture say before they are decoded: its size, and whether it is whole."""

import struct

_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of JPEG without a length (ITU-T T.81, table B.1)."""
SCAN, END = 0xDA, 0xD9
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers that begin a picture and say its size."""
MOST_PIXELS = 1 << 26
"""Pixels of a picture that is decoded; a few hundred bytes may claim thousands of millions."""


def too_large(data: bytes) -> str | None:
    """The size that a JPEG claims, if that is more than any camera's; None if it is not."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return f"{width}x{height}" if width * height > MOST_PIXELS else None
        if marker == 0xFF:
            at += 1
        else:
            at += 2 if marker in _ALONE else 2 + max(2, *struct.unpack_from(">H", data, at + 2))
    return None


def whole_picture(data: bytes) -> bool:
    """False for a JPEG without its end; other formats are left to who decodes them.

    What stands behind the end counts as little as a picture inside the head (a thumbnail).
    """
    if not data.startswith(b"\xff\xd8"):
        return True
    at = 2
    while at + 1 < len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker == 0xFF:
            at += 1
        elif marker == END:
            return True
        elif marker in _ALONE:
            at += 2
        elif at + 4 > len(data):
            return False
        else:
            at += 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])
            if marker == SCAN:
                at = _behind_scan(data, at)
    return False


def _behind_scan(data: bytes, at: int) -> int:
    """Where the next marker stands: in a scan, FF is followed by 00 or a restart marker."""
    while (at := data.find(b"\xff", at)) >= 0:
        if at + 1 < len(data) and data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 1
    return len(data)
