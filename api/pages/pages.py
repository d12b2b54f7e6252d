"""Pages of alarms and their sharing, as the database keeps them.

Every function takes a writing session and whoever asks, and raises `api.pages.errors`.
"""

import secrets
from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import permissions_changed
from api.database.declared import PagePermission
from api.database.models import (
    LONGEST_TEXT,
    Alarm,
    Group,
    Member,
    Page,
    Permission,
    User,
)
from api.pages.errors import Denied, Invalid, Missing
from api.pages.labels import check_label
from api.pages.limited_tokens import check_unlimited
from api.permissions.page_permissions import EffectivePermissions
from api.permissions.private_rules import PRIVATE_PREFIX

MOST_PAGES = 200
MOST_SHARES = 1000
SubjectType = Literal["user", "group"]


def page_for(
    session: Session, principal: Principal, page_id: str, need: Literal["view", "edit", "share"]
) -> Page:
    """A page, if the account has the permission it `need`s.

    Raises `Denied` even where there is no such page.
    """
    if need == "share":
        check_unlimited(principal)
    page = session.get(Page, page_id)
    right = (
        EffectivePermissions(session, principal.id, principal.pages).on(page)
        if page is not None
        else PagePermission()
    )
    if page is None or not (right.owner if need == "share" else getattr(right, need)):
        raise Denied(f"Permission denied: cannot {need} this page")
    return page


def create_page(session: Session, principal: Principal, name: str) -> Page:
    """Make a page of the account's."""
    check_unlimited(principal)
    check_label(name, "a page", LONGEST_TEXT)
    count = (
        session.scalar(select(func.count()).select_from(Page).where(Page.owner_id == principal.id))
        or 0
    )
    if count >= MOST_PAGES:
        raise Invalid(f"an account has at most {MOST_PAGES} pages; delete one first")
    page = Page(key=new_key(), name=name, owner_id=principal.id)
    session.add(page)
    session.flush()
    record_audit(session, principal, "create_page", f"page {page.id}", name)
    permissions_changed(session)
    return page


def rename_page(session: Session, principal: Principal, page_id: str, name: str) -> Page:
    """Rename a page of the account's."""
    check_label(name, "a page", LONGEST_TEXT)
    page = _own_page(session, principal, page_id)
    record_audit(session, principal, "rename_page", f"page {page.id}", f"{page.name} -> {name}")
    page.name = name
    return page


def delete_page(session: Session, principal: Principal, page_id: str) -> set[str]:
    """Delete a page that has no alarms; returns the accounts that could see it."""
    page = _own_page(session, principal, page_id)
    if session.scalar(
        select(func.count()).select_from(Alarm).where(Alarm.page_id == page.id, ~Alarm.deleted)
    ):
        raise Invalid("the page still has alarms; delete them first")
    affected = {principal.id, *_reached(session, session.scalars(_shares(page.id)))}
    record_audit(session, principal, "delete_page", f"page {page.id}", page.name)
    session.delete(page)
    permissions_changed(session)
    return affected


def _own_page(session: Session, principal: Principal, page_id: str) -> Page:
    page = page_for(session, principal, page_id, "share")
    if page.declared is not None:
        raise Invalid(f"the page {page.key} is declared in a definition; change it there")
    return page


def share_page(
    session: Session,
    principal: Principal,
    page_id: str,
    subject_type: SubjectType,
    subject_id: str,
    can_view: bool,
    can_edit: bool,
) -> set[str]:
    """Grant an account or a group permissions on a page; returns the accounts concerned."""
    page = page_for(session, principal, page_id, "share")
    known = session.get(User if subject_type == "user" else Group, subject_id)
    if known is None:
        raise Missing(f"there is no {subject_type} {subject_id}")
    column = Permission.user_id if subject_type == "user" else Permission.group_id
    one = session.scalar(_shares(page.id).where(column == subject_id))
    if one is None:
        if (
            session.scalar(select(func.count()).select_from(_shares(page.id).subquery())) or 0
        ) >= MOST_SHARES:
            raise Invalid(
                f"a page is shared with at most {MOST_SHARES} accounts and groups; share it with a"
                " group"
            )
        one = Permission(page_id=page.id, can_view=can_view, can_edit=can_edit)
        setattr(one, f"{subject_type}_id", subject_id)
        session.add(one)
    one.can_view, one.can_edit = can_view, can_edit
    words = [word for word, can in (("view", can_view), ("edit", can_edit)) if can] or ["nothing"]
    record_audit(
        session,
        principal,
        "share_page",
        f"page {page.id}",
        f"{subject_type} {subject_id}: {', '.join(words)}",
    )
    permissions_changed(session)
    return _reached(session, [one])


def unshare_page(
    session: Session, principal: Principal, page_id: str, subject_type: SubjectType, subject_id: str
) -> set[str]:
    """Take back what an account or group was granted; returns the accounts concerned."""
    page = page_for(session, principal, page_id, "share")
    column = Permission.user_id if subject_type == "user" else Permission.group_id
    one = session.scalar(_shares(page.id).where(column == subject_id))
    if one is None:
        raise Missing(f"the page is not shared with {subject_type} {subject_id}")
    affected = _reached(session, [one])
    session.delete(one)
    record_audit(
        session, principal, "unshare_page", f"page {page.id}", f"{subject_type} {subject_id}"
    )
    permissions_changed(session)
    return affected


def shares(session: Session, principal: Principal, page_id: str) -> list[dict[str, Any]]:
    """The accounts and groups that a page is shared with, for its owner."""
    page = page_for(session, principal, page_id, "share")
    rows = (
        select(Permission, User.username, Group.name)
        .outerjoin(User, User.id == Permission.user_id)
        .outerjoin(Group, Group.id == Permission.group_id)
        .where(Permission.page_id == page.id)
        .order_by(Permission.id)
    )
    return [
        {
            "subject_type": "user" if one.user_id is not None else "group",
            "subject_id": one.user_id if one.user_id is not None else one.group_id,
            "name": username if one.user_id is not None else group,
            "can_view": one.can_view,
            "can_edit": one.can_edit,
        }
        for one, username, group in session.execute(rows)
    ]


def new_key() -> str:
    """A key that no definition can have and no other database has made."""
    return f"{PRIVATE_PREFIX}{secrets.token_hex(8)}"


def _shares(page_id: str) -> Any:
    return select(Permission).where(Permission.page_id == page_id)


def _reached(session: Session, permissions: Iterable[Permission]) -> set[str]:
    """The accounts that permissions concern."""
    reached: set[str] = set()
    for one in permissions:
        if one.user_id is not None:
            reached.add(one.user_id)
        else:
            reached |= set(
                session.scalars(select(Member.user_id).where(Member.group_id == one.group_id))
            )
    return reached
