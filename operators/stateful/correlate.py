"""The step `correlate`: notices when several signs agree."""

import math
from typing import Any, ClassVar, NamedTuple, Self

import msgspec
from pydantic import Field, model_validator

from operators.component import Due, Now, Operator, StepContext
from operators.events import Detection, Event, Frame, Occurrence
from operators.model.fields import field, text
from operators.model.saved_state import tuples
from operators.model.units import Duration, Some
from operators.stateful.roles import RoleLogic

MOST_SIGNS = 32


class Correlate(Operator):
    """Emits an occurrence `correlation` when events of several roles come within a span of time.

    The stream's `from` names the roles. Events count together if they have the same `same` (a label
    or another field) and lie at most `within` apart, whatever the order of their arrival; with
    `in_order` their times must follow the order of the roles in `from`. `need` says how many
    different roles are wanted. An event counts for one correlation only.

    With `without`, events of those roles forbid it: a door that opens and nobody who logs in,
    `without: login`. Then the occurrence comes only when `within` has passed after its latest
    event, with that time, and if no such event lay at most `within` before or after the latest
    event (with `in_order`: not before the first). One that was forbidden is counted as `excused`.

    The occurrence has the time of the latest event, and as subject what is the same (`yard`), or
    without `same` the subject of the latest event. Its data are `signs` (the roles, by time),
    `subjects`, `events` (their ids), `since` (epoch seconds of the first), the fields of `same`,
    and the `camera` of the latest picture or detection; its labels are those of all events. An
    event without the fields of `same` is counted as `unplaced`.
    """

    NAME: ClassVar[str] = "correlate"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    DATA: ClassVar[tuple[str, ...]] = ("signs", "subjects", "events", "since")
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "correlate: {same: area, within: 30s, need: 2}",
        "correlate: {within: 1min, in_order: true}",
        "correlate: {same: area, within: 30s, without: bought}",
    )

    same: Some | None = Field(
        None,
        min_length=1,
        description="The label or field, or several, that must agree; none when left out.",
        examples=["area"],
    )
    within: Duration = Field(gt=0, description="How far apart the events may be.", examples=["30s"])
    need: int | None = Field(
        None,
        ge=1,
        description="How many roles are wanted; all but those of `without` when left out.",
        examples=[2],
    )
    without: Some | None = Field(
        None,
        min_length=1,
        description="The role or roles whose events forbid it.",
        examples=["login"],
    )
    in_order: bool = Field(
        False, description="Whether the times must follow the order of the roles."
    )

    @model_validator(mode="after")
    def _same_once(self) -> Self:
        if isinstance(self.same, list) and len(set(self.same)) != len(self.same):
            raise ValueError("'same' names a field twice")
        if self.need == 1 and self.without is None:
            raise ValueError("'need' must be at least 2: one event alone agrees with nothing")
        return self

    def forbidding(self) -> list[str]:
        """The roles whose events forbid a correlation."""
        return [self.without] if isinstance(self.without, str) else list(self.without or ())

    def placeholders(self) -> list[str]:
        """Names of the fields that must agree."""
        return [self.same] if isinstance(self.same, str) else list(self.same or ())

    def logic(self, context: StepContext) -> "CorrelateLogic":
        """Make the step's logic for one shard."""
        return CorrelateLogic(self, context)


class Sign(NamedTuple):
    """One event of a role; `rank` is the position of the role in `from`."""

    time: float
    rank: int
    role: str
    id: str
    subject: str
    camera: str | None
    labels: tuple[tuple[str, str], ...]


