"""The tables of the api's own database. All times are in epoch seconds."""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

LONGEST_NAME = 64
LONGEST_TEXT = 200
LONGEST_URL = 500
LONGEST_ID = 300
_Id = String(36)
_Number = BigInteger().with_variant(Integer, "sqlite")


def new_id() -> str:
    """An id that says nothing about how many there are."""
    return str(uuid.uuid4())


class Base(DeclarativeBase):
    """Base of all tables, with the naming convention that migrations rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class User(Base):
    """One account. `password_hash` is argon2id's encoded form.

    Who `must_change` the password may do nothing else before.
    `totp_secret` is its second factor, `totp_offered` one that has not been confirmed yet, and
    `totp_step` the last half minute whose code was used. Who logs in by a provider of OpenID
    Connect is its `subject` there; an account made by that has no password.
    """

    __tablename__ = "users"
    __table_args__ = (Index("uq_users_issuer_subject", "issuer", "subject", unique=True),)

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default="viewer")
    created: Mapped[float] = mapped_column(Float)
    enabled: Mapped[bool] = mapped_column(default=True)
    must_change: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_offered: Mapped[str | None] = mapped_column(String(64))
    totp_step: Mapped[int] = mapped_column(_Number, default=0)
    issuer: Mapped[str | None] = mapped_column(String(LONGEST_URL))
    subject: Mapped[str | None] = mapped_column(String(255))

    def __repr__(self) -> str:
        return f"User(id={self.id}, username={self.username!r}, role={self.role!r})"


class Login(Base):
    """One login and all tokens that came of it; once it has `ended`, none of them is accepted."""

    __tablename__ = "logins"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[float] = mapped_column(Float)
    expires: Mapped[float] = mapped_column(Float, index=True)
    ended: Mapped[float | None] = mapped_column(Float)
    used: Mapped[float | None] = mapped_column(Float)
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(LONGEST_TEXT), default="")


class Device(Base):
    """A browser or program that has logged in to an account. Only its secret's hash is kept."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[float] = mapped_column(Float)
    used: Mapped[float] = mapped_column(Float)
    agent: Mapped[str] = mapped_column(String(LONGEST_TEXT), default="")


class RecoveryCode(Base):
    """A code that is good once in the place of the second factor. Only its hash is kept."""

    __tablename__ = "recovery_codes"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class ApiToken(Base):
    """A token of a program: it may do no more than its owner. Only its hash is kept.

    `pages` are the keys of the pages that it is for, None for all that its owner may see.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    role: Mapped[str] = mapped_column(String(16))
    pages: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    created: Mapped[float] = mapped_column(Float)
    expires: Mapped[float | None] = mapped_column(Float)
    used: Mapped[float | None] = mapped_column(Float)


class RefreshToken(Base):
    """A token that is exchanged once for the next access token. Only its hash is kept."""

    __tablename__ = "refresh_tokens"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"), index=True)
    used: Mapped[float | None] = mapped_column(Float)


class Group(Base):
    """A group of accounts.

    Definitions may name it (`group/desk_euro`) if an admin made it (`official`).
    """

    __tablename__ = "groups"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    official: Mapped[bool] = mapped_column(default=False)


class Member(Base):
    """An account in a group."""

    __tablename__ = "members"

    group_id: Mapped[str] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Page(Base):
    """A page of alarms, the unit of permission.

    `key` is its name in topics and channels. A page that a definition declares has no owner here:
    `declared` holds its `owner`, `view` and `edit` from the definition, as JSON.
    """

    __tablename__ = "pages"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    name: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    owner_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    declared: Mapped[str | None] = mapped_column(Text)


class Permission(Base):
    """What one account (`user_id`) or group (`group_id`) may do on a page."""

    __tablename__ = "permissions"
    __table_args__ = (
        UniqueConstraint("page_id", "user_id"),
        UniqueConstraint("page_id", "group_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[str] = mapped_column(ForeignKey("pages.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    group_id: Mapped[str | None] = mapped_column(
        ForeignKey("groups.id", ondelete="CASCADE"), index=True
    )
    can_view: Mapped[bool]
    can_edit: Mapped[bool]


class Alarm(Base):
    """An alarm that somebody wrote on a page.

    `key` is the id of its rule in the topic of rules. A deleted one is kept for its history.
    """

    __tablename__ = "alarms"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    page_id: Mapped[str] = mapped_column(ForeignKey("pages.id", ondelete="CASCADE"), index=True)
    ticker: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    option: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    condition: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    active: Mapped[bool] = mapped_column(default=True)
    last_triggered: Mapped[float | None] = mapped_column(Float)
    deleted: Mapped[bool] = mapped_column(default=False)


class Trigger(Base):
    """One time an alarm was triggered.

    By an account, or by the stream; then `transition` is the id of the transition.
    """

    __tablename__ = "triggers"
    __table_args__ = (Index("ix_triggers_alarm_id_at", "alarm_id", "at"),)

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    alarm_id: Mapped[str] = mapped_column(ForeignKey("alarms.id", ondelete="CASCADE"))
    at: Mapped[float] = mapped_column(Float)
    price: Mapped[float | None] = mapped_column(Float)
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    transition: Mapped[str | None] = mapped_column(String(LONGEST_NAME), unique=True)


class Audit(Base):
    """Who did what. `username` is kept as it was, whatever becomes of the account."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    at: Mapped[float] = mapped_column(Float, index=True)
    user_id: Mapped[str | None] = mapped_column(_Id)
    username: Mapped[str] = mapped_column(String(LONGEST_NAME))
    address: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(LONGEST_NAME), index=True)
    object: Mapped[str] = mapped_column(String(LONGEST_TEXT), default="")
    detail: Mapped[str] = mapped_column(Text, default="")


