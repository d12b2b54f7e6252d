"""The tables of the video watch in the api's own database. All times are in epoch seconds."""

from sqlalchemy import Float, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models import LONGEST_NAME, LONGEST_TEXT, Base

LONGEST_URL = 500
LONGEST_ID = 300


class Camera(Base):
    """A camera that people added. `name` is its subject in events; `url` holds no password, only
    names of variables.
    """

    __tablename__ = "cameras"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    area: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    fps: Mapped[float | None] = mapped_column(Float)
    min_confidence: Mapped[float | None] = mapped_column(Float)
    running: Mapped[bool] = mapped_column(default=True)
    created: Mapped[float] = mapped_column(Float)
    changed: Mapped[float] = mapped_column(Float)
    changed_by: Mapped[str] = mapped_column(String(LONGEST_NAME))


class Acknowledgement(Base):
    """Who took note of an event, and when."""

    __tablename__ = "acknowledgements"

    event_id: Mapped[str] = mapped_column(String(LONGEST_ID), primary_key=True)
    event_time: Mapped[float] = mapped_column(Float, index=True)
    user_id: Mapped[int] = mapped_column(Integer)
    username: Mapped[str] = mapped_column(String(LONGEST_NAME))
    at: Mapped[float] = mapped_column(Float)
    comment: Mapped[str | None] = mapped_column(String(LONGEST_TEXT))


class Mode(Base):
    """One row: the mode of the site."""

    __tablename__ = "mode"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    changed: Mapped[float] = mapped_column(Float)
    changed_by: Mapped[str] = mapped_column(String(LONGEST_NAME))


class TopicRow(Base):
    """A row that a compacted topic must have: it is written while `sent` is less than `version`.
    Without a `value` it is deleted there."""

    __tablename__ = "topic_rows"

    topic: Mapped[str] = mapped_column(String(LONGEST_TEXT), primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST_TEXT), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    sent: Mapped[int] = mapped_column(default=0)
