"""The rules for user names and passwords."""

import re
import secrets

from api.accounts.common_passwords import is_common
from api.accounts.errors import AccountError
from api.database.models import LONGEST_NAME

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
_NAME = re.compile(r"[^\W_][\w.@+-]*")


def random_password() -> str:
    """A password of 96 random bits, short enough to be read out."""
    return secrets.token_urlsafe(12)


def check_name(username: str) -> None:
    """Raise `AccountError` for what cannot be a user name."""
    if len(username) > LONGEST_NAME or not _NAME.fullmatch(username):
        raise AccountError(
            f"a user name has 1 to {LONGEST_NAME} letters, digits and . @ + - _, and begins"
            " with a letter or digit"
        )


def check_password(password: str, username: str = "") -> None:
    """Raise `AccountError` for what cannot be a password of a user."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            f"a password has at least {SHORTEST_PASSWORD} characters, and at most"
            f" {LONGEST_PASSWORD}"
        )
    if username and username.casefold() in password.casefold():
        raise AccountError("a password does not hold the user name")
    if is_common(password):
        raise AccountError(
            "everybody would try this password: take several words, or let a password manager make"
            " one"
        )
