"""Prometheus itself, with the file that the compose file mounts, over a running site."""

import subprocess
from pathlib import Path

import httpx
import pytest

from infra.embedded.broker import Broker
from infra.embedded.ports import free_port
from tests.flows.site.up import Up
from tests.infra.tools import program
from tests.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.infra, pytest.mark.service]

FOLDER = Path(__file__).parents[3] / "infra" / "compose"


def test_prometheus_gets_the_api_and_every_flow_of_a_site(
    tmp_path: Path, broker: Broker, unique: str
) -> None:
    own, port = free_port(), free_port()
    text = (FOLDER / "prometheus.yaml").read_text()
    text = text.replace("vigie:8000", f"127.0.0.1:{port}").replace("15s", "5s")
    (tmp_path / "prometheus.yaml").write_text(text.replace("rules.yaml", f"{tmp_path}/*.rules"))
    up = Up(tmp_path, broker.address, unique)
    for name in ("cool", "warm"):
        up.write(name)
    up.start("--port", str(port))
    words = [f"--web.listen-address=127.0.0.1:{own}", f"--storage.tsdb.path={tmp_path}/tsdb"]
    asker = subprocess.Popen(
        [program("prometheus"), f"--config.file={tmp_path}/prometheus.yaml", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def asked(expression: str) -> set[str]:
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{own}/api/v1/query",
                params={"query": expression}, timeout=PATIENCE,
            ).json()  # fmt: skip
        except httpx.ConnectError:
            return set()
        return {
            f"{one['metric'].get('job')}:{one['metric'].get('flow', '')}"
            for one in answer["data"]["result"]
        }

    try:
        jobs = {"vigie:", "vigie-flows:"}
        wait_until(lambda: asked("up == 1") == jobs, what="both targets to be up")
        flows = {"vigie-flows:cool", "vigie-flows:warm"}
        wait_until(lambda: asked("vigie_flow_started_seconds") >= flows, what="the flows")
        assert up.stop() == 0
    finally:
        asker.kill()
        asker.wait()
        up.end()
