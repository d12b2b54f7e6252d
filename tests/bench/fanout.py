"""One topic handed out to many WebSocket clients: the api beside a naive Starlette broadcast and
the `websockets` library's.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.demo.programs import ApiProgram
from infra.embedded.broker import Broker
from infra.embedded.ports import free_port
from tests.api.running import Topics
from tests.bench.peers.crowd import Crowd
from tests.bench.report import Figure
from tests.flow_process import cpu_of, memory_of
from tests.waiting import wait_until

SECONDS = 8.0
LOAD = 300_000
"""Deliveries a second that are offered when the cost of one is measured."""
GENTLE = 20_000
"""Deliveries a second at which latency is measured."""


@dataclass
class Server:
    """One of the servers that are compared."""

    kind: str
    pid: int
    port: int
    token: str | None


def fanout(folder: Path) -> list[Figure]:
    """Deliveries per CPU-second, latency, memory per client."""
    figures: list[Figure] = []
    with Broker(folder / "broker") as broker:
        for clients in (100, 1000):
            costs = {}
            for kind in ("vigie", "naive", "library"):
                with server_of(kind, folder / f"{kind}{clients}", broker) as (server, topics):
                    costs[kind] = _cost(server, topics, clients)
            name = f"push to {clients:,} clients, 200 bytes, under load"
            bound = "≥ 8 × naive" if clients == 1000 else None
            unit = "deliveries per CPU-second"
            figures.append(
                Figure(
                    name, costs["vigie"], unit, "Starlette, a loop of sends", costs["naive"], bound
                )
            )
            figures.append(
                Figure(
                    f"{name}, beside the library",
                    costs["vigie"],
                    unit,
                    "websockets' broadcast()",
                    costs["library"],
                )
            )
        figures += _latency(folder, broker)
        figures += _five_thousand(folder, broker)
    return figures


def _latency(folder: Path, broker: Broker) -> list[Figure]:
    figures = []
    delays = {}
    for kind, mute in (("naive", 0), ("vigie", 0), ("vigie", 10)):
        with server_of(kind, folder / f"{kind}-delay{mute}", broker) as (server, topics):
            crowd = Crowd(server.port, 1000, mute, server.token)
            with contextlib.closing(crowd):
                offer(topics, GENTLE // 1000, SECONDS)
                settle(crowd)
                delays[kind, mute] = crowd.quantiles()
    for quantile, place in (("p50", 0), ("p99", 1)):
        alone, beside = delays["vigie", 0][place], delays["vigie", 10][place]
        name = f"push to 1,000 clients, {GENTLE:,} deliveries/s, {quantile}"
        figures.append(
            Figure(name, alone, "ms", "Starlette, a loop of sends", delays["naive", 0][place])
        )
        figures.append(
            Figure(
                f"{name}, with 10 more that do not read",
                beside,
                "ms",
                "without them",
                alone,
                "unaffected",
            )
        )
    return figures


def _five_thousand(folder: Path, broker: Broker) -> list[Figure]:
    clients, rate = 5000, 40
    with server_of("vigie", folder / "vigie5000", broker) as (server, topics):
        before = memory_of(server.pid)
        with contextlib.closing(Crowd(server.port, clients, 0, server.token)) as crowd:
            time.sleep(1)
            memory = 1e3 * (memory_of(server.pid) - before) / clients
            used, sent = cpu_of(server.pid), offer(topics, rate, SECONDS)
            settle(crowd, sent * clients)
            cost = crowd.messages / (cpu_of(server.pid) - used)
            share = 100 * crowd.messages / (sent * clients)
            p50, p99 = crowd.quantiles()
    name = f"push to 5,000 clients, {clients * rate:,} deliveries/s offered"
    return [
        Figure(f"{name}, delivered", share, "%", bound="100 %"),
        Figure(name, cost, "deliveries per CPU-second"),
        Figure(f"{name}, p50", p50, "ms"),
        Figure(f"{name}, p99", p99, "ms"),
        Figure("memory of an idle client", memory, "kB", bound="≤ 40 kB"),
    ]


def _cost(server: Server, topics: Topics, clients: int) -> float:
    with contextlib.closing(Crowd(server.port, clients, 0, server.token)) as crowd:
        offer(topics, 20, 1)
        settle(crowd)
        used, had = cpu_of(server.pid), crowd.messages
        offer(topics, min(LOAD // clients, 1000), SECONDS)
        delivered, used = crowd.messages - had, cpu_of(server.pid) - used
    return delivered / used


def offer(topics: Topics, rate: int, seconds: float) -> int:
    """Push messages of 200 bytes at a rate for some seconds; how many."""
    total, begin = int(rate * seconds), time.monotonic()
    for number in range(total):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        data = {"n": number, "sent": round(time.time(), 6), "filling": "x" * 60, "end": 1}
        head = {
            "channel": "busy",
            "sink": "s",
            "flow": "f",
            "id": f"{begin}/{number}",
            "time": 1.0,
            "subject": "s",
        }
        line = json.dumps({**head, "shaped": True, "data": data}, separators=(",", ":"))
        topics.send(topics.push, line.encode() + b"\n", "s")
    topics.flush()
    return total


def settle(crowd: Crowd, total: int | None = None) -> None:
    """Wait until nothing more comes."""
    last = -1
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and crowd.messages != last and crowd.messages != total:
        last = crowd.messages
        time.sleep(1)


@contextlib.contextmanager
def server_of(kind: str, folder: Path, broker: Broker) -> Iterator[tuple[Server, Topics]]:
    folder.mkdir()
    topics = Topics(broker.address, f"{folder.name}.")
    topics.create()
    running = _vigie if kind == "vigie" else _other
    with running(kind, folder, broker, topics) as server:
        topics.pushed("busy", [{"n": 0}])
        yield server, topics
    topics.close()


@contextlib.contextmanager
def _vigie(kind: str, folder: Path, broker: Broker, topics: Topics) -> Iterator[Server]:
    site = folder / "site.yaml"
    redpanda = {"brokers": [broker.address], "idempotence": False, "prefix": topics.prefix}
    one_account = {"connections_per_account": 10_000, "connections_per_address": 10_000}
    site.write_text(
        json.dumps(
            {"vigie": 1, "site": "bench", "connections": {"redpanda": redpanda}, "api": one_account}
        )
    )
    with ApiProgram(folder / "api", site) as api:
        assert api.pid
        yield Server(kind, api.pid, api.port, api.log_in())


@contextlib.contextmanager
def _other(kind: str, folder: Path, broker: Broker, topics: Topics) -> Iterator[Server]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "tests.bench.peers.broadcasters",
        kind,
        broker.address,
        topics.prefix,
        str(port),
    ]
    process = subprocess.Popen(command)

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/", timeout=2)
            return True
        return False

    try:
        wait_until(answers, 30, f"{kind} to listen")
        yield Server(kind, process.pid, port, None)
    finally:
        process.kill()
        process.wait()