class CorrelateLogic(RoleLogic):
    """State is the signs of the last `within` for each value of `same`, at most 32 of a kind."""

    def __init__(self, settings: Correlate, context: StepContext) -> None:
        super().__init__()
        self._same = tuple(settings.placeholders())
        self._within = settings.within
        self._without = frozenset(settings.forbidding())
        self._need = settings.need or len(
            [role for role in context.roles if role not in self._without]
        )
        self._in_order = settings.in_order
        self._ranks = {role: rank for rank, role in enumerate(context.roles)}
        self._forbidden: dict[tuple[str, ...], list[float]] = {}
        self._held: list[tuple[float, float, tuple[str, ...], Occurrence]] = []
        """Found, but not yet emitted: (deadline, first forbidden time, group, occurrence)."""
        self._step = context.step
        self._lateness = context.lateness
        self._signs: dict[tuple[str, ...], list[Sign]] = {}
        self._sweep = math.inf

    def take(self, role: str, event: Event, out: list[Event]) -> None:
        """Take one event of a role."""
        self._emit_due(event.time - self._lateness, out)
        if event.time >= self._sweep + self._lateness:
            self._forget(event.time - self._lateness)
        found = [field(event, name) for name in self._same]
        if role not in self._ranks or any(value in (None, "") for value in found):
            self.count("unplaced")
            return
        key = tuple(text(value) for value in found)
        if role in self._without:
            self._forbid(key, event.time)
            return
        sign = self._sign(role, event)
        signs = self._signs.setdefault(key, [])
        if any(one.id == sign.id and one.role == role for one in signs):
            self.count("duplicate")
            return
        signs.append(sign)
        signs.sort()
        chosen = self._agreement(sign, signs)
        if chosen:
            roles = {one.role for one in chosen}
            end = chosen[-1].time
            signs[:] = [
                one
                for one in signs
                if one.role not in roles or one.time > end or one.time < end - self._within
            ]
            self._found(key, chosen, out)
        else:
            self._bound(signs, role)
        if not signs:
            del self._signs[key]
        else:
            self._sweep = min(self._sweep, event.time + self._within)

    def _sign(self, role: str, event: Event) -> Sign:
        own_labels: dict[str, str] = getattr(event, "labels", {})
        camera = (
            event.subject if isinstance(event, (Detection, Frame)) else own_labels.get("camera")
        )
        labels = tuple(sorted(own_labels.items()))
        subject = text(field(event, "subject"))
        return Sign(event.time, self._ranks[role], role, event.id, subject, camera, labels)

    def _agreement(self, new: Sign, signs: list[Sign]) -> list[Sign]:
        """Return the signs of the shortest span with the new one in which enough roles agree.

        They are in order of time; none if there is no such span.
        """
        best: list[Sign] = []
        starts = sorted(
            {s.time for s in signs if new.time - self._within <= s.time <= new.time}, reverse=True
        )
        for start in starts:
            inside = [s for s in signs if start <= s.time <= start + self._within]
            chosen = _ascending(new, inside) if self._in_order else _one_of_each(new, inside)
            if len(chosen) >= self._need and (not best or _span(chosen) < _span(best)):
                best = chosen
        return best

    def _found(self, key: tuple[str, ...], chosen: list[Sign], out: list[Event]) -> None:
        occurrence = self._occurrence(key, chosen)
        if not self._without:
            out.append(occurrence)
            return
        first = chosen[0].time if self._in_order else occurrence.time - self._within
        end = occurrence.time + self._within
        if any(first <= time <= end for time in self._forbidden.get(key, ())):
            self.count("excused")
            return
        self._held.append((end, first, key, msgspec.structs.replace(occurrence, time=end)))
        self._held.sort(key=lambda held: (held[0], held[3].id))

    def _forbid(self, key: tuple[str, ...], time: float) -> None:
        kept = [one for one in self._held if one[2] != key or not one[1] <= time <= one[0]]
        if len(kept) < len(self._held):
            self.count("excused", len(self._held) - len(kept))
        self._held = kept
        times = self._forbidden.setdefault(key, [])
        times.append(time)
        times.sort()
        del times[:-MOST_SIGNS]
        self._sweep = min(self._sweep, time + self._within)

    def _emit_due(self, clock: float, out: list[Event]) -> None:
        while self._held and self._held[0][0] < clock:
            out.append(self._held.pop(0)[3])

    def _bound(self, signs: list[Sign], role: str) -> None:
        mine = [s for s in signs if s.role == role]
        if len(mine) > MOST_SIGNS:
            signs.remove(mine[0])
            self.count("crowded")

    def _occurrence(self, key: tuple[str, ...], chosen: list[Sign]) -> Occurrence:
        latest = chosen[-1]
        cameras = [sign.camera for sign in chosen if sign.camera]
        data: dict[str, Any] = {
            "signs": [sign.role for sign in chosen],
            "subjects": [sign.subject for sign in chosen],
            "events": [sign.id for sign in chosen],
            "since": chosen[0].time,
            **{
                name.removeprefix("label."): value
                for name, value in zip(self._same, key, strict=True)
            },
        }
        if cameras:
            data["camera"] = cameras[-1]
        return Occurrence(
            id=f"{'+'.join(sign.id for sign in chosen)}/{self._step}",
            time=latest.time,
            subject="/".join(key) or latest.subject,
            type="correlation",
            data=data,
            labels={name: value for sign in chosen for name, value in sign.labels},
        )

    def on_due(self, now: Now, out: list[Event]) -> None:
        """Do what is due at `now`."""
        self._emit_due(now.event, out)
        if self._sweep <= now.event:
            self._forget(now.event)

    def deadline(self) -> Due:
        """Return when something is due next."""
        return Due(
            event=min(
                self._sweep, math.nextafter(self._held[0][0], math.inf) if self._held else math.inf
            )
        )

    def _forget(self, clock: float) -> None:
        for key, signs in list(self._signs.items()):
            signs[:] = [sign for sign in signs if sign.time + self._within > clock]
            if not signs:
                del self._signs[key]
        for key, times in list(self._forbidden.items()):
            times[:] = [time for time in times if time + 2 * self._within > clock]
            if not times:
                del self._forbidden[key]
        self._sweep = clock + self._within if self._signs or self._forbidden else math.inf

    def snapshot(self) -> object:
        """Return the state as plain data."""
        signs = {key: [tuple(sign) for sign in signs] for key, signs in self._signs.items()}
        forbidden = {key: list(times) for key, times in self._forbidden.items()}
        held = [
            (end, first, key, msgspec.msgpack.encode(found))
            for end, first, key, found in self._held
        ]
        return self._same, signs, self._sweep, forbidden, held

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        same, signs, sweep, *more = state
        if tuple(same) != self._same:
            return
        forbidden, held = more or ({}, [])
        self._forbidden = {key: list(times) for key, times in forbidden.items()}
        self._held = [
            (end, first, tuple(key), msgspec.msgpack.decode(one, type=Occurrence))
            for end, first, key, one in held
        ]
        self._sweep = sweep
        self._signs = {}
        for key, saved in signs.items():
            kept = [Sign(*one) for one in tuples(saved) if one[2] in self._ranks]
            self._signs[key] = sorted(sign._replace(rank=self._ranks[sign.role]) for sign in kept)


def _span(signs: list[Sign]) -> float:
    return signs[-1].time - signs[0].time


def _one_of_each(new: Sign, signs: list[Sign]) -> list[Sign]:
    """Of every role the sign that is nearest to the new one."""
    nearest: dict[str, Sign] = {}
    for sign in signs:
        before = nearest.get(sign.role)
        if before is None or abs(sign.time - new.time) <= abs(before.time - new.time):
            nearest[sign.role] = sign
    nearest[new.role] = new
    return sorted(nearest.values())


def _ascending(new: Sign, signs: list[Sign]) -> list[Sign]:
    """The longest row of signs through the new one in which time and role both go up."""
    before = [s for s in signs if s.rank < new.rank and s.time <= new.time]
    after = [s for s in signs if s.rank > new.rank and s.time >= new.time]
    return [*_longest(before), new, *_longest(after)]


def _longest(signs: list[Sign]) -> list[Sign]:
    rows: list[list[Sign]] = []
    for sign in sorted(signs):
        fitting = [row for row in rows if row[-1].rank < sign.rank]
        rows.append([*max(fitting, key=lambda row: (len(row), row[0].time), default=[]), sign])
    return max(rows, key=lambda row: (len(row), row[0].time), default=[])
