"""The document of a flow: what may be written in a definition file, section by section.

The kinds of sources, steps and sinks come from the catalogue: each becomes an optional key of
`Source`, `Step` and `Sink`, of which exactly one is set; `kind` names it and `settings` is the
component.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    create_model,
    model_validator,
)

from connectors.base import PushSource
from connectors.base import Sink as SinkComponent
from connectors.base import Source as SourceComponent
from connectors.config.grammar_version import GrammarVersion
from connectors.config.late_model import LateModel
from flows.language.catalogue import OPERATORS, SINKS, SOURCES
from flows.language.model_of_tests import Do, Play, Test
from flows.language.picture_model import PictureLine, Zone
from operators.alarms.settings import Alarm
from operators.component import Component, Operator, Spec
from operators.decoding.own_dialects import OwnDialect
from operators.model.selector import Selector
from operators.model.units import Duration, Name

__all__ = [
    "Alarm",
    "Clock",
    "Do",
    "Flow",
    "Page",
    "PictureLine",
    "Play",
    "Sink",
    "Source",
    "Step",
    "Stream",
    "Test",
    "Zone",
    "inputs",
]

SIDE_OUTPUTS = ("errors", "late")


def _from(value: Any) -> Any:
    names = (
        [value]
        if isinstance(value, str)
        else list(value.values())
        if isinstance(value, dict)
        else value
    )
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name for name in names)
    ):
        raise ValueError(
            "'from' is a name, a list of names, or roles with names such as {made: solar, bought:"
            " mains}"
        )
    return value


From = Annotated[
    str | list[str] | dict[Name, str],
    BeforeValidator(_from),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            ]
        }
    ),
]
OnError = Literal["dead_letter", "drop", "stop"]
Settings = TypeVar("Settings", bound=Component)


def inputs(value: str | list[str] | dict[str, str]) -> list[str]:
    """The names a `from` reads."""
    if isinstance(value, str):
        return [value]
    return list(value.values()) if isinstance(value, dict) else list(value)


def origin(name: str) -> str:
    """The stream or source that a name reads: `readings` of `readings.errors`."""
    head, _, tail = name.rpartition(".")
    return head if head and tail in SIDE_OUTPUTS else name


class Clock(Spec):
    """How time is told, and how long late events are waited for."""

    time: Literal["event", "arrival"] = Field(
        "event",
        description=(
            "Time of an event: what the device wrote, or (devices without a clock) when it arrived,"
            " also after `decode`."
        ),
    )
    lateness: Duration = Field(
        5.0,
        description="How long windows stay open for late events; later ones go to `NAME.late`.",
        examples=["5s"],
    )
    idle: Duration = Field(
        30.0,
        gt=0,
        description=(
            "After this long without events the wall clock moves the flow's time on, also where"
            " nobody knows whether a source is silent. One that is known to be delays a timer by"
            " the lateness and a second."
        ),
        examples=["30s"],
    )
    ahead: Duration = Field(
        5.0,
        description="An event further in the future gets its time of arrival and quality `bad`.",
        examples=["5s"],
    )


class Kinded(Spec, Generic[Settings]):
    """An entry that holds exactly one component, under the key of its kind."""

    KINDS: ClassVar[Mapping[str, type[Component]]] = {}
    OTHERS: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_settings(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: {} if item is None and key in cls.KINDS else item for key, item in value.items()
        }

    @model_validator(mode="after")
    def _exactly_one(self) -> Any:
        given = [kind for kind in self.KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"needs exactly one of: {', '.join(self.KINDS)}"
                + (f"; {' and '.join(given)} are given" if given else "")
            )
        return self

    @classmethod
    def unknown_key(cls, key: str) -> str | None:
        """A hint about a key that is something else's kind."""
        return f"{key!r} is a {cls.OTHERS[key]}" if key in cls.OTHERS else None

    @property
    def kind(self) -> str:
        """The key under which the settings are, such as `mqtt`."""
        return next(kind for kind in self.KINDS if getattr(self, kind) is not None)

    @property
    def settings(self) -> Settings:
        """The component."""
        component: Settings = getattr(self, self.kind)
        return component


