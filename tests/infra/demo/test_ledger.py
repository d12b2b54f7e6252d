"""The account of what the simulated devices published."""

from infra.demo.ledger import Ledger, Total, differences


def test_readings_are_counted_and_summed_by_signal() -> None:
    ledger = Ledger()
    ledger.add("mains", {"power": 1200.5, "voltage": 230.0})
    ledger.add("mains", {"power": 0.1})
    assert ledger.totals() == {
        ("mains", "power"): Total(2, 1_200_600),
        ("mains", "voltage"): Total(1, 230_000),
    }
    assert ledger.count() == 3


def test_nothing_differs_when_everything_was_kept() -> None:
    totals = {("mains", "power"): Total(2, 5)}
    assert differences(totals, dict(totals)) == []


def test_each_kind_of_difference_is_named_with_its_signal() -> None:
    sent = {
        ("a", "power"): Total(2, 2000),
        ("b", "power"): Total(1, 1000),
        ("c", "power"): Total(1, 7),
    }
    kept = {
        ("a", "power"): Total(1, 1000),
        ("b", "power"): Total(1, 3000),
        ("d", "power"): Total(1, 9),
    }
    assert differences(sent, kept) == [
        "a/power: 2 published, 1 kept",
        "b/power: values add up to 1, kept ones to 3",
        "c/power: 1 published, 0 kept",
        "d/power: 0 published, 1 kept",
    ]
