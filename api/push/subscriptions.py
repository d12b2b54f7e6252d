"""Clients that get the same frames, and which of them an update is for."""

import fnmatch
import re
from typing import NamedTuple

from api.permissions.visibility import Sight
from api.push.connection import Client
from api.push.recent_ids import Seen
from api.push.send_buffer import Frame
from api.push.updates import ALARMS, READINGS, Dialect, Update

SUBJECT = "subject:"
REMEMBERED_SUBJECTS = 20_000
REMEMBERED_FACTS = 2000


class Interest(NamedTuple):
    """What a client wants and may have. Clients with equal interests form one audience."""

    dialect: str
    channels: frozenset[str]
    sight: Sight


class Audience:
    """The clients of one interest. What is for them is put together once and written to each."""

    def __init__(self, interest: Interest, dialect: Dialect) -> None:
        self.interest = interest
        self.members: set[Client] = set()
        self._dialect = dialect
        self._pending: list[Frame] = []
        self._facts = Seen(REMEMBERED_FACTS) if dialect.once else None

    def wants(self, update: Update) -> bool:
        """Whether the members may see an update of a channel they subscribed to."""
        return self.interest.sight.page(update.page)

    def frame(self, update: Update) -> bytes | None:
        return update.frame(self._dialect)

    def add(self, update: Update) -> int:
        """Put an update with what is written next; gives how many members will get it."""
        if self._facts is not None and update.fact is not None and not self._facts.add(update.fact):
            return 0
        data = self.frame(update)
        if data is None:
            return 0
        self._pending.append(Frame(data, update.state_key))
        return len(self.members)

    def write(self) -> None:
        """Write what was put together to every member."""
        frames, self._pending = self._pending, []
        together = b"".join([frame.data for frame in frames])
        for client in tuple(self.members):
            client.deliver(together, frames)

    def tell(self, data: bytes) -> None:
        """Write a frame of its own to every member."""
        for client in tuple(self.members):
            client.send(data)


class Directory:
    """From an update to the audiences it is for: by channel, and by pattern of subjects
    (`subject:kitchen*`).
    """

    def __init__(self) -> None:
        self._audiences: dict[Interest, Audience] = {}
        self._by_channel: dict[str, list[Audience]] = {}
        self._by_pattern: dict[str, tuple[re.Pattern[str], list[Audience]]] = {}
        self._by_subject: dict[str, list[Audience]] = {}

    def audiences(self) -> list[Audience]:
        return list(self._audiences.values())

    def audience(self, interest: Interest, dialect: Dialect) -> Audience:
        """The audience of an interest; made when it is the first."""
        audience = self._audiences.get(interest)
        if audience is None:
            audience = self._audiences[interest] = Audience(interest, dialect)
            for channel in interest.channels:
                self._members(channel).append(audience)
            self._by_subject.clear()
        return audience

    def drop(self, audience: Audience) -> None:
        """Forget an audience that has no members."""
        del self._audiences[audience.interest]
        for channel in audience.interest.channels:
            members = self._members(channel)
            members.remove(audience)
            if not members:
                (self._by_pattern if channel.startswith(SUBJECT) else self._by_channel).pop(channel)
        self._by_subject.clear()

    def of(self, update: Update) -> list[Audience]:
        """The audiences that want an update, each once."""
        named = self._by_channel.get(update.channel, [])
        if self._by_pattern and update.channel in (READINGS, ALARMS):
            matching = self._matching(update.subject)
            named = [*named, *(audience for audience in matching if audience not in named)]
        return [audience for audience in named if audience.wants(update)]

    def _members(self, channel: str) -> list[Audience]:
        if channel.startswith(SUBJECT):
            pattern = re.compile(fnmatch.translate(channel[len(SUBJECT) :]))
            return self._by_pattern.setdefault(channel, (pattern, []))[1]
        return self._by_channel.setdefault(channel, [])

    def _matching(self, subject: str) -> list[Audience]:
        known = self._by_subject.get(subject)
        if known is None:
            if len(self._by_subject) >= REMEMBERED_SUBJECTS:
                self._by_subject.clear()
            found = (
                audiences
                for pattern, audiences in self._by_pattern.values()
                if pattern.match(subject)
            )
            known = self._by_subject[subject] = list(
                dict.fromkeys(a for audiences in found for a in audiences)
            )
        return known


def matches(channel: str, update: Update) -> bool:
    """Whether an update belongs to a channel as a client names it."""
    if channel.startswith(SUBJECT):
        return update.channel in (READINGS, ALARMS) and subject_matches(channel, update.subject)
    return update.channel == channel


def subject_matches(channel: str, subject: str) -> bool:
    """Whether a subject is one of those that a channel such as `subject:kitchen*` means."""
    return fnmatch.fnmatchcase(subject, channel[len(SUBJECT) :])
