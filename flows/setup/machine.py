"""What this machine gives Vigie: Python, packages, time zone data, disk, open files."""

import importlib.util
import platform
import resource
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from connectors.config.site import Site
from connectors.runtime.finding import Finding

FILES, FREE = 4096, 1 << 30
PACKAGES = {
    "mqtt": ("paho", "mqtt"),
    "mariadb": ("pymysql", "binlog"),
    "clickhouse": ("clickhouse_connect", "clickhouse"),
    "influxdb": ("influxdb_client", "influxdb"),
    "minio": ("minio", "objects"),
    "http": ("uvicorn", "http"),
    "webhook": ("urllib3", "webhook"),
    "apprise": ("apprise", "apprise"),
}
"""Connection: the package it needs, and the extra that brings it."""


def inspect(site: Site, data: Path) -> Iterator[Finding]:
    """Look at this machine."""
    yield Finding("vigie", "ok", f"{_version()}, Python {platform.python_version()}")
    for name in site.connections:
        package, extra = PACKAGES.get(name, ("click", ""))
        if importlib.util.find_spec(package) is None:
            yield Finding(
                f"package {package}", "fault", "not installed", f"the connection {name!r} needs it",
                f"pip install 'vigie[{extra}]'",
            )  # fmt: skip
    yield _zones(site)
    yield _disk(data)
    yield _files()


def _version() -> str:
    try:
        return version("vigie")
    except PackageNotFoundError:
        return "not installed"


def _zones(site: Site) -> Finding:
    there = len(available_timezones())
    now = time.time()
    shown = f"{there} zones; here it is {_clock(site.zone, now)} in {site.timezone}"
    if there > 1:
        return Finding("time zone data", "ok", shown)
    return Finding("time zone data", "fault", shown, "all zones", "pip install tzdata")


def _clock(zone: ZoneInfo, now: float) -> str:
    return datetime.fromtimestamp(now, zone).strftime("%H:%M")


def _disk(data: Path) -> Finding:
    there = next(path for path in (data.absolute(), *data.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    return Finding(
        f"disk of {data}",
        "ok" if free >= FREE else "warning",
        f"{free / (1 << 30):.1f} GiB free",
        "1 GiB free for saved states",
        "" if free >= FREE else "make room: a flow waits while the disk is full",
    )


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_fine = soft >= FILES or soft == resource.RLIM_INFINITY
    return Finding(
        "open files",
        "ok" if is_fine else "warning",
        f"{soft} (up to {hard})",
        f"{FILES} or more",
        "" if is_fine else f"ulimit -n {FILES}, or LimitNOFILE={FILES} in the unit",
    )
