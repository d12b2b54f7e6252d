"""The command `vigie accounts`: accounts and signing keys, for whoever may read the data folder."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.accounts.roles import ROLES, Role
from api.defaults import DATA

if TYPE_CHECKING:
    from api.cli.administration import Administration

_must_change = click.option(
    "--must-change",
    is_flag=True,
    help="It must be changed before anything else.",
)
_role = click.Choice(ROLES)


def _installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    data = click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(DATA),
        show_default=True,
        help="Folder of the accounts and the signing keys.",
    )
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
@_installation_options
def list_accounts(site: Path | None, data: Path) -> None:
    """Show all accounts."""
    with _installation(site, data) as installation:
        for user in installation.users():
            disabled = "" if user.enabled else "disabled "
            unchanged = " (must change the password)" if user.must_change else ""
            click.echo(f"{user.id:>5}  {user.role:<8}  {disabled}{user.username}{unchanged}")


@accounts.command()
@_installation_options
@click.option(
    "--role", type=_role, default="viewer", show_default=True, help="What the account may do."
)
@_must_change
@click.argument("username")
def add(site: Path | None, data: Path, role: Role, must_change: bool, username: str) -> None:
    """Add an account; asks for its password."""
    with _installation(site, data) as installation:
        made = installation.add(username, _password(), role, must_change)
        click.echo(f"{made.id:>5}  {made.role:<8}  {made.username}")


@accounts.command()
@_installation_options
@_must_change
@click.argument("username")
def password(site: Path | None, data: Path, must_change: bool, username: str) -> None:
    """Give an account a new password; all its logins end."""
    with _installation(site, data) as installation:
        installation.id_of(username)
        installation.change(username, password=_password(), must_change=must_change)


@accounts.command()
@_installation_options
@click.argument("username")
@click.argument("new_role", metavar="ROLE", type=_role)
def role(site: Path | None, data: Path, username: str, new_role: Role) -> None:
    """Give an account another role."""
    with _installation(site, data) as installation:
        installation.change(username, role=new_role)


@accounts.command()
@_installation_options
@click.argument("username")
def disable(site: Path | None, data: Path, username: str) -> None:
    """Let nobody log in to an account; its logins end."""
    with _installation(site, data) as installation:
        installation.change(username, enabled=False)


@accounts.command()
@_installation_options
@click.argument("username")
def enable(site: Path | None, data: Path, username: str) -> None:
    """Let a disabled account log in again."""
    with _installation(site, data) as installation:
        installation.change(username, enabled=True)


@accounts.command()
@_installation_options
@click.argument("username")
def logout(site: Path | None, data: Path, username: str) -> None:
    """End all logins of an account, which may log in again."""
    with _installation(site, data) as installation:
        installation.end_logins(username)


@accounts.command("rotate-key")
@_installation_options
@click.option(
    "--revoke", is_flag=True, help="Remove the old keys at once: everybody must log in again."
)
def rotate_key(site: Path | None, data: Path, revoke: bool) -> None:
    """Sign access tokens with a new key from now on.

    The old keys still check what they signed, and are removed at a later rotation.
    """
    with _installation(site, data) as installation:
        click.echo(f"key {installation.rotate_key(revoke)} signs from now on")


@accounts.command()
@_installation_options
@click.option(
    "--last",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many of the newest entries.",
)
def audit(site: Path | None, data: Path, last: int) -> None:
    """Show who did what, the newest last."""
    with _installation(site, data) as installation:
        for line in installation.audit(last):
            click.echo(line)


@contextmanager
def _installation(site: Path | None, data: Path) -> "Iterator[Administration]":
    from api.cli.administration import open_installation

    with open_installation(site, data) as installation:
        yield installation


def _password() -> str:
    """Asked for twice at a terminal; otherwise the first line of what is piped in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
