"""A new site: what is written is valid, nothing is overwritten, and no password is in a file."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import COMMANDS, main

EVERYTHING = (
    *("--mqtt", "mqtt://broker", "--mqtt-user", "me", "--mariadb", "db:3306/homeassistant"),
    *("--mail", "ops@example.org", "--smtp", "smtps://mail:465"),
    *("--clickhouse", "http://store:8123/vigie"),
)


def vigie(*arguments: object, answers: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=answers)


@pytest.mark.parametrize("options", [(), EVERYTHING, EVERYTHING[:2]])
def test_what_init_writes_is_valid(tmp_path: Path, options: tuple[str, ...]) -> None:
    made = vigie("init", tmp_path / "site", "--yes", "--timezone", "Europe/Paris", *options)
    assert made.exit_code == 0, made.output
    checked = vigie("validate", *(tmp_path / "site").glob("*.yaml"))
    assert checked.exit_code == 0, checked.output
    assert "warning" not in checked.output


def test_passwords_are_variables_whose_values_go_into_a_file_for_the_owner(tmp_path: Path) -> None:
    vigie("init", tmp_path, "--yes", *EVERYTHING)
    secrets = tmp_path / "site.env"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    names = [line.rstrip("=") for line in secrets.read_text().splitlines()[1:]]
    assert names == ["MQTT_PASSWORD", "MARIADB_PASSWORD", "CLICKHOUSE_PASSWORD"]
    site = (tmp_path / "site.yaml").read_text()
    assert all(f"${{{name}}}" in site for name in names)


def test_files_that_are_there_are_not_overwritten_unless_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("mine")
    refused = vigie("init", tmp_path, "--yes")
    assert refused.exit_code == 1
    assert "already there" in refused.output
    assert (tmp_path / "site.yaml").read_text() == "mine"
    assert not (tmp_path / "first.yaml").exists()
    assert vigie("init", tmp_path, "--yes", "--force").exit_code == 0
    assert "vigie: 1" in (tmp_path / "site.yaml").read_text()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--mail", "nobody", "is not a mail address"),
        ("--mqtt", "http://broker", "not an address of an MQTT broker"),
        ("--timezone", "Mars", "is not a time zone"),
        ("--broker", "redpanda", "is not HOST:PORT"),
        ("--flow", "My flow", "is not a name"),
    ],
)
def test_an_answer_that_does_not_fit_is_shown_and_nothing_is_written(
    tmp_path: Path, option: str, value: str, said: str
) -> None:
    refused = vigie("init", tmp_path / "new", "--yes", option, value)
    assert refused.exit_code == 1
    assert said in refused.output
    assert not (tmp_path / "new").exists()


def test_the_unit_runs_the_whole_folder_with_its_secrets(tmp_path: Path) -> None:
    vigie("init", tmp_path, "--yes")
    unit = (tmp_path / "vigie.service").read_text()
    assert f' up "{tmp_path}" --data "{tmp_path / "data"}"' in unit
    assert f"EnvironmentFile=-{tmp_path / 'site.env'}" in unit


@pytest.mark.parametrize("name", ["plant", "my plant, 100 %"])
def test_systemd_takes_the_unit(tmp_path: Path, name: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here")
    vigie("init", tmp_path / name, "--yes", "--name", name)
    unit = tmp_path / name / "vigie.service"
    checked = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in checked.stderr.splitlines() if "vigie.service" in line] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    printed = vigie("completion", shell)
    assert printed.exit_code == 0
    assert f"_VIGIE_COMPLETE={shell}_complete" in printed.output


def test_commands_are_completed_without_importing_them() -> None:
    code = (
        "import sys; from flows.cli import main\n"
        "try: main(prog_name='vigie')\n"
        "except SystemExit: pass\n"
        "print('IMPORTED', *(m for m in sys.modules if m.startswith('flows.commands')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"COMP_WORDS": "vigie ", "COMP_CWORD": "1", "_VIGIE_COMPLETE": "bash_complete"}
        | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *offered, imported = done.stdout.splitlines()
    assert [line.removeprefix("plain,") for line in offered] == list(COMMANDS)
    assert imported == "IMPORTED"
