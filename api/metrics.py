"""Counters and gauges of the api, for Prometheus."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from connectors.runtime.supervisor import Ask, NoSupervisor, ask
from connectors.runtime.tracing.span_counts import SpanCounts
from connectors.runtime.tracing.traces import Traces

__all__ = ["CONTENT_TYPE_LATEST", "Metrics", "joined"]


PATIENCE = 1.0


class _Flows(Collector):
    """1 for each flow that evaluates its alarms, 0 for one that is gone, blind or stopped."""

    def __init__(self, words: Callable[[], Mapping[str, str]]) -> None:
        self._words = words

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One sample a process of a flow."""
        text = "1 while the flow evaluates its alarms; status says what it is"
        family = GaugeMetricFamily("vigie_api_flow_up", text, labels=["flow", "status"])
        for flow, word in self._words().items():
            family.add_metric([flow, word], float(word in ("ok", "behind")))
        yield family


class _Reloaded(msgspec.Struct):
    name: str
    version: str | None = None
    error: str | None = None
    reloads: dict[str, int] = {}


class _Site(msgspec.Struct):
    flows: list[_Reloaded] = []


class _Reloads(Collector):
    """Asks the supervisor when Prometheus asks; nothing while that does not answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Reloads by flow and result, and which flows run something else than was saved last."""
        try:
            site = msgspec.json.decode(ask(self._folder, Ask(), PATIENCE), type=_Site)
        except NoSupervisor:
            return
        reloads = CounterMetricFamily(
            "vigie_api_reloads",
            "Versions of a flow that were saved: ok, refused by the check, or returned from",
            labels=["flow", "result"],
        )
        refused = GaugeMetricFamily(
            "vigie_api_saved_version_refused",
            "1 while what was saved last does not run; version is what does",
            labels=["flow", "version"],
        )
        for flow in site.flows:
            for result, count in flow.reloads.items():
                reloads.add_metric([flow.name, result], count)
            refused.add_metric([flow.name, flow.version or ""], float(flow.error is not None))
        yield reloads
        yield refused


class _Processes(Collector):
    """Families of several processes, each sample with the label `process`."""

    def __init__(
        self, texts: Mapping[str, str], hidden: Callable[[Mapping[str, str]], bool]
    ) -> None:
        self._texts, self._hidden = texts, hidden

    def collect(self) -> Iterator[Metric]:
        """One family a name, whatever number of processes has it."""
        families: dict[str, Metric] = {}
        for process, text in self._texts.items():
            for family in text_string_to_metric_families(text):
                whole = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    if not self._hidden(sample.labels):
                        labels = {**sample.labels, "process": process}
                        whole.add_sample(sample.name, labels, sample.value)
        yield from families.values()


def joined(texts: Mapping[str, str], hidden: Callable[[Mapping[str, str]], bool]) -> bytes:
    """One text of those that processes have at `/metrics`, without samples of `hidden` labels."""
    return generate_latest(_Processes(texts, hidden))


class Metrics:
    """One registry per app, so that several apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.pushed = self._counter("pushed", "Events handed to clients")
        self.coalesced = self._counter(
            "coalesced", "Readings replaced by a newer one before a slow client took them"
        )
        self.closed = Counter(
            "vigie_api_closed", "Connections this server closed", ["code"], registry=self.registry
        )
        self.browser_push = Counter(
            "vigie_api_browser_push",
            "Notifications to browsers: sent, gone (the browser is forgotten), failed, held back in"
            " a flood, dropped because too many waited",
            ["result"],
            registry=self.registry,
        )
        self.logins = Counter(
            "vigie_api_logins", "Login attempts", ["outcome"], registry=self.registry
        )
        self.records = Counter(
            "vigie_api_records", "Records read from topics", ["topic"], registry=self.registry
        )
        self.undecodable = Counter(
            "vigie_api_undecodable",
            "Records that could not be read",
            ["topic"],
            registry=self.registry,
        )
        self.reconnects = self._counter("broker_reconnects", "Times the broker was lost")

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge whose value is read when Prometheus asks."""
        Gauge(f"vigie_api_{name}", text, registry=self.registry).set_function(read)

    def by_flow(self, words: Callable[[], Mapping[str, str]]) -> None:
        """Add what each flow of the site is, read when Prometheus asks."""
        self.registry.register(_Flows(words))

    def by_reloads(self, supervisor: Path) -> None:
        """Add what `vigie up` took and refused; it is asked in its folder."""
        self.registry.register(_Reloads(supervisor))

    def spans(self, traces: Traces) -> None:
        """Add how many spans the receiver of traces has taken."""
        self.registry.register(SpanCounts(traces, "vigie_api_spans", {}))

    def total(self, counter: Counter) -> float:
        """The sum of a counter over all its labels."""
        return sum(
            s.value
            for family in counter.collect()
            for s in family.samples
            if s.name.endswith("_total")
        )

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"vigie_api_{name}", text, registry=self.registry)
