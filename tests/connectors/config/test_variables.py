"""Secrets in texts for people: nothing of one is left, however they overlap."""

from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from connectors.config.redaction import hidden, redacted
from connectors.config.variables import fill
from connectors.mariadb.connection import parse_url

SECRETS = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4)


WORD = "p@s/s#w:rd%41?é"


def test_a_secret_may_hold_any_letter_wherever_it_stands_in_an_address(monkeypatch):
    monkeypatch.setenv("WORD", WORD)
    address = parse_url(fill("mysql://ann:${WORD}@db:3307/home", "url"))
    assert (address.host, address.port, address.password) == ("db", 3307, WORD)
    url = urlsplit(fill("https://${WORD}@hook.example/${NONE:-a/b}?key=${WORD}&n=1", "url"))
    assert (unquote(url.username), url.hostname, url.path) == (WORD, "hook.example", "/a/b")
    assert parse_qs(url.query) == {"key": [WORD], "n": ["1"]}


def test_what_is_no_part_of_an_address_is_filled_in_as_it_is(monkeypatch):
    monkeypatch.setenv("WORD", WORD)
    monkeypatch.setenv("WHOLE", "mysql://ann:p%40ss@db/home")
    assert fill("${WORD}", "password") == WORD
    assert fill("${WHOLE}", "url") == "mysql://ann:p%40ss@db/home"
    assert fill("${WHOLE}?x=1", "url") == "mysql://ann:p%40ss@db/home?x=1"
    assert fill("say ${WORD} to mail@example.org", "text") == f"say {WORD} to mail@example.org"


def test_a_secret_is_hidden_as_it_stands_in_an_address(monkeypatch):
    monkeypatch.setenv("WORD", WORD)
    assert redacted(fill("mysql://a:${WORD}@db/x", "url"), "${WORD}") == "mysql://a:${WORD}@db/x"


def test_a_short_secret_lays_no_longer_one_bare(monkeypatch):
    monkeypatch.setenv("USER_ID", "hunter")
    monkeypatch.setenv("WORD", "hunter2secret")
    assert redacted("at hunter2secret", "${USER_ID} ${WORD}") == "at ${WORD}"


def test_of_two_that_overlap_nothing_is_left():
    assert hidden("x abcdef y", {"abcd": "${A}", "cdef": "${B}"}) == "x ${A}${B} y"


def test_a_secret_is_found_as_python_quotes_it(monkeypatch):
    monkeypatch.setenv("WORD", "it's\n1")
    assert "1" not in redacted(repr("it's\n1"), "${WORD}")


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
