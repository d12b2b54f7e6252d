"""What is known, before anything runs, of the events that come out of each name of a flow."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flows.language.model import Flow, Source, Step, inputs, origin
from flows.language.picture_model import areas
from operators.alarms.settings import STATES
from operators.decoding.catalogue import NAMES, built_in
from operators.decoding.dialect import ALL
from operators.model.changes import CHOICES
from operators.model.condition import KINDS
from operators.model.fields import text
from operators.model.priority import PRIORITIES
from operators.model.selector import Selector, glob

Facts = dict[str, tuple[str, ...]]
"""Field: the only values (or patterns) it can have. A field that is not there can have any.
`kind` is the kind of event, `label.NAME` a label.
"""
Tables = Mapping[str, Sequence[Mapping[str, Any]]]

CHANGES = (
    "raised", "returned", "cleared", "acked", "unacked", "realarmed", "escalated", "deescalated",
    "shelved", "unshelved",
    "suppressed", "unsuppressed", "out_of_service", "in_service", "no_data", "data_back", "reset",
    "commented",
    "rule_changed", "removed", "disabled", "enabled", *CHOICES,
)  # fmt: skip
"""Every change that an alarm tells, and the words for several."""
FIELDS = (
    "subject", "metric", "quality", "unit", "class", "in_zone", "line", "direction", "phase",
    "alarm", "priority", "change", "state", "type",
)  # fmt: skip
"""Fields of selectors that are compared; the others are not known before something runs."""
_SAME = frozenset(
    {
        "deduplicate",
        "debounce",
        "lookup",
        "convert",
        "motion_gate",
        "drop",
        "mode",
        "enrich",
    }
)
_QUALITIES = ("good", "stale", "bad")


class Decoded(tuple[str, ...]):
    """The metrics that dialects have, where no definition names some of them."""

    __slots__ = ()


_WORDS: dict[str, Iterable[str]] = {
    "quality": _QUALITIES, "priority": PRIORITIES, "change": CHANGES, "state": STATES,
}  # fmt: skip
"""Words that may stand in a list although they cannot come just here."""

Conflict = Callable[[int, str, Any, tuple[str, ...]], None]
"""Told of a selector that nothing can pass: step, field, what is wanted, what can come."""


def ignore(step: int, field: str, wanted: Any, known: tuple[str, ...]) -> None:
    """No conflict is of interest."""


def ignore_field(field: str, wanted: Any, known: tuple[str, ...]) -> None:
    """No conflict of a selector is of interest."""


def facts_of(flow: Flow, name: str, conflict: Conflict = ignore) -> Facts:
    """What is known of the events of a name; nothing for one that is not there or reads itself."""
    return _facts(flow, name, conflict, {})


def _facts(flow: Flow, name: str, conflict: Conflict, known: dict[str, Facts]) -> Facts:
    base = origin(name)
    if name != base:
        return {"kind": ("dead_letter",)} if name.endswith(".errors") else {}
    if base in flow.alarms or base == "alarms":
        return _of_alarms(flow, [base] if base in flow.alarms else list(flow.alarms))
    if base in flow.sources:
        return _of_source(flow.sources[base])
    stream = flow.streams.get(base)
    if stream is not None and base not in known:
        known[base] = {}  # until it is known; for ever where it reads itself
        facts = either(_facts(flow, read, ignore, known) for read in inputs(stream.from_))
        known[base] = [*facts_before(flow, base, facts, conflict)][-1]
    return known.get(base, {})


def facts_before(
    flow: Flow, stream: str, facts: Facts, conflict: Conflict = ignore
) -> Iterator[Facts]:
    """What is known before each step of a stream that reads `facts`, and behind the last."""
    for number, step in enumerate(flow.streams[stream].steps):
        yield facts
        facts = _after(flow, facts, step, number, conflict)
    yield facts


def listed(tables: Tables, facts: Facts) -> tuple[str, ...]:
    """The subjects of the column `subject` of tables of which events with these facts may come."""
    found: dict[str, None] = {}
    for rows in tables.values():
        for row in rows:
            subject = text(row.get("subject"))
            if subject and _may_come(facts, "subject", subject):
                cells = {f"label.{name}": text(cell) for name, cell in row.items()}
                if all(_may_come(facts, name, cell) for name, cell in cells.items()):
                    found[subject] = None
    return tuple(found)


def names_in(facts: Facts, field: str) -> tuple[str, ...]:
    """The values that a field can have, if all of them are known by name."""
    names = facts.get(field, ())
    return () if isinstance(names, Decoded) or any(map(_is_pattern, names)) else names


def _may_come(facts: Facts, field: str, value: str) -> bool:
    return field not in facts or bool(common(facts[field], (value,)))


def either(many: Iterable[Facts]) -> Facts:
    """What is known of events that come from any of several names."""
    known = list(many)
    shared = set.intersection(*(set(facts) for facts in known)) if known else set()
    found: Facts = {}
    for field in shared:
        values = [facts[field] for facts in known]
        kind = Decoded if any(isinstance(one, Decoded) for one in values) else tuple
        found[field] = kind(dict.fromkeys(v for one in values for v in one))
    return found


def narrowed(
    facts: Facts, only: Selector, conflict: Callable[[str, Any, tuple[str, ...]], None]
) -> Facts:
    """What is known behind a selector; `conflict` is told of a field for which nothing can pass."""
    out = dict(facts)
    for field in FIELDS:
        wanted = getattr(only, "class_" if field == "class" else field)
        if wanted is None:
            continue
        texts = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        known = facts.get(field)
        left = texts if known is None else common(known, texts)
        if not left:
            conflict(field, wanted, known or ())
        else:
            for one in texts:
                if known and one not in _WORDS.get(field, ()) and not common(known, (one,)):
                    conflict(field, one, known)
        out[field] = left or texts
    for label, some in (only.label or {}).items():
        out[f"label.{label}"] = (some,) if isinstance(some, str) else tuple(some)
    return out


def _spell(
    selector: Selector, facts: Facts, conflict: Callable[[str, Any, tuple[str, ...]], None]
) -> None:
    """Tell `conflict` of words that no event ever has."""
    for field, words in _WORDS.items():
        wanted = getattr(selector, field)
        for one in (wanted,) if isinstance(wanted, str) else wanted or ():
            if not common(words, (one,)):
                conflict(field, one, facts.get(field, tuple(words)))


def common(known: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The names that are in both, of names and patterns, as they are wanted."""
    found: dict[str, None] = {}
    names = tuple(known)
    for other in wanted:
        for one in names:
            if _is_pattern(one) and (_is_pattern(other) or glob(one).fullmatch(other)):
                found[other] = None
            elif one == other or (_is_pattern(other) and glob(other).fullmatch(one)):
                found[one] = None
    return tuple(found)


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def _of_alarms(flow: Flow, names: list[str]) -> Facts:
    facts: Facts = {"kind": ("alarm",), "alarm": tuple(names), "change": CHANGES, "state": STATES}
    given = [
        one
        for name in names
        for one in (flow.alarms[name].priority, *(v.priority for v in flow.alarms[name].levels))
    ]
    plain = [one for one in given if isinstance(one, str)]
    facts["priority"] = tuple(dict.fromkeys(plain)) if len(plain) == len(given) else PRIORITIES
    return facts


