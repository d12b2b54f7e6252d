"""The demo as `make demo` starts it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded.ports import free_port
from infra.embedded.stack import SERVICES
from tests.conftest import require
from tests.infra.demo.processes import processes

pytestmark = [pytest.mark.service, pytest.mark.system]


@pytest.mark.slow
def test_a_minute_of_the_demo_loses_nothing_and_raises_and_clears_an_alarm(tmp: Path) -> None:
    for service in SERVICES.values():
        require(service)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "infra.demo",
            "--data",
            str(tmp / "demo"),
            "--seconds",
            "50",
            "--port",
            str(free_port()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert list(result) == [
        "readings", "alarms_raised", "alarms_cleared", "ws_messages", "clickhouse_rows",
        "series_points", "dead_letters",
    ]  # fmt: skip
    assert result["dead_letters"] == 0
    assert all(result[name] > 0 for name in result if name != "dead_letters")
    assert result["clickhouse_rows"] >= result["readings"]
    assert "left out" not in done.stderr
    assert processes(tmp) == {}
