"""`vigie accounts`: accounts and signing keys, by whoever may read the data folder. A running
api follows within a second.
"""

import getpass
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select, update

from api.accounts.accounts import Accounts, user_named
from api.accounts.errors import AccountError
from api.accounts.roles import ROLES, Role
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.database.audit_log import record_audit
from api.database.database import Database, DatabaseError, open_database, permissions_changed
from api.database.models import Audit, Login, User, iso
from api.settings import Settings, from_site
from connectors.config.site import SiteError
from connectors.runtime.private_files import NotPrivate

_role = click.Choice(ROLES)


def _at(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which installation."""
    data = click.option(
        "--data", type=click.Path(file_okay=False, path_type=Path), default=Path("data"), show_default=True,
        help="Folder of the accounts and the signing keys.",
    )  # fmt: skip
    site = click.option(
        "--site", type=click.Path(dir_okay=False, path_type=Path), help="Site file of the api."
    )
    return site(data(command))


@click.group()
def accounts() -> None:
    """List and change the accounts of the api.

    Works while the api runs, which then follows within a second.
    """


@accounts.command("list")
@_at
def list_accounts(site: Path | None, data: Path) -> None:
    """Show all accounts."""
    with _database(site, data) as database, database.read() as session:
        for user in session.scalars(select(User).order_by(User.id)):
            click.echo(
                f"{user.id:>5}  {user.role:<8} "
                f" {'' if user.enabled else 'disabled '}{user.username}"
            )


@accounts.command()
@_at
@click.option(
    "--role", type=_role, default="viewer", show_default=True, help="What the account may do."
)
@click.argument("username")
def add(site: Path | None, data: Path, role: Role, username: str) -> None:
    """Add an account; asks for its password."""
    with _accounts(site, data) as known:
        made = known.add(username, _password(), role, by=_me())
        click.echo(f"{made.id:>5}  {made.role:<8}  {made.username}")


@accounts.command()
@_at
@click.argument("username")
def password(site: Path | None, data: Path, username: str) -> None:
    """Give an account a new password; all its logins end."""
    _change(site, data, username, password=_password)


@accounts.command()
@_at
@click.argument("username")
@click.argument("new_role", metavar="ROLE", type=_role)
def role(site: Path | None, data: Path, username: str, new_role: Role) -> None:
    """Give an account another role."""
    _change(site, data, username, role=lambda: new_role)


@accounts.command()
@_at
@click.argument("username")
def disable(site: Path | None, data: Path, username: str) -> None:
    """Let nobody log in to an account; its logins end."""
    _change(site, data, username, enabled=lambda: False)


@accounts.command()
@_at
@click.argument("username")
def enable(site: Path | None, data: Path, username: str) -> None:
    """Let a disabled account log in again."""
    _change(site, data, username, enabled=lambda: True)


@accounts.command()
@_at
@click.argument("username")
def logout(site: Path | None, data: Path, username: str) -> None:
    """End all logins of an account, which may log in again."""
    with _accounts(site, data) as known:
        known.end_logins_now(_named(known, username).id, _me())


@accounts.command("rotate-key")
@_at
@click.option(
    "--revoke", is_flag=True, help="Remove the old keys at once: everybody must log in again."
)
def rotate_key(site: Path | None, data: Path, revoke: bool) -> None:
    """Sign access tokens with a new key from now on.

    The old keys still check what they signed, and go at a later rotation.
    """
    with _database(site, data) as database:
        keys = SigningKeys(data)
        name = keys.revoke_all() if revoke else keys.rotate(Settings(data).token_lifetime)
        with database.write() as session:
            if revoke:
                session.execute(
                    update(Login).where(Login.ended.is_(None)).values(ended=time.time())
                )
                permissions_changed(session)
            record_audit(session, _me(), "revoke_keys" if revoke else "rotate_key", f"key {name}")
    click.echo(f"key {name} signs from now on")


@accounts.command()
@_at
@click.option(
    "--last", type=click.IntRange(1), default=50, show_default=True, help="So many of the newest."
)
def audit(site: Path | None, data: Path, last: int) -> None:
    """Show who did what, the newest last."""
    with _database(site, data) as database, database.read() as session:
        newest = list(session.scalars(select(Audit).order_by(Audit.id.desc()).limit(last)))
        for one in reversed(newest):
            click.echo(
                f"{iso(one.at)} "
                f" {one.username:<16} {one.action:<16} {one.object} {one.detail} {one.address}".rstrip()
            )


def _change(site: Path | None, data: Path, username: str, **changes: Callable[[], Any]) -> None:
    with _accounts(site, data) as known:
        user = _named(known, username)
        known.change(user.id, _me(), **{name: value() for name, value in changes.items()})


def _named(known: Accounts, username: str) -> User:
    with known.database.read() as session:
        user = user_named(session, username)
    if user is None:
        raise AccountError(f"there is no account {username!r}")
    return user


@contextmanager
def _database(site: Path | None, data: Path) -> Iterator[Database]:
    """The database of the installation; ends the command with a sentence where there is none."""
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
        yield database
    except AccountError as error:
        raise click.ClickException(str(error)) from None
    finally:
        database.close()


@contextmanager
def _accounts(site: Path | None, data: Path) -> Iterator[Accounts]:
    with _database(site, data) as database:
        known = Accounts(database, Tokens(SigningKeys(data), Settings(data).token_lifetime))
        try:
            yield known
        finally:
            known.close()


def _password() -> str:
    """Asked for twice at a terminal; otherwise the first line of what is piped in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _me() -> str:
    return f"{getpass.getuser()} (command line)"