def _of_source(source: Source) -> Facts:
    settings: Any = source.settings
    if (
        source.kind == "mqtt"
        or (source.kind == "http" and settings.subject is None)
        or (source.kind == "mariadb_binlog" and not settings.rows)
    ):
        return {"kind": ("message",)}
    if source.kind == "rtsp":  # what a camera tells of itself comes beside its pictures
        return {"kind": ("frame", "reading", "occurrence")}
    if source.kind == "simulate":
        names = [name.rpartition("/") for name in settings.signals]
        subjects, metrics = (tuple(dict.fromkeys(name[part] for name in names)) for part in (0, 2))
        return {"kind": ("reading",), "subject": subjects, "metric": metrics, "quality": _QUALITIES}
    if source.kind == "http" and settings.subject is not None:
        facts: Facts = {"kind": ("reading",), "quality": _QUALITIES}
        for field, written in (
            ("subject", settings.subject),
            ("metric", settings.metric or "value"),
        ):
            if "{" not in written:
                facts[field] = (written,)
        return facts
    return {}


def _after(flow: Flow, facts: Facts, step: Step, number: int, conflict: Conflict) -> Facts:
    settings: Any = step.settings
    if step.kind == "only":
        return narrowed(
            facts, settings, lambda field, wanted, known: conflict(number, field, wanted, known)
        )
    if step.kind == "drop":
        _spell(settings, facts, lambda *what: conflict(number, *what))
    if step.kind in _SAME:
        return facts
    if step.kind == "decode":
        return _decoded(flow, facts, settings.as_)
    made = _MAKES.get(step.kind)
    return {} if made is None else made(flow, facts, settings)


