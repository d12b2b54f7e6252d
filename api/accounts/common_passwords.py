"""Passwords that everybody tries first."""

import itertools
import re

COMMON = frozenset((
    "password", "passw0rd", "pa55word", "p4ssword", "passwort", "motdepasse", "azertyuiop",
    "azerty", "qwerty", "qwertz", "qwertyui", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm",
    "iloveyou", "princess", "sunshine", "football", "baseball", "superman", "trustno1",
    "welcome", "letmein", "monkey", "dragon", "master", "shadow", "michael", "jennifer",
    "jordan", "hunter", "harley", "ranger", "thomas", "charlie", "whatever", "starwars",
    "computer", "corvette", "mercedes", "internet", "samsung", "freedom", "killer", "pokemon",
    "naruto", "chelsea", "liverpool", "arsenal", "barcelona", "juventus", "bonjour", "soleil",
    "doudou", "loulou", "chocolat", "camille", "nicolas", "marseille", "secret", "changeme",
    "default", "administrator", "administrateur", "admin", "root", "toor", "guest", "operator",
    "operateur", "test", "testing", "demo", "server", "vigie", "grafana", "security",
    "surveillance", "camera", "alarm", "alarme", "temporary", "example", "ichliebedich",
    "hallo", "schatz", "fussball",
))  # fmt: skip
"""Stems, after the lists of leaked passwords that are published each year; years, digits and signs
around them change nothing.
"""
ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "012345678901234567890", "qwertyuiop", "azertyuiop",
    "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)  # fmt: skip
SIGNS = str.maketrans("@$3!10", "aseiio")
DISTINCT = 4


def is_common(password: str) -> bool:
    """Whether a password is among the first that anybody would try."""
    word = password.casefold().strip()
    if len(set(word)) < DISTINCT or _is_row(word) or _is_repeated(word):
        return True
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", word)
    stems = {word, bare, bare.translate(SIGNS), word.translate(SIGNS)}
    return any(stem in COMMON or _is_row(stem) or _is_repeated(stem) for stem in stems if stem)


def _is_row(word: str) -> bool:
    """Whether it runs along the alphabet, the digits or the keyboard."""
    return len(word) > 3 and any(word in way * 2 for row in ROWS for way in (row, row[::-1]))


def _is_repeated(word: str) -> bool:
    """Whether it is one short piece again and again, which is common or short itself."""
    for size in itertools.takewhile(lambda size: size <= len(word) // 2, (1, 2, 3, 4)):
        if word == (word[:size] * len(word))[: len(word)]:
            return True
    half = word[: len(word) // 2]
    return len(word) % 2 == 0 and word == half * 2 and half in COMMON
