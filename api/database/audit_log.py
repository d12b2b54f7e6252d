"""The audit log: who did what, written in the same transaction as the change itself."""

import time
from typing import Protocol

from sqlalchemy.orm import Session

from api.database.models import LONGEST_NAME, LONGEST_TEXT, Audit

LONGEST_DETAIL = 2000


class Actor(Protocol):
    """An account that does something."""

    @property
    def id(self) -> str:
        """Id of the account."""

    @property
    def username(self) -> str:
        """Name of the account."""


def record_audit(
    session: Session,
    by: Actor | str,
    action: str,
    object: str = "",
    detail: str = "",
    address: str = "",
) -> None:
    """Add an entry; `by` is an account, or the name that somebody claims to have.

    The detail names the token of a program that did it for the account.
    """
    if token := getattr(by, "token", ""):
        detail = f"by the token {token}. {detail}".strip()
    session.add(
        Audit(
            at=time.time(),
            user_id=None if isinstance(by, str) else by.id,
            username=(by if isinstance(by, str) else by.username)[:LONGEST_NAME],
            address=address[:LONGEST_NAME],
            action=action,
            object=object[:LONGEST_TEXT],
            detail=detail[:LONGEST_DETAIL],
        )
    )
