"""The api's own small database: accounts, in one SQLite file."""

import os
import sqlite3
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine, Float, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Role = Literal["viewer", "operator", "admin"]


class Base(DeclarativeBase):
    pass


class User(Base):
    """One account. `password_hash` is argon2id's encoded form; `created` is in epoch seconds."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default="viewer")
    created: Mapped[float] = mapped_column(Float)
    enabled: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"User(id={self.id}, username={self.username!r}, role={self.role!r})"


def open_database(path: Path) -> Engine:
    """Open (or create, readable by its owner only) the database file and its tables."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=5000")

    Base.metadata.create_all(engine)
    return engine
