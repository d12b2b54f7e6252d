"""Two-state words, both ways."""

import pytest

from operators.model.two_state import is_two_state, number, word


@pytest.mark.parametrize(
    ("metric", "zero", "one"),
    [
        ("contact", "open", "closed"),
        ("door", "closed", "open"),
        ("window", "closed", "open"),
        ("lock", "locked", "unlocked"),
        ("availability", "offline", "online"),
        ("motion", "off", "on"),
        ("occupancy", "off", "on"),
        ("presence", "off", "on"),
        ("state", "off", "on"),
        ("smoke", "off", "on"),
        ("water_leak", "off", "on"),
        ("battery_low", "off", "on"),
    ],
)
def test_words_and_numbers_of_a_metric_agree(metric: str, zero: str, one: str) -> None:
    assert (word(metric, 0.0), word(metric, 1.0)) == (zero, one)
    assert (number(metric, zero), number(metric, one.upper())) == (0.0, 1.0)
    assert is_two_state(metric)


def test_other_numbers_and_metrics_have_no_word() -> None:
    assert word("motion", 0.5) is None
    assert word("motion", None) is None
    assert word("temperature", 1.0) is None
    assert word(None, 1.0) is None
    assert not is_two_state("temperature")


def test_any_metric_takes_the_general_words() -> None:
    assert (number("pump", "on"), number(None, " OFF ")) == (1.0, 0.0)
    assert number("pump", "sometimes") is None
