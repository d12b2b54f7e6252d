"""Dialects of one's own, as a definition writes them under `dialects`."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from operators.component import Spec
from operators.decoding.dialect import Dialect, Expects, Read, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.parse import Undecodable
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name
from operators.model.units import Word

WHOLE = "."
_NAME = re.compile(r"\{([^{}]*)\}")
_LEVEL = re.compile(r"\{(\w+)\}|([^{}]+)", re.ASCII)
_MOST_ITEMS = 1000
_MISSING = object()
_RESERVED = ("topic", "key")
_NOT_A_PATH = re.compile(r"^\$\.|\[\d*\]|[{}]|^\.\.|\.\.|.\.$|^\..", re.ASCII)


def _checked_path(text: str | None) -> str | None:
    """A path through a payload. Raises ValueError with the remedy."""
    if text is not None and text != WHOLE and _NOT_A_PATH.search(text):
        raise ValueError(
            f"{text!r} is no path: write the keys with a dot between, as sensors.0.t, or . for all"
        )
    return text


def _checked_template(text: str | None) -> str | None:
    """A text with paths and words of the topic in braces. Raises ValueError with the remedy."""
    if text is None:
        return None
    if any(brace in _NAME.sub("", text) for brace in "{}"):
        raise ValueError(f"{text!r}: a name or path stands in braces, as {{device}}")
    for name in _NAME.findall(text):
        if not name:
            raise ValueError(f"{text!r}: expected a name or path between the braces")
        _checked_path(name)
    return text


Path = Annotated[str, Field(min_length=1), AfterValidator(_checked_path)]
Template = Annotated[str, Field(min_length=1), AfterValidator(_checked_template)]


class OwnReading(Spec):
    """One reading: where its value stands, and what it is.

    A path such as `sensors.0.t` leads through the payload, `.` is all of it. Texts may name words
    of the topic and paths: `{device}`, `{meta.unit}`.
    """

    metric: Template = Field(
        description="The metric (`vigie docs decode` lists them), or where its name stands.",
        examples=["temperature", "{type}"],
    )
    value: Path = Field(WHOLE, description="Path of the value.", examples=["sensors.t", "."])
    unit: Template | None = Field(
        None,
        description="Unit of the value, or where it stands. Default: the metric's own.",
        examples=["°F", "{unit}"],
    )
    endpoint: Template | None = Field(
        None, description="Part of the device that it is about.", examples=["probe {n}"]
    )
    on: Word | list[Word] | None = Field(None, description="Words that mean on.", examples=["OPEN"])
    off: Word | list[Word] | None = Field(
        None, description="Words that mean off.", examples=["SHUT"]
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if "{" in self.metric:
            return self
        if self.metric not in METRICS:
            known = metric_of(self.metric)
            raise ValueError(
                f"{self.metric!r} is no metric"
                + (f"; did you mean {known!r}?" if known else f"; known: {', '.join(METRICS)}")
            )
        kind = METRICS[self.metric].kind
        if self.unit and "{" not in self.unit and kind != "any":
            if kind != "number":
                raise ValueError(f"{self.metric} has no unit; leave {self.unit!r} out")
            if values.conversion(self.metric, self.unit) is None:
                own = METRICS[self.metric].unit
                raise ValueError(
                    f"{self.unit!r} is no unit of {self.metric}"
                    + (f", whose unit is {own}" if own else ", which has none")
                )
        if (self.on is not None or self.off is not None) and kind not in ("binary", "state"):
            raise ValueError(f"{self.metric} is not on or off; leave 'on' and 'off' out")
        return self

    @model_validator(mode="after")
    def _opposites(self) -> Self:
        on, off = (_listed(words) for words in (self.on, self.off))
        if self.on == [] or self.off == []:
            raise ValueError("give 'on' and 'off' words, or leave them out")
        for word in on:
            if any(word == other and word.__class__ is other.__class__ for other in off):
                raise ValueError(f"{word!r} means on and off; leave it out of one of them")
        return self


class OwnDialect(Spec):
    """How devices of one's own speak: their topics, and where things stand in their payloads."""

    about: str = Field("devices of one's own", description="Who speaks it, in a few words.")
    topics: list[str] = Field(
        description=(
            "Topics of their messages; `{name}` keeps a level under a name, `+` is any level, `#`"
            " at the end any rest."
        ),
        examples=[["grow/{device}/data"]],
        min_length=1,
    )
    subject: Template = Field(
        "{topic}",
        description=(
            "The device: names of the topic and paths in braces, each of which must be there."
            " Default: the topic."
        ),
        examples=["{device}", "{meta.serial}"],
    )
    time: Path | None = Field(
        None,
        description="Path of the time: ISO 8601, or an epoch in s, ms, µs or ns.",
        examples=["meta.ts"],
    )
    each: Path | None = Field(
        None,
        description=(
            "Path of a list, or of a map with its keys as `{key}`: the readings are read from each"
            " entry, paths begin there."
        ),
        examples=["probes"],
    )
    readings: list[OwnReading] = Field(description="What is read.", min_length=1)

    @field_validator("topics")
    @classmethod
    def _topics(cls, topics: list[str]) -> list[str]:
        for topic in topics:
            _pattern(topic)
        return topics

    def dialect(self) -> Dialect:
        """The dialect as `decode` uses it."""
        patterns = [_pattern(topic) for topic in self.topics]
        paths = {one.value for one in self.readings} | {self.time or WHOLE, self.each or WHOLE}
        expects: Expects = "any" if paths == {WHOLE} else "json"

        def route(topic: str, named: bool) -> Route | None:
            for pattern in patterns:
                if (found := pattern.fullmatch(topic)) is not None:
                    return Route(self._reader({**found.groupdict(), "topic": topic}), expects)
            return None

        def read(builder: ReadingBuilder, data: Any) -> None:
            raise Undecodable(
                "unrecognised",
                f"expected a topic {' or '.join(self.topics)}; got {builder.topic!r}",
            )

        named = {one.metric for one in self.readings}
        metrics = frozenset(METRICS) if any("{" in one for one in named) else frozenset(named)
        return Dialect(self.about, route, read, metrics=metrics)

    def _reader(self, words: dict[str, str]) -> Read:
        subject = _template(self.subject, words)
        named = [name for name in _NAME.findall(self.subject) if name not in words]
        made = [_Made.of(one, words) for one in self.readings]

        def read(builder: ReadingBuilder, data: Any) -> None:
            nameless = ""
            for place in _places(data, self.each):
                if self.time is not None:
                    builder.set_time(place.at(self.time))
                if gone := [name for name in named if _is_absent(place.at(name))]:
                    nameless = gone[0]
                    builder.skipped += 1
                    continue
                device = json_name(subject(place))
                for one in made:
                    one.put(builder, device, place)
            if not builder.events:
                wanted = ", ".join(one.settings.value for one in made)
                missing = f"the device's name at {nameless}" if nameless else f"a value at {wanted}"
                raise Undecodable("unrecognised", f"expected {missing}; got none")

        return read


