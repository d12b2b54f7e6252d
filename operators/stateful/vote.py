"""The step `vote`: is on while enough signals are on (N of M)."""

import math
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from operators.component import Due, Logic, Now, Operator, StepContext
from operators.events import Event, Reading
from operators.model.fields import field, signal_of, text
from operators.model.timers import Timers
from operators.model.units import Duration, Some


class Vote(Operator):
    """Makes a two-state signal that is `on` while at least `need` signals are on, such as two of
    three smoke detectors.

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
        """Names of the fields that tell places apart."""
        return [self.same] if isinstance(self.same, str) else list(self.same or ())

    def logic(self, context: StepContext) -> Logic:
        return VoteLogic(self, context)


class _Place:
    """The (time, whether it is on) of each signal of a place; `key` are the values of `same`."""

    __slots__ = ("is_on", "key", "queued", "votes")

    def __init__(self, key: tuple[str, ...]) -> None:
        self.key = key
        self.votes: dict[tuple[str, str], tuple[float, bool]] = {}
        self.is_on = False
        self.queued = math.inf


class VoteLogic(Logic):
    """State is the votes of each place; a vote is freed when it no longer counts."""

    def __init__(self, settings: Vote, context: StepContext) -> None:
        super().__init__()
        self._settings = settings
        self._same = settings.placeholders()
        self._step = context.step
        self._lateness = context.patience
        self._places: dict[tuple[str, ...], _Place] = {}
        self._timers: Timers[_Place] = Timers()
        self._highest = -math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        for event in events:
            self._take(event, out)
            self._highest = max(self._highest, event.time)
            if self._highest - self._lateness >= self._timers.first():
                self._fire(self._highest - self._lateness, out)
        return out

    def _take(self, event: Event, out: list[Event]) -> None:
        if (
            not isinstance(event, Reading)
            or event.quality != "good"
            or event.value not in (0.0, 1.0)
        ):
            self.count("not_data")
            return
        found = [field(event, name) for name in self._same]
        if any(value in (None, "") for value in found):
            self.count("unplaced")
            return
        key = tuple(text(value) for value in found)
        place = self._places.get(key) or _Place(key)
        signal = signal_of(event)
        if event.time < place.votes.get(signal, (-math.inf, False))[0]:
            self.late.append(event)
            return
        self._places[key] = place
        self._expire(place, event.time - self._lateness, out)
        place.votes[signal] = (event.time, event.value == 1.0)
        self._tell(place, event.time, f"{event.id}/{self._step}", out)
        self._arm(place)

    def _tell(self, place: _Place, time: float, identity: str, out: list[Event]) -> None:
        is_on = sum(on for _, on in place.votes.values()) >= self._settings.need
        if is_on == place.is_on:
            return
        place.is_on = is_on
        kept = {n.removeprefix("label."): t for n, t in zip(self._same, place.key, strict=True)}
        out.append(
            Reading(
                id=identity,
                time=time,
                subject=self._settings.subject or "/".join(place.key),
                metric=self._settings.metric,
                value=1.0 if is_on else 0.0,
                labels=kept,
            )
        )

    def _expire(self, place: _Place, limit: float, out: list[Event]) -> None:
        """Take back, one by one, the votes that ended by `limit`."""
        ended = sorted(
            (time, key)
            for key, (time, _) in place.votes.items()
            if time + self._settings.max_age <= limit
        )
        for time, key in ended:
            del place.votes[key]
            end = time + self._settings.max_age
            self._tell(place, end, f"{'/'.join((*place.key, *key))}/{self._step}/{end}", out)

    def _arm(self, place: _Place) -> None:
        self._timers.arm(
            place, min(time for time, _ in place.votes.values()) + self._settings.max_age
        )

    def _fire(self, limit: float, out: list[Event]) -> None:
        for deadline, place in self._timers.due(limit):
            self._expire(place, deadline, out)
            if place.votes:
                self._arm(place)
            elif self._places.get(place.key) is place:
                del self._places[place.key]

    def on_time(self, now: Now) -> list[Event]:
        out: list[Event] = []
        self._fire(now.event, out)
        self._highest = max(self._highest, now.event + self._lateness)
        return out

    def next_time(self) -> Due:
        return Due(event=self._timers.first())

    def snapshot(self) -> object:
        return [(p.key, dict(p.votes), p.is_on) for p in self._places.values()], self._highest

    def restore(self, state: Any, version: int) -> None:
        places, self._highest = state
        self._places, self._timers = {}, Timers()
        for key, votes, is_on in places:
            place = self._places[tuple(key)] = _Place(tuple(key))
            place.votes, place.is_on = dict(votes), is_on
            if place.votes:
                self._arm(place)
