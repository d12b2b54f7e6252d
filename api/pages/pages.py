"""Pages of alarms, groups, and sharing, as they are kept in the database.

Every function takes a session that writes, and who asks; each raises `Denied`, `Missing` or
`Invalid`, whose message is for whoever asked.
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
    LONGEST_NAME,
    LONGEST_TEXT,
    Alarm,
    Group,
    Member,
    Page,
    Permission,
    User,
)
from api.permissions.page_permissions import EffectivePermissions
from api.permissions.private_rules import PRIVATE_PREFIX

MOST_PAGES = 200
MOST_GROUPS = 200
MOST_SHARES = 1000
SubjectType = Literal["user", "group"]


class Denied(Exception):
    """The account may not do that."""


class Missing(Exception):
    """There is no such thing."""


class Invalid(Exception):
    """What was asked makes no sense."""


# ---------------------------------------------------------------------------
# pages
def page_for(
    session: Session, principal: Principal, page_id: int, need: Literal["view", "edit", "share"]
) -> Page:
    """A page, if the account may do what it needs to; raises `Denied` also where there is no
    such page.
    """
    page = session.get(Page, page_id)
    right = (
        EffectivePermissions(session, principal.id).on(page)
        if page is not None
        else PagePermission()
    )
    if page is None or not (right.owner if need == "share" else getattr(right, need)):
        raise Denied(f"Permission denied: cannot {need} this page")
    return page


def create_page(session: Session, principal: Principal, name: str) -> Page:
    _name(name, "a page", LONGEST_TEXT)
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


def rename_page(session: Session, principal: Principal, page_id: int, name: str) -> Page:
    _name(name, "a page", LONGEST_TEXT)
    page = _own_page(session, principal, page_id)
    record_audit(session, principal, "rename_page", f"page {page.id}", f"{page.name} -> {name}")
    page.name = name
    return page


def delete_page(session: Session, principal: Principal, page_id: int) -> set[int]:
    """Delete a page that has no alarms any more; gives the accounts that could see it."""
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


def _own_page(session: Session, principal: Principal, page_id: int) -> Page:
    page = page_for(session, principal, page_id, "share")
    if page.declared is not None:
        raise Invalid(f"the page {page.key} is declared in a definition; change it there")
    return page


def share_page(
    session: Session,
    principal: Principal,
    page_id: int,
    subject_type: SubjectType,
    subject_id: int,
    can_view: bool,
    can_edit: bool,
) -> set[int]:
    """Say what an account or a group may do on a page; gives the accounts that this concerns."""
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
    session: Session, principal: Principal, page_id: int, subject_type: SubjectType, subject_id: int
) -> set[int]:
    """Take back what was said of an account or group; gives the accounts that this concerns."""
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


def shares(session: Session, principal: Principal, page_id: int) -> list[dict[str, Any]]:
    """With whom a page is shared, for its owner."""
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


# ---------------------------------------------------------------------------
# groups
def create_group(session: Session, principal: Principal, name: str) -> Group:
    """A new group of whoever asks. Definitions may name it if an admin made it."""
    _name(name, "a group", LONGEST_NAME)
    if session.scalar(select(Group.id).where(Group.name == name)) is not None:
        raise Invalid("there is a group of that name; choose another")
    count = (
        session.scalar(
            select(func.count()).select_from(Group).where(Group.owner_id == principal.id)
        )
        or 0
    )
    if count >= MOST_GROUPS:
        raise Invalid(f"an account has at most {MOST_GROUPS} groups; delete one first")
    group = Group(name=name, owner_id=principal.id, official=principal.role == "admin")
    session.add(group)
    session.flush()
    record_audit(session, principal, "create_group", f"group {group.id}", name)
    return group


def add_member(session: Session, principal: Principal, group_id: int, user_id: int) -> set[int]:
    """Put an account into a group; only the group's owner and admins may. Gives the accounts
    that this concerns.
    """
    group = group_for(session, principal, group_id)
    if session.get(User, user_id) is None:
        raise Missing(f"there is no user {user_id}")
    if session.get(Member, (group.id, user_id)) is not None:
        return set()
    session.add(Member(group_id=group.id, user_id=user_id))
    record_audit(session, principal, "add_member", f"group {group.id}", f"user {user_id}")
    permissions_changed(session)
    return {user_id}


def remove_member(session: Session, principal: Principal, group_id: int, user_id: int) -> set[int]:
    """Take an account out of a group: the group's owner and admins may, and everybody himself."""
    if user_id != principal.id:
        group_for(session, principal, group_id)
    member = session.get(Member, (group_id, user_id))
    if member is None:
        raise Missing(f"user {user_id} is not in group {group_id}")
    session.delete(member)
    record_audit(session, principal, "remove_member", f"group {group_id}", f"user {user_id}")
    permissions_changed(session)
    return {user_id}


def delete_group(session: Session, principal: Principal, group_id: int) -> set[int]:
    """Delete a group, with all that it was given; gives the accounts that were in it."""
    group = group_for(session, principal, group_id)
    affected = set(session.scalars(select(Member.user_id).where(Member.group_id == group.id)))
    record_audit(session, principal, "delete_group", f"group {group.id}", group.name)
    session.delete(group)
    permissions_changed(session)
    return affected


def group_for(session: Session, principal: Principal, group_id: int) -> Group:
    """A group that the account may change; raises `Denied` also where there is none. Official
    ones are for admins only.
    """
    group = session.get(Group, group_id)
    if group is None or not (
        principal.role == "admin" or (group.owner_id == principal.id and not group.official)
    ):
        raise Denied("Permission denied: cannot change this group")
    return group


def groups_of(session: Session, principal: Principal) -> list[dict[str, Any]]:
    """The groups that the account made or is in, with their members; all of them for an admin."""
    mine = select(Member.group_id).where(Member.user_id == principal.id)
    wanted = select(Group).order_by(Group.id)
    if principal.role != "admin":
        wanted = wanted.where((Group.owner_id == principal.id) | Group.id.in_(mine))
    found = list(session.scalars(wanted))
    members: dict[int, list[dict[str, Any]]] = {group.id: [] for group in found}
    rows = select(Member.group_id, User.id, User.username).join(User, User.id == Member.user_id)
    for group_id, user_id, username in session.execute(
        rows.where(Member.group_id.in_(members)).order_by(User.id)
    ):
        members[group_id].append({"id": user_id, "username": username})
    return [
        {
            "id": group.id, "name": group.name, "owner_id": group.owner_id, "is_owner": group.owner_id == principal.id,
            "official": group.official, "members": members[group.id],
        }
        for group in found
    ]  # fmt: skip


# ---------------------------------------------------------------------------
# both
def new_key() -> str:
    """A name that no definition can have, and no other database made."""
    return f"{PRIVATE_PREFIX}{secrets.token_hex(8)}"


def _shares(page_id: int) -> Any:
    return select(Permission).where(Permission.page_id == page_id)


def _reached(session: Session, permissions: Iterable[Permission]) -> set[int]:
    """The accounts that permissions speak of."""
    reached: set[int] = set()
    for one in permissions:
        if one.user_id is not None:
            reached.add(one.user_id)
        else:
            reached |= set(
                session.scalars(select(Member.user_id).where(Member.group_id == one.group_id))
            )
    return reached


def _name(name: str, of: str, longest: int) -> None:
    if not name.strip() or len(name) > longest or not name.isprintable():
        raise Invalid(f"the name of {of} has 1 to {longest} printable characters")
