"""`vigie deploy`, `plan`, `rollback`, `diff` and `versions` against a running `vigie up`."""

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from connectors.runtime.supervisor import Became, Deploy, ask
from operators.events import Reading
from tests.flows.conftest import Watch
from tests.flows.site.up import FLOW, Up
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service


def vigie(up: Up, command: str, *words: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", command, *map(str, words), "--data", str(up.data)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout + done.stderr


def draft(up: Up, tmp: Path, limit: object, extra: str = "") -> Path:
    path = tmp / "cool.yaml"
    text = FLOW.replace("NAME", "cool").replace("PREFIX", up.prefix)
    path.write_text(text.replace("LIMIT", str(limit)) + extra)
    return path


def test_a8_a_definition_is_planned_deployed_and_rolled_back(
    up: Up, tmp: Path, topic: Watch
) -> None:
    up.start()
    wait_until(up.status, what="the supervisor")
    code, said = vigie(up, "plan", draft(up, tmp, 30))
    assert code == 2, said
    assert "a new flow" in said and "+ alarm hot" in said

    code, said = vigie(up, "deploy", draft(up, tmp, 30), "--expect", "none", "--who", "ada")
    assert code == 0, said
    first = up.wait_running("cool")
    assert (up.folder / "cool.yaml").read_text() == draft(up, tmp, 30).read_text()
    assert vigie(up, "plan", draft(up, tmp, 30))[0] == 0

    producer = Producer(up.connection, Health(), "p")
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    now = time.time()
    hot = Reading(id="r", time=now, subject="rack", metric="temperature", value=31)
    producer.send_events(f"{up.prefix}.in", [hot])
    wait_until(alarms, what="the alarm")
    producer.close()
    extra = "streams: {mean: {from: readings, steps: [debounce: {clear_after: 1s}]}}\n"
    code, said = vigie(up, "plan", draft(up, tmp, 40, extra))
    assert code == 2, said
    assert "~ alarm hot" in said and "when.above: 30 → 40" in said
    assert "over the last 1d: 1 alarms before, 0 after\n      - hot rack: " in said
    assert "now unacked for rack: stands on, judged at once by its last reading" in said
    assert "state kept: cool/hot" in said and "begins without state: cool/mean/debounce" in said

    code, said = vigie(up, "deploy", draft(up, tmp, "30 furlongs"))
    assert code == 1 and "furlongs" in said
    code, said = vigie(up, "deploy", draft(up, tmp, 29), "--expect", "000000000000")
    assert code == 1 and f"version {first.version} is there" in said
    assert (
        vigie(up, "deploy", draft(up, tmp, 29), "--expect", first.version, "--who", "bob")[0] == 0
    )
    second = up.wait_running("cool", not_version=first.version)

    code, said = vigie(up, "diff", "cool")
    assert code == 2 and "-  hot: {from: readings, when: {above: 30" in said
    code, said = vigie(up, "rollback", "cool", "--who", "eve")
    assert code == 0 and f"version {first.version} runs" in said
    assert "above: 30," in (up.folder / "cool.yaml").read_text()
    _, said = vigie(up, "versions", "cool")
    assert [line[2:14] for line in said.splitlines()] == [
        first.version, second.version, first.version
    ]  # fmt: skip
    assert [line.split()[-1] for line in said.splitlines()] == ["ada", "bob", "eve"]
    assert up.stop() == 0


def test_a6_a_deploy_reads_no_file_outside_the_folder_and_replaces_no_others(up: Up) -> None:
    up.write("other")
    up.start()
    up.wait_running("other")
    text = FLOW.replace("NAME", "cool").replace("PREFIX", up.prefix).replace("LIMIT", "30")

    def refused(text: str = text, **files: str) -> str:
        named = {name.replace("__", "/"): held for name, held in files.items()}
        wish = Deploy(flow="cool", text=text, who="x", files=named)
        answer = msgspec.json.decode(ask(up.data / "up", wish, PATIENCE), type=Became)
        return str(answer.refused)

    assert "not below its folder" in refused(text + "tables: {t: ../../etc/passwd}\n")
    assert "not below its folder" in refused(text + "tables: {t: /etc/passwd}\n")
    assert "got '../x.csv'" in refused(**{"../x.csv": "a"})
    assert "not replaced" in refused(**{"site.yaml": "vigie: 1"})
    assert "not replaced" in refused(**{"other.yaml": "vigie: 1"})
    assert "but is 'hot'" in refused(text.replace("flow: cool", "flow: hot"))
    assert up.flow("cool") is None
    assert sorted(path.name for path in up.folder.iterdir()) == ["other.yaml", "site.yaml"]
    assert up.stop() == 0
