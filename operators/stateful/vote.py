"""The step `vote`: is on while enough signals are on (N of M)."""

import math
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from operators.component import Logic, Operator, StepContext
from operators.decoding.payloads.metrics import may_be_two_state
from operators.events import Event, Reading
from operators.model.fields import field, signal_of, text
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.model.units import Duration, Some


class Vote(Operator):
    """Makes a signal that is `on` while at least `need` signals are, as two of three detectors.

    Each two-state signal (subject and metric) has one vote, which counts for `max_age` after its
    last reading. With `same` there is a vote for each place, whose name is the new signal's
    subject. A reading is emitted at each change; a vote begins as off, which is not emitted. A
    signal's `on` that comes late counts if it is not older than the signal's last reading, else it
    goes to `late`. Readings that are not good and not two-state are counted as `not_data`, those
    without the fields of `same` as `unplaced`.
    """

    NAME: ClassVar[str] = "vote"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "vote: {need: 2, same: label.room, max_age: 10min}",
        "vote: {need: 3, subject: hall, metric: fire, max_age: 1h}",
    )

    need: int = Field(ge=1, description="How many signals must be on.", examples=[2])
    same: Some | None = Field(
        None,
        min_length=1,
        description="The label or field, or several, whose signals vote together.",
        examples=["label.room"],
    )
    max_age: Duration = Field(gt=0, description="How long a reading counts.", examples=["10min"])
    subject: str | None = Field(
        None, description="Subject of the new signal, without `same`.", examples=["hall"]
    )
    metric: str = Field(
        "agreement", min_length=1, description="Metric of the new signal.", examples=["fire"]
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.same is None) == (self.subject is None):
            raise ValueError(
                "needs 'same' (a vote for each place) or 'subject' (one vote of all), not both"
            )
        return self

    def placeholders(self) -> list[str]:
        """Return the names of the fields of `same`."""
        return [self.same] if isinstance(self.same, str) else list(self.same or ())

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return VoteLogic(self, context)


class _Group(Entry):
    """The signals that vote together; `key` are the values of `same`.

    `votes` are (time, whether it is on) by signal. The deadline is when the oldest one ends.
    """

    __slots__ = ("is_on", "votes")

    def __init__(self, key: tuple[str, ...]) -> None:
        super().__init__(key)
        self.votes: dict[tuple[str, str], tuple[float, bool]] = {}
        self.is_on = False


class VoteLogic(KeyedLogic[_Group]):
    """State is the votes of each group; a vote is freed when it no longer counts."""

    def __init__(self, settings: Vote, context: StepContext) -> None:
        super().__init__(context)
        self._settings = settings
        self._same = settings.placeholders()
        self._groups: dict[tuple[str, ...], _Group] = {}

    def take(self, event: Event, out: list[Event]) -> None:
        """Take the vote of a signal."""
        if (
            not isinstance(event, Reading)
            or event.quality != "good"
            or event.value not in (0.0, 1.0)
            or not may_be_two_state(event.metric, event.unit)
        ):
            self.count("not_data")
            return
        found = [field(event, name) for name in self._same]
        if any(value in (None, "") for value in found):
            self.count("unplaced")
            return
        key = tuple(text(value) for value in found)
        group = self._groups.get(key) or _Group(key)
        signal = signal_of(event)
        if event.time < group.votes.get(signal, (-math.inf, False))[0]:
            self.late.append(event)
            return
        self._groups[key] = group
        self._end_votes(group, event.time - self.patience, out)
        group.votes[signal] = (event.time, event.value == 1.0)
        self._emit_change(group, event.time, f"{event.id}/{self.step}", out)
        self.arm(group, self._first_end(group))

    def _emit_change(self, group: _Group, time: float, identity: str, out: list[Event]) -> None:
        is_on = sum(on for _, on in group.votes.values()) >= self._settings.need
        if is_on == group.is_on:
            return
        group.is_on = is_on
        kept = {n.removeprefix("label."): t for n, t in zip(self._same, group.key, strict=True)}
        out.append(
            Reading(
                id=identity,
                time=time,
                subject=self._settings.subject or "/".join(group.key),
                metric=self._settings.metric,
                value=1.0 if is_on else 0.0,
                labels=kept,
            )
        )

    def _end_votes(self, group: _Group, limit: float, out: list[Event]) -> None:
        """Take back, one by one, the votes that ended by `limit`."""
        ended = sorted(
            (time, key)
            for key, (time, _) in group.votes.items()
            if time + self._settings.max_age <= limit
        )
        for time, key in ended:
            del group.votes[key]
            end = time + self._settings.max_age
            identity = f"{'/'.join((*group.key, *key))}/{self.step}/{end}"
            self._emit_change(group, end, identity, out)

    def _first_end(self, group: _Group) -> float:
        return min(time for time, _ in group.votes.values()) + self._settings.max_age

    def expire(self, group: _Group, out: list[Event]) -> None:
        """End the votes that no longer count, and free a group without any."""
        self._end_votes(group, group.until, out)
        if group.votes:
            group.until = self._first_end(group)
        else:
            group.until = math.inf
            del self._groups[group.key]

    def snapshot(self) -> object:
        """Return (key, votes, whether on) of each group, and the highest time."""
        return [(g.key, dict(g.votes), g.is_on) for g in self._groups.values()], self.highest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        groups, self.highest = state
        for key, votes, is_on in groups:
            group = self._groups[tuple(key)] = _Group(tuple(key))
            group.votes, group.is_on = dict(votes), is_on
            if group.votes:
                self.arm(group, self._first_end(group))
