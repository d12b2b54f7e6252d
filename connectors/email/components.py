"""E-mail: the sink that writes to people, and to them not too often."""

import threading
import time
from typing import ClassVar

from pydantic import Field, field_validator

from connectors.base import ConnectorContext, ConnectorError, Sink, Writer
from connectors.email.message import MailText, message_id
from connectors.email.smtp import EmailConnection, Later, Refused, hand_over
from connectors.email.spool import MailSpool
from connectors.runtime.batch_writer import Retry
from operators.events import DeadLetter, Event, encode_lines
from operators.model.template import Template
from operators.model.units import Duration, Some

BOUND = 100_000
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0


class Email(Sink):
    """Sends events by e-mail; a flood of them is one mail.

    The first event waits `group_wait` for others; all that came by then go into one mail, and the
    next one follows after
    `group_interval` at the earliest. A mail about one event has `title` as its subject and `body`
    as its text; one about several says how many there are and lists them in order.

    Delivery: at least once. Waiting events are kept in a file in the flow's data folder, so a crash
    or a mail server that is down loses none. A mail that might go out twice, after a crash at the
    wrong moment, has the same Message-ID. When the server refuses a recipient for good, the mail
    goes to dead letters and the other recipients get theirs.
    Back pressure: none up to 100,000 waiting events, then the flow waits.
    """

    NAME: ClassVar[str] = "email"
    CONNECTION: ClassVar[type[EmailConnection]] = EmailConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'email: {to: ops@example.org, title: "{alarm} {change}: {subject} at {value} {unit}"}',
        (
            'email: {to: [ops@example.org, guard@example.org], title: "{alarm} {change}", body:'
            ' "{response}", group_wait: 30s}'
        ),
    )

    to: Some = Field(description="Address, or list of addresses.", examples=["ops@example.org"])
    title: str = Field(
        description="Subject line; may hold `{field}`.", examples=["{alarm} {change}: {subject}"]
    )
    body: str | None = Field(
        None,
        description="Text of the mail; may hold `{field}`. None for a listing of what is known.",
    )
    group_wait: Duration = Field(
        10.0, description="How long the first event waits for others.", examples=["10s"]
    )
    group_interval: Duration = Field(
        60.0, description="Least time between two mails of this sink.", examples=["5min"]
    )
    connection: str = Field("email", description="Connection of the site file.")

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: Some) -> Some:
        if not value:
            raise ValueError("needs at least one mail address")
        for address in [value] if isinstance(value, str) else value:
            name, _, domain = address.rpartition("@")
            if not name or not domain or any(c.isspace() or c in ",<>" for c in address):
                raise ValueError(f"{address!r} is not a mail address, such as ops@example.org")
        return value

    @field_validator("title", "body")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            Template(value)
        return value

    def recipients(self) -> list[str]:
        return [self.to] if isinstance(self.to, str) else list(self.to)

    def open(self, context: ConnectorContext) -> Writer:
        return _EmailWriter(self, context)


class _EmailWriter:
    """Events wait in the spool; a thread makes one mail of those that are due together."""

    def __init__(self, sink: Email, context: ConnectorContext) -> None:
        self._sink = sink
        self._context = context
        self._text = MailText(sink.title, sink.body, context.timezone)
        path = context.folder / f"mail.{context.name}.log" if context.folder else None
        try:
            self._spool = MailSpool(path)
        except (OSError, ValueError) as error:
            raise ConnectorError(
                f"{context.name}: the file of waiting mails cannot be used: {error}"
            ) from error
        self._first_at = time.monotonic()
        self._last_sent = -1e9
        self._left: list[str] | None = None
        self._urgent = 0
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, name=f"writer {context.name}", daemon=True
        )
        self._thread.start()

    def write(self, events: list[Event]) -> None:
        with self._changed:
            while len(self._spool.waiting) >= BOUND:
                self._check()
                self._changed.wait(0.2)
            self._check()
            if not self._spool.waiting:
                self._first_at = time.monotonic()
            added = self._spool.add(events)
            if added < len(events):
                self._context.count("repeated", len(events) - added)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when the events are safe: in the spool, or with the mail server where there is
        no folder for one.
        """
        with self._changed:
            if self._spool.durable:
                self._spool.sync()
                self._raise()
                return
            self._urgent += 1
            self._changed.notify_all()
            try:
                while self._spool.waiting:
                    self._check()
                    self._changed.wait(0.2)
                self._raise()
            finally:
                self._urgent -= 1

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(self._context.connection.timeout + 5)
        with self._changed:
            self._spool.close()

    def _check(self) -> None:
        self._raise()
        self._context.stop_if_down()

    def _raise(self) -> None:
        if self._error:
            raise self._error
        if self._closed:
            raise ConnectorError(f"{self._context.name}: the sink is closed")

    # The rest runs in the background thread.

    def _run(self) -> None:
        backoff = FIRST_BACKOFF
        while not self._closed:
            try:
                events = self._due()
                if not events:
                    continue
                self._send(events)
                self._context.health.up(self._context.name)
                backoff = FIRST_BACKOFF
            except Retry as retry:
                self._context.health.degraded(self._context.name, retry.detail)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF)
            except BaseException as error:  # a bug must stop the flow, not only this thread
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return

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
                self._first_at + self._sink.group_wait, self._last_sent + self._sink.group_interval
            )
            wait = min(ready - time.monotonic(), 1.0)
            if wait > 0 and not self._urgent:
                self._changed.wait_for(lambda: self._closed or self._urgent, wait)
                return []
            return [] if self._closed else spool.begin(len(spool.waiting))

    def _send(self, events: list[Event]) -> None:
        connection: EmailConnection = self._context.connection
        to = self._left or self._sink.recipients()
        mail = self._text.mail(
            events,
            connection.sender,
            self._sink.recipients(),
            f"{self._context.flow}/{self._context.name}",
            time.time(),
        )
        try:
            for address, said in hand_over(connection, self._sink.connection, mail, to).items():
                self._refuse(events, address, said)
        except Later as later:
            for address, said in later.lasting.items():
                self._refuse(events, address, said)
            self._left = later.waiting
            raise
        except Refused as refused:
            self._refuse(events, ", ".join(to), str(refused))
        self._context.letters_durable()
        with self._changed:
            self._left = None
            self._last_sent = self._first_at = time.monotonic()
            self._spool.end()
            self._changed.notify_all()

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
