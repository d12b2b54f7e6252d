"""A flow as its own process, with its CPU seconds and memory read from /proc."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import psutil

from tests.waiting import PATIENCE

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far, user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def family(pid: int) -> list[int]:
    """A process, and all that it and those started, as they are now."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def memory_of(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def most_memory_of(pid: int) -> float:
    """The most resident memory that a process ever had, in MB (10^6 bytes)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


class FlowProcess:
    """`vigie run` of a definition; ready once the log says that it runs."""

    def __init__(
        self,
        definition: Path,
        site: Path,
        data: Path,
        *options: str,
        program: tuple[str, ...] = ("flows.cli",),
    ) -> None:
        self.log = data / f"{'-'.join([definition.stem, *options]).replace('/', 'of')}.log"
        data.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            *program,
            "run",
            str(definition),
            "--site",
            str(site),
            "--data",
            str(data),
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=subprocess.STDOUT
            )
        self.pid = self._process.pid
        self.running_cpu = 0.0

    def wait_running(self, timeout: float = PATIENCE) -> Self:
        deadline = time.monotonic() + timeout
        while ": running" not in self.log.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the flow did not start:\n{self.log.read_text()}")
            time.sleep(0.005)
        self.running_cpu = self.cpu()
        return self

    def cpu(self) -> float:
        return cpu_of(self.pid)

    def memory(self) -> float:
        return memory_of(self.pid)

    def most_memory(self) -> float:
        return most_memory_of(self.pid)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self, timeout: float = PATIENCE) -> int:
        """The exit code of a flow that ends by itself."""
        return self._process.wait(timeout)

    @property
    def exit_status(self) -> int | None:
        """The exit code once it has ended."""
        return self._process.poll()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self.wait_running()

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self.stop()
