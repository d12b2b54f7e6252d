"""Subscriptions: which clients an update is for, grouped by what they get."""

import fnmatch
import re
from collections.abc import Collection
from typing import NamedTuple

from api.permissions.visibility import Visibility
from api.push.client import Client
from api.push.recent_ids import RecentIds
from api.push.send_buffer import Frame
from api.push.updates import ALARMS, READINGS, ClientProtocol, Update

SUBJECT = "subject:"
REMEMBERED_SUBJECTS = 20_000
REMEMBERED_FACTS = 2000


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


class SubscriptionIndex:
    """The groups that an update is for: by channel, and by subject (`subject:kitchen*`)."""

    def __init__(self) -> None:
        self._groups: dict[Subscription, SubscriberGroup] = {}
        self._by_channel: dict[str, list[SubscriberGroup]] = {}
        self._by_pattern: dict[str, tuple[re.Pattern[str], list[SubscriberGroup]]] = {}
        self._by_subject: dict[str, list[SubscriberGroup]] = {}

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
                self._members(channel).append(group)
            self._by_subject.clear()
        return group

    def drop(self, group: SubscriberGroup) -> None:
        """Forget a group that has no members."""
        del self._groups[group.subscription]
        for channel in group.subscription.channels:
            members = self._members(channel)
            members.remove(group)
            if not members:
                (self._by_pattern if channel.startswith(SUBJECT) else self._by_channel).pop(channel)
        self._by_subject.clear()

    def of(self, update: Update) -> list[SubscriberGroup]:
        """The groups that want an update, each once."""
        named = self._by_channel.get(update.channel, [])
        if self._by_pattern and update.channel in (READINGS, ALARMS):
            matching = self._matching(update.subject)
            named = [*named, *(group for group in matching if group not in named)]
        return [group for group in named if group.wants(update)]

    def _members(self, channel: str) -> list[SubscriberGroup]:
        if channel.startswith(SUBJECT):
            pattern = re.compile(fnmatch.translate(channel[len(SUBJECT) :]))
            return self._by_pattern.setdefault(channel, (pattern, []))[1]
        return self._by_channel.setdefault(channel, [])

    def _matching(self, subject: str) -> list[SubscriberGroup]:
        known = self._by_subject.get(subject)
        if known is None:
            if len(self._by_subject) >= REMEMBERED_SUBJECTS:
                self._by_subject.clear()
            found = (
                groups for pattern, groups in self._by_pattern.values() if pattern.match(subject)
            )
            known = self._by_subject[subject] = list(
                dict.fromkeys(a for groups in found for a in groups)
            )
        return known


def matches(channel: str, update: Update) -> bool:
    """Whether an update belongs to a channel as clients name it."""
    if channel.startswith(SUBJECT):
        return update.channel in (READINGS, ALARMS) and subject_matches(channel, update.subject)
    return update.channel == channel


def subject_matches(channel: str, subject: str) -> bool:
    """Whether a channel such as `subject:kitchen*` covers a subject."""
    return fnmatch.fnmatchcase(subject, channel[len(SUBJECT) :])
