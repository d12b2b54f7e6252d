import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.commands.run import run
from flows.runtime.runner import Runner
from flows.site.flow_run import EXIT_FAILED
from flows.site.log_form import JsonLines
from tests.waiting import PATIENCE


def test_a_fault_in_a_running_flow_is_logged_whole_and_is_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(runner: Runner) -> None:
        runner._close()
        raise KeyError("bug")

    monkeypatch.setattr(Runner, "run", fail)
    monkeypatch.setattr("flows.site.flow_run.log_to_stderr", lambda form: None)
    monkeypatch.setattr("flows.site.flow_run.handle_signals", lambda runner: None)
    definition = tmp_path / "f.yaml"
    definition.write_text(
        "vigie: 1\nflow: f\nsources: {a: {topic: a}}\nsinks: {out: {from: a, topic: out}}\n"
    )
    connections = {"redpanda": {"brokers": ["127.0.0.1:1"]}}
    site = tmp_path / "site.yaml"
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": connections}))

    result = CliRunner().invoke(
        run, [str(definition), "--site", str(site), "--data", str(tmp_path / "data")]
    )

    assert result.exit_code == EXIT_FAILED
    line = json.loads(JsonLines().format(caplog.records[-1]))
    assert "ended by a fault" in line["message"]
    assert "KeyError: 'bug'" in line["error"]


ASKED_WHILE_IT_LOGS = """
import logging, os, signal, sys, threading
from flows.site.signals import handle_signals

class Stream:  # refuses to be written to in the middle of a write, as Python's own do
    is_writing = False

    def write(self, text):
        if self.is_writing and threading.current_thread() is threading.main_thread():
            raise RuntimeError("reentrant call")
        self.is_writing = True
        if "now" in text:
            os.kill(os.getpid(), signal.SIGTERM)
        self.is_writing = False

    def flush(self): ...

sys.stderr = Stream()
logging.basicConfig(stream=sys.stderr, level=logging.INFO)
asked = threading.Event()
for _ in range(2000):  # a flow that moves between machines does so at each turn
    handle_signals(lambda: os._exit(2))
handle_signals(asked.set)
logging.info("now")
sys.exit(0 if asked.wait(60) else 1)
"""


def test_a_flow_that_is_asked_to_end_while_it_writes_a_log_line_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED_WHILE_IT_LOGS], timeout=PATIENCE, check=False
    )
    assert done.returncode == 0
