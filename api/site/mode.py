"""The mode of the site, such as surveillance or active.

It is kept in the database, and published to flows in a compacted topic.
"""

import time

import msgspec
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database
from api.database.models import Mode
from api.topics.outbox import Outbox
from operators.events import Reading, encode_lines

SUBJECT = "site"
METRIC = "mode"


class ModeView(msgspec.Struct):
    """The mode in force, who chose it and when, and all modes there are.

    `since` is in epoch seconds, 0 while nobody has chosen one.
    """

    mode: str
    since: float
    by: str
    modes: list[str]


class SiteMode:
    """Read and change the mode. Blocking: call it in a thread."""

    def __init__(self, database: Database, outbox: Outbox, topic: str, modes: list[str]) -> None:
        self._database = database
        self._outbox = outbox
        self._topic = topic
        self.modes = modes

    def get(self) -> ModeView:
        """The mode in force."""
        with self._database.read() as session:
            return self._view(session.get(Mode, 1))

    def set(self, mode: str, by: Principal, address: str) -> ModeView:
        """Put a mode into force; it must be one of `modes`."""
        with self._database.write() as session:
            row = session.get(Mode, 1)
            if row is None or row.name != mode:
                now = time.time()
                if row is None:
                    row = Mode(id=1, name=mode, changed=now, changed_by=by.username)
                    session.add(row)
                row.name, row.changed, row.changed_by = mode, now, by.username
                self._publish(session, mode, now)
                record_audit(session, by, "mode", mode, address=address)
            return self._view(row)

    def tell(self) -> None:
        """Have the topic hold the mode in force, also if nobody ever chose one."""
        with self._database.write() as session:
            view = self._view(session.get(Mode, 1))
            self._publish(session, view.mode, view.since or time.time())

    def _view(self, row: Mode | None) -> ModeView:
        if row is None or row.name not in self.modes:
            return ModeView(self.modes[0], 0.0, "", self.modes)
        return ModeView(row.name, row.changed, row.changed_by, self.modes)

    def _publish(self, session: Session, mode: str, at: float) -> None:
        """A reading of `site`, which the steps `mode` and `threshold: {is: …}` understand."""
        reading = Reading(id=f"mode/{at:.6f}", time=at, subject=SUBJECT, metric=METRIC, text=mode)
        self._outbox.put(session, self._topic, SUBJECT, encode_lines([reading]))
