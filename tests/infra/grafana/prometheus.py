"""Prometheus of Debian, holding what a site's processes said in three days."""

import itertools
import json
import math
import operator
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from infra.embedded.ports import ask
from infra.embedded.service import Service, ServiceError
from tests.infra.grafana.data import CHANGE, FIRST, LAST
from tests.infra.tools import program

EVERY = 60.0
TIMES = [FIRST + n * EVERY for n in range(int((LAST - FIRST) / EVERY))]
DOWN = [CHANGE + 14 * 3600 <= at < CHANGE + 15 * 3600 for at in TIMES]
"""ClickHouse is down for an hour: outboxes fill, and empty again."""
BUSY = [1 - math.cos(2 * math.pi * (at - FIRST) / 86_400) for at in TIMES]
"""0 at midnight, 2 at noon."""
SOURCES = {
    "server_room": ("rack_sensors", 40.0),
    "energy": ("meters", 8.0),
    "home": ("zigbee", 3.0),
}


class Course(NamedTuple):
    """One series: its metric, its labels, and a value for each of `TIMES`."""

    metric: str
    labels: str
    values: Iterable[float]


def courses() -> Iterator[Course]:
    """What a site with three flows and an api says of itself."""
    steady = itertools.repeat
    for flow, (source, rate) in SOURCES.items():
        of, to = f'flow="{flow}",name="{source}"', f'flow="{flow}",name="history"'
        yield Course("vigie_api_flow_up", f'flow="{flow}"', steady(1))
        yield Course("vigie_events_total", of, counted(steady(rate)))
        yield Course("vigie_source_lag_records", of, steady(rate))
        yield Course("vigie_source_age_seconds", of, steady(4 / rate))
        yield Course("vigie_source_behind_seconds", of, steady(1))
        yield Course("vigie_source_retention_seconds", of, steady(604_800))
        yield Course("vigie_connector_up", to, (not is_down for is_down in DOWN))
        yield Course("vigie_sink_lag_records", to, waiting(rate))
    late = 'flow="energy",step="lateness",reason="late"'
    yield Course("vigie_counted_total", late, counted(busy / 300 for busy in BUSY))
    yield Course("vigie_api_clients", "", (round(4 + 6 * busy) for busy in BUSY))
    yield Course("vigie_api_pushed_total", "", counted(20 + 90 * busy for busy in BUSY))
    for outcome, rate in (("accepted", 1 / 900), ("refused", 1 / 20_000)):
        of = f'outcome="{outcome}"'
        yield Course("vigie_api_logins_total", of, counted([rate * busy for busy in BUSY]))


def counted(rates: Iterable[float]) -> Iterator[float]:
    """A counter that grows by so much a second."""
    return itertools.accumulate(rate * EVERY for rate, _ in zip(rates, TIMES, strict=False))


def waiting(rate: float) -> Iterator[float]:
    """Events in an outbox whose store is down, and then takes ten times what comes."""
    left = 0.0
    for is_down in DOWN:
        left = left + rate * EVERY if is_down else max(0.0, left - 9 * rate * EVERY)
        yield left


class Prometheus(Service):
    """A server that scrapes nothing and holds `courses`."""

    NAME: ClassVar[str] = "prometheus"

    def prepare(self) -> None:
        (self.folder / "prometheus.yaml").write_text("{}\n")
        told, metric_of = self.folder / "told.txt", operator.attrgetter("metric")
        by_metric = itertools.groupby(sorted(courses(), key=metric_of), metric_of)
        with told.open("w") as out:
            for metric, of_one in by_metric:
                kind = "counter" if metric.endswith("_total") else "gauge"
                out.write(f"# TYPE {metric.removesuffix('_total')} {kind}\n")
                for _, labels, values in of_one:
                    for at, value in zip(TIMES, values, strict=False):
                        out.write(f"{metric}{{{labels}}} {float(value)!r} {at:.0f}\n")
            out.write("# EOF\n")
        subprocess.run(
            [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", told, self._blocks],
            check=True,
            capture_output=True,
        )

    @property
    def _blocks(self) -> str:
        return str(self.folder / "blocks")

    def command(self) -> list[str]:
        return [
            program("prometheus"),
            f"--config.file={self.folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self._blocks}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={self.address}",
            "--log.level=error",
        ]

    def probe(self) -> None:
        self._ask("/-/ready")

    def query(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The series of an expression over a span, each with `metric` and `values`."""
        query = urlencode({"query": expression, "start": start, "end": end, "step": step})
        found: list[dict[str, Any]] = json.loads(self._ask(f"/api/v1/query_range?{query}"))["data"][
            "result"
        ]
        return found

    def _ask(self, path: str) -> bytes:
        status, answer = ask(self.port, path)
        if status != 200:
            raise ServiceError(f"Prometheus answers {status}: {answer.decode()}")
        return answer
