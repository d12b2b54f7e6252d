"""The running side of the e-mail sink: events wait in a file, and go out in groups."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial

from connectors.base import ConnectorContext, ConnectorError
from connectors.email.connection import EmailConnection
from connectors.email.message import MailText, message_id
from connectors.email.smtp import MailRejected, RecipientsDeferred, greet, hand_over
from connectors.email.spool import MailSpool, Owed
from connectors.runtime.backoff import Backoff
from connectors.runtime.far_end_check import FarEndCheck
from connectors.runtime.threaded_writer import Retry, ThreadedWriter
from operators.events import DeadLetter, Event, encode_lines

log = logging.getLogger("vigie")

BOUND = 100_000
CHECKED_EVERY = 20.0
"""Seconds between two looks, with nothing to send, whether the mail server answers."""
LARGEST = 1_000
"""Events in one mail; more, as after a long outage, go into the next."""
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
FIRST_LATER, LONGEST_LATER, MOST_TRIES = 10.0, 1800.0, 12
"""Seconds until a mail is tried again that the server puts off for some recipients, doubled each
time up to the longest, and how often: for some three hours. Greylisting takes minutes (RFC 6647).
"""


@dataclass(frozen=True)
class Settings:
    """The settings of one sink, times in seconds.

    `connection` is the name of its connection in the site file; `title` and `body` are templates.
    """

    connection: str
    to: tuple[str, ...]
    title: str | None
    body: str | None
    group_wait: float
    group_interval: float


class EmailWriter(ThreadedWriter):
    """Events wait in the spool; a thread makes one mail of those that are due together."""

    def __init__(self, context: ConnectorContext, settings: Settings) -> None:
        super().__init__(context)
        self._settings = settings
        self._text = MailText(settings.title, settings.body, context.timezone)
        path = context.folder / f"mail.{context.name}.log" if context.folder else None
        try:
            self._spool = MailSpool(path)
        except (OSError, ValueError) as error:
            raise ConnectorError(
                f"{context.name}: the file of waiting mails cannot be used: {error}"
            ) from error
        greeted = partial(greet, context.connection, settings.connection)
        self._answers = FarEndCheck(greeted, CHECKED_EVERY, again=5.0)
        self._first_at = time.monotonic()
        self._last_sent = -1e9
        self._urgent = 0
        self._start(self._run, f"writer {context.name}")

    def write(self, events: list[Event]) -> None:
        """Add events to the spool; blocks while `BOUND` of them wait."""
        with self._changed:
            self._wait_while(lambda: len(self._spool.waiting) >= BOUND)
            self._context.stop_if_down()
            if not self._spool.waiting:
                self._first_at = time.monotonic()
            added = self._spool.add(events)
            if added < len(events):
                self._context.count("repeated", len(events) - added)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when the events are on disk, or with the mail server where there is no folder.

        So it is in the last run of a flow.
        """
        with self._changed:
            if self._spool.durable and not self._context.is_last:
                self._spool.sync()
                self._raise()
                return
            self._urgent += 1
            self._changed.notify_all()
            try:
                self._wait_while(lambda: self._spool.waiting)
            finally:
                self._urgent -= 1

    def close(self) -> None:
        """Stop the thread and close the spool; what waits there is sent after the next start."""
        self._stop(self._context.connection.timeout + 5)
        with self._changed:
            self._spool.close()

    # The rest runs in the background thread.

    def _run(self) -> None:
        self._keep_trying(self._attempt, Backoff(FIRST_BACKOFF, LONGEST_BACKOFF))

    def _attempt(self) -> bool:
        events = self._due()
        if events:
            self._send(events)
        tried = [owed for owed in self._spool.owed if owed.due <= time.monotonic()]
        for owed in tried:
            self._send_later(owed)
        if self._spool.owed:
            waiting = sorted({address for owed in self._spool.owed for address in owed.to})
            raise Retry(f"the mail server puts off mails to {', '.join(waiting)}", after=0.0)
        if events or tried:
            return True
        if self._spool.waiting:
            return False
        self._answers()
        return True

    def _due(self) -> list[Event]:
        """The events of the next mail once it may go; empty after about a second without one."""
        with self._changed:
            spool = self._spool
            if spool.group:
                return spool.begin(spool.group)
            if not spool.waiting:
                self._changed.wait_for(lambda: self._closed or spool.waiting, 1.0)
                return []
            ready = max(
                self._first_at + self._settings.group_wait,
                self._last_sent + self._settings.group_interval,
            )
            wait = min(ready - time.monotonic(), 1.0)
            if wait > 0 and not self._urgent:
                self._changed.wait_for(lambda: self._closed or self._urgent, wait)
                return []
            return [] if self._closed else spool.begin(min(len(spool.waiting), LARGEST))

    def _send(self, events: list[Event]) -> None:
        began = time.time()
        later = self._hand_over(events, self._settings.to)
        self._context.written(events, began)
        with self._changed:
            self._last_sent = self._first_at = time.monotonic()
            if later:
                self._spool.owe(later).due = time.monotonic() + FIRST_LATER
            else:
                self._spool.end()
            self._changed.notify_all()

    def _send_later(self, owed: Owed) -> None:
        """Try a mail again that some recipients have to wait for; the others have it."""
        later = self._hand_over(owed.events, owed.to)
        owed.tries += 1
        if later and owed.tries >= MOST_TRIES:
            self._refuse(owed.events, ", ".join(later), f"put off {owed.tries} times")
            self._context.flush_dead_letters()
            later = []
        owed.due = time.monotonic() + min(FIRST_LATER * 2.0 ** (owed.tries - 1), LONGEST_LATER)
        with self._changed:
            self._spool.still_owed(owed, later)

    def _hand_over(self, events: list[Event], to: Sequence[str]) -> list[str]:
        """Send a mail; returns to whom the server puts it off. Who is refused is a dead letter."""
        connection: EmailConnection = self._context.connection
        later: list[str] = []
        try:
            mail = self._mail(events)
            refused = hand_over(connection, self._settings.connection, mail, to)
        except RecipientsDeferred as deferred:
            refused, later = deferred.permanent, deferred.waiting
        except MailRejected as rejected:
            refused = {", ".join(to): str(rejected)}
        for address, said in refused.items():
            self._refuse(events, address, said)
        self._context.flush_dead_letters()
        return later

    def _mail(self, events: list[Event]) -> EmailMessage:
        sender = self._context.connection.sender
        sink = f"{self._context.flow}/{self._context.name}"
        try:
            return self._text.mail(events, sender, self._settings.to, sink, time.time())
        except Exception as error:  # a bug must not keep back what else waits
            log.warning("%s: a mail cannot be written", self._context.name, exc_info=error)
            raise MailRejected(f"it cannot be written: {type(error).__name__}: {error}") from error

    def _refuse(self, events: list[Event], to: str, said: str) -> None:
        context = self._context
        mail_id = message_id(events, context.connection.sender, f"{context.flow}/{context.name}")
        context.dead_letter(
            DeadLetter(
                id=f"{mail_id} {to}",
                time=events[-1].time,
                flow=context.flow,
                step=context.name,
                reason="refused",
                detail=f"the mail server refused the mail to {to} for good: {said}",
                origin=context.name,
                payload=encode_lines(events),
            )
        )
