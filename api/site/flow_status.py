"""The running flows: their status addresses, asked for health, metrics and graph."""

import asyncio
import http.client
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
from prometheus_client.parser import text_string_to_metric_families

DEADLINE = 2.0
KEEP = 1.0
LARGEST_ANSWER = 4 << 20


class FlowCount(msgspec.Struct):
    """Events that passed a source or sink since the flow started, and their rate per second.

    The rate is over the time between the last two queries.
    """

    events: float
    rate: float | None


class FlowBox(msgspec.Struct):
    """A source, stream, alarm, sink or topic of a flow; `lines` say what it does."""

    name: str
    kind: str
    lines: list[str] = []


class FlowGraph(msgspec.Struct):
    """The graph of a flow; an arrow is where events come from, where they go, and in which role."""

    boxes: list[FlowBox] = []
    arrows: list[tuple[str, str, str]] = []


class DetectorView(msgspec.Struct):
    """The model that looks at the pictures of a camera source, as its file describes it."""

    model: str = ""
    licence: str = ""
    device: str = ""


class FlowView(msgspec.Struct):
    """One flow: `status` is ok, behind, blind or down.

    `waiting_for` names what it waits for: behind, only sinks wait and alarms are evaluated; blind,
    they are not, or not all. Down means that there is no answer at its address. `dropped` counts
    what steps left out, as `step: reason`. By source: `lag` is the number of records of its topic
    that the flow has not read yet, `age` the seconds since the newest event that it read arrived.
    By sink: `sink_lag` is the number of records in its outbox, `sink_age` the seconds since the
    oldest of them came. `detectors`: by camera source, what looks at its pictures.
    """

    address: str
    status: str
    flow: str | None = None
    detail: str | None = None
    waiting_for: dict[str, str] = {}
    counts: dict[str, FlowCount] = {}
    dropped: dict[str, float] = {}
    connectors: dict[str, bool] = {}
    lag: dict[str, float] = {}
    age: dict[str, float] = {}
    sink_lag: dict[str, float] = {}
    sink_age: dict[str, float] = {}
    graph: FlowGraph | None = None
    detectors: dict[str, DetectorView] = {}


class FlowStatus:
    """Ask the flows on demand, at most once a second; keeps the last counts for the rates."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses
        self._views: list[FlowView] = []
        self._asked = 0.0
        self._before: dict[str, tuple[float, dict[str, float]]] = {}
        self._asking = asyncio.Lock()

    async def all(self) -> list[FlowView]:
        """One view for each address of the site file."""
        async with self._asking:
            if not self._views or time.monotonic() - self._asked > KEEP:
                self._views = list(
                    await asyncio.gather(*(self._ask(address) for address in self._addresses))
                )
                self._asked = time.monotonic()
            return self._views

    async def _ask(self, address: str) -> FlowView:
        try:
            health = await asyncio.to_thread(_get, address, "/health")
            metrics = await asyncio.to_thread(_get, address, "/metrics")
            state = msgspec.json.decode(health, type=_Health)
            samples = list(_samples(metrics.decode()))
            graph = await asyncio.to_thread(_get_graph, address)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return FlowView(
                address,
                "down",
                detail=f"no answer at {address} ({type(error).__name__}); does the flow run?",
            )
        view = FlowView(
            address,
            state.status,
            state.flow,
            waiting_for=state.waiting_for,
            graph=graph,
            detectors=state.detectors,
        )
        events: dict[str, float] = {}
        for name, labels, value in samples:
            if name == "vigie_events_total":
                events[labels.get("name", "")] = value
            elif name == "vigie_counted_total":
                view.dropped[f"{labels.get('step', '')}: {labels.get('reason', '')}"] = value
            elif name == "vigie_connector_up":
                view.connectors[labels.get("name", "")] = bool(value)
            elif name == "vigie_source_lag_records":
                view.lag[labels.get("name", "")] = value
            elif name == "vigie_source_age_seconds":
                view.age[labels.get("name", "")] = value
            elif name == "vigie_sink_lag_records":
                view.sink_lag[labels.get("name", "")] = value
            elif name == "vigie_sink_age_seconds":
                view.sink_age[labels.get("name", "")] = value
        now = time.monotonic()
        then, before = self._before.get(address, (now, {}))
        self._before[address] = (now, events)
        for name, count in events.items():
            known = name in before and now > then and count >= before[name]
            view.counts[name] = FlowCount(
                count, round((count - before[name]) / (now - then), 3) if known else None
            )
        return view


class _Health(msgspec.Struct):
    flow: str
    status: str
    waiting_for: dict[str, str] = {}
    detectors: dict[str, DetectorView] = {}


def _get(address: str, path: str) -> bytes:
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=DEADLINE)
    try:
        connection.request("GET", path)
        return connection.getresponse().read(LARGEST_ANSWER)
    finally:
        connection.close()


def _get_graph(address: str) -> FlowGraph | None:
    """None where the flow is of a version that has none."""
    try:
        return msgspec.json.decode(_get(address, "/graph"), type=FlowGraph)
    except msgspec.DecodeError:
        return None


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
