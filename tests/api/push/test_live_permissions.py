"""Who comes in, when many come at once."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from api.accounts.accounts import Accounts
from api.accounts.principal import Principal
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.database.database import open_database
from api.database.models import Login, Page
from api.permissions.visibility import PUBLIC_ONLY, Visibility
from api.push.client import Client
from api.push.live_permissions import LivePermissions
from api.settings import Bounds
from tests.api.push.test_hub import Transport

EACH = 20


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(open_database(tmp_path), Tokens(SigningKeys(tmp_path), 60))


def joined(accounts: Accounts) -> list[Principal]:
    """As their tokens claim: ann, who owns a page, bob, and somebody whose login has ended."""
    people = [
        accounts.add(name, "correct horse battery", "viewer") for name in ("ann", "bob", "eve")
    ]
    with accounts.database.write() as session:
        session.add(Page(key="anns", name="Ann's", owner_id=people[0].id))
        session.add_all(
            Login(
                id=f"l{one.id}",
                user_id=one.id,
                created=0.0,
                expires=4e9,
                ended=1.0 if one is people[2] else None,
            )
            for one in people
        )
    return [Principal(one.id, "", "viewer", 4e9, f"l{one.id}") for one in people]


async def crowd(access: LivePermissions, people: list[Principal]) -> list[Client]:
    clients = [
        Client(Transport(), Bounds(), principal, PUBLIC_ONLY)
        for _ in range(EACH)
        for principal in people
    ]
    await asyncio.gather(*(access.admit(client) for client in clients))
    return clients


def test_each_of_a_crowd_that_comes_at_once_sees_what_it_may_and_who_was_logged_out_is_told(
    accounts: Accounts,
) -> None:
    people = joined(accounts)
    for client in asyncio.run(crowd(LivePermissions(accounts), people)):
        assert client.closed == (4401 if client.principal.id == people[2].id else 0)
        if not client.closed:
            assert client.principal.username in ("ann", "bob")
            assert client.visibility == Visibility(
                frozenset({"anns"} if client.principal.username == "ann" else ())
            )
    accounts.close()


def test_a_crowd_comes_in_by_far_fewer_looks_at_the_database_than_it_has_heads(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, access, looks = joined(accounts), LivePermissions(accounts), []
    standings = access._current
    monkeypatch.setattr(access, "_current", lambda asked: looks.append(1) or standings(asked))
    asyncio.run(crowd(access, people))
    assert len(looks) == 2  # the first goes alone; the others wait for it together
    accounts.close()


def test_one_whose_look_at_the_database_fails_does_not_take_the_others_with_it(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, access = joined(accounts), LivePermissions(accounts)
    standings, failures = (
        access._current,
        iter([OperationalError("select", {}, Exception("locked"))] * 2),
    )

    def failing(asked: set[Principal]) -> object:
        for failure in failures:
            raise failure
        return standings(asked)

    monkeypatch.setattr(access, "_current", failing)

    async def come() -> list[tuple[Client, BaseException | None]]:
        clients = [Client(Transport(), Bounds(), people[0], PUBLIC_ONLY) for _ in range(EACH)]
        outcomes = await asyncio.gather(
            *(access.admit(client) for client in clients), return_exceptions=True
        )
        return list(zip(clients, outcomes, strict=True))

    outcomes = asyncio.run(come())
    failed = [client for client, outcome in outcomes if isinstance(outcome, OperationalError)]
    assert len(failed) == 2
    assert all(
        client.visibility.allows_page("anns") for client, _ in outcomes if client not in failed
    )
    accounts.close()
