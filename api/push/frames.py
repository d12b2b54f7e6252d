"""WebSocket frames made once and written to many connections (RFC 6455, section 5.2).

A server does not mask its frames, so every client gets the same bytes.
"""

import struct

_FINAL_TEXT = 0x81


def text_frame(text: str) -> bytes:
    """One unfragmented text message as it goes over the wire."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((_FINAL_TEXT, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + payload
