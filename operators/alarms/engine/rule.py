"""A rule in the form that the engine uses, made from its canonical record (a plain map)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from operators.model.hysteresis import KINDS as LIMIT_KINDS
from operators.model.hysteresis import Limit
from operators.model.priority import RANK, SEVERITIES
from operators.model.units import seconds

KINDS = (*LIMIT_KINDS, "rate_above", "rate_below")
NO_DATA = ("alarm", "ok", "keep", "ignore")


class Schedule(Protocol):
    """When a rule is armed, on the event clock."""

    def armed(self, time: float) -> bool:
        """Whether alarms are armed at `time` (epoch seconds)."""

    def next_edge(self, time: float) -> float:
        """The first instant after `time` at which `armed` changes; infinity if never."""
        ...


class Level(Limit):
    """One severity with its limit, on the value or on its rate.

    Without a kind of limit no value can be judged.
    """

    __slots__ = ("of_rate", "rank", "severity")

    def __init__(self, record: Mapping[str, Any], rank: int) -> None:
        self.kind = next((kind for kind in KINDS if kind in record), "")
        self.of_rate = self.kind.startswith("rate_")
        self.set_limit(self.kind.removeprefix("rate_"), record.get(self.kind), record.get("clear"))
        self.severity = str(record["severity"])
        self.rank = rank

    def verdict(self, value: Any, rate: float | None) -> tuple[bool, bool] | None:
        """Return (breach, normal); None where it cannot be told."""
        if self.of_rate:
            return None if rate is None else self.judge(rate)
        return self.judge(value) if self.kind else None


class Rule:
    """One rule, made from its `record`; raises `ValueError` for one that makes no sense.

    A rule that judges one more signal of its subjects says in `of` whose it is, and in `metric`
    which signal. Beyond the fields of the record, `schedule` arms and disarms it by the clock.
    Times are in seconds.
    """

    def __init__(self, record: Mapping[str, Any], schedule: Schedule | None = None) -> None:
        self.record = dict(record)
        get = record.get
        self.id = str(get("id", "r1"))
        self.of = str(get("of", self.id))
        canonical = json.dumps(self.record, sort_keys=True, default=str)
        self.hash = hashlib.sha256(canonical.encode()).hexdigest()[:12]
        self.schedule = schedule
        self.enabled = bool(get("enabled", True))
        when = get("when") or {}
        self._read_levels(when)
        self._read_delays()
        self._read_expectation(when)
        flap = get("flap")
        self.flap = (flap["max"], seconds(flap["window"]), seconds(flap["hold"])) if flap else None
        self.latch, self.ack_required = bool(get("latch", False)), bool(get("ack_required", True))
        self.ack_optional = bool(get("ack_optional", False))
        self.unshelve_on_escalate = bool(get("unshelve_on_escalate", False))
        self.suppress_when, self.suppress_hold = (
            tuple(get("suppress_when", ())),
            seconds(get("suppress_hold", 0)),
        )
        self.unit: str | None = get("unit")
        self.emit_pending = bool(get("emit_pending", False))
        self.labels: dict[str, str] = dict(get("labels") or {})
        self.shape = json.dumps(
            [[[lv.kind] for lv in self.levels], self.unit, get("signal"), self.absent is not None],
            sort_keys=True,
        )
        limits = [[lv.kind, lv.limit, lv.clear] for lv in self.levels]
        self.limits = json.dumps(
            [limits, self.n_of_m, self.times, self.window, *(self.in_a_row or ())],
            sort_keys=True,
            default=str,
        )
        self.severities = [lv.severity for lv in self.levels]

    def _read_levels(self, when: Mapping[str, Any]) -> None:
        get = self.record.get
        self.absent = seconds(when.get("absent"))
        base = _severity(get("severity", "warning"))
        given = get("levels") or ([{**when, "severity": base}] if self.absent is None else [])
        ranked = sorted(
            (RANK[_severity(level.get("severity"))], n) for n, level in enumerate(given)
        )
        self.levels = [Level(given[n], rank) for rank, n in ranked]
        self.base_severity = self.levels[0].severity if self.levels else base
        self.numeric = any(level.kind != "equals" for level in self.levels)
        self.window = seconds(when.get("window", get("rate_window")))
        if any(level.of_rate for level in self.levels) and not self.window:
            raise ValueError(f"rule {self.id}: a rate needs a 'window', such as 60s")
        n_of_m = get("n_of_m")
        self.n_of_m: tuple[int, int] | None = (int(n_of_m[0]), int(n_of_m[1])) if n_of_m else None
        row = get("in_a_row")
        self.in_a_row: tuple[int, int] | None = (int(row[0]), int(row[1])) if row else None
        times = get("times")
        self.times: tuple[int, float] | None = (int(times[0]), seconds(times[1])) if times else None

    def _read_delays(self) -> None:
        get = self.record.get
        self.on_delay, self.off_delay = seconds(get("for", 0)), seconds(get("clear_after", 0))
        self.escalate_after = seconds(get("escalate_after", 0))
        self.deescalate_after = seconds(get("deescalate_after", 0))
        self.realarm, self.max_shelve = seconds(get("realarm")), seconds(get("max_shelve", "8h"))
        self.pulse, self.max_future = seconds(get("pulse")), seconds(get("max_future", "5m"))

    def _read_expectation(self, when: Mapping[str, Any]) -> None:
        get = self.record.get
        self.expect = self.absent if self.absent is not None else seconds(get("expect_every"))
        default = "keep" if self.expect else "ignore"
        self.no_data = "alarm" if self.absent is not None else get("no_data", default)
        if self.no_data not in NO_DATA:
            raise ValueError(
                f"rule {self.id}: no_data is one of {', '.join(NO_DATA)}, not {self.no_data!r}"
            )
        self.no_data_severity = _severity(get("no_data_severity", self.base_severity))
        self.watches_silence = self.no_data != "ignore" and bool(self.expect)


def _severity(name: Any) -> str:
    if name not in RANK:
        raise ValueError(f"{name!r} is not a severity; write one of {', '.join(SEVERITIES)}")
    return str(name)
