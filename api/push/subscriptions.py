"""Subscriptions: which clients an update is for, grouped by what they get."""

import fnmatch
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from api.permissions.visibility import Visibility
from api.push.client import Client
from api.push.recent_ids import RecentIds
from api.push.send_buffer import Frame
from api.push.updates import ALARMS, READINGS, ClientProtocol, Update

SUBJECT = "subject:"
REMEMBERED_SUBJECTS = 20_000
REMEMBERED_FACTS = 2000
MOST_GONE = 1000
"""Patterns that nobody follows any longer are forgotten beyond so many."""


class Subscription(NamedTuple):
    """What a client wants and may see. Clients with equal subscriptions form one group."""

    protocol: str
    channels: frozenset[str]
    visibility: Visibility


class SubscriberGroup:
    """The clients of one subscription. What is for them is joined once and written to each."""

    def __init__(self, subscription: Subscription, protocol: ClientProtocol) -> None:
        self.subscription = subscription
        self.members: set[Client] = set()
        self._protocol = protocol
        self._pending: list[Frame] = []
        self._recent = RecentIds(REMEMBERED_FACTS) if protocol.deduplicates else None

    def wants(self, update: Update) -> bool:
        """Whether the members may see an update of a channel that they subscribed to."""
        return self.subscription.visibility.allows(update.page, update.subject, update.camera)

    def frame(self, update: Update) -> bytes | None:
        """The frame of an update in the group's protocol; None if it has none."""
        return update.frame(self._protocol)

    def add(self, update: Update) -> int:
        """Queue an update for the next write; returns how many members will get it."""
        if (
            self._recent is not None
            and update.event_key is not None
            and not self._recent.add(update.event_key)
        ):
            return 0
        data = self.frame(update)
        if data is None:
            return 0
        self._pending.append(Frame(data, update.state_key))
        return len(self.members)

    def write(self) -> None:
        """Write what is queued to every member."""
        frames, self._pending = self._pending, []
        together = b"".join([frame.data for frame in frames])
        for client in tuple(self.members):
            client.deliver(together, frames)

    def tell(self, data: bytes) -> None:
        """Write a single frame to every member."""
        for client in tuple(self.members):
            client.send(data)


Groups = dict[SubscriberGroup, None]
_NONE: Groups = {}


class SubscriptionIndex:
    """The groups that an update is for: by channel, and by subject (`subject:kitchen*`)."""

    def __init__(self) -> None:
        self._groups: dict[Subscription, SubscriberGroup] = {}
        self._by_channel: dict[str, Groups] = {}
        self._by_pattern: dict[str, Groups] = {}
        self._by_subject = PatternsOfSubjects()

    def groups(self) -> list[SubscriberGroup]:
        """All groups."""
        return list(self._groups.values())

    def channels(self) -> Collection[str]:
        """The channels that have subscribers, without patterns of subjects."""
        return self._by_channel.keys()

    def group(self, subscription: Subscription, protocol: ClientProtocol) -> SubscriberGroup:
        """The group of a subscription, made for its first member."""
        group = self._groups.get(subscription)
        if group is None:
            group = self._groups[subscription] = SubscriberGroup(subscription, protocol)
            for channel in subscription.channels:
                self._members(channel)[group] = None
        return group

    def drop(self, group: SubscriberGroup) -> None:
        """Forget a group that has no members."""
        del self._groups[group.subscription]
        for channel in group.subscription.channels:
            members = self._members(channel)
            del members[group]
            if not members:
                if channel.startswith(SUBJECT):
                    del self._by_pattern[channel]
                    self._by_subject.remove(channel)
                else:
                    del self._by_channel[channel]

    def of(self, update: Update) -> list[SubscriberGroup]:
        """The groups that want an update, each once."""
        groups = self._by_channel.get(update.channel, _NONE)
        if self._by_pattern and update.channel in (READINGS, ALARMS):
            for pattern in self._by_subject.matching(update.subject):
                groups = groups | self._by_pattern[pattern]
        return [group for group in groups if group.wants(update)]

    def _members(self, channel: str) -> Groups:
        if not channel.startswith(SUBJECT):
            return self._by_channel.setdefault(channel, {})
        if channel not in self._by_pattern:
            self._by_subject.add(channel)
        return self._by_pattern.setdefault(channel, {})


class PatternsOfSubjects:
    """Which patterns a subject matches, remembered while patterns come and go.

    Each pattern is tried once on each subject that comes again, however often others change.
    """

    def __init__(self) -> None:
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._added: list[str] = []
        self._of: dict[str, tuple[int, dict[str, None]]] = {}

    def add(self, channel: str) -> None:
        """A pattern is followed now."""
        if len(self._added) > 2 * len(self._patterns) + MOST_GONE:
            self._added = list(self._patterns)
            self._of.clear()
        self._patterns[channel] = pattern_of(channel)
        self._added.append(channel)

    def remove(self, channel: str) -> None:
        """Nobody follows a pattern any longer."""
        del self._patterns[channel]

    def matching(self, subject: str) -> list[str]:
        """The patterns that cover a subject."""
        if subject not in self._of and len(self._of) >= REMEMBERED_SUBJECTS:
            self._of.clear()
        seen, found = self._of.get(subject, (0, {}))
        if seen < len(self._added):
            for channel in self._added[seen:]:
                pattern = self._patterns.get(channel)
                if pattern is not None and pattern.match(subject):
                    found[channel] = None
            self._of[subject] = len(self._added), found
        return [channel for channel in found if channel in self._patterns]


class Wanted:
    """Which updates belong to channels as clients name them."""

    def __init__(self, channels: Iterable[str], visibility: Visibility) -> None:
        chosen = [channel for channel in channels if visibility.reaches(channel)]
        self._names = {channel for channel in chosen if not channel.startswith(SUBJECT)}
        self._patterns = [pattern_of(one) for one in chosen if one.startswith(SUBJECT)]
        self._subjects: dict[str, bool] = {}
        self._visibility = visibility

    def __call__(self, update: Update) -> bool:
        """Whether an update is for whoever wants these channels."""
        named = update.channel in self._names or (
            bool(self._patterns)
            and update.channel in (READINGS, ALARMS)
            and self._covers(update.subject)
        )
        return named and self._visibility.allows(update.page, update.subject, update.camera)

    def _covers(self, subject: str) -> bool:
        known = self._subjects.get(subject)
        if known is None:
            found = any(pattern.match(subject) for pattern in self._patterns)
            known = self._subjects[subject] = found
        return known


def pattern_of(channel: str) -> re.Pattern[str]:
    """The subjects that a channel such as `subject:kitchen*` covers."""
    return re.compile(fnmatch.translate(channel[len(SUBJECT) :]))
