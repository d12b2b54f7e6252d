"""The present state, bounded: last readings with their recent course, alarms, channels, events."""

import collections
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from api.permissions.visibility import EVERYTHING, Visibility
from api.push.updates import Update, plain
from api.topics.lasting_changes import (
    NORMAL,
    Changes,
    completed,
    holding,
    order,
    remembered,
    with_lasting,
)
from operators.events import AlarmTransition, Detection, Occurrence, Reading
from operators.model.priority import PRIORITIES

_MOST_URGENT_FIRST: tuple[str, ...] = PRIORITIES[::-1]
_ISA_ORDER = "BDCEFG"


def every_subject(subject: str) -> bool:
    """Whether a subject is wanted, where all are."""
    return True


class LastReadings:
    """The last reading per (subject, metric).

    Beyond `limit` signals, the one that was silent longest is dropped.
    """

    def __init__(self, limit: int, points: int) -> None:
        self._limit = limit
        self._points = points
        self._last: collections.OrderedDict[tuple[str, str], Reading] = collections.OrderedDict()
        self._course: dict[tuple[str, str], collections.deque[tuple[float, float]]] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._order: list[tuple[str, str]] | None = None

    def __len__(self) -> int:
        return len(self._last)

    def add(self, reading: Reading) -> bool:
        """Keep a reading; False if it is the one known already, or older."""
        key = (reading.subject, reading.metric)
        known = self._last.get(key)
        if known is not None and (reading.time < known.time or reading.id == known.id):
            return False
        self._last[key] = reading
        self._last.move_to_end(key)
        self._texts.pop(key, None)
        if known is None:
            self._order = None
        if reading.value is not None and reading.quality == "good":
            course = self._course.setdefault(key, collections.deque(maxlen=self._points))
            course.append((round(reading.time, 3), reading.value))
        if len(self._last) > self._limit:
            oldest, _ = self._last.popitem(last=False)
            self._course.pop(oldest, None)
            self._texts.pop(oldest, None)
            self._order = None
        return True

    def texts(
        self, visibility: Visibility, covers: Callable[[str], object] = every_subject
    ) -> list[str]:
        """The readings of the subjects that somebody wants and may see, as JSON, sorted.

        What did not change since it was asked for last is not encoded again.
        """
        return [
            self._text(key)
            for key in self._sorted()
            if covers(key[0]) and visibility.allows_event(key[0], self._last[key].labels)
        ]

    def count(self, visibility: Visibility) -> int:
        """How many signals an account may see."""
        return sum(visibility.allows_event(one.subject, one.labels) for one in self._last.values())

    def _sorted(self) -> list[tuple[str, str]]:
        if self._order is None:
            self._order = sorted(self._last)
        return self._order

    def _text(self, key: tuple[str, str]) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _encoded(plain(self._last[key]))
        return text

    def latest(self, course: bool = False, subject: str | None = None) -> list[dict[str, Any]]:
        """Plain readings sorted by subject and metric, of one subject if it is named.

        With `course`, each has its recent `[time, value]` pairs.
        """
        out = []
        keys = self._sorted()
        if subject is not None:
            keys = keys[bisect_left(keys, (subject, "")) : bisect_left(keys, (subject + "\0", ""))]
        for key in keys:
            entry = plain(self._last[key])
            if course:
                entry["course"] = list(self._course.get(key, ()))
            out.append(entry)
        return out


