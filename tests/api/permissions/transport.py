"""What a client got, for the properties of who sees what: each item has a mark of its own."""

import re

from api.web.close_codes import Close

MARK = re.compile(r"m\d+m")


class Transport:
    """The near end of a connection that takes everything."""

    can_write = True
    buffered = 0

    def __init__(self) -> None:
        self.text = ""
        self.code = 0

    def write(self, data: bytes) -> None:
        self.text += data.decode("latin-1")

    def end(self, close: Close, grace: float) -> None:
        self.code = close.code

    def take(self) -> str:
        """What came since the last time."""
        text, self.text = self.text, ""
        return text
