"""The `tests:` of a definition: what is given and done at which moment, and what must follow."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, create_model, field_validator, model_validator

from operators.component import Spec
from operators.model.units import Duration

COMMANDS = (
    "ack", "unack", "shelve", "unshelve", "suppress", "unsuppress", "out_of_service", "in_service",
    "reset", "clear", "retire", "comment",
    "break", "mend", "restart",
)  # fmt: skip
MOST_TIMES = 100_000
_OTHERS = {
    "break": "The sink it acts on.", "mend": "The sink it acts on.",
    "restart": "Stops the flow and goes on from its state under the definition in this file.",
}  # fmt: skip


class DoBase(Spec):
    """What a person does to an alarm, what happens to a sink, or an edited definition."""

    by: str | None = Field(None, description="Who does it.", examples=["user/marie"])
    for_: Duration | None = Field(None, alias="for", description="How long, for `shelve`.")
    note: str | None = Field(None, description="A comment.")
    subject: str | None = Field(None, description="Only this subject's alarm; all when left out.")
    refused: str | None = Field(
        None,
        description="That it is refused, with this reason; without, being refused fails the test.",
        examples=["shelve_too_long"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_command(self) -> Any:
        given = [command for command in COMMANDS if getattr(self, command + "_") is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of: {', '.join(COMMANDS)}")
        return self

    @property
    def command(self) -> tuple[str, str]:
        """The command and the name of what it acts on: `("ack", "too_hot")`."""
        word = next(command for command in COMMANDS if getattr(self, command + "_") is not None)
        return word, getattr(self, word + "_")

    @property
    def restarts(self) -> bool:
        """Whether the flow goes on under another definition, whose file it names."""
        return self.command[0] == "restart"


if TYPE_CHECKING:
    Do = DoBase
else:
    Do = create_model(
        "Do",
        __base__=DoBase,
        __doc__=DoBase.__doc__,
        **{
            word + "_": (
                str | None,
                Field(
                    None,
                    alias=word,
                    description=_OTHERS.get(word, "The alarm it acts on."),
                ),
            )
            for word in COMMANDS
        },
    )


class Play(Spec):
    """One moment of a test."""

    at: Duration = Field(description="When, from the start of the test.", examples=["2min"])
    every: Duration | None = Field(
        None, gt=0, description="Gives again after this long.", examples=["30s"]
    )
    until: Duration | None = Field(None, description="End of the repetition.", examples=["5min"])
    given: dict[str, dict[str, Any] | list[dict[str, Any]]] | None = Field(
        None,
        description=(
            "What sources receive: an event with `subject`, or `raw` as the device sends it."
        ),
    )
    do: Literal["restart"] | Do | None = Field(
        None, description="What a person does, or `restart`."
    )
    expect: dict[str, Any] | None = Field(
        None,
        description=(
            "An alarm's state, or what a stream or sink has produced since it was last looked at."
        ),
    )

    def times(self) -> list[float]:
        """The seconds at which it gives."""
        if self.every is None or self.until is None:
            return [self.at]
        count = math.floor((self.until - self.at) / self.every + 1e-9) + 1
        return [round(self.at + number * self.every, 6) for number in range(count)]

    @model_validator(mode="after")
    def _says_something(self) -> Any:
        if self.given is None and self.do is None and self.expect is None:
            raise ValueError("needs one of: given, do, expect")
        if (self.every is None) != (self.until is None):
            raise ValueError("'every' and 'until' go together")
        if self.until is not None and self.every is not None:
            if self.until < self.at:
                raise ValueError("'until' is earlier than 'at'")
            if self.until - self.at > self.every * MOST_TIMES:
                raise ValueError(
                    f"this gives more than {MOST_TIMES:,} times; a shorter test shows as much"
                )
            if self.given is None or self.do is not None or self.expect is not None:
                raise ValueError(
                    "'every' repeats what is given only; write 'do' and 'expect' in an entry of"
                    " their own"
                )
        return self


class Test(Spec):
    """A test of this flow on a virtual clock."""

    __test__: ClassVar[bool] = False

    test: str = Field(min_length=1, description="What is shown, in a sentence.")
    play: list[Play] = Field(min_length=1, description="The moments, in order of time.")
    profile: str | None = Field(None, description="The profile to test.")
    start: str | None = Field(
        None,
        description="Time at the start, in the site's time zone.",
        examples=["2026-01-05T19:00:00"],
    )

    @field_validator("start")
    @classmethod
    def _a_time(cls, value: str | None) -> str | None:
        try:
            datetime.fromisoformat(value or "2026-01-01")
        except ValueError:
            raise ValueError(f"{value!r} is not a time; write it as 2026-01-05T19:00:00") from None
        return value

    def definitions(self) -> list[str]:
        """The files of other definitions under which the flow goes on in this test."""
        done = (play.do for play in self.play)
        return [one.command[1] for one in done if isinstance(one, DoBase) and one.restarts]
