"""What one hostile client costs 200 well-behaved ones: it floods with messages, it asks for much
and reads nothing, it holds requests that never end.
"""

import contextlib
import subprocess
import sys
from pathlib import Path

import httpx

from infra.embedded.broker import Broker
from tests.api.events import reading
from tests.bench.fanout import Server, offer, server_of, settle
from tests.bench.peers.crowd import Crowd
from tests.bench.report import Figure
from tests.flow_process import cpu_of, memory_of

CLIENTS = 200
RATE = 1000
"""Messages a second, each for every one of them."""
SECONDS = 10.0
SIGNALS = 2000
KINDS = {"none": "nobody attacks", "messages": "a flood of messages", "unread": "reads nothing",
         "slow": "requests that never end"}  # fmt: skip


def attack(folder: Path) -> list[Figure]:
    """p99 of the others, memory and CPU of the api, with each attacker and without one."""
    figures: list[Figure] = []
    alone: dict[str, float] = {}
    with Broker(folder / "broker") as broker:
        for kind, words in KINDS.items():
            found = _measure(folder / kind, broker, kind)
            alone = alone or found
            for what, unit in (
                ("delivered", "%"),
                ("p99", "ms"),
                ("memory", "MB"),
                ("CPU", "% of a core"),
            ):
                name = f"one hostile client beside {CLIENTS}: {words}, {what}"
                figures.append(Figure(name, found[what], unit, "nobody attacks", alone[what]))
    return figures


def _viewer(server: Server) -> str:
    """An account of his own for the attacker."""
    url, eve = f"http://127.0.0.1:{server.port}/api", {"username": "eve", "password": "quiet words"}
    headers = {"Authorization": f"Bearer {server.token}"}
    httpx.post(f"{url}/users", json=eve, headers=headers, timeout=60).raise_for_status()
    login = httpx.post(f"{url}/auth/login", json=eve, timeout=60)
    return str(login.raise_for_status().json()["access_token"])


def _measure(folder: Path, broker: Broker, kind: str) -> dict[str, float]:
    with server_of("vigie", folder, broker) as (server, topics):
        assert server.token is not None
        topics.events(*(reading(n, subject=f"s{n}", time=1.0) for n in range(SIGNALS)))
        token = _viewer(server)
        crowd = Crowd(server.port, CLIENTS, 0, server.token)
        with contextlib.closing(crowd), contextlib.ExitStack() as stack:
            if kind != "none":
                command = [sys.executable, "-m", "tests.bench.hostile.attacker", kind]
                command += [str(server.port), token, str(SECONDS * 3)]
                attacker = subprocess.Popen(command)
                stack.callback(attacker.wait)
                stack.callback(attacker.kill)
            offer(topics, RATE, 2)
            settle(crowd)
            crowd.delays.clear()
            had, used = crowd.messages, cpu_of(server.pid)
            sent = offer(topics, RATE, SECONDS)
            used = cpu_of(server.pid) - used
            settle(crowd)
            return {
                "delivered": 100 * (crowd.messages - had) / (sent * CLIENTS),
                "p99": crowd.quantiles()[1],
                "memory": memory_of(server.pid),
                "CPU": 100 * used / SECONDS,
            }
