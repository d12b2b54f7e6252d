"""The contract of components: settings as a pydantic model and, for steps, the logic they make.

A component's fields are its YAML schema, its docstring is its documentation, its `EXAMPLES` are run
by the tests.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema

from operators.events import AlarmTransition, DeadLetter, Event, encode_lines
from operators.numbers import without_booleans


class Spec(BaseModel):
    """Settings written in a definition.

    Unknown keys are errors; a bare scalar fills the field named by `SHORT`.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)
    SHORT: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {cls.SHORT: value} if cls.SHORT and not isinstance(value, dict) else value

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Refuse `true` and `false` where a number belongs."""
        return without_booleans(handler(source))


class Component(Spec):
    """A source, operator or sink, under the key `NAME` of a definition."""

    NAME: ClassVar[str]
    EXAMPLES: ClassVar[tuple[str, ...]] = ()


class Now(NamedTuple):
    """The two clocks of a shard, in epoch seconds.

    `event` moves with the data, `wall` with arrival; `before` is `event` as it was before what came
    now: while nothing came, it moved with the wall clock.
    """

    event: float
    wall: float
    before: float = -math.inf


class Due(NamedTuple):
    """The earliest deadline on each clock; infinity where there is none."""

    event: float = math.inf
    wall: float = math.inf


NEVER = Due()


INSTANT = 1e-6
"""Seconds; times are float64, exact to some 2e-7 s in this century."""


Polygon = Sequence[tuple[float, float]]
"""Corners in fractions of a picture."""


class Area(NamedTuple):
    """A part of a camera's picture: inside `points`, and in none of `exclude`.

    It counts in its `hours` of the day, such as `20:00-06:00`, and in the `modes` of the site.
    """

    camera: str
    points: Polygon
    exclude: Sequence[Polygon] = ()
    hours: str | None = None
    modes: Sequence[str] = ()


class Line(NamedTuple):
    """A line in a camera's picture."""

    camera: str
    start: tuple[float, float]
    end: tuple[float, float]


class Location(NamedTuple):
    """Where a site is, in degrees, north and east counted positive."""

    latitude: float
    longitude: float


class Selects(Protocol):
    """The selectors, and the steps that set labels, which an event passes before a step."""

    text: str
    """All of them; equal texts let the same events pass, with the same labels."""
    names: frozenset[str]
    """The names of labels that are set."""

    def then(self, last: Any) -> "Selects":
        """The same with a selector behind all of them."""

    def may_pass(self, event: Event, known: Collection[str]) -> bool:
        """Whether an event of which these fields are known may come."""

    def arriving(self, event: Event, known: Collection[str], had: Collection[str]) -> Event | None:
        """The event as it comes, where steps before an edit gave it the labels it `had`.

        None for one that cannot come.
        """

    def given(self, event: Event) -> frozenset[str]:
        """The names of the labels that steps gave an event."""


