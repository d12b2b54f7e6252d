"""Character sets of MariaDB for which Python has no codec, or one that differs from the server."""

import codecs
from collections.abc import Callable
from functools import partial

_NONE = "\ufffe"
"""What stands for no character."""
_OTHERS = {
    "latin1": ("cp1252", {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}),
    "hebrew": ("iso8859_8", {0xAF: "\u203e"}),
    "koi8u": ("koi8_u", {0x95: "\u2022"}),
    "greek": (
        "iso8859_7",
        {0xA1: "\u02bd", 0xA2: "\u02bc", 0xA4: _NONE, 0xA5: _NONE, 0xAA: _NONE},
    ),
    "cp866": ("cp866", {0xFC: "\u207f", 0xFD: "\u00b2"}),
    "dec8": (
        "latin-1",
        dict.fromkeys(
            (
                0xA4, 0xA6, 0xAC, 0xAD, 0xAE, 0xAF, 0xB4, 0xB8, 0xBE, 0xD0, 0xDE, 0xF0, 0xFE, 0xFF,
            ),
            _NONE,
        )
        | {0xA8: "¤", 0xD7: "Œ", 0xDD: "Ÿ", 0xF7: "œ", 0xFD: "ÿ"},
    ),
    "swe7": (
        "ascii",
        dict(zip(b"@[\\]^`{|}~\x7f", "ÉÄÖÅÜéäöåü" + _NONE, strict=True)),
    ),
}  # fmt: skip
"""By character set: the codec that is nearest, and the bytes that mean something else."""
_UPPER_HALVES = {
    "armscii8": (
        "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f"
        "\xa0❁§։\x29\x28»«—\x2e՝\x2c\x2d՟…՜՛՞ԱաԲբԳգԴդԵեԶզԷէ"
        "ԸըԹթԺժԻիԼլԽխԾծԿկՀհՁձՂղՃճՄմՅյՆնՇշ"
        "ՈոՉչՊպՋջՌռՍսՎվՏտՐրՑցՒւՓփՔքՕօՖֆ’\x27"
    ),
    "keybcs2": (
        "ČüéďäĎŤčěĚĹÍľĺÄÁÉžŽôöÓůÚýÖÜŠĽÝŘť"
        "áíóúňŇŮÔšřŕŔ¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
        "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
        "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0"
    ),
    "geostd8": (
        "€\ufffe‚\ufffe„…†‡\ufffe‰\ufffe‹\ufffe\ufffe\ufffe\ufffe\ufffe‘’“”•–—\ufffe\ufffe\ufffe›\ufffe\ufffe\ufffe\ufffe"
        "\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿"
        "აბგდევზჱთიკლმნჲოპჟრსტჳუფქღყშჩცძწ"
        "ჭხჴჯჰჵ\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe\ufffe№\ufffe\ufffe"
    ),
}
_TRANSLATED = {
    "ujis": ("euc_jp", str.maketrans("＼", "\\")),
    "sjis": ("shift_jis", str.maketrans("＼", "\\")),
    "eucjpms": ("euc_jp", str.maketrans("〜‖−¢£¬¦", "～∥－￠￡￢￤")),
}
"""Sets of several bytes a character: codec, and characters that are others."""


def decoder_of(charset: str) -> Callable[[bytes], str]:
    """The function that reads texts of such a set, or of one that Python has a codec for.

    It raises `UnicodeDecodeError` for bytes that are no text.
    """
    if charset in _TRANSLATED:
        codec, other = _TRANSLATED[charset]
        return lambda data: data.decode(codec).translate(other)
    if charset in _UPPER_HALVES:
        table = bytes(range(128)).decode() + _UPPER_HALVES[charset]
    elif charset in _OTHERS:
        table = _table(*_OTHERS[charset])
    else:
        return lambda data: data.decode(charset)
    return partial(_by_table, table)


def _by_table(table: str, data: bytes) -> str:
    return codecs.charmap_decode(data, "strict", table)[0]


def _table(codec: str, others: dict[int, str]) -> str:
    every = (others.get(n) or bytes([n]).decode(codec, "replace") for n in range(256))
    return "".join(every).replace("\ufffd", _NONE)
