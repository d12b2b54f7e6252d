"""VictoriaMetrics from Debian: takes InfluxDB's v2 write protocol, which is what Vigie writes."""

import json
import re
import shutil
import urllib.parse
from typing import Any, ClassVar

from infra.embedded.ports import ask
from infra.embedded.service import Service, ServiceError

BINARIES = ("victoria-metrics", "victoria-metrics-prod", "/usr/bin/victoria-metrics")


def _binary() -> str | None:
    return next((path for name in BINARIES if (path := shutil.which(name))), None)


class Victoria(Service):
    """VictoriaMetrics behind InfluxDB's write protocol.

    Milliseconds are its finest time; text fields become 0; lines it cannot read are dropped with
    status 204. A kill loses the last second or so. Organisation and token are not checked; they are
    made up so that the client is set up as in production.
    """

    NAME: ClassVar[str] = "influxdb"
    ORG: ClassVar[str] = "vigie"

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        return None if _binary() else "Debian's package victoria-metrics is not installed"

    @property
    def url(self) -> str:
        """Base address for influxdb-client; Prometheus' queries work below it (`/api/v1/…`)."""
        return f"http://{self.address}"

    @property
    def token(self) -> str:
        """A made-up token."""
        return self.secret("token")

    def command(self) -> list[str]:
        """The command line of the program."""
        return [
            str(_binary()),
            f"-httpListenAddr={self.address}",
            f"-storageDataPath={self.folder / 'data'}",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",
            "-search.latencyOffset=0s",
            "-search.cacheTimestampOffset=0s",
            "-memory.allowedBytes=256MB",
            "-loggerFormat=default",
        ]

    def probe(self) -> None:
        """Raise `OSError` or `ServiceError` until the service answers."""
        if ask(self.port, "/health", timeout=2) != (200, b"OK"):
            raise ServiceError("VictoriaMetrics answers, but not that it is well")

    def points(self) -> int:
        """How many points it has taken since its start."""
        status, body = ask(self.port, "/metrics")
        found = re.search(rb'^vm_rows_inserted_total\{type="influx"\} (\d+)', body, re.MULTILINE)
        if status != 200 or found is None:
            raise ServiceError(f"VictoriaMetrics does not say how many points it took ({status})")
        return int(found[1])

    def export(self, match: str) -> list[dict[str, Any]]:
        """All points of the series that match, such as `{__name__=~"power.*"}`.

        Dicts with metric, values and timestamps (ms).
        """
        ask(self.port, "/internal/force_flush")
        query = urllib.parse.urlencode({"match[]": match, "reduce_mem_usage": "0"})
        status, body = ask(self.port, f"/api/v1/export?{query}")
        if status != 200:
            raise ServiceError(
                f"VictoriaMetrics refused the export (status {status}):"
                f" {body.decode('utf-8', 'replace')}"
            )
        return [json.loads(line) for line in body.splitlines()]
