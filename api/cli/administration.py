"""Accounts and signing keys of one installation, for `vigie accounts`."""

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import click
from sqlalchemy import select, update

from api.accounts.accounts import Accounts, user_named
from api.accounts.errors import AccountError
from api.accounts.principal import Principal
from api.accounts.roles import Role
from api.accounts.signing_keys import KeyFileError, SigningKeys
from api.accounts.tokens import Tokens
from api.database.audit_log import record_audit
from api.database.database import Database, open_database, permissions_changed
from api.database.errors import DatabaseError
from api.database.models import Audit, Login, User, iso
from api.settings import Settings, from_site
from connectors.config.site import SiteError
from connectors.runtime.private_files import NotPrivate


class Administration:
    """What whoever may read the data folder may do. Raises `AccountError`."""

    def __init__(self, database: Database, data: Path) -> None:
        self._database = database
        self._data = data
        self._token_lifetime = Settings(data).token_lifetime
        self._by = f"{getpass.getuser()} (command line)"

    @cached_property
    def _keys(self) -> SigningKeys:
        return SigningKeys(self._data)

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(self._database, Tokens(self._keys, self._token_lifetime))

    def users(self) -> list[User]:
        """All accounts, by name."""
        with self._database.read() as session:
            return list(session.scalars(select(User).order_by(User.username)))

    def add(self, username: str, password: str, role: Role, must_change: bool = False) -> Principal:
        """Add an account."""
        return self._accounts.add(username, password, role, self._by, must_change=must_change)

    def change(
        self,
        username: str,
        *,
        role: Role | None = None,
        enabled: bool | None = None,
        password: str | None = None,
        must_change: bool | None = None,
    ) -> None:
        """Change an account."""
        self._accounts.change(
            self.id_of(username),
            self._by,
            role=role,
            enabled=enabled,
            password=password,
            must_change=must_change,
        )

    def end_logins(self, username: str) -> None:
        """End all logins of an account."""
        self._accounts.end_logins_now(self.id_of(username), self._by)

    def id_of(self, username: str) -> str:
        """The id of an account."""
        with self._database.read() as session:
            user = user_named(session, username)
        if user is None:
            raise AccountError(f"there is no account {username!r}")
        return user.id

    def rotate_key(self, revoke: bool) -> str:
        """Sign with a new key from now on, and return its name.

        With `revoke` all others are removed and every login ends.
        """
        name = self._keys.revoke_all() if revoke else self._keys.rotate(self._token_lifetime)
        with self._database.write() as session:
            if revoke:
                session.execute(
                    update(Login).where(Login.ended.is_(None)).values(ended=time.time())
                )
                permissions_changed(session)
            record_audit(
                session, self._by, "revoke_keys" if revoke else "rotate_key", f"key {name}"
            )
        return name

    def audit(self, last: int) -> list[str]:
        """The newest entries of the audit log as lines, the newest last."""
        with self._database.read() as session:
            newest = list(session.scalars(select(Audit).order_by(Audit.id.desc()).limit(last)))
        return [
            f"{iso(one.at)}  {one.username:<16} {one.action:<16} {one.object} {one.detail}"
            f" {one.address}".rstrip()
            for one in reversed(newest)
        ]


@contextmanager
def open_installation(site: Path | None, data: Path) -> Iterator[Administration]:
    """The installation of a site file and a data folder; errors end the command with a sentence."""
    try:
        url = from_site(site).get("database")
        if url is None and not (data / "api.sqlite").exists():
            raise click.ClickException(
                f"there are no accounts in {data}; name the api's folder with --data, or start it"
                " once"
            )
        database = open_database(data, url)
    except (SiteError, DatabaseError, NotPrivate) as error:
        raise click.ClickException(str(error)) from None
    try:
        yield Administration(database, data)
    except (AccountError, KeyFileError, NotPrivate) as error:
        raise click.ClickException(str(error)) from None
    finally:
        database.close()