@dataclass(frozen=True)
class StepContext:
    """What a step may know of its flow.

    `step` is its persisted identity, `flow/stream/kind`; `name` the present name of its stream or
    alarm, where it matters; `zones` are areas of pictures and `lines` lines in them, by name;
    `masks` are what must not be seen of a camera's pictures. `run` names a replay of history, in
    which an event arrives at its own time; it is empty live.
    `known` are the subjects that tables list and whose events come here, `metrics` the only metrics
    of what comes here, where they are known by name.
    `arrival` says that an event has the time of its arrival, whatever time it tells. `then` is the
    kind of the step behind this one in its stream. `renamed` has the earlier names (`was`) of
    streams and alarms. `page_url` is where people open the page. `selected` are the selectors of
    what comes here, `behind_alarms` those of them that alarms pass, `arming` those of what arms an
    alarm, where they are known. `dialects` are those of the definition, by name. `location` is
    where the site is, where it says so.
    """

    flow: str
    step: str
    roles: tuple[str, ...] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    lateness: float = 5.0
    ahead: float = 5.0
    name: str = ""
    zones: Mapping[str, Sequence[Area]] = field(default_factory=dict)
    run: str = ""
    arrival: bool = False
    then: str = ""
    lines: Mapping[str, Line] = field(default_factory=dict)
    masks: Mapping[str, Sequence[Polygon]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    known: Sequence[str] = ()
    metrics: Sequence[str] = ()
    page_url: str = ""
    selected: Selects | None = None
    behind_alarms: Selects | None = None
    arming: Selects | None = None
    dialects: Mapping[str, Any] = field(default_factory=dict)
    location: Location | None = None

    @property
    def patience(self) -> float:
        """Seconds by which a deadline must lie behind the newest event to be over.

        An event may still come that is exactly the lateness late.
        """
        return self.lateness + INSTANT

    @property
    def slowness(self) -> float:
        """Seconds behind the newest event from which on the clock of an event's device is slow.

        Steps before this one may have held an event back by the lateness.
        """
        return 2 * self.patience + 1


def dead_letter(event: Event, context: StepContext, reason: str, detail: str) -> DeadLetter:
    """Return an event that a step cannot process as a dead letter.

    `reason` is one word; `detail` is a sentence that says what to do about it.
    """
    origin: str | None = getattr(event, "topic", None) or getattr(event, "subject", None)
    return DeadLetter(
        id=f"{event.id}/{context.step}",
        time=event.time,
        flow=context.flow,
        step=context.step,
        reason=reason,
        detail=detail,
        origin=origin or "",
        payload=encode_lines([event]),
        holds="events",
    )


class Logic:
    """The behaviour of one step for one shard, without engine, I/O or clock.

    Outputs are returned; what is refused is appended to `errors`, what comes too late to `late`,
    what answers a command of a person to `answers`, what people should know to `notes`, and every
    drop is counted in `counts` under a word of its own. State must be bounded: a quiet subject's
    state is freed.
    """

    VERSION: ClassVar[int] = 1
    STATE: ClassVar[Any] = Any
    """The type of what `snapshot` returns under `VERSION`, as msgspec decodes it; needed where
    tuples must come back as tuples, and events as events."""

    def __init__(self) -> None:
        self.errors: list[DeadLetter] = []
        self.late: list[Event] = []
        self.answers: list[Event] = []
        self.counts: dict[str, int] = {}
        self.notes: list[str] = []
        self.owns: Callable[[str], bool] = lambda subject: True
        """Whether a subject of which nothing came yet is expected in this shard."""

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events in order of arrival and return what follows from them."""
        raise NotImplementedError

    def on_role(self, role: str, events: list[Event], now: Now) -> list[Event]:
        """Like `on_batch`, for a stream whose `from` names roles; for rows it is their source."""
        return self.on_batch(events, now)

    def on_time(self, now: Now) -> list[Event]:
        """Fire the timers due at `now`; outputs carry their deadline as time."""
        return []

    def next_time(self) -> Due:
        """The next deadlines, so that the engine wakes this step."""
        return NEVER

    def snapshot(self) -> object:
        """Return the state as plain data and events, or None for a step without state.

        It must not alias live state, except what is never changed in place.
        """
        return None

    def restore(self, state: object, version: int) -> None:
        """Take back what `snapshot` returned under `VERSION` == `version`, decoded as `STATE`.

        What the version before returned comes decoded without a type: its arrays are lists.
        """

    def let_go(self, ended: list[AlarmTransition]) -> None:
        """Forget alarms that ended with their rule: it may be that no input brings their end."""

    def count(self, word: str, n: int = 1) -> None:
        """Count `n` drops under a word."""
        self.counts[word] = self.counts.get(word, 0) + n


class Operator(Component):
    """A step of a stream.

    `STATEFUL` steps have a persisted identity; `CROSS_SUBJECT` ones need all subjects together.
    `DATA` names the entries in the data of the occurrences that it makes.
    """

    STATEFUL: ClassVar[bool] = False
    CROSS_SUBJECT: ClassVar[bool] = False
    DATA: ClassVar[tuple[str, ...]] = ()

    def side_input(self) -> str | None:
        """The source of a table whose rows it takes beside the stream's events."""
        return None

    @property
    def takes_columns(self) -> bool:
        """Whether its logic takes readings as columns (`operators.columnar.lazy`), too."""
        return False

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        raise NotImplementedError


class MapLogic(Logic):
    """Logic of a stateless step given as a function from a list of events to a list of events."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.on_batch = function  # type: ignore[method-assign]

    @classmethod
    def each(cls, function: Any) -> Self:
        """Apply a function of one event that returns an event or None (drop)."""
        return cls(lambda events, now: [out for e in events if (out := function(e)) is not None])
