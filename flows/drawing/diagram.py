"""The diagram of one or several flows: boxes, arrows, and the topics between flows."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.config.document import Document
from connectors.kafka.topic_names import DEFAULT_NAMES, TopicNames
from flows.language.model import Flow, SinkBase, SourceBase, inputs, origin
from flows.language.outbox import with_outbox
from operators.model.units import Some

Kind = Literal["source", "stream", "alarm", "sink", "topic"]
LINE = 44


@dataclass(frozen=True)
class Box:
    """A box, whose first line is its name; `flow` is None for a topic, which belongs to no flow."""

    id: str
    kind: Kind
    flow: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Arrow:
    """Events go from one box to another; `label` is the role, or the side output."""

    start: str
    end: str
    label: str = ""


@dataclass
class Picture:
    """Boxes and arrows, in the order of the files."""

    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)

    def add(self, box: Box) -> str:
        """Add a box, unless one with its id is there, and return the id."""
        self.boxes.setdefault(box.id, box)
        return box.id

    def join(self, start: str, end: str, label: str = "") -> None:
        """Add an arrow, once."""
        arrow = Arrow(start, end, label)
        if arrow not in self.arrows:
            self.arrows.append(arrow)

    def flows(self) -> list[str]:
        """The names of the flows, each once."""
        return list(dict.fromkeys(box.flow for box in self.boxes.values() if box.flow is not None))


def draw(
    flows: Sequence[tuple[Document, Flow]],
    names: TopicNames = DEFAULT_NAMES,
    columns: Collection[str] = (),
    foreign: Collection[str] = (),
) -> Picture:
    """Make the picture of flows that were read together; `names` are those of the site's topics.

    `columns` are the sources, as `FLOW/SOURCE`, that bring their readings as columns, `foreign`
    those of which it matters that they are not keyed by Vigie.
    """
    picture = Picture()
    for document, flow in flows:
        _add_flow(picture, document, flow, names, columns, foreign)
    read = {arrow.start for arrow in picture.arrows}
    if f"topic/{names.alarms}" in read:
        for _, flow in flows:
            for name in flow.alarms:
                picture.join(f"{flow.flow}/{name}", f"topic/{names.alarms}")
    return picture


def _add_flow(
    picture: Picture,
    document: Document,
    flow: Flow,
    names: TopicNames,
    columns: Collection[str],
    foreign: Collection[str],
) -> None:
    for name, source in flow.sources.items():
        keyed = ("not keyed by Vigie",) if f"{flow.flow}/{name}" in foreign else ()
        box = picture.add(
            Box(f"{flow.flow}/{name}", "source", flow.flow, (name, *_connector(source), *keyed))
        )
        for topic in _topics(source.settings) if source.kind == "topic" else ():
            picture.join(_topic(picture, topic), box)
    for name in flow.streams:
        steps = _steps(document, name)
        picture.add(Box(f"{flow.flow}/{name}", "stream", flow.flow, (name, *steps)))
    for name, alarm in flow.alarms.items():
        condition = document.root.get("alarms") if document.root else None
        node = condition.get(name) if condition else None
        when = node.get("when") if node else None
        what = (
            _fit("when " + _brief(when.plain(), True))
            if when is not None
            else f"rules of {alarm.rules}"
        )
        priority = (
            alarm.priority if isinstance(alarm.priority, str) else f"column {alarm.priority.column}"
        )
        picture.add(
            Box(f"{flow.flow}/{name}", "alarm", flow.flow, (name, what, f"priority {priority}"))
        )
        if alarm.rules is not None:
            picture.join(f"{flow.flow}/{alarm.rules}", f"{flow.flow}/{name}", "rules")
    for name, sink in flow.sinks.items():
        _add_sink(picture, flow, name, sink, names)
    for section in ("streams", "alarms", "sinks"):
        for name, entry in getattr(flow, section).items():
            for read, label in _reads(entry.from_):
                for start in list(flow.alarms) if read == "alarms" else [origin(read)]:
                    side = read.removeprefix(origin(read))
                    side = side or ("columns" if f"{flow.flow}/{start}" in columns else "")
                    picture.join(f"{flow.flow}/{start}", f"{flow.flow}/{name}", label or side)


def _add_sink(picture: Picture, flow: Flow, name: str, sink: SinkBase, names: TopicNames) -> None:
    lines = (name, *_connector(sink), *(["from its outbox"] if name in with_outbox(flow) else []))
    box = picture.add(Box(f"{flow.flow}/{name}", "sink", flow.flow, lines))
    if sink.kind == "topic":
        for topic_name in _topics(sink.settings):
            picture.join(box, _topic(picture, topic_name))
    elif sink.kind == "websocket":
        picture.join(box, _topic(picture, names.push))


def _topic(picture: Picture, name: str) -> str:
    return picture.add(Box(f"topic/{name}", "topic", None, (name,)))


def _topics(settings: Any) -> list[str]:
    names: Some = settings.name
    return [names] if isinstance(names, str) else list(names)


def _reads(value: str | list[str] | dict[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((name, role) for role, name in value.items())
    else:
        yield from ((name, "") for name in inputs(value))


TARGETS = ("topics", "tables", "each", "path", "name", "table", "bucket", "channel", "topic", "to")


def _connector(entry: SourceBase | SinkBase) -> tuple[str, ...]:
    settings = entry.settings
    written = dict(settings)
    keys = ("connection",) if entry.kind == "webhook" else TARGETS  # its path may hold a secret
    target = next((_brief(written[key]) for key in keys if written.get(key) is not None), "")
    lines = [_fit(f"{entry.kind}: {target}" if target else entry.kind)]
    if entry.profile is not None:
        lines.append(f"profile {entry.profile}")
    return tuple(lines)


def _steps(document: Document, stream: str) -> list[str]:
    node = document.root
    for key in ("streams", stream, "steps"):
        node = node.get(key) if node else None
    lines = []
    for _, _, step in node.children() if node else ():
        written = {key: value for key, value in step.plain().items() if key not in ("id", "was")}
        lines.append(_fit(_brief(written, True)))
    return lines


def _brief(value: Any, open_: bool = False) -> str:
    """A value as a definition writes it in one line; with `open_`, the outer map without braces."""
    if isinstance(value, dict):
        inner = ", ".join(
            f"{key}: {_brief(item)}" if item is not None else str(key)
            for key, item in value.items()
        )
        return inner if open_ else f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return (
            f"[{', '.join(_brief(item) for item in value)}]"
            if len(value) != 1
            else _brief(value[0])
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fit(text: str) -> str:
    return text if len(text) <= LINE else text[: LINE - 1] + "…"


def as_json(picture: Picture) -> str:
    """The picture for programs, with names without the flow's.

    `{"boxes": [{"name", "kind", "lines"}], "arrows": [[start, end, label]]}`.
    """
    boxes = [
        {
            "name": box.id.partition("/")[2] if box.flow else box.id,
            "kind": box.kind,
            "lines": box.lines[1:],
        }
        for box in picture.boxes.values()
    ]
    named = {id: box["name"] for id, box in zip(picture.boxes, boxes, strict=True)}
    arrows = [(named[arrow.start], named[arrow.end], arrow.label) for arrow in picture.arrows]
    return json.dumps({"boxes": boxes, "arrows": arrows}, ensure_ascii=False)


def mermaid(picture: Picture) -> str:
    """The picture as Mermaid text, for pages and issues that draw it."""
    names = {box: f"n{number}" for number, box in enumerate(picture.boxes)}
    shapes = {
        "source": ('(["', '"])'), "stream": ('["', '"]'), "alarm": ('{{"', '"}}'),
        "sink": ('[/"', '"/]'),
        "topic": ('[("', '")]'),
    }  # fmt: skip
    lines = ["flowchart LR"]
    for flow in [*picture.flows(), None]:
        if flow is not None:
            lines.append(f"  subgraph flow_{flow} [{flow}]")
        for box in picture.boxes.values():
            if box.flow == flow:
                opening, closing = shapes[box.kind]
                lines.append(
                    f"    {names[box.id]}{opening}{'<br/>'.join(map(_entity, box.lines))}{closing}"
                    f":::{box.kind}"
                )
        if flow is not None:
            lines.append("  end")
    for arrow in picture.arrows:
        label = f'|"{_entity(arrow.label)}"|' if arrow.label else ""
        lines.append(f"  {names[arrow.start]} -->{label} {names[arrow.end]}")
    for kind, (fill, line) in COLOURS.items():
        lines.append(f"  classDef {kind} fill:{fill},stroke:{line},color:#1b1f24")
    return "\n".join(lines) + "\n"


def _entity(text: str) -> str:
    for sign, name in (
        ("&", "&amp;"),
        ('"', "&quot;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("#", "&num;"),
        ("|", "&#124;"),
    ):
        text = text.replace(sign, name)
    return text


COLOURS: dict[Kind, tuple[str, str]] = {
    "source": ("#ddf4e4", "#2f7d4f"),
    "stream": ("#e3edfb", "#3b6ea8"),
    "alarm": ("#fde3e0", "#b3402f"),
    "sink": ("#fdf1d3", "#94700f"),
    "topic": ("#efe6fa", "#6f4aa3"),
}
"""Fill and outline of each kind of box."""
