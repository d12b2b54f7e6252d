"""Counters and gauges of the api, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]


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
