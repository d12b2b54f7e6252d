"""What the engine says: transitions and refused commands."""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from operators.alarms.engine.rule import Level, Rule
from operators.alarms.engine.state import State, Telling
from operators.events import Annunciation

MOST_TOLD = 32


class Transition(msgspec.Struct, kw_only=True):
    """One step in the life of an alarm; `evidence` is (id, time) of the reading judged last.

    `since` is when its occurrence began, and `first_value` what was judged then, while it lasts.
    `told` is what was so of the alarm each time that its occurrence was annunciated.
    `annunciation` is what people are told by it: the start of an occurrence (when it is raised, or
    when a mask over it ends), that it still stands (again), its end, or nothing.
    """

    id: str
    rule: str
    subject: str
    occ: int
    seq: int
    event: str
    at: float
    recorded: float
    before: tuple[str, ...]
    flags: tuple[str, ...]
    isa: str
    severity: str | None
    value: Any
    unit: str | None
    limit: Any
    reason: str
    annunciate: bool
    annunciation: Annunciation | None
    rule_hash: str
    evidence: tuple[str | None, float] | None
    labels: Mapping[str, str]
    page: str | None = None
    user: str | None = None
    comment: str | None = None
    until: float | None = None
    since: float | None = None
    first_value: Any = None
    told: tuple[Telling | str, ...] = ()


class Rejection(msgspec.Struct, kw_only=True):
    """A command that was refused. `error` is one word (wrong_occurrence, already_acked, …)."""

    at: float
    rule: str
    subject: str
    error: str
    command: str
    flags: tuple[str, ...] = ()
    isa: str = "A"
    id: str | None = None
    user: str | None = None


class Outlet(Protocol):
    """Where transitions and counts go. `run` is empty live, and names a backtest."""

    run: str

    def count(self, state: State, word: str) -> None:
        """Count a word for an alarm."""

    def rule_when_raised(self, state: State) -> Rule:
        """The rule under which an alarm is raised now."""

    def page_of(self, state: State) -> str | None:
        """The page that an alarm is on now."""

    def out(self, state: State, transition: Transition) -> None:
        """Take a transition."""


def transition_id(run: str, rule: str, subject: str, occ: int, seq: int) -> str:
    """First 32 hex digits of sha256(run|rule|subject|occ|seq)."""
    return hashlib.sha256(f"{run}|{rule}|{subject}|{occ}|{seq}".encode()).hexdigest()[:32]


def crossed_limit(s: State, event: str) -> Any:
    """The limit of the highest level that is on, or where it ends for a return.

    None without levels.
    """
    levels = s.rule.levels
    if not levels:
        return None
    on = [level for level, held in zip(levels, s.levels, strict=False) if held]
    level = on[-1] if on else levels[0]
    return ended(level) if event == "returned" else level.limit


def ended(level: Level) -> Any:
    """The limit at which a level ends."""
    return level.limit if level.clear is None else level.clear


def emit(
    engine: Outlet,
    s: State,
    event: str,
    at: float,
    reason: str,
    annunciate: bool = False,
    **extra: Any,
) -> None:
    """Give the next transition of an alarm its number and id, and send it out.

    One that is shown on another page than before first leaves that one.
    """
    if event != "removed":
        _follow_page(engine, s, at)
    annunciation = _annunciation(s, annunciate)
    if annunciate:
        s.annunciated = True
        s.realarm_from = s.wall
        _remember(s)
    _send(engine, s, event, at, reason, s.flags(), s.isa(), annunciation, extra)


def _remember(s: State) -> None:
    """Keep what people are told of the alarm now; of very many tellings the first and the last."""
    metric, labels = s.slot.about or (None, {})
    telling = {
        "severity": s.severity, "metric": metric, "labels": {**s.rule.labels, **labels},
        "value": s.last_value, "unit": s.unit,
    }  # fmt: skip
    if telling not in s.told:
        told = (*s.told, telling)
        s.told = (
            told if len(told) <= MOST_TOLD else (*told[: MOST_TOLD // 2], *told[-MOST_TOLD // 2 :])
        )


def follow_page(engine: Outlet, s: State, at: float) -> None:
    """Show an alarm that stands on the page that it is on now, where that is another one."""
    if s.page is not None and s.last_flags and (engine.page_of(s) or "") != s.page:
        heard = s.acked and s.rule.ack_required
        emit(engine, s, "rule_changed", at, "page", s.active and not s.masked and not heard)


def _follow_page(engine: Outlet, s: State, at: float) -> None:
    page = engine.page_of(s) or ""
    if s.page not in (None, page) and s.last_flags:
        _send(
            engine, s, "removed", at, "page", (), "A",
            "end" if s.active and s.annunciated else None, {},
        )  # fmt: skip
        s.annunciated, s.told = False, ()
    s.page = page


def _send(
    engine: Outlet,
    s: State,
    event: str,
    at: float,
    reason: str,
    flags: tuple[str, ...],
    isa: str,
    annunciation: Annunciation | None,
    extra: Mapping[str, Any],
) -> None:
    s.seq += 1
    rule = s.rule
    before, s.last_flags = s.last_flags, flags
    lasts = s.active or "active" in before or not s.acked
    engine.out(
        s,
        Transition(
            id=transition_id(engine.run, rule.id, s.subject, s.occ, s.seq),
            rule=rule.id,
            subject=s.subject,
            occ=s.occ,
            seq=s.seq,
            event=event,
            at=at,
            recorded=s.wall,
            before=before,
            flags=flags,
            isa=isa,
            severity=s.severity,
            value=s.last_value,
            unit=s.unit,
            limit=crossed_limit(s, event),
            reason=reason,
            annunciate=annunciation in ("start", "again"),
            annunciation=annunciation,
            rule_hash=rule.hash,
            evidence=s.evidence,
            labels=rule.labels,
            page=s.page or None,
            since=s.activated_at if lasts else None,
            first_value=s.first_value if lasts else None,
            told=s.told if lasts else (),
            **extra,
        ),
    )


def _annunciation(s: State, annunciate: bool) -> Annunciation | None:
    """What people are told: an end only of what they know of, and at once, masked or not."""
    if annunciate:
        return "again" if s.annunciated else "start"
    ends = "active" in s.last_flags and not s.active
    return "end" if ends and s.annunciated else None
