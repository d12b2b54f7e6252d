"""Suggestions for misspelt words."""

import difflib
from collections.abc import Iterable


def near(word: object, words: Iterable[object], cutoff: float = 0.6) -> str | None:
    """`did you mean 'above'?`, if one of the words is at least `cutoff` (0 to 1) similar."""
    match = difflib.get_close_matches(str(word), [str(w) for w in words], 1, cutoff)
    return f"did you mean {match[0]!r}?" if match else None
