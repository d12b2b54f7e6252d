"""Starts and commands of the api that are killed half-way, and what the next one makes of it."""

import asyncio
import os
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from api.accounts import password_hashing
from api.accounts.accounts import Accounts
from api.accounts.errors import NameTaken
from api.accounts.signing_keys import FORMER, KEY_BYTES, SigningKeys
from api.accounts.tokens import Tokens
from api.cli.administration import Administration
from api.database.database import open_database
from api.database.models import Audit, Login, User
from tests.faults import killed_after_each_effect

pytestmark = pytest.mark.slow

PASSWORD, OTHER_PASSWORD = "correct horse battery", "battery staple correct"
LIFETIME = 60.0
quick_hasher = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_hashing, "PasswordHasher", quick_hasher)


def hash_quickly() -> None:
    """Also in a child, which knows nothing of fixtures."""
    vars(password_hashing)["PasswordHasher"] = quick_hasher


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A data folder with a database and a key, but no account."""
    folder = tmp_path / "made"
    open_database(folder).close()
    SigningKeys(folder)
    return folder


def copies(made: Path, number: int) -> tuple[Path]:
    return (shutil.copytree(made, made.with_name(str(number))),)


def accounts_of(data: Path) -> Accounts:
    return Accounts(open_database(data), Tokens(SigningKeys(data), LIFETIME))


def start(data: Path) -> None:
    """What the api does with accounts at its start; the file `shown` is what the operator sees."""
    hash_quickly()
    accounts = accounts_of(data)

    def show(password: str) -> None:
        with (data / "shown").open("a") as shown:
            shown.write(f"{password}\n")

    accounts.create_first_admin(show)
    accounts.close()


def test_the_password_of_the_first_admin_was_shown_whenever_the_start_is_killed(
    made: Path,
) -> None:
    for number in killed_after_each_effect(start, lambda number: copies(made, number)):
        data = made.with_name(str(number))
        start(data)
        accounts = accounts_of(data)
        shown = (data / "shown").read_text().split()[-1]
        _, admin = asyncio.run(accounts.logins.login("admin", shown, "127.0.0.1"))
        assert admin.role == "admin"
        accounts.close()


def administer(data: Path) -> None:
    """What `vigie accounts` does for `add`, `role`, `password` and `disable`."""
    hash_quickly()
    database = open_database(data)
    admin = Administration(database, data)
    try:
        admin.add("john", PASSWORD, "viewer")
    except NameTaken:
        assert "john" in [user.username for user in admin.users()]
    admin.change("john", role="admin")
    admin.change("john", enabled=False, password=OTHER_PASSWORD)
    database.close()


def test_a_command_that_is_killed_can_be_given_again(made: Path) -> None:
    database = open_database(made)
    Administration(database, made).add("root", PASSWORD, "admin")
    database.close()
    for number in killed_after_each_effect(administer, lambda number: copies(made, number)):
        data = made.with_name(str(number))
        administer(data)
        database = open_database(data)
        with database.read() as session:
            john, _ = session.scalars(select(User).order_by(User.username))
            assert (john.username, john.role, john.enabled) == ("john", "admin", False)
            actions = [one.action for one in session.scalars(select(Audit)) if one.object == "john"]
        assert sorted({*actions}) == [
            "add_account", "change_password", "change_role", "disable_account",
        ]  # fmt: skip
        assert actions.count("add_account") == 1
        database.close()


def open_keys(data: Path) -> None:
    SigningKeys(data)


def revoke(data: Path) -> None:
    with closing(open_database(data)) as database:
        Administration(database, data).rotate_key(revoke=True)


def rotate(data: Path) -> None:
    with closing(open_database(data)) as database:
        Administration(database, data).rotate_key(revoke=False)


def keys(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((data / "api.keys").iterdir())}


@pytest.mark.parametrize("former", [False, True])
def test_keys_that_were_being_made_are_made_by_the_next_start(tmp_path: Path, former: bool) -> None:
    def prepared(number: int) -> tuple[Path]:
        data = tmp_path / str(number)
        data.mkdir(mode=0o700)
        if former:
            (data / FORMER).write_bytes(b"k" * KEY_BYTES)
            (data / FORMER).chmod(0o600)
        return (data,)

    for number in killed_after_each_effect(open_keys, prepared):
        data = tmp_path / str(number)
        open_keys(data)
        assert list(keys(data)) == ["1.key"]
        assert (keys(data)["1.key"] == b"k" * KEY_BYTES) == former


@pytest.mark.parametrize("revoked", [False, True])
def test_a_rotation_that_is_killed_leaves_keys_that_sign_and_is_finished_by_the_next(
    made: Path, revoked: bool
) -> None:
    database = open_database(made)
    accounts = Accounts(database, Tokens(SigningKeys(made), LIFETIME))
    accounts.add("root", PASSWORD, "admin")
    asyncio.run(accounts.logins.login("root", PASSWORD, "127.0.0.1"))
    accounts.close()
    SigningKeys(made).rotate(LIFETIME)
    os.utime(made / "api.keys" / "2.key", (0, 0))  # so that no token of the first key is valid
    work = revoke if revoked else rotate
    for number in killed_after_each_effect(work, lambda number: copies(made, number)):
        data = made.with_name(str(number))
        name, _ = SigningKeys(data).newest
        assert name in ("2", "3")
        work(data)
        left = keys(data)
        newest, key = SigningKeys(data).newest
        assert left[f"{newest}.key"] == key
        assert len(set(left.values())) == len(left)
        if revoked:
            assert len(left) == 1
        else:
            assert list(left)[-1] in ("3.key", "4.key")
            assert set(left) <= {"2.key", "3.key", "4.key"}
        database = open_database(data)
        with database.read() as session:
            assert [login.ended is None for login in session.scalars(select(Login))] == [
                not revoked
            ]
            assert session.scalars(select(Audit.action)).all()[-1] == (
                "revoke_keys" if revoked else "rotate_key"
            )
        database.close()
