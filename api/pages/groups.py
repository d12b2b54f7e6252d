"""Groups of accounts, as the database keeps them.

Every function takes a writing session and whoever asks, and raises `api.pages.errors`.
"""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import permissions_changed
from api.database.models import LONGEST_NAME, Group, Member, User
from api.pages.errors import Denied, Invalid, Missing
from api.pages.labels import check_label
from api.pages.limited_tokens import check_unlimited

MOST_GROUPS = 200


def create_group(session: Session, principal: Principal, name: str) -> Group:
    """Make a group. Definitions may name it if an admin made it."""
    check_unlimited(principal)
    check_label(name, "a group", LONGEST_NAME)
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


def add_member(session: Session, principal: Principal, group_id: str, user_id: str) -> set[str]:
    """Add an account to a group; returns the accounts that this concerns.

    Only the group's owner and admins may.
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


def remove_member(session: Session, principal: Principal, group_id: str, user_id: str) -> set[str]:
    """Remove an account from a group: for the group's owner, admins and the account itself."""
    check_unlimited(principal)
    if user_id != principal.id:
        group_for(session, principal, group_id)
    member = session.get(Member, (group_id, user_id))
    if member is None:
        raise Missing(f"user {user_id} is not in group {group_id}")
    session.delete(member)
    record_audit(session, principal, "remove_member", f"group {group_id}", f"user {user_id}")
    permissions_changed(session)
    return {user_id}


def delete_group(session: Session, principal: Principal, group_id: str) -> set[str]:
    """Delete a group and what it was granted; returns the accounts that were in it."""
    group = group_for(session, principal, group_id)
    affected = set(session.scalars(select(Member.user_id).where(Member.group_id == group.id)))
    record_audit(session, principal, "delete_group", f"group {group.id}", group.name)
    session.delete(group)
    permissions_changed(session)
    return affected


def group_for(session: Session, principal: Principal, group_id: str) -> Group:
    """A group that the account may change.

    Official groups are for admins only. Raises `Denied` even where there is no such group.
    """
    check_unlimited(principal)
    group = session.get(Group, group_id)
    if group is None or not (
        principal.role == "admin" or (group.owner_id == principal.id and not group.official)
    ):
        raise Denied("Permission denied: cannot change this group")
    return group


def groups_of(session: Session, principal: Principal) -> list[dict[str, Any]]:
    """The groups that the account made or is in, with their members; all groups for an admin."""
    mine = select(Member.group_id).where(Member.user_id == principal.id)
    wanted = select(Group).order_by(Group.name)
    if principal.role != "admin":
        wanted = wanted.where((Group.owner_id == principal.id) | Group.id.in_(mine))
    found = list(session.scalars(wanted))
    members: dict[str, list[dict[str, Any]]] = {group.id: [] for group in found}
    rows = select(Member.group_id, User.id, User.username).join(User, User.id == Member.user_id)
    for group_id, user_id, username in session.execute(
        rows.where(Member.group_id.in_(members)).order_by(User.username)
    ):
        members[group_id].append({"id": user_id, "username": username})
    return [
        {
            "id": group.id,
            "name": group.name,
            "owner_id": group.owner_id,
            "is_owner": group.owner_id == principal.id,
            "official": group.official,
            "members": members[group.id],
        }
        for group in found
    ]
