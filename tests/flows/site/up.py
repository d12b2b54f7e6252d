"""`vigie up` as a process of a test, asked over its socket."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
import pytest

from connectors.base import ConnectorContext
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.runtime.supervisor import Ask, NoSupervisor, ask
from flows.site.site_status import SiteStatus, UnitStatus
from infra.embedded.objects import Objects
from operators.events import Event
from tests.flows.running import site_of
from tests.waiting import PATIENCE, wait_until

FLOW = """\
vigie: 1
flow: NAME
sources: {readings: {topic: PREFIX.in}}
alarms:
  hot: {from: readings, when: {above: LIMIT, clear: 28}, response: Cool it.}
sinks:
  log: {from: readings, topic: PREFIX.out.NAME}
"""


class Up:
    """A folder of definitions, and `vigie up` of it."""

    def __init__(self, tmp: Path, broker: str, prefix: str) -> None:
        self.connection = TopicConnection(
            brokers=[broker], idempotence=False, prefix=f"{prefix}.", partitions=1
        )
        self.prefix = prefix
        self.folder = tmp / "site"
        self.folder.mkdir()
        self.folder.chmod(0o700)
        self.data = tmp / "data"
        self.log = tmp / "up.log"
        self.write_site()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def write_site(self, **connections: dict[str, object]) -> None:
        """The site file, with connections beside that of the broker."""
        fields = {"brokers", "idempotence", "prefix", "partitions"}
        site_of(self.folder, redpanda=self.connection.model_dump(include=fields), **connections)

    def use_store(self, objects: Objects, environment: pytest.MonkeyPatch) -> None:
        """Write a site file with an object store, whose keys stand in the environment."""
        environment.setenv("STORE_ACCESS", objects.access_key)
        environment.setenv("STORE_SECRET", objects.secret_key)
        keys = {"access_key": "${STORE_ACCESS}", "secret_key": "${STORE_SECRET}"}
        self.write_site(minio={"url": objects.url, **keys})

    def copy_state_to(self, bucket: str, **more: object) -> None:
        """Have the site file ask that flows outlive their machine."""
        file = self.folder / "site.yaml"
        written = json.loads(file.read_text())
        written["recovery"] = {"objects": bucket, "every": "1s", "lease": "15s", **more}
        file.write_text(json.dumps(written))

    def write(self, name: str, limit: object = 30, text: str = FLOW) -> Path:
        """A definition, moved into its place whole as an editor does."""
        path = self.folder / f"{name}.yaml"
        text = text.replace("NAME", name).replace("PREFIX", self.prefix)
        part = path.with_name(f".{path.name}.swp")
        part.write_text(text.replace("LIMIT", str(limit)))
        part.replace(path)
        return path

    def start(self, *options: str, watch: bool = False) -> Self:
        command = [sys.executable, "-m", "flows.cli", "up", str(self.folder)]
        command += ["--data", str(self.data), *(options or ("--no-api",))]
        command += [] if watch else ["--no-watch"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        return self

    def status(self) -> SiteStatus | None:
        try:
            return msgspec.json.decode(ask(self.data / "up", Ask(), PATIENCE), type=SiteStatus)
        except NoSupervisor:
            return None

    def flow(self, name: str) -> UnitStatus | None:
        found = self.status()
        return next((one for one in (found.flows if found else []) if one.name == name), None)

    def wait(self, name: str, condition: Callable[[UnitStatus], object], what: str) -> UnitStatus:
        def met() -> UnitStatus | None:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            one = self.flow(name)
            if one is not None and one.error and one.state == "stopped" and what == "running":
                raise AssertionError(one.error)
            return one if one is not None and condition(one) else None

        try:
            found = wait_until(met, PATIENCE, f"{name} to be {what}", every=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}") from None
        assert found is not None
        return found

    def wait_running(self, name: str, *, not_version: str | None = None) -> UnitStatus:
        return self.wait(
            name, lambda one: one.state == "running" and one.version != not_version, "running"
        )

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


BLIND = """\
from connectors.kafka.leases.lease import Lease
Lease.check = lambda self: None
Lease._keep = lambda self, lost: None
from flows.cli import main
main()
"""
"""A program that never asks again whether it still is the owner, and does not say that it is."""


class Machine:
    """`vigie run` of one flow with a data folder of its own; `blind` to what becomes of its lease."""

    def __init__(self, up: Up, name: str, blind: bool = False, share: str = "1/1") -> None:
        self.data = up.folder.parent / name
        self._log = up.folder.parent / f"{name}-{share.replace('/', 'of')}.log"
        program = ["-c", BLIND] if blind else ["-m", "flows.cli"]
        command = [sys.executable, *program, "run", str(up.folder / "cool.yaml")]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.data), "--process", share],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        return self._log.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait(self, words: str) -> None:
        try:
            wait_until(lambda: words in self.log(), what=words)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def wait_last(self, share: str, words: str) -> None:
        """Wait until `words` come after it last took a share that ends so."""

        def met() -> bool:
            before, _, after = self.log().rpartition("this one's part is ")
            return bool(before) and after.split()[0].endswith(share) and words in after

        try:
            wait_until(met, what=f"{words} as {share}", timeout=300)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None


class Look:
    """All events of a topic so far, by id."""

    def __init__(self, up: Up, topic: str) -> None:
        source = Topic(name=topic)
        context = ConnectorContext(flow="look", name="look", connection=up.connection)
        self._readers = [source.open(context, part, None) for part in source.partitions(context)]
        self._seen: dict[str, Event] = {}

    def __call__(self) -> dict[str, Event]:
        for reader in self._readers:
            while batch := reader.read():
                self._seen.update((event.id, event) for event in batch.events)
        return self._seen


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
