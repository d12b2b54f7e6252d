from typing import Any

import pytest
from pydantic import ValidationError

from operators.events import Event
from operators.transforms.severity import Severity
from tests.operators.shard import Shard, occurrence, reading, step


def priorities(text: str, *events: Event) -> list[Any]:
    return [
        getattr(event, "labels", {}).get("priority")
        for event in Shard(step(Severity, text)).feed(*events)
    ]


def test_the_words_of_a_device_are_mapped() -> None:
    text = (
        "severity: {field: data.severity, values: {alert: high, detection: low}, otherwise: medium}"
    )
    seen = [
        occurrence(0, "review", data={"severity": word}) for word in ("alert", "detection", "odd")
    ]
    assert priorities(text, *seen, occurrence(1, "review")) == ["high", "low", "medium", "medium"]


def test_the_most_urgent_limit_that_is_passed_counts_in_the_signals_unit() -> None:
    text = "severity: {above: {low: 20 °C, high: 30 °C, critical: 40 °C}}"
    some = [reading(0, value, unit="°C") for value in (19.0, 20.0, 21.0, 31.0, 41.0)]
    assert priorities(text, *some, reading(0, 95.0, unit="°F")) == [
        None,
        None,
        "low",
        "high",
        "critical",
        "high",
    ]
    assert priorities(
        "severity: {below: {low: 20, high: 5}}", reading(0, 10.0), reading(0, 1.0)
    ) == ["low", "high"]


def test_what_is_not_mapped_is_counted() -> None:
    shard = Shard(step(Severity, "severity: {values: {on: high}}"))
    shard.feed(reading(0, 1.0, metric="motion"), reading(0, 0.0, metric="motion"), reading(0, None))
    assert shard.counts == {"unmapped": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{otherwise: low}", "exactly one of"),
        ("{values: {a: low}, above: {low: 3}}", "exactly one of"),
        ("{above: {low: 30, high: 20}}", "further out"),
        ("{below: {low: 20, high: 30}}", "further out"),
        ("{above: {low: 30 °C, high: 20 W}}", "one kind"),
        ("{values: {a: urgent}}", "'low', 'medium', 'high' or 'critical'"),
    ],
)
def test_mappings_that_cannot_be_meant_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        step(Severity, f"severity: {text}")
