"""Whether what was produced is what a test expects, and where it differs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.config.suggestion import near
from flows.testing.outputs import AnyOf, Output, shown
from operators.model import two_state
from operators.model.units import duration

Path = tuple[str | int, ...]
_TIMES = frozenset({"time", "start", "recorded", "until", "since"})


@dataclass(frozen=True)
class Difference:
    """One field that is not as expected; `path` is where it stands in the expectation."""

    path: Path
    wanted: str
    came: str


@dataclass(frozen=True)
class Mismatch:
    """A difference from what was expected: a sentence, the nearest output and its differences.

    `path` leads from the expectation to the part of it that is meant.
    """

    message: str
    path: Path = ()
    nearest: Output | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Moment:
    """The start of a test in epoch seconds and the zone its times are written in."""

    start: float
    zone: ZoneInfo


def compare(expected: Any, outputs: Sequence[Output], moment: Moment) -> Mismatch | None:
    """The difference of `outputs` from `expected`; None if there is none.

    `expected` is `nothing`, a count, one event, or a list in order.
    """
    if expected in ("nothing", []):
        return None if not outputs else _too_many(0, outputs)
    if (count := counted(expected)) is not None:
        return (
            None
            if len(outputs) == count
            else Mismatch(f"expected {_events(count)}, {_came(outputs)}")
        )
    wanted = expected if isinstance(expected, list) else [expected]
    paths: list[Path] = (
        [(index,) for index in range(len(wanted))] if isinstance(expected, list) else [()]
    )
    for index, (one, path) in enumerate(zip(wanted, paths, strict=True)):
        if index >= len(outputs):
            return _missing(one, path, index, len(wanted), outputs, moment)
        if differences := differ(one, outputs[index], moment):
            if len(wanted) == 1 and len(outputs) > 1:
                return _best(one, path, outputs, moment)
            which = f"the {_ordinal(index)} event" if len(wanted) > 1 else "the event"
            moved = [(*path, *difference.path) for difference in differences]
            message = f"{which} differs"
            return Mismatch(message, moved[0], outputs[index], tuple(differences))
    return None if len(outputs) == len(wanted) else _too_many(len(wanted), outputs)


def counted(expected: Any) -> int | None:
    """The number of `{count: 3}`."""
    if (
        isinstance(expected, Mapping)
        and set(expected) == {"count"}
        and isinstance(expected["count"], int)
    ):
        return int(expected["count"])
    return None


def differ(expected: Mapping[str, Any], output: Output, moment: Moment) -> list[Difference]:
    """Every field of one event that is not as expected.

    Fields that are not named are free, unless it says `exactly`.
    """
    exact = set(expected) == {"exactly"} and isinstance(expected["exactly"], Mapping)
    base: Path = ("exactly",) if exact else ()
    named = expected["exactly"] if exact else expected
    found: list[Difference] = []
    for name, wanted in named.items():
        came = output.get(name)
        if not _is(name, wanted, came, output, moment):
            inner = _inside((*base, name), wanted, came, moment)
            found += inner or [
                Difference((*base, name), shown(wanted), _shown_field(name, came, output, moment))
            ]
    if exact:
        extra = [name for name in output.shown() if name not in named]
        found += [
            Difference((), f"no {name!r}", f"{name}: {shown(output.get(name))}") for name in extra
        ]
    return found


def _inside(path: Path, wanted: Any, came: Any, moment: Moment) -> list[Difference]:
    """The fields of a nested map that differ."""
    if not (isinstance(wanted, Mapping) and isinstance(came, Mapping)):
        return []
    out: list[Difference] = []
    for name, value in wanted.items():
        if not _same(value, came.get(name)):
            deeper = _inside((*path, name), value, came.get(name), moment)
            out += deeper or [Difference((*path, name), shown(value), shown(came.get(name)))]
    return out


def _is(name: str, wanted: Any, came: Any, output: Output, moment: Moment) -> bool:
    if isinstance(came, AnyOf) and not isinstance(wanted, list):
        return any(_same(wanted, one) for one in came)
    if _same(wanted, came):
        return True
    if name in _TIMES and isinstance(came, (int, float)):
        return (at := _time(wanted, moment)) is not None and math.isclose(at, came, abs_tol=0.0005)
    if name == "value" and isinstance(wanted, (int, float, bool)):
        return _same(float(wanted), getattr(output.event, "value", None))
    return False


def _same(wanted: Any, came: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(came, Mapping) and all(
            _same(value, came.get(name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        several = isinstance(came, (list, tuple)) and len(came) == len(wanted)
        return several and all(_same(one, other) for one, other in zip(wanted, came, strict=True))
    if isinstance(wanted, bool) or isinstance(came, bool):
        return wanted is came
    if isinstance(wanted, (int, float)) and isinstance(came, (int, float)):
        return math.isclose(wanted, came, rel_tol=1e-9, abs_tol=1e-9)
    return bool(wanted == came)


def _time(wanted: Any, moment: Moment) -> float | None:
    """Epoch seconds of a span from the start of the test, or of a date."""
    if not isinstance(wanted, str):
        return None
    try:
        return moment.start + duration(wanted)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(wanted)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=moment.zone)).timestamp()


def _shown_field(name: str, came: Any, output: Output, moment: Moment) -> str:
    if name in _TIMES and isinstance(came, (int, float)):
        return span(came - moment.start)
    if came is None and (hint := near(name, output.names())):
        return f"no such field; {hint}"
    if came is None:
        return "no such field"
    word = (
        two_state.word(getattr(output.event, "metric", None), came)
        if isinstance(came, float)
        else None
    )
    return shown(word if word is not None else came)


def _missing(
    one: Mapping[str, Any],
    path: Path,
    index: int,
    total: int,
    outputs: Sequence[Output],
    moment: Moment,
) -> Mismatch:
    if not outputs:
        return Mismatch(f"expected {_events(total)}, none came", path)
    return Mismatch(
        f"expected {_events(total)}, {_came(outputs)}; the {_ordinal(index)} is missing:"
        f" {shown(one)}",
        path,
    )


def _best(
    one: Mapping[str, Any], path: Path, outputs: Sequence[Output], moment: Moment
) -> Mismatch:
    """One was expected and several came: show how the most similar one differs."""
    nearest = min(outputs, key=lambda output: len(differ(one, output, moment)))
    differences = tuple(differ(one, nearest, moment))
    return Mismatch(f"expected one event, {_came(outputs)}", path, nearest, differences)


def _too_many(wanted: int, outputs: Sequence[Output]) -> Mismatch:
    what = "nothing" if wanted == 0 else "one event" if wanted == 1 else _events(wanted)
    return Mismatch(f"expected {what}, {_came(outputs)}")


def _came(outputs: Sequence[Output]) -> str:
    return "none came" if not outputs else "1 came" if len(outputs) == 1 else f"{len(outputs)} came"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def _ordinal(index: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth")
    return words[index] if index < len(words) else f"{index + 1}th"


def span(seconds: float) -> str:
    """Seconds as one would write them in a test: `1h30min`, `2.5s`."""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    left = round(left, 3)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if left >= size:
            parts.append(f"{int(left // size)}{unit}")
            left = round(left % size, 3)
    if left or not parts:
        parts.append(f"{left:g}s")
    return sign + "".join(parts)