class LastAlarms:
    """The last transition per (rule, subject), and what still holds of earlier ones.

    Beyond `limit`, a normal one is dropped first.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._last: dict[tuple[str, str], AlarmTransition] = {}
        self._lasting: dict[tuple[str, str], Changes] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._order: list[AlarmTransition] | None = None

    def __len__(self) -> int:
        return len(self._standing())

    def add(self, transition: AlarmTransition) -> bool:
        """Keep a transition; False if it, or a later one of the same alarm, is known."""
        key = (transition.rule, transition.subject)
        known = self._last.get(key)
        if known is not None and order(transition) <= order(known):
            self._remember(key, transition, known)
            return False
        if known is not None:
            transition = completed(transition, known)
        self._remember(key, transition, transition)
        self._last.pop(key, None)
        self._last[key] = transition
        self._order = None
        if len(self._last) > self._limit:
            normal = (k for k, alarm in self._last.items() if not standing(alarm))
            dropped = next(normal, next(iter(self._last)))
            del self._last[dropped]
            self._lasting.pop(dropped, None)
            self._texts.pop(dropped, None)
        return True

    def _remember(
        self, key: tuple[str, str], change: AlarmTransition, last: AlarmTransition
    ) -> None:
        changes = remembered(self._lasting.get(key, {}), change)
        if last.event != "removed":  # from another page it comes back as it was
            changes = holding(changes, last)
        self._texts.pop(key, None)
        if changes:
            self._lasting[key] = changes
        else:
            self._lasting.pop(key, None)

    def _told(self, alarm: AlarmTransition) -> dict[str, Any]:
        return with_lasting(plain(alarm), alarm, self._lasting.get((alarm.rule, alarm.subject), {}))

    def texts(
        self, visibility: Visibility, covers: Callable[[str], object] = every_subject
    ) -> list[str]:
        """The alarms that stand, of subjects that somebody wants and may see, as JSON.

        The most urgent comes first.
        """
        return [
            self._text(alarm)
            for alarm in self._standing()
            if covers(alarm.subject)
            and visibility.allows(
                alarm.page or alarm.labels.get("page"), alarm.subject, alarm.labels.get("camera")
            )
        ]

    def _standing(self) -> list[AlarmTransition]:
        if self._order is None:
            self._order = sorted(filter(standing, self._last.values()), key=_urgency)
        return self._order

    def _text(self, alarm: AlarmTransition) -> str:
        key = (alarm.rule, alarm.subject)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _encoded(self._told(alarm))
        return text

    def current(self, everything: bool = False, subject: str | None = None) -> list[dict[str, Any]]:
        """Plain transitions, most urgent first; those that are normal only with `everything`."""
        known = sorted(self._last.values(), key=_urgency) if everything else self._standing()
        return [self._told(alarm) for alarm in known if subject in (None, alarm.subject)]

    def page_of(self, rule: str, subject: str) -> str | None:
        """The page of an alarm; None if it is on none, or not known."""
        known = self._last.get((rule, subject))
        return None if known is None else known.page or known.labels.get("page")

    def extend(self, transitions: Iterable[AlarmTransition]) -> None:
        """Keep several transitions."""
        for transition in transitions:
            self.add(transition)


class _State(NamedTuple):
    """Data of a channel, and what decides who may see them."""

    data: str
    page: str | None
    subject: str
    camera: str | None


class ChannelStates:
    """The last data of every channel by origin (flow, sink, subject), bounded by `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._last: collections.OrderedDict[tuple[str, str], _State] = collections.OrderedDict()
        self._origins: dict[str, dict[str, None]] = {}

    def add(self, update: Update) -> None:
        """Keep an update as the state of its origin on its channel."""
        channel, origin = update.channel, update.origin
        assert origin is not None
        state = _State(update.data, update.page, update.subject, update.camera)
        self._last[channel, origin] = state
        self._last.move_to_end((channel, origin))
        self._origins.setdefault(channel, {})[origin] = None
        if len(self._last) > self._limit:
            (old_channel, old_origin), _ = self._last.popitem(last=False)
            del self._origins[old_channel][old_origin]
            if not self._origins[old_channel]:
                del self._origins[old_channel]

    def latest(self, channel: str, visibility: Visibility = EVERYTHING) -> list[str]:
        """The JSON data of a channel, one of each origin."""
        states = [self._last[channel, origin] for origin in self._origins.get(channel, ())]
        return [
            state.data
            for state in states
            if visibility.allows(state.page, state.subject, state.camera)
        ]


class RecentEvents:
    """The last events of the site by id; beyond `limit`, the oldest go."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: collections.OrderedDict[str, Occurrence | Detection] = (
            collections.OrderedDict()
        )

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Occurrence | Detection) -> None:
        """Keep an event."""
        self._events.setdefault(event.id, event)
        if len(self._events) > self._limit:
            self._events.popitem(last=False)

    def get(self, id: str) -> Occurrence | Detection | None:
        """The event of an id."""
        return self._events.get(id)

    def all(self) -> list[Occurrence | Detection]:
        """In the order they came."""
        return list(self._events.values())


def _encoded(values: dict[str, Any]) -> str:
    return msgspec.json.encode(values).decode()


def standing(alarm: AlarmTransition) -> bool:
    """Whether the alarm stands: in any state but normal or disabled."""
    return alarm.isa not in NORMAL


def _urgency(alarm: AlarmTransition) -> tuple[int, int, float]:
    state = _ISA_ORDER.find(alarm.isa)
    known = alarm.priority in PRIORITIES
    priority = _MOST_URGENT_FIRST.index(alarm.priority) if known else len(PRIORITIES)
    return (state if state >= 0 else len(_ISA_ORDER), priority, -alarm.time)
