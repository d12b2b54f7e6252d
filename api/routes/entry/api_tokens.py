"""Endpoints of tokens for programs: made, listed and revoked by their owner, or by an admin."""

import time
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.api_tokens import MOST_PAGES, make_token
from api.accounts.roles import Role, check_role
from api.database.audit_log import record_audit
from api.database.database import permissions_changed
from api.database.models import ApiToken, User
from api.push.live_permissions import LivePermissions
from api.routes.account_errors import account_errors
from api.routes.parameters import Done, Id
from api.secret_repr import redacted
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Accounts"
PATH = "/api/tokens"
LONGEST_LIFE = 10 * 366 * 86_400.0


class TokenView(msgspec.Struct):
    """A token of a program. Times are in epoch seconds; `pages` is null where it is for all."""

    id: str
    name: str
    role: Role
    pages: list[str] | None
    created: float
    expires: float | None
    last_used: float | None


class MadeToken(TokenView):
    """A new token, which is shown this once and stored nowhere."""

    token: str | UnsetType = UNSET

    __repr__ = redacted


class NewToken(msgspec.Struct):
    """A token to be made.

    `pages` are the keys of the pages that it is for, beside what belongs to none; `expires_in` is
    in seconds, null for one that lasts until it is revoked.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    role: Role = "viewer"
    pages: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=MOST_PAGES)
        ]
        | None
    ) = None
    expires_in: Annotated[float, Meta(gt=0, le=LONGEST_LIFE)] | None = None


class TokenId(msgspec.Struct):
    """Which token, or which account."""

    id: Id


class ApiTokenEndpoints:
    """Answer for tokens."""

    def __init__(self, permissions: LivePermissions) -> None:
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """One's own tokens; for admins those of others."""
        return [
            Endpoint("GET", PATH, self.own, TAG, "One's tokens", list[TokenView], needs_login=True),
            Endpoint(
                "POST",
                PATH,
                self.make,
                TAG,
                "Make a token",
                MadeToken,
                body=NewToken,
                status=201,
                errors=(409,),
                needs_login=True,
            ),
            Endpoint(
                "DELETE",
                f"{PATH}/{{id}}",
                self.revoke,
                TAG,
                "Revoke a token",
                Done,
                path=TokenId,
                errors=(404,),
                needs_login=True,
            ),
            Endpoint(
                "GET",
                "/api/users/{id}/tokens",
                self.of_account,
                TAG,
                "An account's tokens",
                list[TokenView],
                role="admin",
                path=TokenId,
            ),
        ]

    async def own(self, call: Call) -> list[TokenView]:
        """With their last use. The tokens themselves are stored nowhere."""
        return await self._of(call.who.id)

    async def of_account(self, call: Call) -> list[TokenView]:
        """An admin revokes them at `/api/tokens/ID`."""
        return await self._of(call.path.id)

    async def make(self, call: Call) -> MadeToken:
        """It is sent like a login's: `Authorization: Bearer TOKEN`, to `/ws` as well.

        It may do what its role may, and never more than its owner; whatever becomes of the owner
        holds for it at once. It changes no account, password, second factor, login or token.
        """
        body: NewToken = call.body
        expires = None if body.expires_in is None else time.time() + body.expires_in

        def work(session: Session) -> MadeToken:
            token, secret = make_token(session, call.who, body.name, body.role, body.pages, expires)
            record_audit(
                session, call.who, "make_token", body.name, body.role, address_of(call.request)
            )
            return MadeToken(**msgspec.structs.asdict(_view(token)), token=secret)

        with account_errors():
            return await self._permissions.write(work)

    async def revoke(self, call: Call) -> Done:
        """At once, on open connections too."""

        def work(session: Session) -> tuple[Done, set[str]]:
            token = session.get(ApiToken, call.path.id)
            if token is None or (token.user_id != call.who.id and call.who.role != "admin"):
                raise Rejected(404, f"there is no token {call.path.id}")
            owner = session.get_one(User, token.user_id)
            record_audit(
                session,
                call.who,
                "revoke_token",
                f"{token.name} of {owner.username}",
                "",
                address_of(call.request),
            )
            session.delete(token)
            permissions_changed(session)
            return Done(), {owner.id}

        return await self._permissions.change_permissions(work)

    async def _of(self, user_id: str) -> list[TokenView]:
        wanted = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.created)
        found: list[TokenView] = []
        await self._permissions.read(
            lambda session: [_view(token) for token in session.scalars(wanted)], found.extend
        )
        return found


def _view(token: ApiToken) -> TokenView:
    return TokenView(
        token.id,
        token.name,
        check_role(token.role),
        token.pages,
        token.created,
        token.expires,
        token.used,
    )
