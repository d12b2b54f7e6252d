"""Replay of a month of readings with a changed limit: how fast, in how much memory, and whether
SQL counts the same.
"""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from connectors.base import Health
from connectors.clickhouse.client import connect
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.replay.history_clickhouse import TableHistory
from infra.embedded.stack import Stack
from operators.columnar.lazy import as_list
from operators.events import encode_lines
from tests.bench.replay_month import DAYS, START, check, command, counted, fill
from tests.bench.report import Figure
from tests.flow_process import cpu_of

READINGS = int(os.environ.get("VIGIE_BENCH_REPLAY", 10_000_000))


def replay(folder: Path) -> list[Figure]:
    """Both definitions over the same month, in one run of `vigie replay`, and one of them alone."""
    with Stack(folder, ["clickhouse", "redpanda"]) as stack:
        connection = ClickHouseConnection.model_validate(stack.connections()["clickhouse"])
        Schema(connect(connection), connection.database).migrate(Declared("readings", "readings"))
        fill(stack["clickhouse"].query, "vigie.readings", READINGS)
        month = counted(stack["clickhouse"].query, "vigie.readings")
        words = command(folder, stack.site, "readings")
        server = stack["clickhouse"].pid
        both, cpu, memory = _timed(words, folder / "both.json")
        at, spent = words.index("--against"), cpu_of(server)
        alone, alone_cpu, _ = _timed(words[:at] + words[at + 2 :], folder / "alone.json")
        spent = cpu_of(server) - spent
        elsewhere = _elsewhere(folder, stack, connection, words[:at] + words[at + 2 :])
        check(json.loads((folder / "both.json").read_text()), month)
    name = f"replay of {READINGS / 1e6:g} million readings of a month, ClickHouse"
    differs = (
        f"{month.difference[1]:,} only after, {month.difference[2]:,} moved,"
        f" {month.difference[3]:,} the same"
    )
    print(
        f"{len(month.before):,} alarms before, {len(month.after):,} after: {differs}; SQL says the"
        " same"
    )
    return [
        Figure(name, READINGS / alone, "readings/s", bound="≥ 200,000"),
        Figure(f"{name}, of the replay's process", READINGS / alone_cpu, "readings per CPU-second"),
        Figure(
            f"{name}, ClickHouse's work with it",
            READINGS / (alone_cpu + spent),
            "readings per CPU-second",
        ),
        Figure(f"{name}, before and after", READINGS / both, "readings/s", bound="≥ 200,000"),
        Figure(
            f"{name}, before and after, of the replay's process",
            READINGS / cpu,
            "readings per CPU-second",
        ),
        Figure(f"{name}, before and after, time", both, "s"),
        Figure(f"{name}, before and after, peak memory", memory, "MB"),
        *elsewhere,
    ]


def _elsewhere(
    folder: Path, stack: Stack, connection: ClickHouseConnection, words: list[str]
) -> list[Figure]:
    """The same month from a file of JSON lines and from a topic of four partitions."""
    month = folder / "month.jsonl"
    broker = TopicConnection.model_validate(stack.connections()["redpanda"])
    producer = Producer(broker, Health(), "month", partitions=4)
    with month.open("wb") as file:
        for piece in TableHistory(connection, "readings", START, START + DAYS * 86_400).pieces():
            file.write(encode_lines(as_list(piece.events)).rstrip(b"\n") + b"\n")
            producer.send_events("month", as_list(piece.events))
            producer.flush()
    producer.close()
    figures = []
    for name, place in (
        ("a file of JSON lines", str(month)),
        ("a topic of 4 partitions", "topic:month"),
    ):
        took, cpu, _ = _timed([*words, "--input", f"rooms={place}"], folder / "elsewhere.json")
        if len(json.loads((folder / "elsewhere.json").read_text())["alarms"]) != _count(
            folder / "alone.json"
        ):
            raise AssertionError(f"{name} gives other alarms than the table")
        figures += [
            Figure(
                f"replay of the same month, {name}",
                READINGS / took,
                "readings/s",
                bound="≥ 200,000",
            ),
            Figure(
                f"replay of the same month, {name}, of the replay's process",
                READINGS / cpu,
                "readings per CPU-second",
            ),
        ]
    return figures


def _count(path: Path) -> int:
    return len(json.loads(path.read_text())["alarms"])


def _timed(words: list[str], out: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak resident memory (MB, 10^6 bytes) of a command."""
    began = time.perf_counter()
    peak = 0.0
    with out.open("wb") as file:
        process = subprocess.Popen(words, stdout=file)
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, _peak_of(process.pid))
            time.sleep(0.02)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"vigie replay ended with {process.returncode}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, peak


def _peak_of(pid: int) -> float:
    """Peak of resident memory so far, in MB. `ru_maxrss` will not do: it begins with that of the
    process which forked.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0