class _Place(NamedTuple):
    """An entry of a payload, the payload around it, and the entry's key in a map."""

    here: Any
    whole: Any
    key: str = ""

    def at(self, path: str) -> Any:
        """What stands at a path, here or else in the whole payload; `_MISSING` where nothing is."""
        if path == "key" and self.key:
            return self.key
        found = _at(self.here, path)
        return _at(self.whole, path) if found is _MISSING else found


class _Made(NamedTuple):
    """One reading whose templates know the words of the topic."""

    settings: OwnReading
    metric: Callable[[_Place], str]
    unit: Callable[[_Place], str]
    endpoint: Callable[[_Place], str]

    @classmethod
    def of(cls, settings: OwnReading, words: dict[str, str]) -> "_Made":
        """Make the reading of one topic."""
        return cls(
            settings,
            _template(settings.metric, words),
            _template(settings.unit or "", words),
            _template(settings.endpoint or "", words),
        )

    def put(self, builder: ReadingBuilder, device: str, place: _Place) -> None:
        """Write the reading, if its value is there."""
        raw = _at(place.here, self.settings.value)
        if raw is _MISSING or raw.__class__ in (dict, list):
            builder.skipped += 1
            return
        name = self.metric(place)
        metric = metric_of(name)
        endpoint = self.endpoint(place)
        if metric is None:
            metric, endpoint = "value", endpoint or name
        subject = at_endpoint(device, endpoint)
        raw = self._on_or_off(raw)
        if metric == "availability":
            builder.put_availability(subject, raw)
        else:
            numeric = METRICS[metric].kind in ("number", "any")
            builder.put(subject, metric, raw, (self.unit(place) or None) if numeric else None)

    def _on_or_off(self, raw: Any) -> Any:
        for words, value in ((self.settings.on, 1.0), (self.settings.off, 0.0)):
            for word in _listed(words):
                if word == raw and (word.__class__ is bool) is (raw.__class__ is bool):
                    return value
        return raw


