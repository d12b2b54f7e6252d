"""Texts in which nothing of a secret is left."""

import pytest

from connectors.config.redaction import without_target

TARGET = "/services/T0123/B4567/xyzSecretxyz?key=a%2Fb&room=9-attic"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"The URL {TARGET} was not found", "The URL … was not found"),
        (f"The URL {TARGET.replace('&', '&amp;')} was not found", "The URL … was not found"),
        (f"no {TARGET.partition('?')[0]} here", "no … here"),
        ("invalid_token xyzSecretxyz", "invalid_token …"),
        ("no room 9-attic", "no room …"),
        ("no such services", "no such services"),
        ("The URL /services/T0123/B45", "The URL …"),
    ],
)
def test_what_a_server_says_shows_neither_path_nor_query(said: str, shown: str) -> None:
    assert without_target(said, TARGET) == shown
