"""Queries as Grafana sends them: variables filled in by their formats, then macros by the plugin's.

After the ClickHouse plugin 4.20.0 (`pkg/macros/macros.go`, `applyConditionalAll` of its data
source) and Grafana's own `interpolate` of InfluxQL.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

ALL = "$__all"
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)")


@dataclass(frozen=True)
class View:
    """The span (epoch seconds), the seconds between two points, and what is chosen.

    `choices` are what a variable offers, `chosen` what a person took of it.
    """

    start: float
    end: float
    interval: int = 60
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def values(self, name: str) -> Sequence[str]:
        chosen = self.chosen[name]
        return self.choices[name] if list(chosen) == [ALL] else chosen


def _format(values: Sequence[str], form: str) -> str:
    if form == "singlequote":
        return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)
    if form == "regex":
        escaped = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in values]
        return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"
    assert form == "" and len(values) == 1, f"several values have no form {form!r} of ours"
    return values[0]


def variables(text: str, view: View) -> str:
    """The text with its variables filled in."""
    return VARIABLE.sub(
        lambda match: _format(view.values(match[1] or match[3]), match[2] or ""), text
    )


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """The arguments of the call whose bracket opens at `start`, and where it ends."""
    depth, found, begin = 0, [], start + 1
    for place in range(start, len(text)):
        letter = text[place]
        depth += (letter == "(") - (letter == ")")
        if depth == 0 or (depth == 1 and letter == ","):
            found.append(text[begin:place].strip())
            begin = place + 1
        if depth == 0:
            return found, place + 1
    raise AssertionError(f"a bracket is not closed: {text}")


def _conditional_all(text: str, view: View) -> str:
    call = "$__conditionalAll"
    while (place := text.rfind(call + "(")) >= 0:
        (condition, variable), end = _arguments(text, place + len(call))
        assert re.fullmatch(r"\$\w+", variable), f"the plugin finds no variable in {variable}"
        is_all = list(view.chosen[variable[1:]]) in ([ALL], [])
        text = text[:place] + ("1=1" if is_all else condition) + text[end:]
    return text


def clickhouse(text: str, view: View) -> str:
    """The statement that the plugin sends to ClickHouse."""
    text = variables(_conditional_all(text, view), view)
    first, last = int(view.start), int(view.end)
    first_ms, last_ms = (
        f"fromUnixTimestamp64Milli({int(moment * 1000)})" for moment in (view.start, view.end)
    )
    macros: dict[str, Callable[..., str]] = {
        "timeFilter_ms": lambda c: f"{c} >= {first_ms} AND {c} <= {last_ms}",
        "timeFilter": lambda c: f"{c} >= toDateTime({first}) AND {c} <= toDateTime({last})",
        "timeInterval": lambda c: (
            f"toStartOfInterval(toDateTime({c}), INTERVAL {max(1, view.interval)} second)"
        ),
        "fromTime_ms": lambda *_: first_ms,
        "toTime_ms": lambda *_: last_ms,
        "fromTime": lambda *_: f"toDateTime({first})",
        "toTime": lambda *_: f"toDateTime({last})",
        "interval_s": lambda *_: str(max(1, view.interval)),
    }
    for name, expand in macros.items():
        while match := re.search(rf"\$__{name}(?!\w)", text):
            arguments, end = (
                _arguments(text, match.end())
                if text[match.end() :][:1] == "("
                else ([], match.end())
            )
            text = text[: match.start()] + expand(*arguments) + text[end:]
    assert "$__" not in text, f"the plugin has no such macro: {text}"
    return text


def influxql(text: str, view: View) -> str:
    """The statement that Grafana sends to InfluxDB."""
    text = text.replace("$__interval", f"{max(1, view.interval)}s")
    span = f"time >= {int(view.start * 1000)}ms and time <= {int(view.end * 1000)}ms"
    return variables(text.replace("$timeFilter", span), view)
