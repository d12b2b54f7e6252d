import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.commands.run import run
from flows.runtime.runner import Runner
from flows.site.flow_run import EXIT_FAILED
from flows.site.log_form import JsonLines


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
