"""Tokens of programs: they do what their owner may, or less, until they are revoked.

A token is shown once; the database has its hash.
"""

import hashlib
import math
import secrets
import time
from typing import cast

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from api.accounts.errors import AccountError, NameTaken
from api.accounts.principal import Principal
from api.accounts.roles import ROLES, Role
from api.database.models import ApiToken, User

PREFIX = "vigie_"
"""What the tokens of programs begin with, so that they are known where they should not be."""
LOGIN = "token/"
"""What stands before a token's id where others have the id of a login."""
MOST_EACH = 100
MOST_PAGES = 200
USED_EVERY = 60.0
"""Seconds within which a use is not noted again."""


def make_token(
    session: Session,
    owner: Principal,
    name: str,
    role: Role,
    pages: list[str] | None,
    expires: float | None,
) -> tuple[ApiToken, str]:
    """A new token of an account, and what is shown once. Raises `AccountError`."""
    if not name.isprintable() or not name.strip():
        raise AccountError("the name of a token has 1 to 64 printable characters")
    if ROLES.index(role) > ROLES.index(owner.role):
        raise AccountError(f"your own role is {owner.role}: a token cannot have {role}")
    if pages is not None and role == "admin":
        raise AccountError("a token that is for some pages only is a viewer or an operator")
    mine = select(ApiToken).where(ApiToken.user_id == owner.id)
    if (session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MOST_EACH:
        raise AccountError(f"an account has at most {MOST_EACH} tokens; revoke one first")
    if session.scalar(mine.where(ApiToken.name == name)) is not None:
        raise NameTaken(name)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        hash=_hash(secret),
        user_id=owner.id,
        name=name,
        role=role,
        pages=None if pages is None else sorted(set(pages)),
        created=time.time(),
        expires=expires,
    )
    session.add(token)
    session.flush()
    return token, secret


def principal_of_token(session: Session, secret: str) -> Principal | None:
    """Who may do what by a token, if it is one that holds now."""
    return _standing(session, _tokens().where(ApiToken.hash == _hash(secret)))


def principal_of_token_id(session: Session, id: str) -> Principal | None:
    """The same by its id."""
    return _standing(session, _tokens().where(ApiToken.id == id))


def note_use(session: Session, id: str) -> None:
    """Note that a token was used now."""
    session.execute(update(ApiToken).where(ApiToken.id == id).values(used=time.time()))


def use_is_noted(session: Session, id: str) -> bool:
    """Whether a use within the last minute is noted."""
    used = session.scalar(select(ApiToken.used).where(ApiToken.id == id))
    return used is not None and used > time.time() - USED_EVERY


def _tokens() -> Select[ApiToken, User]:
    return select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(User.enabled)


def _standing(session: Session, wanted: Select[ApiToken, User]) -> Principal | None:
    found = session.execute(wanted).first()
    if found is None:
        return None
    token, user = found
    if token.expires is not None and token.expires <= time.time():
        return None
    return Principal(
        user.id,
        user.username,
        cast("Role", min(token.role, user.role, key=ROLES.index)),
        math.inf if token.expires is None else token.expires,
        LOGIN + token.id,
        None if token.pages is None else frozenset(token.pages),
        token.name,
    )


def _hash(secret: str) -> str:
    """Random tokens of 256 bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