class Revision(Base):
    """One row: the number of changes of permissions, and the number of the last peer update."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    announced: Mapped[int] = mapped_column(_Number, default=0)


class PeerUpdate(Base):
    """An update that one `api` process sent its clients, kept a while for its peers."""

    __tablename__ = "announcements"

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=False)
    api: Mapped[str] = mapped_column(String(32))
    at: Mapped[float] = mapped_column(Float)
    channel: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    subject: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    page: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    data: Mapped[str] = mapped_column(Text)


class PushSubscription(Base):
    """A browser that is told of alarms while its login goes on; `hash` is that of its endpoint."""

    __tablename__ = "push_subscriptions"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(Text)
    p256dh: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    auth: Mapped[str] = mapped_column(String(LONGEST_NAME))
    priorities: Mapped[list[str]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String(8))
    agent: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    created: Mapped[float] = mapped_column(Float)


class PushNote(Base):
    """The newest transition of an alarm (a hash) that a browser was told of; `over`: the end."""

    __tablename__ = "push_notes"

    subscription_id: Mapped[str] = mapped_column(
        ForeignKey("push_subscriptions.id", ondelete="CASCADE"), primary_key=True
    )
    alarm: Mapped[str] = mapped_column(String(64), primary_key=True)
    recorded: Mapped[float] = mapped_column(Float, index=True)
    seq: Mapped[int] = mapped_column(_Number)
    over: Mapped[bool]


class Camera(Base):
    """A camera that people added.

    `name` is its subject in events, `number` the one of its channel; addresses hold no password,
    only names of variables. Only who may see its `page` knows of it. `zones` and `lines` are drawn
    on its picture, by their names.
    """

    __tablename__ = "cameras"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    record_url: Mapped[str | None] = mapped_column(String(LONGEST_URL))
    page: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    area: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    fps: Mapped[float | None] = mapped_column(Float)
    min_confidence: Mapped[float | None] = mapped_column(Float)
    zones: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    lines: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    running: Mapped[bool] = mapped_column(default=True)
    created: Mapped[float] = mapped_column(Float)
    changed: Mapped[float] = mapped_column(Float)
    changed_by: Mapped[str] = mapped_column(String(LONGEST_NAME))


class SeenCamera(Base):
    """The page that the newest event of a camera named, for cameras that only definitions know."""

    __tablename__ = "seen_cameras"

    name: Mapped[str] = mapped_column(String(LONGEST_TEXT), primary_key=True)
    page: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    time: Mapped[float] = mapped_column(Float)


class Acknowledgement(Base):
    """Who acknowledged an event, and when; `page`, `subject` and `camera` are the event's."""

    __tablename__ = "acknowledgements"

    event_id: Mapped[str] = mapped_column(String(LONGEST_ID), primary_key=True)
    event_time: Mapped[float] = mapped_column(Float, index=True)
    user_id: Mapped[str] = mapped_column(_Id)
    username: Mapped[str] = mapped_column(String(LONGEST_NAME))
    at: Mapped[float] = mapped_column(Float)
    comment: Mapped[str | None] = mapped_column(String(LONGEST_TEXT))
    page: Mapped[str | None] = mapped_column(String(LONGEST_TEXT))
    subject: Mapped[str | None] = mapped_column(String(LONGEST_TEXT))
    camera: Mapped[str | None] = mapped_column(String(LONGEST_TEXT))


class Mode(Base):
    """One row: the mode of the site."""

    __tablename__ = "mode"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    changed: Mapped[float] = mapped_column(Float)
    changed_by: Mapped[str] = mapped_column(String(LONGEST_NAME))


class OutboxRow(Base):
    """A row of the outbox: what a compacted topic must hold under a key.

    It is written to the topic while `sent` is less than `version`.
    """

    __tablename__ = "topic_rows"

    topic: Mapped[str] = mapped_column(String(LONGEST_TEXT), primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST_TEXT), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    sent: Mapped[int] = mapped_column(default=0)


def iso(at: float) -> str:
    """An instant (epoch seconds) in ISO 8601, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
