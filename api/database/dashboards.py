"""The table of dashboards, which stand on pages."""

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models import LONGEST_NAME, LONGEST_TEXT, Base, new_id


class Dashboard(Base):
    """Panels that somebody put together on a page; `version` counts its changes."""

    __tablename__ = "dashboards"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    page_id: Mapped[str] = mapped_column(ForeignKey("pages.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    panels: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    changed: Mapped[float] = mapped_column(Float)
    changed_by: Mapped[str] = mapped_column(String(LONGEST_NAME))
