"""Secrets in texts for people: nothing of one is left, however they overlap."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.config.variables import hidden, masked

SECRETS = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4)


def test_a_short_secret_lays_no_longer_one_bare(monkeypatch):
    monkeypatch.setenv("USER_ID", "hunter")
    monkeypatch.setenv("WORD", "hunter2secret")
    assert masked("at hunter2secret", "${USER_ID} ${WORD}") == "at ${WORD}"


def test_of_two_that_overlap_nothing_is_left():
    assert hidden("x abcdef y", {"abcd": "${A}", "cdef": "${B}"}) == "x ${A}${B} y"


def test_a_secret_is_found_as_python_quotes_it(monkeypatch):
    monkeypatch.setenv("WORD", "it's\n1")
    assert "1" not in masked(repr("it's\n1"), "${WORD}")


@given(st.text("abcd", max_size=20), SECRETS)
def test_what_is_left_of_a_text_holds_no_secret(text, secrets):
    left = hidden(text, dict.fromkeys(secrets, "*"))
    assert not any(secret in left for secret in secrets)
    assert left.replace("*", "") == "".join(
        letter
        for place, letter in enumerate(text)
        if not any(
            text.startswith(secret, start)
            for secret in secrets
            for start in range(max(0, place - len(secret) + 1), place + 1)
        )
    )
