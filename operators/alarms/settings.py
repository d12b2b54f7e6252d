"""The `alarms:` entries of a definition: when something needs a person, after ISA-18.2."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from operators.alarms.hiding import SuppressedBy, hider
from operators.component import Component, Spec
from operators.model.condition import Column, When
from operators.model.levels import Level
from operators.model.priority import PRIORITIES, Priority
from operators.model.selector import Selector
from operators.model.units import Duration

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STATES = ("normal", "unacked", "acked", "returned", "shelved", "suppressed", "out_of_service")

_SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")
NO_SENTENCES = ("yes", "no", "on", "off", "true", "false", "null", "none", "todo", "tbd")


def hours(value: Any) -> Any:
    """`20:00-07:00`, checked; raises ValueError with the remedy."""
    if not _SPAN.fullmatch(str(value)):
        closed = re.sub("[–—]", "-", str(value).replace(" ", ""))
        padded = re.sub(r"\b(\d)(?=:\d\d\b)", r"0\1", closed)
        remedy = padded if padded != str(value) and _SPAN.fullmatch(padded) else "20:00-07:00"
        raise ValueError(f"{str(value)!r} is not a span of the day; write it as {remedy}")
    start, end = str(value).split("-")
    if start == end:
        raise ValueError(f"{str(value)!r} is empty; leave 'hours' out for the whole day")
    return str(value)


def _days(value: Any) -> Any:
    """A day or a list of days; raises ValueError for `mon-fri`, with the list."""
    given = value if isinstance(value, list) else [value]
    for one in given:
        if one not in DAYS and (short := str(one).lower()[:3]) in DAYS and str(one).isalpha():
            raise ValueError(f"{one!r} is not a day as it is written here; write {short}")
        first, dash, last = str(one).lower().partition("-")
        if dash and {first[:3], last[:3]} <= set(DAYS):
            begin, end = DAYS.index(first[:3]), DAYS.index(last[:3])
            named = (*DAYS, *DAYS)[begin : end + 1 + 7 * (end < begin)]
            raise ValueError(f"{one!r} is not a day; write [{', '.join(named)}]")
    return given


Hours = Annotated[
    str, BeforeValidator(hours), WithJsonSchema({"type": "string", "examples": ["20:00-07:00"]})
]


class Armed(Spec):
    """When the alarm counts. Outside, it is evaluated, but suppressed by design (`suppressed`)."""

    hours: Hours | None = Field(
        None,
        description=(
            "Span of the day as the site's clock shows it; it may pass midnight. Both passes of a"
            " repeated hour belong to it; in a skipped hour it begins and ends as the clock leaps."
        ),
        examples=["20:00-07:00"],
    )
    days: Annotated[list[Day], BeforeValidator(_days)] | None = Field(
        None,
        min_length=1,
        description="Days of the week on which the span begins; all when left out.",
        examples=[["sat", "sun"]],
    )
    while_: str | None = Field(
        None,
        alias="while",
        description=(
            "A stream of two-state readings: armed while the latest one is on. A reading counts for"
            " its own subject, or for all subjects when no subject of that name has the alarm."
        ),
        examples=["alarm_key"],
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.hours is None and self.days is None and self.while_ is None:
            raise ValueError("needs one of: hours, days, while")
        return self


class Shelve(Spec):
    """Bounds of shelving."""

    SHORT: ClassVar[str | None] = "max"
    max: Duration = Field(
        gt=0,
        description="The longest time a person may shelve the alarm; it always ends by itself.",
        examples=["8h"],
    )
    until_escalated: bool = Field(
        False, description="Whether a higher priority (`levels`) ends it, too."
    )


class Chatter(Spec):
    """Keeps an alarm raised `times` within `in` until its condition was over for `hold`."""

    times: int = Field(ge=2, le=100, description="How many times it is raised.", examples=[3])
    in_: Duration = Field(alias="in", gt=0, description="Within which span.", examples=["10min"])
    hold: Duration = Field(
        gt=0,
        description="How long the condition must then be over, where `clear_for` is not longer.",
        examples=["15min"],
    )


class Alarm(Component):
    """Asks a person to act: one alarm for each subject, which is raised, acknowledged and cleared.

    Its states are `normal`, `unacked`, `acked`, `returned` (over, but nobody has seen it),
    `shelved`, `suppressed` and
    `out_of_service`; each step of its life is an event with a `change`: `raised`, `acked`,
    `returned`, `cleared`,
    `shelved`, `unshelved`, `suppressed`, `out_of_service`, `in_service`, `escalated` and
    `deescalated` when `levels` give it another priority, `realarmed` after `repeat`, and `no_data`
    and `data_back` when its data are bad and good again. People acknowledge, shelve and take out of
    service; a definition cannot. An alarm that is masked (shelved, suppressed or out of service) is
    still evaluated.

    A limit or a state is judged for each signal: a subject with two metrics that fit has two,
    the further one under the rule `FLOW/ALARM/METRIC`. `silent` and `seen` are about the subject.

    Sinks for people (e-mail, webhook, apprise, MQTT without discovery) and `notify` hear of it when
    it is annunciated: at once, or at the end of a mask if it still stands; again when it escalates
    or repeats; and of its end, if they heard of its start. All others record every change. `only:
    {change: ...}` of a sink chooses otherwise: `[raised, cleared]` is the start and the end alone,
    `over` the end, `all` what is recorded.

    Either `when` gives the condition, or `rules` names a source of rules that people write, one
    alarm for each rule. Without a required `response` it is not an alarm but an event: send the
    stream to a sink.
    """

    NAME: ClassVar[str] = "alarm"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            "from: readings\n"
            "only: {metric: temperature}\n"
            "when: {above: 30 °C, clear: 28 °C, for: 2min}\n"
            "priority: high\n"
            "response: Check the air conditioning, then call facilities.\n"
        ),
        (
            "from: motion\n"
            "when: {is: on}\n"
            "armed: {hours: 20:00-07:00}\n"
            "priority: high\n"
            "response: Look at the camera, then call the guard.\n"
        ),
        (
            "from: readings\n"
            "when: {silent: 15min}\n"
            "priority: low\n"
            "response: Check the probe and its Wi-Fi.\n"
            "suppressed_by: [power_lost]\n"
        ),
        (
            "from: prices\n"
            "rules: rules\n"
            "page: {column: page}\n"
            "priority: {column: priority, default: medium}\n"
            "response: Call the desk.\n"
            'message: "{subject} {condition} {limit}: {value}"\n'
            "repeat: 15min\n"
            "shelve: {max: 8h}\n"
        ),
        (
            "from: readings\nwhen: {above: -18 °C, clear: -19 °C, for: 10min}\nlevels: [{priority:"
            " high, above: -15 °C, clear: -16 °C}, {priority: critical, above: -10"
            " °C}]\nescalate_after: 1min\nexpect_every: 15min\nbad: raise\nchatter: {times: 3, in:"
            " 1h, hold: 30min}\nresponse: Close the door, then call the cold room service.\n"
        ),
    )

    from_: str | list[str] = Field(
        alias="from", description="The stream or streams it watches.", examples=["readings"]
    )
    only: Selector | None = Field(
        None, description="Watches only events that match.", examples=[{"metric": "temperature"}]
    )
    when: When | None = Field(
        None, description="The condition.", examples=[{"above": "30 °C", "for": "2min"}]
    )
    rules: str | None = Field(
        None,
        description="Instead of `when`: a source of rules, one alarm for each row.",
        examples=["rules"],
    )
    priority: Priority | Column = Field(
        "medium",
        description=(
            "How urgent it is, or the column that says so at the moment at which the alarm is"
            " raised."
        ),
        examples=["high", {"column": "priority"}],
    )
    response: str = Field(
        min_length=1,
        description="What a person must do.",
        examples=["Check the air conditioning, then call facilities."],
    )
    message: str | None = Field(
        None,
        description=(
            "Text for people; fields of the alarm, `{condition}` and `{limit}` in braces. The limit"
            " is the one that raises the alarm, also when it returns."
        ),
        examples=["{subject} {condition} {limit}: {value}"],
    )
    levels: list[Level] = Field(
        [],
        description=(
            "Limits beyond that of `when`, each with a higher priority. While it lasts, the alarm's"
            " priority follows."
        ),
        examples=[[{"priority": "critical", "above": "35 °C", "clear": "33 °C"}]],
    )
    escalate_after: Duration = Field(
        0.0,
        description="How long a higher level must last before the priority follows.",
        examples=["1min"],
    )
    deescalate_after: Duration = Field(
        0.0,
        description="How long it must be over before the priority goes down again.",
        examples=["5min"],
    )
    page: str | Column | None = Field(
        None,
        description="The page whose permissions apply, or the column that names it.",
        examples=["server_room"],
    )
    armed: Armed | None = Field(None, description="When it counts; always when left out.")
    suppressed_by: list[str | SuppressedBy] = Field(
        [],
        description=(
            "Alarms of this flow that hide it while they are active: by name, those of the same"
            " subject; with `match`, those of the subject that a label or column names."
        ),
        examples=[["power"], [{"alarm": "gateway_down", "match": "gateway"}]],
    )
    suppress_hold: Duration = Field(
        0.0, description="How long they still hide it when they are over.", examples=["2min"]
    )
    ack: Literal["required", "optional", "automatic"] = Field(
        "required",
        description=(
            "Whether a person must acknowledge it, may (over, it goes by itself), or it counts as"
            " acknowledged from the start."
        ),
    )
    latch: bool = Field(
        False,
        description=(
            "Whether it stays when the condition is over until a person acknowledges it then."
        ),
    )
    shelve: Shelve = Field(Shelve(max="8h"), description="Bounds of shelving.")
    repeat: Duration | None = Field(
        None,
        gt=0,
        description="Raise it again after this long while it is active.",
        examples=["15min"],
    )
    chatter: Chatter | None = Field(
        None,
        description="When it counts as chattering, and how long it then stays.",
        examples=[{"times": 3, "in": "10min", "hold": "15min"}],
    )
    bad: Literal["hold", "clear", "raise"] = Field(
        "hold",
        description=(
            "On data of bad quality, or without data for `expect_every`: keep the state, take it as"
            " normal, or as the condition. A `for` that was running ends in each case but the last:"
            " it counts only time that good data cover."
        ),
    )
    expect_every: Duration | None = Field(
        None,
        gt=0,
        description=(
            "A subject without a good reading for this long has no data, and what `bad` says is"
            " done. A stale or bad reading is none: with this, a single one is waited out."
        ),
        examples=["15min"],
    )
    was: str | None = Field(
        None, description="Its earlier name, to keep the saved state.", examples=["too_warm"]
    )

    @property
    def takes_columns(self) -> bool:
        """Whether readings that change nothing are found in columns, as `ConditionLogic` does."""
        when, varies = self.when, isinstance(self.priority, Column)
        if when is None or self.only is not None or self.expect_every is not None or varies:
            return False
        return when.silent is None and when.seen is None

    @field_validator("response", "message")
    @classmethod
    def _says_something(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or value.strip().lower() in NO_SENTENCES):
            raise ValueError(
                f"{value!r} tells a person nothing; write a sentence, such as  Check the door."
            )
        return value

    @field_validator("priority", mode="after")
    @classmethod
    def _known_default(cls, value: Priority | Column) -> Priority | Column:
        if (
            isinstance(value, Column)
            and value.default is not None
            and value.default not in PRIORITIES
        ):
            raise ValueError(
                f"{value.default!r} is not a priority; write one of {', '.join(PRIORITIES)}"
            )
        return value

    @field_validator("suppressed_by")
    @classmethod
    def _hidden_in_one_way(cls, value: list[str | SuppressedBy]) -> list[str | SuppressedBy]:
        names = [name for name, _ in map(hider, value)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"{name!r} is named twice; an alarm hides in one way: write one entry, and for"
                    " the other way an alarm of another name with the same condition"
                )
        return value

    @model_validator(mode="after")
    def _when_or_rules(self) -> Self:
        if (self.when is None) == (self.rules is None):
            raise ValueError("needs 'when' (a condition) or 'rules' (a table of rules), not both")
        if (
            self.expect_every is not None
            and self.when is not None
            and self.when.kind in ("silent", "seen")
        ):
            raise ValueError(
                f"'expect_every' goes with a value; '{self.when.kind}' is about silence itself"
            )
        return self

    @model_validator(mode="after")
    def _known_levels(self) -> Self:
        if not self.levels:
            if self.escalate_after or self.deescalate_after or self.shelve.until_escalated:
                raise ValueError(
                    "'escalate_after', 'deescalate_after' and 'until_escalated' need 'levels'"
                )
        elif self.when is None:
            raise ValueError("'levels' go with 'when': a rule that people write has one limit")
        elif isinstance(self.priority, Column):
            raise ValueError("with 'levels', 'priority' is a word: that of the limit in 'when'")
        if self.suppress_hold and not self.suppressed_by:
            raise ValueError("'suppress_hold' needs 'suppressed_by'")
        return self

    @property
    def hiders(self) -> dict[str, str | None]:
        """The alarms that hide it, each with the label or column that must match, if any."""
        return dict(map(hider, self.suppressed_by))

    @property
    def sources(self) -> list[str]:
        """The streams it watches."""
        return self.from_ if isinstance(self.from_, list) else [self.from_]

    def conditions(self) -> list[tuple[tuple[str | int, ...], When | Level]]:
        """The condition and the levels beyond it, each with its place in the entry."""
        when: list[tuple[tuple[str | int, ...], When | Level]] = (
            [(("when",), self.when)] if self.when else []
        )
        return [*when, *((("levels", index), level) for index, level in enumerate(self.levels))]

    def side_inputs(self) -> tuple[tuple[str, str], ...]:
        """(name, role) of its inputs beside `from`: hiding alarms, arming stream, rules."""
        arms = self.armed.while_ if self.armed else None
        return (
            *((name, "suppressed_by") for name in self.hiders),
            *(((arms, "armed"),) if arms else ()),
            *(((self.rules, "rules"),) if self.rules else ()),
        )