def _listed(words: Word | list[Word] | None) -> list[Word]:
    if words is None:
        return []
    return words if isinstance(words, list) else [words]


def _pattern(topic: str) -> re.Pattern[str]:
    """The expression of a topic with names and wildcards. Raises ValueError with the remedy."""
    if not topic:
        raise ValueError("a topic is empty; `#` stands for all topics")
    levels = topic.split("/")
    made = []
    for n, level in enumerate(levels):
        if level == "#" and n == len(levels) - 1:
            made.append(".*")
        elif level == "+":
            made.append("[^/]*")
        elif "+" in level or "#" in level:
            raise ValueError(f"{topic!r}: + stands for a whole level, # for the rest at the end")
        elif _LEVEL.sub("", level):
            raise ValueError(f"{topic!r}: a level has a name as {{device}}")
        elif taken := next((at[1] for at in _LEVEL.finditer(level) if at[1] in _RESERVED), None):
            raise ValueError(f"{topic!r}: {{{taken}}} has a meaning already; choose another name")
        else:
            made.append(
                _LEVEL.sub(lambda at: f"(?P<{at[1]}>[^/]+?)" if at[1] else re.escape(at[2]), level)
            )
    try:
        return re.compile("/".join(made))
    except re.error:
        raise ValueError(f"{topic!r}: each name once, beginning with a letter") from None


def _template(text: str, words: dict[str, str]) -> Callable[[_Place], str]:
    """A text whose names in braces are words of the topic or paths; absent ones are empty."""
    if all(name in words for name in _NAME.findall(text)):
        filled = _NAME.sub(lambda name: words[name[1]], text)
        return lambda place: filled

    def fill(place: _Place) -> str:
        return _NAME.sub(lambda name: words.get(name[1]) or _text(place.at(name[1])), text)

    return fill


def _is_absent(value: Any) -> bool:
    return value is _MISSING or value is None or value == ""


def _text(value: Any) -> str:
    return "" if _is_absent(value) else str(value)


def _at(data: Any, path: str) -> Any:
    if path == WHOLE:
        return data
    for key in path.split("."):
        if data.__class__ is dict and key in data:
            data = data[key]
        elif data.__class__ is list and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return _MISSING
    return data


def _places(data: Any, each: str | None) -> Iterator[_Place]:
    """The entries that `each` names; the payload itself without it."""
    found = data if each is None else _at(data, each)
    if each is None:
        yield _Place(data, data)
    elif found.__class__ is dict:
        for key, entry in list(found.items())[:_MOST_ITEMS]:
            yield _Place(entry, data, key)
    elif found.__class__ is list:
        for entry in found[:_MOST_ITEMS]:
            yield _Place(entry, data)
