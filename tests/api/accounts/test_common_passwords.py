import pytest

from api.accounts.common_passwords import is_common
from api.accounts.credentials import check_password
from api.accounts.errors import AccountError


@pytest.mark.parametrize(
    "password",
    [
        "password", "Password1!", "P@ssw0rd2026", "        ", "aaaaaaaa", "abababab", "12345678",
        "87654321", "123456789012", "qwertyuiop", "Azertyuiop1", "abcdefgh", "letmein2025",
        "adminadmin", "1qaz2wsx3edc", "!!vigie!!", "motdepasse42", "abcabcabc",
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_no_password(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "tr7 Kxv9-qq", "maison-verte-1987", "x8Fh2kPq", "ein langes wort"],
)
def test_a_password_that_takes_work_is_taken(password: str) -> None:
    check_password(password, "marie")


def test_a_password_does_not_hold_the_user_name() -> None:
    with pytest.raises(AccountError, match="does not hold the user name"):
        check_password("Marie-Louise-47", "marie")
