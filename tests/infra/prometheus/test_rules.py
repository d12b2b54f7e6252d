"""The rules of Prometheus, checked and played by its own tool."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.grafana.boards.all import BOARDS
from tests.infra.tools import program

pytestmark = pytest.mark.infra

FOLDER = Path(__file__).parents[3] / "infra" / "prometheus"


def promtool(*words: str) -> None:
    done = subprocess.run(
        [program("promtool"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_and_what_is_scraped_are_valid() -> None:
    promtool("check", "rules", str(FOLDER / "rules.yaml"))
    promtool("check", "config", str(FOLDER / "prometheus.yaml"))


def test_alerts_come_when_they_should_and_only_then(tmp_path: Path) -> None:
    for path in (FOLDER / "rules.yaml", Path(__file__).with_name("rules_test.yaml")):
        shutil.copy(path, tmp_path)
    promtool("test", "rules", str(tmp_path / "rules_test.yaml"))


def test_queries_of_the_dashboard_are_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{panel['id']}", "expr": panel["targets"][0]["expr"]}
        for panel in BOARDS["health"]["panels"]
    ]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(path))
