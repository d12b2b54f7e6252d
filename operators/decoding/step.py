"""The step `decode`: messages of devices and rows of databases become readings and occurrences."""

import difflib
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticKnownError

from operators.component import Operator, StepContext
from operators.decoding.catalogue import NAMES
from operators.decoding.logic import DecodeLogic

if TYPE_CHECKING:
    Codec = str
else:
    Codec = Literal[("auto", *sorted(NAMES))]


_WORDS: dict[str, Any] = {
    "anyOf": [
        {"enum": ["auto", *sorted(NAMES)]},
        {"type": "string", "pattern": r"^[a-z][a-z0-9_]*$"},
    ]
}


_ALMOST = 0.85


def mistaken_for(name: str) -> str | None:
    """The dialect for which a name would be taken; None for it itself, and for one of its own."""
    near = difflib.get_close_matches(name, NAMES, 1, _ALMOST)
    return near[0] if near and name not in NAMES else None


def _no_misspelling(name: str) -> str:
    if mistaken_for(name) is not None:
        known = ", ".join(repr(one) for one in ("auto", *sorted(NAMES)))
        raise PydanticKnownError("literal_error", {"expected": known})
    return name


class Decode(Operator):
    """Turns raw messages and database rows into readings and occurrences.

    `auto` finds the dialect by the topic, then by the shape of the payload:

    {dialects}

    A definition can have dialects of its own under `dialects`; `auto` tries those first.

    Numbers come out in one unit per metric (°C, %, hPa, W, kWh, V, A, …), two-state values as 1 and
    0. What is no value (null, NaN, `unavailable`, out of its physical range) has quality `bad`; an
    old value replayed by the broker has `stale`, and so have the last values of a device that goes
    offline.

    What cannot be decoded goes to `NAME.errors` with its bytes and a reason: too_large (over 256
    KiB), not_utf8, bad_json, too_deep (over 32 levels), bad_shape, unsupported, undecoded,
    unresolved, unrecognised. Commands, logs and other messages without data are left out and
    counted as `ignored`. Events that are decoded already pass unchanged.
    """

    NAME: ClassVar[str] = "decode"
    SHORT: ClassVar[str | None] = "as"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "decode: zigbee2mqtt",
        "decode: auto",
        "decode: {as: json, time: measured_at}",
    )

    as_: Annotated[str, AfterValidator(_no_misspelling), WithJsonSchema(_WORDS)] = Field(
        "auto",
        alias="as",
        description="How the devices speak: one of these, or a dialect of the definition's own.",
        examples=["zigbee2mqtt", "auto"],
    )
    time: str | None = Field(
        None,
        description=(
            "Field of a JSON payload (`meta.ts` for a nested one) or column of a row that holds the"
            " event time: ISO 8601, or an epoch in s, ms or µs. Default: the field the dialect has"
            " for it, else the time of receipt."
        ),
        examples=["measured_at"],
        min_length=1,
    )

    @property
    def takes_columns(self) -> bool:
        """Rows of a recorder, which need not be whole."""
        return self.as_ == "home_assistant_recorder" and self.time is None

    def logic(self, context: StepContext) -> DecodeLogic:
        """Make the step's logic for one shard."""
        return DecodeLogic(self.as_, self.time.split(".") if self.time else [], context)
