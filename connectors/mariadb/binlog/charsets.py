"""The character sets of columns as Python's codecs."""

from pymysql.charset import charset_by_id

BINARY = 63
"""The collation of bytes that are no text."""

_CODECS = {
    "utf8mb3": "utf8",
    "utf8mb4": "utf8",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
    "koi8r": "koi8_r",
    "macroman": "mac_roman",
    "macce": "mac_latin2",
    "tis620": "tis_620",
    "cp932": "cp932",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "latin2": "iso8859_2",
    "euckr": "cp949",
    "hp8": "hp_roman8",
}
"""Codecs by the server's character set, where the names differ; see `charset_tables`, too."""

_WIDE = {
    "utf-16-be": {
        35, 54, 55, 90, 159, *range(101, 125), *range(128, 152), *range(640, 643), *range(672, 675),
    },
    "utf-16-le": {56, 62},
    "utf-32-be": {60, 61, *range(160, 184), *range(736, 739)},
}  # fmt: skip
"""Collations of character sets with several bytes a character, which the client does not know."""


def codec_of(charset: str | None) -> str | None:
    """The codec of a character set by its name; None for bytes."""
    return None if charset in (None, "binary") else _CODECS.get(charset, charset)


def codec_of_collation(collation: int) -> str | None:
    """The codec of a collation by its number; None for bytes, `utf8` for one not known."""
    if collation >= 2048:  # MariaDB's UCA 14 collations: the character set is in the high bits
        return {0x0A: "utf-16-be", 0x0B: "utf-16-be", 0x0C: "utf-32-be"}.get(collation >> 8, "utf8")
    # those that do not pad are 1024 higher
    number = collation - 1024 if collation >= 1024 else collation
    for codec, numbers in _WIDE.items():
        if number in numbers:
            return codec
    try:
        return codec_of(charset_by_id(number).name)
    except KeyError:
        return "utf8"
