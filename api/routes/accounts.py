"""Endpoints of accounts and the audit log for admins, and of finding accounts to share with."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import func, select

from api.accounts.accounts import Accounts, user_named
from api.accounts.credentials import random_password
from api.accounts.roles import Role, check_role
from api.database.models import Audit, Login, User, iso
from api.push.live_permissions import LivePermissions
from api.routes.account_errors import account_errors
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Accounts"
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Text = Annotated[str, Meta(max_length=2000)]
_ACCOUNTS = (
    select(User, func.max(Login.created))
    .outerjoin(Login, Login.user_id == User.id)
    .group_by(User.id)
)


class Account(msgspec.Struct):
    """An account.

    `created` and `last_login` are in epoch seconds, the latter of the last 30 days; `connections`
    are those open here now.
    """

    id: int
    username: str
    role: Role
    enabled: bool
    created: float
    last_login: float | None
    connections: int


class MadeAccount(Account):
    """A new account, with its password if that was made here.

    It is shown this once and stored nowhere.
    """

    password: str | UnsetType = UNSET


class MadePassword(msgspec.Struct):
    """A new random password: it is shown this once and stored nowhere."""

    password: str


class Found(msgspec.Struct):
    """Who has a name."""

    id: int
    username: str


class NewAccount(msgspec.Struct):
    """An account that an admin makes.

    Without a `password` it gets a random one, which the answer has.
    """

    username: Text
    password: Text | None = None
    role: Role = "viewer"


class Done(msgspec.Struct):
    """It is done."""

    status: str = "ok"


class Changes(msgspec.Struct):
    """What is to be changed; what is left out stays."""

    role: Role | None = None
    enabled: bool | None = None
    password: Text | None = None


class AccountId(msgspec.Struct):
    """Which account."""

    id: Number


class AccountName(msgspec.Struct):
    """Which account."""

    username: Annotated[str, Meta(max_length=64)]


class Entry(msgspec.Struct):
    """Who did what."""

    id: int
    at: str
    username: str
    user_id: int | None
    address: str
    action: str
    object: str
    detail: str


class AuditQuery(msgspec.Struct):
    """Part of the log: entries with a number below `before`, of one `action` or `username`."""

    before: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    action: Annotated[str, Meta(max_length=64)] | None = None
    username: Annotated[str, Meta(max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class AccountEndpoints:
    """Answers about accounts."""

    def __init__(self, accounts: Accounts, permissions: LivePermissions) -> None:
        self._accounts = accounts
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """The endpoints, for routes and document."""
        return [
            Endpoint(
                method="GET", address="/api/users", do=self.all, tag=TAG, summary="All accounts",
                answer=list[Account],
                role="admin",
            ),
            Endpoint(
                method="POST", address="/api/users", do=self.add, tag=TAG,
                summary="Add an account", answer=MadeAccount,
                role="admin", body=NewAccount, status=201, errors=(409, 429),
            ),
            Endpoint(
                method="PATCH", address="/api/users/{id}", do=self.change, tag=TAG,
                summary="Change an account",
                answer=Account, role="admin", path=AccountId, body=Changes, errors=(404, 409, 429),
            ),
            Endpoint(
                method="POST", address="/api/users/{id}/password", do=self.reset, tag=TAG,
                summary="Give it a random password",
                answer=MadePassword, role="admin", path=AccountId, errors=(404, 429),
            ),
            Endpoint(
                method="POST", address="/api/users/{id}/logout", do=self.log_out, tag=TAG,
                summary="Log somebody out",
                answer=Done, role="admin", path=AccountId, errors=(404,),
            ),
            Endpoint(
                method="GET", address="/api/users/named/{username}", do=self.named, tag=TAG,
                summary="Who has a name",
                answer=Found, path=AccountName, errors=(404,),
            ),
            Endpoint(
                method="GET", address="/api/audit", do=self.audit, tag=TAG, summary="Who did what",
                answer=list[Entry],
                role="admin", query=AuditQuery,
            ),
        ]  # fmt: skip

    async def all(self, call: Call) -> list[Account]:
        """By number."""

        def look() -> list[Account]:
            with self._accounts.database.read() as session:
                return [self._account(*row) for row in session.execute(_ACCOUNTS.order_by(User.id))]

        return await asyncio.to_thread(look)

    async def add(self, call: Call) -> MadeAccount:
        """The account can log in at once."""
        body: NewAccount = call.body
        password = random_password() if body.password is None else body.password
        with account_errors():
            made = await self._accounts.add_later(
                body.username, password, body.role, call.who, address_of(call.request)
            )
        account = await self._found(made.id)
        return MadeAccount(
            **msgspec.structs.asdict(account), password=UNSET if body.password else password
        )

    async def change(self, call: Call) -> Account:
        """Takes effect at once, on open connections too.

        Disabling an account, and a new password, end its logins.
        """
        body: Changes = call.body
        await self._change(call, body.role, body.enabled, body.password)
        return await self._found(call.path.id)

    async def reset(self, call: Call) -> MadePassword:
        """For who forgot it; all logins of the account end."""
        password = random_password()
        await self._change(call, password=password)
        return MadePassword(password)

    async def log_out(self, call: Call) -> Done:
        """Ends all logins of the account: its tokens and its open connections.

        It may log in again.
        """
        await self._found(call.path.id)
        await self._accounts.end_logins(call.path.id, call.who, address_of(call.request))
        await self._permissions.refresh({call.path.id})
        return Done()

    async def named(self, call: Call) -> Found:
        """To share a page with somebody, or put him into a group: his number."""

        def look() -> Found | None:
            with self._accounts.database.read() as session:
                user = user_named(session, call.path.username)
                return Found(user.id, user.username) if user is not None and user.enabled else None

        found = await asyncio.to_thread(look)
        if found is None:
            raise Rejected(404, "nobody has that name")
        return found

    async def audit(self, call: Call) -> list[Entry]:
        """The newest first: logins, refused logins, changes of accounts, shares, commands."""
        query: AuditQuery = call.query

        def look() -> list[Entry]:
            wanted = select(Audit).order_by(Audit.id.desc()).limit(query.limit)
            if query.before is not None:
                wanted = wanted.where(Audit.id < query.before)
            if query.action is not None:
                wanted = wanted.where(Audit.action == query.action)
            if query.username is not None:
                wanted = wanted.where(Audit.username == query.username)
            with self._accounts.database.read() as session:
                return [
                    Entry(
                        one.id,
                        iso(one.at),
                        one.username,
                        one.user_id,
                        one.address,
                        one.action,
                        one.object,
                        one.detail,
                    )
                    for one in session.scalars(wanted)
                ]

        return await asyncio.to_thread(look)

    async def _change(
        self,
        call: Call,
        role: Role | None = None,
        enabled: bool | None = None,
        password: str | None = None,
    ) -> None:
        """Change the account of the call and let its connections follow; raises `Rejected`."""
        await self._found(call.path.id)
        address = address_of(call.request)
        with account_errors():
            await self._accounts.change_later(
                call.path.id, call.who, role, enabled, password, address
            )
        await self._permissions.refresh({call.path.id})

    async def _found(self, id: int) -> Account:
        def look() -> Account | None:
            with self._accounts.database.read() as session:
                row = session.execute(_ACCOUNTS.where(User.id == id)).first()
                return None if row is None else self._account(*row)

        found = await asyncio.to_thread(look)
        if found is None:
            raise Rejected(404, f"there is no account {id}")
        return found

    def _account(self, user: User, last_login: float | None) -> Account:
        return Account(
            id=user.id,
            username=user.username,
            role=check_role(user.role),
            enabled=user.enabled,
            created=user.created,
            last_login=last_login,
            connections=self._permissions.connections(user.id),
        )
