"""The step `correlate`: notices when several signs agree."""

import math
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from operators.component import Due, Now, Operator, StepContext
from operators.events import Detection, Event, Frame, Occurrence
from operators.fields import field, text
from operators.quantity import Duration, Some
from operators.roles import RoleLogic

MOST_SIGNS = 32


class Correlate(Operator):
    """Emits an occurrence `correlation` when events of several roles come within a span of time.

    The stream's `from` names the roles. Events count together if they have the same `same` (a label or another field) and
    lie at most `within` apart, whatever the order of their arrival; with `in_order` their times must follow the order of
    the roles in `from`. `need` says how many different roles are wanted. An event counts for one correlation only.

    The occurrence has the time of the latest event, and as subject what is the same (`yard`), or without `same` the subject of
    the latest event. Its data are `signs` (the roles, by time), `subjects`, `events` (their ids), `since` (epoch seconds of the
    first), the fields of `same`, and the `camera` of the latest picture or detection; its labels are those of all events. An
    event without the fields of `same` is counted as `unplaced`.
    """

    NAME: ClassVar[str] = "correlate"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "correlate: {same: area, within: 30s, need: 2}",
        "correlate: {within: 1min, in_order: true}",
    )

    same: Some | None = Field(
        None,
        min_length=1,
        description="The label or field, or several, that must agree; none when left out.",
        examples=["area"],
    )
    within: Duration = Field(gt=0, description="How far apart the events may be.", examples=["30s"])
    need: int | None = Field(None, ge=2, description="How many roles are wanted; all when left out.", examples=[2])
    in_order: bool = Field(False, description="Whether the times must follow the order of the roles.")

    @model_validator(mode="after")
    def _same_once(self) -> Self:
        if isinstance(self.same, list) and len(set(self.same)) != len(self.same):
            raise ValueError("'same' names a field twice")
        return self

    def placeholders(self) -> list[str]:
        """Names of the fields that must agree."""
        return [self.same] if isinstance(self.same, str) else list(self.same or ())

    def logic(self, context: StepContext) -> "CorrelateLogic":
        return CorrelateLogic(self, context)


class Sign(NamedTuple):
    """What is remembered of one event; `rank` is the place of its role in `from`."""

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
        self._need = settings.need or len(context.roles)
        self._in_order = settings.in_order
        self._ranks = {role: rank for rank, role in enumerate(context.roles)}
        self._step = context.step
        self._lateness = context.lateness
        self._signs: dict[tuple[str, ...], list[Sign]] = {}
        self._sweep = math.inf

    def take(self, role: str, event: Event, out: list[Event]) -> None:
        if event.time >= self._sweep + self._lateness:
            self._forget(event.time - self._lateness)
        found = [field(event, name) for name in self._same]
        if role not in self._ranks or any(value in (None, "") for value in found):
            self.count("unplaced")
            return
        key = tuple(text(value) for value in found)
        sign = self._sign(role, event)
        signs = self._signs.setdefault(key, [])
        if any(known.id == sign.id and known.role == role for known in signs):
            self.count("duplicate")
            return
        signs.append(sign)
        signs.sort()
        chosen = self._agreement(sign, signs)
        if chosen:
            roles = {one.role for one in chosen}
            end = chosen[-1].time
            signs[:] = [
                one for one in signs if one.role not in roles or one.time > end or one.time < end - self._within
            ]
            out.append(self._occurrence(key, chosen))
        else:
            self._bound(signs, role)
        if not signs:
            del self._signs[key]
        else:
            self._sweep = min(self._sweep, event.time + self._within)

    def _sign(self, role: str, event: Event) -> Sign:
        own_labels: dict[str, str] = getattr(event, "labels", {})
        camera = event.subject if isinstance(event, (Detection, Frame)) else own_labels.get("camera")
        labels = tuple(sorted(own_labels.items()))
        subject = text(field(event, "subject"))
        return Sign(event.time, self._ranks[role], role, event.id, subject, camera, labels)

    def _agreement(self, new: Sign, signs: list[Sign]) -> list[Sign]:
        """The signs, by time, of the shortest span with the new one in which enough roles agree; none if there is none."""
        best: list[Sign] = []
        starts = sorted({s.time for s in signs if new.time - self._within <= s.time <= new.time}, reverse=True)
        for start in starts:
            inside = [s for s in signs if start <= s.time <= start + self._within]
            chosen = _ascending(new, inside) if self._in_order else _one_of_each(new, inside)
            if len(chosen) >= self._need and (not best or _span(chosen) < _span(best)):
                best = chosen
        return best

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
            **{name.removeprefix("label."): value for name, value in zip(self._same, key, strict=True)},
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
        if self._sweep <= now.event:
            self._forget(now.event)

    def deadline(self) -> Due:
        return Due(event=self._sweep)

    def _forget(self, clock: float) -> None:
        for key, signs in list(self._signs.items()):
            signs[:] = [sign for sign in signs if sign.time + self._within > clock]
            if not signs:
                del self._signs[key]
        self._sweep = clock + self._within if self._signs else math.inf

    def saved(self) -> object:
        return self._same, {key: [tuple(sign) for sign in signs] for key, signs in self._signs.items()}, self._sweep

    def reload(self, state: Any) -> None:
        same, signs, sweep = state
        if same != self._same:
            return
        self._sweep = sweep
        self._signs = {}
        for key, saved in signs.items():
            known = [Sign(*one) for one in saved if one[2] in self._ranks]
            self._signs[key] = sorted(sign._replace(rank=self._ranks[sign.role]) for sign in known)


def _span(signs: list[Sign]) -> float:
    return signs[-1].time - signs[0].time


def _one_of_each(new: Sign, signs: list[Sign]) -> list[Sign]:
    """Of every role the sign that is nearest to the new one."""
    nearest: dict[str, Sign] = {}
    for sign in signs:
        known = nearest.get(sign.role)
        if known is None or abs(sign.time - new.time) <= abs(known.time - new.time):
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
