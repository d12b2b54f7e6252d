"""What an operator can see of a running flow: log lines, metrics, and `/health`, on loopback."""

import json
import logging
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from connectors.base import Health
from connectors.http.host_names import asks_for_us
from connectors.runtime.tracing.span_counts import SpanCounts
from connectors.runtime.tracing.traces import Traces
from flows.vision.recordings import PATHS, Recordings

log = logging.getLogger("vigie")


class Metrics:
    """The flow's metrics. Totals start at zero with the process."""

    def __init__(self, flow: str) -> None:
        self.registry = CollectorRegistry()
        self._flow = flow
        self._events = Counter(
            "vigie_events",
            "Events that passed a source or sink.",
            ["flow", "name"],
            registry=self.registry,
        )
        self._counted = Counter(
            "vigie_counted",
            "Events that a step or connector dropped, refused or noticed, by reason.",
            ["flow", "step", "reason"],
            registry=self.registry,
        )
        self._up = Gauge(
            "vigie_connector_up",
            "1 while the connector's service answers.",
            ["flow", "name"],
            registry=self.registry,
        )

    def began(self, version: str, since: float) -> None:
        """Show which version of the definition this process runs, since when (epoch seconds)."""
        text = "When this process began (epoch seconds), by the version of its definition."
        started = Gauge(
            "vigie_flow_started_seconds", text, ["flow", "version"], registry=self.registry
        )
        started.labels(self._flow, version).set(since)

    def copied(self, age: Callable[[], float]) -> None:
        """Show how old the copy of the saved state in the object store is, in seconds."""
        text = "Seconds since the saved state was last copied to the object store."
        shown = Gauge("vigie_recovery_age_seconds", text, ["flow"], registry=self.registry)
        shown.labels(self._flow).set_function(age)

    def traces(self, traces: Traces) -> None:
        """Show how many parts of ways were sent, and how many nobody took."""
        self.registry.register(SpanCounts(traces, "vigie_spans", {"flow": self._flow}))

    def passed(self, name: str, n: int) -> None:
        """Count events that a source brought or a sink took."""
        self._events.labels(self._flow, name).inc(n)

    def counted(self, step: str, reason: str, n: int) -> None:
        """Count events that a step or connector set aside, by the reason."""
        self._counted.labels(self._flow, step, reason).inc(n)

    def counted_all(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Count what a graph set aside, by (step, reason)."""
        for (step, reason), n in counts.items():
            self.counted(step, reason, n)

    def connector(self, name: str, up: bool) -> None:
        """Show whether a connector works."""
        self._up.labels(self._flow, name).set(up)


def gauge(
    metric: str, text: str, flow: str, figures: Mapping[str, Mapping[str, float]], figure: str
) -> GaugeMetricFamily:
    """The gauge `metric` of one `figure` of each part that has it; `figures` are by its name."""
    family = GaugeMetricFamily(metric, text, labels=["flow", "name"])
    for name, of_part in figures.items():
        if figure in of_part:
            family.add_metric([flow, name], of_part[figure])
    return family


def make_health(flow: str, metrics: Metrics) -> Health:
    """Health whose changes are logged once and shown as a metric."""

    def report(name: str, up: bool, detail: str) -> None:
        metrics.connector(name, up)
        if up:
            log.info("%s: %s %s", flow, name, detail)
        else:
            log.warning("%s: %s waits: %s", flow, name, detail)

    return Health(report)


def status_word(down: Iterable[str], sinks: Container[str]) -> str:
    """`ok`, `behind` while only sinks with an outbox are down, `blind` while anything else is."""
    down = list(down)
    return "ok" if not down else "behind" if all(name in sinks for name in down) else "blind"


class StatusServer:
    """Serves `/metrics`, `/health`, `/live`, `/ready`, `/graph` of one flow process, on loopback.

    `graph` is JSON, `sources` and `sinks` give the figures of each source and of each sink with an
    outbox, `recordings` what its cameras recorded. A flow is `behind` while only such sinks wait,
    and `blind` while something waits without which events or alarms do not pass; then it is not
    ready. It lives whatever waits.
    """

    def __init__(
        self,
        flow: str,
        port: int,
        metrics: Metrics,
        health: Health,
        graph: str = "{}",
        sources: Callable[[], Mapping[str, Mapping[str, float]]] = dict,
        sinks: Callable[[], Mapping[str, Mapping[str, float]]] = dict,
        recordings: Recordings | None = None,
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not asks_for_us(self.headers.get("Host", "localhost"), ()):
                    self._answer(421, "text/plain", b"ask for 127.0.0.1 or localhost\n")
                elif self.path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(metrics.registry))
                elif self.path == "/health":
                    down = dict(health.down)
                    behind = sinks()
                    body = {
                        "flow": flow,
                        "status": status_word(down, behind),
                        "waiting_for": down,
                        "sources": sources(),
                        "detectors": health.detectors,
                        "cameras": health.cameras,
                        "sinks": behind,
                    }
                    self._answer(
                        503 if down else 200, "application/json", json.dumps(body).encode()
                    )
                elif self.path == "/live":
                    self._answer(200, "application/json", b'{"status": "live"}')
                elif self.path == "/ready":
                    down = dict(health.down)
                    good = status_word(down, sinks()) != "blind"
                    told = {"status": "ready" if good else "not ready", "waiting_for": down}
                    self._answer(
                        200 if good else 503, "application/json", json.dumps(told).encode()
                    )
                elif self.path == "/graph":
                    self._answer(200, "application/json", graph.encode())
                elif recordings is not None and (asked := urlsplit(self.path)).path in PATHS:
                    self._answer(*recordings.answer(asked.path, dict(parse_qsl(asked.query))))
                else:
                    self._answer(
                        404, "text/plain", b"here are /metrics, /health, /live, /ready and /graph\n"
                    )

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise OSError(
                f"--status-port {port}: cannot listen on 127.0.0.1:{port} ({error.strerror}); "
                "another program has the port: choose another, or 0 for a free one"
            ) from error
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    def close(self) -> None:
        """Stop to answer."""
        self._server.shutdown()
        self._server.server_close()
