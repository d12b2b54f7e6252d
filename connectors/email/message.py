"""The text of a mail: one event under its own title, or many as one list."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from operators.events import AlarmTransition, Event
from operators.model.fields import text
from operators.model.template import Template
from operators.model.wording import clock_text, lines_of, title_of

TITLE_LENGTH = 200

_WHAT_NEXT = ("to do", "open")
"""What each alarm of a list has a line for besides its own."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What a mail should not hold (RFC 5322, section 3.5); some servers refuse one with a NUL."""
_SEVERITIES = ("info", "warning", "major", "critical")


class MailText:
    """Makes the mails of one sink; times are shown in `timezone`."""

    def __init__(self, title: str | None, body: str | None, timezone: tzinfo = UTC) -> None:
        self._title = None if title is None else Template(title, timezone)
        self._body = Template(body, timezone) if body is not None else None
        self._timezone = timezone

    def mail(
        self, events: list[Event], sender: str, to: Sequence[str], sink: str, now: float
    ) -> EmailMessage:
        """One mail about one event or many. The same events give the same Message-ID."""
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = self.title(events)
        mail["From"] = sender
        mail["To"] = ", ".join(to)
        mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
        mail["Message-ID"] = message_id(events, sender, sink)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(_CONTROL.sub("\ufffd", self.body(events)))
        return mail

    def title(self, events: list[Event]) -> str:
        """The title of the most severe event, and how many there are besides."""
        title = self._line(max(events, key=_urgency))
        return title if len(events) == 1 else f"{title} (and {len(events) - 1} more)"

    def body(self, events: list[Event]) -> str:
        """The text: all that is known of one event, or a line for each of several."""
        if len(events) == 1:
            return self._about(events[0])
        first, last = (clock_text(event.time, self._timezone) for event in (events[0], events[-1]))
        lines = [f"{len(events)} events, from {first} to {last}:", ""]
        for event in sorted(events, key=_urgency, reverse=True):
            lines.append(f"{clock_text(event.time, self._timezone)}  {self._line(event)}")
            lines += [
                f"    {name}: {words}"
                for name, words in lines_of(event, self._timezone)
                if name in _WHAT_NEXT
            ]
        return "\n".join(lines) + "\n"

    def _about(self, event: Event) -> str:
        if self._body is not None:
            return text(self._body.render(event)).rstrip() + "\n"
        lines = [self._line(event), ""]
        lines += [f"{name + ':':11} {words}" for name, words in lines_of(event, self._timezone)]
        lines += [
            f"{name + ':':11} {value}"
            for name, value in getattr(event, "labels", {}).items()
            if name != "condition"
        ]
        return "\n".join(lines) + "\n"

    def _line(self, event: Event) -> str:
        title = title_of(event) if self._title is None else text(self._title.render(event))
        line = _CONTROL.sub("\ufffd", " ".join(title.split()))
        return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def message_id(events: list[Event], sender: str, sink: str) -> str:
    """The Message-ID: the same for the same events of the same sink.

    Mailboxes tell a mail that came twice by it.
    """
    digest = hashlib.sha256("\0".join([sink, *(event.id for event in events)]).encode()).hexdigest()
    return f"<{digest[:32]}@{sender.rpartition('@')[2]}>"


def _urgency(event: Event) -> int:
    """How early people read of an event; what is over comes last."""
    if not isinstance(event, AlarmTransition):
        return 0
    return -1 if event.annunciation == "end" else 1 + _SEVERITIES.index(event.severity)
