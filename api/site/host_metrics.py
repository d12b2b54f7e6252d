"""The load of this machine: processor, memory, disk, and GPUs where the driver's tool exists."""

import asyncio
import shutil
import time
from pathlib import Path

import msgspec
import psutil

GPU_TOOL = "nvidia-smi"
GPU_FIELDS = "name,utilization.gpu,memory.used,memory.total,temperature.gpu"
GPU_DEADLINE = 5.0
KEEP = 2.0
"""Seconds for which an answer of the graphics driver is good enough."""
MEBI = 1 << 20


class Cpu(msgspec.Struct):
    """The processor.

    `percent` is of all cores since the last query; `load` is the system's average.
    """

    percent: float
    cores: int
    load: list[float]


class Memory(msgspec.Struct):
    """Memory or a disk, in bytes."""

    total: int
    used: int
    available: int
    percent: float


class Gpu(msgspec.Struct):
    """A GPU: memory in bytes, temperature in °C. What the driver does not tell is null."""

    name: str
    percent: float | None
    memory_used: int | None
    memory_total: int | None
    temperature: float | None


class Own(msgspec.Struct):
    """This process: resident memory in bytes, seconds since its start, threads and open files."""

    memory: int
    uptime: float
    threads: int
    files: int


class MachineView(msgspec.Struct):
    """The machine now. `gpus` is empty where there is none, or no driver."""

    time: float
    cpu: Cpu
    memory: Memory
    disk: Memory
    gpus: list[Gpu]
    process: Own


class HostMetrics:
    """Measure this machine; the folder says which disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = psutil.Process()
        self._gpus: list[Gpu] = []
        self._asked = 0.0
        self._asking = asyncio.Lock()
        psutil.cpu_percent()

    async def view(self) -> MachineView:
        """The machine now."""
        async with self._asking:
            if time.monotonic() - self._asked > KEEP:
                self._gpus = await graphics()
                self._asked = time.monotonic()
        return await asyncio.to_thread(self._measure, self._gpus)

    def _measure(self, gpus: list[Gpu]) -> MachineView:
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._folder))
        with self._process.oneshot():
            own = Own(
                self._process.memory_info().rss,
                time.time() - self._process.create_time(),
                self._process.num_threads(),
                self._process.num_fds() if hasattr(self._process, "num_fds") else 0,
            )
        return MachineView(
            time=time.time(),
            cpu=Cpu(
                psutil.cpu_percent(),
                psutil.cpu_count() or 1,
                [round(load, 2) for load in psutil.getloadavg()],
            ),
            memory=Memory(memory.total, memory.used, memory.available, memory.percent),
            disk=Memory(disk.total, disk.used, disk.free, disk.percent),
            gpus=gpus,
            process=own,
        )


async def graphics() -> list[Gpu]:
    """The GPUs as the driver's tool reports them; none where there is no tool, or it fails."""
    tool = shutil.which(GPU_TOOL)
    if tool is None:
        return []
    process = await asyncio.create_subprocess_exec(
        tool,
        f"--query-gpu={GPU_FIELDS}",
        "--format=csv,noheader,nounits",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), GPU_DEADLINE)
    except TimeoutError:
        process.kill()
        await process.wait()
        return []
    return read_graphics(out.decode("utf-8", "replace")) if process.returncode == 0 else []


def read_graphics(text: str) -> list[Gpu]:
    """The GPUs in the tool's lines: name, percent, MiB used, MiB in all, °C."""
    found = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.rsplit(",", 4)]
        if len(fields) == 5:
            percent, used, total, temperature = (_number(field) for field in fields[1:])
            found.append(Gpu(fields[0], percent, _bytes(used), _bytes(total), temperature))
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _bytes(mebibytes: float | None) -> int | None:
    return None if mebibytes is None else int(mebibytes * MEBI)
