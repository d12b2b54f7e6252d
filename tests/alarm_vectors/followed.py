"""Follows every occurrence of alarms from its start to its end: what people are told of it."""

from collections import Counter
from typing import Any


class Untold(AssertionError):
    """People were told too much or too little."""


class Followed:
    """Takes transitions in order, in the vectors' words, and knows from their flags alone what
    people must be told. `said` counts what they were told.
    """

    def __init__(self) -> None:
        self.said: Counter[str] = Counter()
        self._known: dict[tuple[str, str, int], bool] = {}
        """Of each occurrence that stands: whether its start was told."""
        self._seen: set[tuple[str, str, int]] = set()
        """Occurrences that a person acknowledged."""

    def take(self, change: dict[str, Any]) -> None:
        """One transition; raises `Untold`."""
        key = (change["rule"], change["subject"], change["occ"])
        was, now = "active" in change["from"], "active" in change["flags"]
        if now and not was:
            self._must(change, key not in self._known, "an occurrence begins once")
            self._known[key] = False
        word = change["annunciation"]
        self._must(change, change["annunciate"] == (word in ("start", "again")), "two words for it")
        wanted = self._wanted(change, key, was, now)
        self._must(change, word == wanted, f"people must hear {wanted}")
        self.said[str(word)] += 1
        if word == "start":
            self._known[key] = True
        if change["event"] == "acked":
            self._seen.add(key)
        if was and not now:
            del self._known[key]

    def _wanted(
        self, change: dict[str, Any], key: tuple[str, str, int], was: bool, now: bool
    ) -> str | None:
        """What people must be told.

        A person who acknowledged it, masked or not, need not hear that the mask ends, unless
        shelving ran out.
        """
        if was and not now:
            return "end" if self._known[key] else None
        if not now or masked(change["flags"]):
            return None
        begins = change["event"] in ("activated", "escalated", "realarmed", "unacked")
        unmasked = masked(change["from"]) and (
            "unacked" in change["flags"]
            or change["reason"] == "expired"
            or not (self._known[key] or key in self._seen)
        )
        if begins or unmasked:
            return "again" if self._known[key] else "start"
        return None

    @staticmethod
    def _must(change: dict[str, Any], holds: bool, rule: str) -> None:
        if not holds:
            raise Untold(f"{rule}: {change}")


def masked(flags: list[str]) -> bool:
    """Whether an alarm with these flags is kept from people."""
    return any(
        flag in ("suppressed", "oos", "disabled") or flag.startswith("shelved:") for flag in flags
    )
