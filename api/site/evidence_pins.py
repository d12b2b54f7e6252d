"""Events whose evidence people keep: known from the topic, changed through the outbox."""

from collections.abc import Iterable

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database
from api.topics.outbox import Outbox
from connectors.s3.retention import pin_row, take_pin
from operators.events import Event


class EvidencePins:
    """Takes rows in the event loop; `set` is blocking, for a thread."""

    def __init__(self, database: Database, outbox: Outbox, topic: str) -> None:
        self._database = database
        self._outbox = outbox
        self._topic = topic
        self._pinned: set[str] = set()

    def __contains__(self, event: object) -> bool:
        return event in self._pinned

    def collect(self, events: Iterable[Event]) -> None:
        """Take the rows among events for the api."""
        for event in events:
            take_pin(event, self._pinned)

    def set(self, event: str, pinned: bool, by: Principal, address: str) -> None:
        """Have an event's evidence kept, or no longer. Call the outbox's `wake` then."""
        with self._database.write() as session:
            self._outbox.put(session, self._topic, event, pin_row(event, pinned, by.username))
            record_audit(session, by, "event.pin" if pinned else "event.unpin", event, "", address)
        if pinned:
            self._pinned.add(event)
        else:
            self._pinned.discard(event)
