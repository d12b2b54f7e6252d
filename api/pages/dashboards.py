"""Dashboards of pages, as the database keeps them: who may view or edit the page may do so here.

Every function takes a session and whoever asks, and raises `api.pages.errors`.
"""

import time
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.dashboards import Dashboard
from api.database.models import LONGEST_TEXT, Page, iso
from api.pages.errors import Changed, Denied, Invalid
from api.pages.labels import check_label
from api.pages.pages import page_for
from api.pages.panels import AnyPanel, is_seen, merged
from api.permissions.page_permissions import EffectivePermissions

MOST_DASHBOARDS = 50


def dashboards(session: Session, principal: Principal) -> list[dict[str, Any]]:
    """All that the account may view, by their names, without their panels."""
    pages = {
        page.id: (page, right)
        for page, right in EffectivePermissions(session, principal.id, principal.pages).pages()
    }
    found = session.scalars(
        select(Dashboard).where(Dashboard.page_id.in_(pages)).order_by(Dashboard.name, Dashboard.id)
    )
    return [_head(one, *pages[one.page_id]) for one in found]


def public_dashboard(session: Session, principal: Principal, dashboard_id: str) -> dict[str, Any]:
    """One dashboard, less the panels that the account may not know of."""
    one, page = dashboard_for(session, principal, dashboard_id, "view")
    permissions = EffectivePermissions(session, principal.id, principal.pages)
    visibility = permissions.visibility()
    shown = [panel for panel in _panels(one) if is_seen(panel, visibility)]
    return _head(one, page, permissions.on(page)) | {"panels": shown}


def create_dashboard(
    session: Session, principal: Principal, page_id: str, name: str, panels: Sequence[AnyPanel]
) -> Dashboard:
    """Put a dashboard on a page that the account may edit."""
    page = page_for(session, principal, page_id, "edit")
    check_label(name, "a dashboard", LONGEST_TEXT)
    count = select(func.count()).select_from(Dashboard).where(Dashboard.page_id == page.id)
    if (session.scalar(count) or 0) >= MOST_DASHBOARDS:
        raise Invalid(f"a page has at most {MOST_DASHBOARDS} dashboards; delete one first")
    one = Dashboard(
        page_id=page.id,
        name=name,
        panels=msgspec.to_builtins(panels),
        version=1,
        changed=time.time(),
        changed_by=principal.username,
    )
    session.add(one)
    session.flush()
    record_audit(session, principal, "create_dashboard", f"dashboard {one.id}", name)
    return one


def update_dashboard(
    session: Session,
    principal: Principal,
    dashboard_id: str,
    version: int,
    name: str,
    panels: Sequence[AnyPanel],
) -> Dashboard:
    """Change a dashboard of which the account knows `version`.

    Panels that are hidden from the account stay. Raises `Changed` if another version is there.
    """
    one, _ = dashboard_for(session, principal, dashboard_id, "edit")
    check_label(name, "a dashboard", LONGEST_TEXT)
    if one.version != version:
        raise Changed(
            f"expected version {version}, but version {one.version} is there: {one.changed_by}"
            " changed the dashboard"
        )
    visibility = EffectivePermissions(session, principal.id, principal.pages).visibility()
    one.name = name
    one.panels = msgspec.to_builtins(merged(_panels(one), panels, visibility))
    one.version += 1
    one.changed, one.changed_by = time.time(), principal.username
    record_audit(session, principal, "update_dashboard", f"dashboard {one.id}", name)
    return one


def delete_dashboard(session: Session, principal: Principal, dashboard_id: str) -> Dashboard:
    """Delete a dashboard of a page that the account may edit."""
    one, _ = dashboard_for(session, principal, dashboard_id, "edit")
    record_audit(session, principal, "delete_dashboard", f"dashboard {one.id}", one.name)
    session.delete(one)
    return one


def dashboard_for(
    session: Session, principal: Principal, dashboard_id: str, need: Literal["view", "edit"]
) -> tuple[Dashboard, Page]:
    """A dashboard and its page, if the account has the permission it `need`s.

    Raises `Denied` even where there is no such dashboard.
    """
    one = session.get(Dashboard, dashboard_id)
    if one is None:
        raise Denied(f"Permission denied: cannot {need} this page")
    return one, page_for(session, principal, one.page_id, need)


def _panels(one: Dashboard) -> list[AnyPanel]:
    return msgspec.convert(one.panels, list[AnyPanel])


def _head(one: Dashboard, page: Page, right: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "page_id": page.id,
        "page": page.name,
        "name": one.name,
        "version": one.version,
        "can_edit": right.edit,
        "changed": iso(one.changed),
        "changed_by": one.changed_by,
    }