def _decoded(flow: Flow, facts: Facts, dialect: str) -> Facts:
    """What is known behind `decode`, which lets pass what is decoded already."""
    kinds, decoded = facts.get("kind"), ("reading", "occurrence")
    if kinds is not None and set(kinds) <= set(decoded):
        return facts
    made: Facts = {"kind": decoded, "quality": _QUALITIES}
    if kinds == ("message",):
        own = flow.dialects.get(dialect)
        known = own.dialect() if own else built_in(dialect) if dialect in NAMES else None
        made["metric"] = Decoded(ALL if known is None else known.metrics)
    return made


def _without(facts: Facts, *fields: str) -> Facts:
    return {field: values for field, values in facts.items() if field not in fields}


def _threshold(flow: Flow, facts: Facts, settings: Any) -> Facts:
    kept = _without(facts, "unit", "metric")
    if "metric" in facts and not any(_is_pattern(name) for name in facts["metric"]):
        kind = next(
            kind
            for kind in KINDS
            if getattr(settings, f"{kind}_" if kind == "is" else kind) is not None
        )
        kept["metric"] = tuple(f"{name}_{kind}" for name in facts["metric"])
    return {**kept, "kind": ("reading",)}


def _zones(flow: Flow, facts: Facts, settings: Any) -> Facts:
    only = [settings.only] if isinstance(settings.only, str) else settings.only
    zones, lines = (
        tuple(name for name in known if only is None or name in only)
        for known in (areas(flow.zones), flow.lines)
    )
    phases = ("entered", *(["loitering"] if settings.loiter else []), "left")
    if any(getattr(one.settings, "each", None) in flow.sources for one in flow.sources.values()):
        # people draw places on the page
        return {**facts, "phase": (*phases, "crossed"), "direction": ("left", "right")}
    return {
        **facts,
        "phase": (*(phases if zones else ()), *(["crossed"] if lines else [])) or phases,
        "in_zone": zones,
        "line": lines,
        "direction": ("left", "right"),
    }


def _window(flow: Flow, facts: Facts, settings: Any) -> Facts:
    return {
        **_without(facts, "quality"),
        "kind": ("summary",) if len(settings.calculate) == 1 else ("statistics",),
    }


def _rate(flow: Flow, facts: Facts, settings: Any) -> Facts:
    kept = _without(facts, "unit", "metric")
    if "metric" in facts and not any(_is_pattern(name) for name in facts["metric"]):
        kept["metric"] = tuple(f"{name}_rate" for name in facts["metric"])
    return {**kept, "kind": ("reading",)}


_MAKES: Mapping[str, Callable[[Flow, Facts, Any], Facts]] = {
    "label": lambda flow, facts, s: _without(facts, *(f"label.{name}" for name in s.fields)),
    "detect": lambda flow, facts, s: {"kind": ("detection",), "class": tuple(s.classes)},
    "track": lambda flow, facts, s: {**facts, "phase": ("new", "update", "end")},
    "zones": _zones,
    "window": _window,
    "threshold": _threshold,
    "scale": lambda flow, facts, s: _without(facts, "unit"),
    "stale": lambda flow, facts, s: _without(facts, "quality"),
    "severity": lambda flow, facts, s: (
        _without(facts, "priority") if s.label == "priority" else facts
    ),
    "counter": lambda flow, facts, s: facts,
    "rate": _rate,
    "pick": lambda flow, facts, s: {
        **_without(facts, "unit", "type"),
        "kind": ("reading",),
        "metric": (s.metric,),
    },
    "vote": lambda flow, facts, s: {
        "kind": ("reading",),
        "metric": (s.metric,),
        **({"subject": (s.subject,)} if s.subject else {}),
    },
    "combine": lambda flow, facts, s: {
        "kind": ("reading",),
        "subject": (s.subject,),
        "metric": (s.metric,),
    },
    "correlate": lambda flow, facts, s: {"kind": ("occurrence",), "type": ("correlation",)},
    "silence": lambda flow, facts, s: {"kind": ("occurrence",), "type": ("silent", "back")},
    "notify": lambda flow, facts, s: {"kind": ("occurrence",), "type": ("notification",)},
    "shape": lambda flow, facts, s: {"kind": ("occurrence",)},
}
"""What is known behind steps that make other events; nothing is known behind those that are not
here.
"""
