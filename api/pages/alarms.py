"""The alarms that people write on pages, as the database keeps them.

Every function takes a writing session and whoever asks, and raises `api.pages.errors`.
"""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.models import LONGEST_TEXT, Alarm, Page, Trigger, User, iso
from api.pages.condition_text import read_condition
from api.pages.errors import Invalid, Missing
from api.pages.pages import new_key, page_for
from api.permissions.page_permissions import EffectivePermissions

MOST_ALARMS = 1000
MOST_TRIGGERS = 500
LARGEST_PRICE = 1e300
CHANGEABLE = ("ticker", "option", "condition", "active")


def create_alarm(
    session: Session, principal: Principal, page_id: str, ticker: str, option: str, condition: str
) -> Alarm:
    """Add an alarm to a page that the account may edit."""
    page = page_for(session, principal, page_id, "edit")
    count = select(func.count()).select_from(Alarm).where(Alarm.page_id == page.id, ~Alarm.deleted)
    if (session.scalar(count) or 0) >= MOST_ALARMS:
        raise Invalid(f"a page has at most {MOST_ALARMS} alarms; delete one first")
    values = {"ticker": _needed(ticker, "ticker"), "option": _text(option, "option")}
    alarm = Alarm(
        key=new_key(), page_id=page.id, condition=_needed(condition, "condition"), **values
    )
    session.add(alarm)
    session.flush()
    record_audit(
        session,
        principal,
        "create_alarm",
        f"alarm {alarm.id}",
        f"page {page.id}: {ticker} {option} {condition}",
    )
    return alarm


def update_alarm(
    session: Session, principal: Principal, alarm_id: str, changes: dict[str, Any]
) -> Alarm:
    """Change some of the `CHANGEABLE` values of an alarm."""
    alarm, _ = alarm_for(session, principal, alarm_id, "edit")
    for name, value in changes.items():
        if name == "active":
            if not isinstance(value, bool):
                raise Invalid("active must be true or false")
            alarm.active = value
        elif name in CHANGEABLE:
            setattr(alarm, name, _text(value, name) if name == "option" else _needed(value, name))
        elif name != "page_id" or value != alarm.page_id:
            raise Invalid(f"{name} cannot be changed; an alarm has {', '.join(CHANGEABLE)}")
    said = ", ".join(f"{name}={value}" for name, value in changes.items())
    record_audit(session, principal, "update_alarm", f"alarm {alarm.id}", said)
    return alarm


def delete_alarm(session: Session, principal: Principal, alarm_id: str) -> Alarm:
    """Delete an alarm; its history stays as long as its page."""
    alarm, _ = alarm_for(session, principal, alarm_id, "edit")
    alarm.deleted = True
    record_audit(session, principal, "delete_alarm", f"alarm {alarm.id}", f"page {alarm.page_id}")
    return alarm


def trigger_alarm(
    session: Session, principal: Principal, alarm_id: str, price: object, at: float
) -> tuple[Alarm, Trigger]:
    """Record that somebody has triggered an alarm; whoever may view its page may."""
    alarm, _ = alarm_for(session, principal, alarm_id, "view")
    trigger = Trigger(alarm_id=alarm.id, at=at, price=_price(price), user_id=principal.id)
    alarm.last_triggered = max(at, alarm.last_triggered or 0.0)
    session.add(trigger)
    session.flush()
    record_audit(
        session,
        principal,
        "trigger_alarm",
        f"alarm {alarm.id}",
        "" if price is None else f"price {price}",
    )
    return alarm, trigger


def alarm_for(
    session: Session, principal: Principal, alarm_id: str, need: Any
) -> tuple[Alarm, Page]:
    """An alarm and its page, if the account has the permission it `need`s."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None or alarm.deleted:
        raise Missing(f"there is no alarm {alarm_id}")
    return alarm, page_for(session, principal, alarm.page_id, need)


def alarms_of(session: Session, page_ids: list[str]) -> list[Alarm]:
    """The alarms of pages, oldest first."""
    wanted = select(Alarm).where(Alarm.page_id.in_(page_ids), ~Alarm.deleted)
    return list(session.scalars(wanted.order_by(Alarm.key)))


def trigger_history(
    session: Session, principal: Principal, alarm_id: str, most: int = MOST_TRIGGERS
) -> list[dict[str, Any]]:
    """The latest triggers of an alarm, newest first, even of one that was deleted."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None:
        raise Missing(f"there is no alarm {alarm_id}")
    page_for(session, principal, alarm.page_id, "view")
    rows = select(Trigger, User.username).outerjoin(User, User.id == Trigger.user_id)
    newest = (
        rows.where(Trigger.alarm_id == alarm.id)
        .order_by(Trigger.at.desc(), Trigger.id.desc())
        .limit(most)
    )
    return [
        {"at": iso(one.at), "price": one.price, "by": f"user/{username}" if username else "stream"}
        for one, username in session.execute(newest)
    ]


def initial_state(session: Session, principal: Principal) -> dict[str, Any]:
    """Everything an account may view: `pages`, and their `alarms`."""
    pages = EffectivePermissions(session, principal.id, principal.pages).pages()
    alarms = alarms_of(session, [page.id for page, _ in pages])
    return {
        "pages": [
            public_page(page, principal) | {"is_owner": right.owner} for page, right in pages
        ],
        "alarms": [public_alarm(alarm) for alarm in alarms],
    }


def public_page(page: Page, principal: Principal) -> dict[str, Any]:
    """A page as clients see it."""
    return {
        "id": page.id,
        "name": page.name,
        "owner_id": page.owner_id,
        "is_owner": page.owner_id == principal.id,
    }


def public_alarm(alarm: Alarm) -> dict[str, Any]:
    """An alarm as clients see it."""
    return {
        "id": alarm.id,
        "page_id": alarm.page_id,
        "ticker": alarm.ticker,
        "option": alarm.option,
        "condition": alarm.condition,
        "active": alarm.active,
        "last_triggered": None if alarm.last_triggered is None else iso(alarm.last_triggered),
    }


def rule_of(alarm: Alarm, page_key: str) -> dict[str, Any] | None:
    """The alarm as a row of the topic of rules; None if no flow can evaluate its condition."""
    rule = None if alarm.deleted else read_condition(alarm.condition, alarm.option)
    if rule is None:
        return None
    return {
        "id": alarm.key,
        "page": page_key,
        "subject": alarm.ticker,
        **rule.columns(),
        "enabled": alarm.active,
    }


def _needed(value: object, name: str) -> str:
    text = _text(value, name)
    if not text.strip():
        raise Invalid(f"{name} must not be empty")
    return text


def _text(value: object, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise Invalid(f"{name} must be a text")
    text = "" if value is None else str(value)
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise Invalid(f"{name} has at most {LONGEST_TEXT} printable characters")
    return text


def _price(value: object) -> float | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) <= LARGEST_PRICE
    ):
        raise Invalid("price must be a number")
    return float(value)
