"""How many spans a receiver of traces has taken, and how many were dropped, as a metric."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from connectors.runtime.tracing.traces import Traces


class SpanCounts(Collector):
    """The counter `name`, with the label `outcome` beside the given ones."""

    def __init__(self, traces: Traces, name: str, labels: Mapping[str, str]) -> None:
        self._traces, self._name, self._labels = traces, name, labels

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Spans that were sent, and that were dropped."""
        text = "Spans of followed events: sent to the receiver of traces, or dropped."
        family = CounterMetricFamily(self._name, text, labels=[*self._labels, "outcome"])
        for outcome, count in (("sent", self._traces.sent), ("dropped", self._traces.dropped)):
            family.add_metric([*self._labels.values(), outcome], count)
        yield family
