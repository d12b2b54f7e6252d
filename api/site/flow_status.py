"""The flows of the site: what they announce, and what those that can be reached answer."""

import asyncio
import http.client
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import joined
from api.permissions.private_rules import PRIVATE_PREFIX
from connectors.camera.state import trouble_of
from connectors.runtime.announcement import REMOVED, TABLE, TRUE_FOR, Announcement
from operators.events import Event, Row

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


class CameraState(msgspec.Struct):
    """What a camera of a flow tells of itself.

    `online`: it sends pictures, or does not `since` then (epoch seconds). `trouble` says what is
    wrong.
    """

    name: str
    flow: str
    source: str
    online: bool
    since: float | None = None
    trouble: str | None = None
    page: str | None = None


class FlowView(msgspec.Struct):
    """One flow: `status` is ok, behind, blind, starting, stopped, gone or down.

    It is `stopped` after it was asked to, `gone` where nothing was heard of it any more since
    `heard`, `down` where there is no answer at its address. `version` is what runs, `since` when it
    began (epoch seconds). `waiting_for` names what it waits for: behind, only sinks wait and alarms
    are evaluated; blind, they are not, or not all. `dropped` counts what steps left out, as
    `step: reason`. By source: `lag` is the number of records of its topic that the flow has not
    read yet, `age` the seconds since the newest event that it read arrived.
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
    version: str | None = None
    since: float | None = None
    heard: float | None = None


class _LastWord(NamedTuple):
    """An announcement, and since when nothing was heard after it, by the monotonic clock."""

    said: Announcement
    since: float


class FlowStatus:
    """The flows that announce themselves, and those at the addresses of the site file.

    Those that answer on this machine are asked on demand, at most once a second; the last counts
    are kept for the rates.
    """

    def __init__(
        self,
        addresses: list[str],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._addresses = addresses
        self._clock, self._monotonic = clock, monotonic
        self._host = socket.gethostname()
        self._announced: dict[str, _LastWord] = {}
        self._views: list[FlowView] = []
        self._cameras: dict[str, list[CameraState]] = {}
        self._asked = 0.0
        self._before: dict[str, tuple[float, dict[str, float]]] = {}
        self._asking = asyncio.Lock()
        self._metrics = b""
        self._scraped = 0.0

    def collect(self, events: Iterable[Event]) -> None:
        """Take what flows announce, among events for the api.

        How old an announcement is counts from when it came: a clock that is set back later hides no
        silence, and what comes after that is no older than what came before.
        """
        for event in events:
            if isinstance(event, Row) and event.table == TABLE:
                try:
                    said = msgspec.convert(event.values, Announcement)
                except msgspec.ValidationError:
                    continue  # of another release
                since = self._monotonic() - max(0.0, self._clock() - said.at)
                known = self._announced.get(said.id)
                if known is not None and known.since > since:
                    continue
                if said.status == REMOVED:
                    self._announced.pop(said.id, None)
                else:
                    self._announced[said.id] = _LastWord(said, since)

    def words(self) -> dict[str, str]:
        """The status of each process that announced itself, without asking anybody."""
        return {id: self._word(last) for id, last in sorted(self._announced.items())}

    async def all(self) -> list[FlowView]:
        """One view for each process that announced itself, and each other address."""
        async with self._asking:
            if not self._views or time.monotonic() - self._asked > KEEP:
                last = [self._announced[id] for id in sorted(self._announced)]
                known = self._addresses_here()
                others = [one for one in self._addresses if one not in known]
                self._views = [
                    *await asyncio.gather(*(self._view(one) for one in last)),
                    *await asyncio.gather(*(self._ask(address) for address in others)),
                ]
                self._asked = time.monotonic()
            return self._views

    async def cameras(self) -> list[CameraState]:
        """The cameras of all flows on this machine, by name."""
        answering = {view.address for view in await self.all() if view.status != "down"}
        found = [one for key in answering for one in self._cameras.get(key, ())]
        return sorted(found, key=lambda one: (one.name, one.flow))

    async def metrics(self) -> bytes:
        """The metrics of every process on this machine, in Prometheus' text format.

        Pages and alarms that people made are left out: who asks shows no token.
        """
        async with self._asking:
            if time.monotonic() - self._scraped > KEEP or not self._scraped:
                near = {
                    id: last.said.address
                    for id, last in sorted(self._announced.items())
                    if last.said.address and self._is_near(last)
                }
                known = self._addresses_here()
                near |= {one: one for one in self._addresses if one not in known}
                texts = await asyncio.gather(
                    *(asyncio.to_thread(_get_metrics, address) for address in near.values())
                )
                found = dict(zip(near, texts, strict=True))
                self._metrics = await asyncio.to_thread(joined, found, _is_private)
                self._scraped = time.monotonic()
            return self._metrics

    def _addresses_here(self) -> set[str | None]:
        said = (last.said for last in self._announced.values())
        return {one.address for one in said if one.host == self._host}

    def _is_near(self, last: _LastWord) -> bool:
        return last.said.host == self._host and self._word(last) not in ("stopped", "gone")

    def _word(self, last: _LastWord) -> str:
        if last.said.status != "stopped" and self._monotonic() - last.since > TRUE_FOR:
            return "gone"
        return last.said.status

    async def _view(self, last: _LastWord) -> FlowView:
        """What a process announced, with what it answers if it is on this machine."""
        said, word = last.said, self._word(last)
        view = FlowView(said.address or "", word, said.flow)
        if said.address and self._is_near(last):
            asked = await self._ask(said.address)
            view = view if asked.status == "down" else asked
        if word == "gone":
            view.status = word
            view.detail = (
                f"nothing was heard of {said.id} on {said.host or 'its machine'} for"
                f" {self._monotonic() - last.since:.0f} s: its alarms are not evaluated. Start it"
                " again; `vigie status` and its log say why it ended"
            )
        if not view.counts:
            view.waiting_for, view.lag, view.age = said.waiting_for, said.lag, said.age
            view.sink_lag, view.sink_age = said.sink_lag, said.sink_age
        view.version, view.since, view.heard = said.version, said.since, said.at
        return view

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
        self._cameras[address] = list(_cameras_of(state))
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
    cameras: dict[str, dict[str, dict[str, Any]]] = {}


def _cameras_of(state: _Health) -> Iterator[CameraState]:
    for source, cameras in state.cameras.items():
        for name, one in cameras.items():
            yield CameraState(
                name,
                state.flow,
                source,
                bool(one.get("online")),
                one.get("since"),
                trouble_of(one),
                one.get("page"),
            )


def _get(address: str, path: str) -> bytes:
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=DEADLINE)
    try:
        connection.request("GET", path)
        return connection.getresponse().read(LARGEST_ANSWER)
    finally:
        connection.close()


def _get_metrics(address: str) -> str:
    """Nothing where no flow answers."""
    try:
        text = _get(address, "/metrics").decode()
        list(_samples(text))
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    return text


def _is_private(labels: Mapping[str, str]) -> bool:
    names = [labels.get("page", ""), *labels.get("rule", "").split("/")]
    return any(name.startswith(PRIVATE_PREFIX) for name in names)


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
