"""ClickHouse's errors: a code, its words, and the HTTP status the server would answer with."""

import re

_CODE = re.compile(r"Code:\s*(\d+)")
_STATUS = {
    516: 403, 497: 403, 192: 403, 194: 403, 60: 404, 81: 404, 47: 400, 62: 400, 36: 400, 48: 501,
    84: 501,
    159: 408, 202: 503, 271: 400,
}  # fmt: skip
UNKNOWN = 1002


class ClickHouseError(Exception):
    """An error in ClickHouse's own words: `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @classmethod
    def make(cls, code: int, what: str, name: str) -> "ClickHouseError":
        """An error in ClickHouse's form, with its code and name."""
        return cls(code, f"Code: {code}. DB::Exception: {what}. ({name})")

    @classmethod
    def of_engine(cls, error: Exception) -> "ClickHouseError":
        """What the engine raised: its text starts somewhere with `Code: N`."""
        text = str(error)
        found = _CODE.search(text)
        if found is None:
            return cls(UNKNOWN, f"Code: {UNKNOWN}. DB::Exception: {text} (UNKNOWN_EXCEPTION)")
        return cls(int(found[1]), text[found.start() :])

    @property
    def status(self) -> int:
        """The HTTP status for the code."""
        return _STATUS.get(self.code, 500)
