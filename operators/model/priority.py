"""The priorities of alarms, and the severities by which the engine and its events call them."""

from typing import Literal, get_args

from operators.events import Severity

Priority = Literal["low", "medium", "high", "critical"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""Every priority, the most urgent last."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
RANK: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
SEVERITY_OF: dict[str, Severity] = dict(zip(PRIORITIES, SEVERITIES, strict=True))
PRIORITY_OF: dict[str, Priority] = dict(zip(SEVERITIES, PRIORITIES, strict=True))
