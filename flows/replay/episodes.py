"""What a replay is asked for: each time an alarm was raised, from when to when."""

from collections import Counter
from dataclasses import dataclass, replace

from operators.events import AlarmTransition


@dataclass(frozen=True)
class Episode:
    """An alarm of one subject from being raised until its condition is over, in epoch seconds.

    `rule` is its identity within the flow, the same before and after a renaming; `alarm` its
    present name, with the id of the rule where people write the rules. `cleared` is None where it
    still stands at the end. `masked` says that nobody was told: it was suppressed, or not armed.
    `priority` is the highest it had, `reason` why it was raised (`condition`, `no_data`, …).
    """

    rule: str
    alarm: str
    subject: str
    raised: float
    cleared: float | None
    priority: str
    masked: bool
    value: float | str | bool | None = None
    unit: str | None = None
    limit: float | None = None
    message: str | None = None
    page: str | None = None
    reason: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Rule and subject."""
        return self.rule, self.subject

    def seconds(self, end: float) -> float:
        """How long it lasted, or had lasted at the end of the replay."""
        return (end if self.cleared is None else self.cleared) - self.raised


RANK = ("low", "medium", "high", "critical")


class Episodes:
    """Takes transitions in the order of each alarm. What was over before `start` is forgotten."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._open: dict[tuple[str, str], Episode] = {}
        self._done: list[Episode] = []
        self.changes: Counter[str] = Counter()

    def see(self, t: AlarmTransition) -> None:
        """Take note of a transition."""
        self.changes[t.event] += 1
        rule = t.rule.partition("/")[2]
        key = rule, t.subject
        if t.event == "activated":
            row = rule.partition("/")[2]
            self._open[key] = Episode(
                rule, f"{t.alarm}/{row}" if row else t.alarm, t.subject, t.time, None, t.priority,
                not t.annunciate,
                t.value, t.unit, t.limit, t.message, t.page, t.reason,
            )  # fmt: skip
        elif key in self._open:
            known = self._open[key]
            if t.event in ("returned", "removed"):
                del self._open[key]
                if t.time >= self._start:
                    self._done.append(replace(known, cleared=t.time))
            elif RANK.index(t.priority) > RANK.index(known.priority):
                self._open[key] = replace(known, priority=t.priority)
            elif t.annunciate and known.masked:
                self._open[key] = replace(known, masked=False)

    def all(self) -> list[Episode]:
        """Every one so far, in the order of time."""
        return sorted(
            (*self._done, *self._open.values()), key=lambda e: (e.raised, e.rule, e.subject)
        )