def _keys(kinds: Mapping[str, type[Component]]) -> dict[str, Any]:
    def load(name: str) -> Callable[[], type[Component]]:
        return lambda: kinds[name]

    return {name: (Annotated[Any, LateModel(load(name))], None) for name in kinds}


def summary(cls: type) -> str:
    """The first line of a class's documentation."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


class StepBase(Kinded[Operator]):
    """One step of a stream: `- kind: settings`."""

    NOUN: ClassVar[str] = "step"
    KINDS: ClassVar[Mapping[str, type[Component]]] = OPERATORS
    OTHERS: ClassVar[Mapping[str, str]] = {
        name: "sink, not a step" for name in SINKS if name not in OPERATORS
    }

    id: Name | None = Field(
        None,
        description=(
            "Name of this step's saved state, needed when a stream has two steps of one kind that"
            " keep state."
        ),
    )
    was: str | None = Field(
        None, description="Its earlier id (or kind, if it had no id), to keep the saved state."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("a step is written '- kind: settings', such as '- deduplicate: 10s'")
        kinds = [key for key in value if key in cls.KINDS]
        rest = [key for key in value if key not in cls.KINDS and key not in ("id", "was")]
        if len(kinds) == 1 and value[kinds[0]] is None and rest:
            raise ValueError(f"'{rest[0]}' must be indented further, under '{kinds[0]}'")
        if len(kinds) > 1:
            raise ValueError(f"one step per dash: {', '.join(kinds)} each need their own '- '")
        return value


class SourceBase(Kinded[SourceComponent | PushSource]):
    """Where events come from: one connector, and how its events are taken."""

    KINDS: ClassVar[Mapping[str, type[Component]]] = SOURCES
    OTHERS: ClassVar[Mapping[str, str]] = {
        name: "sink, not a source" for name in SINKS if name not in SOURCES
    }

    profile: str | None = Field(
        None,
        description="Keeps this source only when the profile is active.",
        examples=["hardware"],
    )
    clock: Clock | None = Field(None, description="Overrides the flow's clock for this source.")
    label: dict[str, str] = Field(
        {}, description="Labels added to every event.", examples=[{"site": "north"}]
    )
    on_error: OnError = Field(
        "dead_letter", description="What happens to an event that cannot be processed."
    )


class Batching(Spec):
    """How many events are written together."""

    max: int = Field(1000, ge=1, le=1_000_000, description="Most events in one batch.")
    wait: Duration = Field(1.0, description="Longest wait for a batch to fill.", examples=["1s"])


class SinkBase(Kinded[SinkComponent]):
    """Where events go: one connector, and which events in which shape."""

    KINDS: ClassVar[Mapping[str, type[Component]]] = SINKS
    OTHERS: ClassVar[Mapping[str, str]] = {
        name: "source, not a sink" for name in SOURCES if name not in SINKS
    }

    from_: From = Field(
        alias="from", description="The stream or streams, alarms or sources it writes."
    )
    only: Selector | None = Field(None, description="Writes only events that match.")
    shape: dict[str, Any] | None = Field(
        None,
        description=(
            "The record to write, with `{field}` in its texts; the whole event when left out."
        ),
    )
    batch: Batching | None = Field(None, description="How many events are written together.")
    outbox: Duration | None = Field(
        None,
        gt=0,
        description=(
            "Longest that an event waits for a webhook's server that is down, then it is a dead"
            " letter, `expired`; for ever when left out. The topics it waits in must keep it as"
            " long."
        ),
        examples=["7d"],
    )
    profile: str | None = Field(
        None, description="Keeps this sink only when the profile is active."
    )
    on_error: OnError = Field(
        "dead_letter", description="What happens to an event that cannot be written."
    )


if TYPE_CHECKING:
    Step = StepBase
    Source = SourceBase
    Sink = SinkBase
else:
    Step = create_model("Step", __base__=StepBase, __doc__=StepBase.__doc__, **_keys(OPERATORS))
    Source = create_model(
        "Source", __base__=SourceBase, __doc__=SourceBase.__doc__, **_keys(SOURCES)
    )
    Sink = create_model("Sink", __base__=SinkBase, __doc__=SinkBase.__doc__, **_keys(SINKS))


class Stream(Spec):
    """Events on their way: what it reads, and the steps in order."""

    from_: From = Field(
        alias="from",
        description=(
            "A source or stream; a list to merge by time; or roles for `combine`, `correlate` and"
            " `mode`."
        ),
    )
    steps: list[Step] = Field(min_length=1, description="The steps, in order.")
    by: str | list[str] | None = Field(
        None, description="What a signal is, where not subject and metric."
    )
    was: str | None = Field(
        None, description="Its earlier name, to keep the saved state.", examples=["motion"]
    )


def _who(value: Any) -> Any:
    """`user/NAME` or `group/NAME`; raises ValueError with the remedy."""
    kind, slash, name = str(value).partition("/")
    if kind not in ("user", "group") or not name:
        remedy = f"user/{value} or group/{value}" if not slash else "user/NAME or group/NAME"
        raise ValueError(f"{str(value)!r} is no user and no group; write {remedy}")
    return value


def _user(value: Any) -> Any:
    """`user/NAME`; raises ValueError with the remedy."""
    kind, _, name = str(value).partition("/")
    if kind != "user" or not name:
        raise ValueError(f"{str(value)!r} is no user; write user/{name or value}")
    return value


Who = Annotated[str, AfterValidator(_who)]


class Page(Spec):
    """A page of alarms: the unit of permission."""

    title: str = Field(description="What people read.")
    owner: Annotated[str, AfterValidator(_user)] = Field(
        description="Who may share it, such as `user/john`.", examples=["user/john"]
    )
    view: list[Who] = Field([], description="Who may see it: `user/NAME` or `group/NAME`.")
    edit: list[Who] = Field([], description="Who may change its alarms.")


class Flow(Spec):
    """One flow: one file, one process. Flows meet through topics."""

    vigie: GrammarVersion = Field(description="Version of this grammar.")
    flow: Name = Field(
        description="Name of the flow; part of the identity of its saved state.",
        examples=["server_room"],
    )
    about: str | None = Field(None, description="What it is for, in one sentence.")
    include: list[str] = Field(
        [],
        description=(
            "Files with `tables`, `zones`, `lines`, `pages`, `dialects`, `recipes` or"
            " `connections`, beside"
            " this one."
        ),
    )
    clock: Clock = Field(Clock(), description="Time and lateness.")
    tables: dict[Name, str | list[dict[str, Any]]] = Field(
        {}, description="Inventories and limits: a CSV file beside this one, or rows."
    )
    zones: dict[Name, Zone | list[Zone]] = Field(
        {},
        description="Polygons in camera pictures; a list where a zone has several, on any cameras.",
    )
    lines: dict[Name, PictureLine] = Field({}, description="Lines in camera pictures.")
    pages: dict[Name, Page] = Field({}, description="Pages of alarms, the unit of permission.")
    dialects: dict[Name, OwnDialect] = Field(
        {}, description="How devices speak that no dialect of `decode` knows."
    )
    recipes: dict[Name, list[Step]] = Field(
        {}, description="Steps used in several streams by `- use: NAME`."
    )
    sources: dict[Name, Source] = Field(min_length=1, description="Where events come from.")
    streams: dict[Name, Stream] = Field({}, description="What happens to them.")
    alarms: dict[Name, Alarm] = Field({}, description="What needs a person.")
    sinks: dict[Name, Sink] = Field({}, description="Where events go.")
    tests: list[Test] = Field(
        [],
        description="Tests of the flow on a virtual clock, which `vigie test` runs.",
    )
