"""Endpoints of accounts and the audit log, for admins; and of finding an account to share with."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts, user_named
from api.accounts.credentials import random_password
from api.accounts.roles import Role, check_role
from api.database.models import Audit, Login, User, iso
from api.push.live_permissions import LivePermissions
from api.routes.account_errors import account_errors
from api.routes.parameters import Done, Id
from api.secret_repr import redacted
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Accounts"
Text = Annotated[str, Meta(max_length=2000)]
_ACCOUNTS = (
    select(User, func.max(Login.created))
    .outerjoin(Login, Login.user_id == User.id)
    .group_by(User.id)
)


class Account(msgspec.Struct):
    """An account.

    `created` and `last_login` are in epoch seconds, the latter within the last 30 days;
    `connections` are those that are open here now. Who `must_change` the password may do nothing
    before.
    """

    id: str
    username: str
    role: Role
    enabled: bool
    must_change: bool
    created: float
    last_login: float | None
    connections: int


class MadeAccount(Account):
    """A new account.

    A password that was made here is shown this once and stored nowhere.
    """

    password: str | UnsetType = UNSET

    __repr__ = redacted


class MadePassword(msgspec.Struct):
    """A new random password: it is shown this once and stored nowhere."""

    password: str

    __repr__ = redacted


class Found(msgspec.Struct):
    """The account of a name."""

    id: str
    username: str


class NewAccount(msgspec.Struct):
    """An account to be made. Without a `password` it gets a random one, which the answer has.

    With `must_change` it must be changed at the first login.
    """

    username: Text
    password: Text | None = None
    role: Role = "viewer"
    must_change: bool = False

    __repr__ = redacted


class Changes(msgspec.Struct):
    """What to change; what is left out stays, but a new password need not be changed any more."""

    role: Role | None = None
    enabled: bool | None = None
    password: Text | None = None
    must_change: bool | None = None

    __repr__ = redacted


class AccountId(msgspec.Struct):
    """Which account."""

    id: Id


class AccountName(msgspec.Struct):
    """Which account."""

    username: Annotated[str, Meta(max_length=64)]


class Entry(msgspec.Struct):
    """An entry of the audit log: who did what."""

    id: str
    at: str
    username: str
    user_id: str | None
    address: str
    action: str
    object: str
    detail: str


class AuditQuery(msgspec.Struct):
    """Which entries: with a number below `before`, of one `action`, of one `username`."""

    before: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    action: Annotated[str, Meta(max_length=64)] | None = None
    username: Annotated[str, Meta(max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class AccountEndpoints:
    """Answer for accounts."""

    def __init__(self, accounts: Accounts, permissions: LivePermissions) -> None:
        self._accounts = accounts
        self._database = accounts.database
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """Accounts and the audit log, for admins; names for everybody."""
        return [
            Endpoint(
                "GET", "/api/users", self.all, TAG, "All accounts", list[Account], role="admin"
            ),
            Endpoint(
                "POST",
                "/api/users",
                self.add,
                TAG,
                "Add an account",
                MadeAccount,
                role="admin",
                body=NewAccount,
                status=201,
                errors=(409, 429),
                needs_login=True,
            ),
            Endpoint(
                "PATCH",
                "/api/users/{id}",
                self.change,
                TAG,
                "Change an account",
                Account,
                role="admin",
                path=AccountId,
                body=Changes,
                errors=(404, 409, 429),
                needs_login=True,
            ),
            Endpoint(
                "POST",
                "/api/users/{id}/password",
                self.reset,
                TAG,
                "Give it a random password",
                MadePassword,
                role="admin",
                path=AccountId,
                errors=(404, 429),
                needs_login=True,
            ),
            Endpoint(
                "POST",
                "/api/users/{id}/logout",
                self.log_out,
                TAG,
                "Log somebody out",
                Done,
                role="admin",
                path=AccountId,
                errors=(404,),
                needs_login=True,
            ),
            Endpoint(
                "GET",
                "/api/users/named/{username}",
                self.named,
                TAG,
                "Who has a name",
                Found,
                path=AccountName,
                errors=(404,),
            ),
            Endpoint(
                "GET",
                "/api/audit",
                self.audit,
                TAG,
                "Who did what",
                list[Entry],
                role="admin",
                query=AuditQuery,
            ),
        ]

    async def all(self, call: Call) -> list[Account]:
        """In the order of their numbers."""

        def read(session: Session) -> list[Account]:
            return [
                self._account(*row) for row in session.execute(_ACCOUNTS.order_by(User.username))
            ]

        return await self._database.read_in_thread(read)

    async def add(self, call: Call) -> MadeAccount:
        """The account can log in at once."""
        body: NewAccount = call.body
        password = random_password() if body.password is None else body.password
        with account_errors():
            made = await self._accounts.add_later(
                body.username,
                password,
                body.role,
                body.must_change,
                call.who,
                address_of(call.request),
            )
        account = await self._found(made.id)
        return MadeAccount(
            **msgspec.structs.asdict(account), password=UNSET if body.password else password
        )

    async def change(self, call: Call) -> Account:
        """Takes effect at once, on open connections too.

        Disabling an account and giving it a new password end its logins.
        """
        body: Changes = call.body
        await self._change(call, body.role, body.enabled, body.password, body.must_change)
        return await self._found(call.path.id)

    async def reset(self, call: Call) -> MadePassword:
        """For somebody who forgot the password; all logins of the account end."""
        password = random_password()
        await self._change(call, password=password)
        return MadePassword(password)

    async def log_out(self, call: Call) -> Done:
        """Ends all logins of the account, its tokens and its open connections.

        It may log in again.
        """
        await self._found(call.path.id)
        await self._accounts.end_logins(call.path.id, call.who, address_of(call.request))
        await self._permissions.refresh({call.path.id})
        return Done()

    async def named(self, call: Call) -> Found:
        """The number of an account, to share a page with it or add it to a group."""

        def read(session: Session) -> Found | None:
            user = user_named(session, call.path.username)
            return Found(user.id, user.username) if user is not None and user.enabled else None

        found = await self._database.read_in_thread(read)
        if found is None:
            raise Rejected(404, "nobody has that name")
        return found

    async def audit(self, call: Call) -> list[Entry]:
        """Newest first: logins, refused logins, changes of accounts, shares, commands."""
        query: AuditQuery = call.query

        def read(session: Session) -> list[Entry]:
            wanted = select(Audit).order_by(Audit.id.desc()).limit(query.limit)
            if query.before is not None:
                wanted = wanted.where(Audit.id < query.before)
            if query.action is not None:
                wanted = wanted.where(Audit.action == query.action)
            if query.username is not None:
                wanted = wanted.where(Audit.username == query.username)
            return [_entry(one) for one in session.scalars(wanted)]

        return await self._database.read_in_thread(read)

    async def _change(
        self,
        call: Call,
        role: Role | None = None,
        enabled: bool | None = None,
        password: str | None = None,
        must_change: bool | None = None,
    ) -> None:
        """Change the account of the call and let its connections follow; raises `Rejected`."""
        await self._found(call.path.id)
        address = address_of(call.request)
        with account_errors():
            await self._accounts.change_later(
                call.path.id, call.who, role, enabled, password, must_change, address
            )
        await self._permissions.refresh({call.path.id})

    async def _found(self, id: str) -> Account:
        def read(session: Session) -> Account | None:
            row = session.execute(_ACCOUNTS.where(User.id == id)).first()
            return None if row is None else self._account(*row)

        found = await self._database.read_in_thread(read)
        if found is None:
            raise Rejected(404, f"there is no account {id}")
        return found

    def _account(self, user: User, last_login: float | None) -> Account:
        return Account(
            id=user.id,
            username=user.username,
            role=check_role(user.role),
            enabled=user.enabled,
            must_change=user.must_change,
            created=user.created,
            last_login=last_login,
            connections=self._permissions.connections(user.id),
        )


def _entry(row: Audit) -> Entry:
    return Entry(
        str(row.id),
        iso(row.at),
        row.username,
        row.user_id,
        row.address,
        row.action,
        row.object,
        row.detail,
    )
