"""`infra/compose/compose.yaml` as Docker Compose would read it, without an engine."""

import json
import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from flows.cli import main

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "compose"
SCHEMA = ROOT / "tests" / "data" / "compose" / "compose-spec.json"
MADE_BY_SETUP = {"secrets", "site", "data"}

COMPOSE: dict[str, Any] = YAML(typ="safe").load(FOLDER / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"migrate"}
each = pytest.mark.parametrize("name", SERVICES)


def test_it_is_valid_after_the_schema_of_the_compose_specification() -> None:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    errors = [f"{e.instance_path}: {e.message}" for e in validator.iter_errors(COMPOSE)]
    assert errors == []
    assert not validator.is_valid({**COMPOSE, "services": {"x": {"imagee": "y"}}})


@each
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged") and "network_mode" not in service
    assert int(service["user"].partition(":")[0]) > 0
    assert list(service["networks"]) == ["vigie"] and list(COMPOSE["networks"]) == ["vigie"]


@each
def test_a_service_is_limited_watched_and_ends_in_time(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"]) and service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    if name not in ONE_SHOT:
        assert service["healthcheck"]["start_period"] and service["healthcheck"]["retries"]
        assert service["stop_grace_period"] and service["cpus"]


@each
def test_an_image_is_pinned(name: str) -> None:
    image, _, digest = SERVICES[name]["image"].partition("@")
    tag = image.rpartition("/")[2].partition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)*", tag), f"{image} may change under the same name"
    assert not digest or re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


@each
def test_ports_are_open_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.match(r"127\.0\.0\.1:|\$\{\w+:-127\.0\.0\.1\}:", port), port


@each
def test_secrets_are_files_and_never_variables(name: str) -> None:
    service = SERVICES[name]
    for secret in service.get("secrets", []):
        assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]
    for key, value in service.get("environment", {}).items():
        if re.search("PASSWORD|TOKEN|SECRET", key):
            assert str(value).startswith("/run/secrets/"), key
    mounted = {s if isinstance(s, str) else s.get("target") for s in service.get("secrets", [])}
    used = set(re.findall(r"/run/secrets/(\w+)", json.dumps(service)))
    assert used <= mounted, f"{used - mounted} is not mounted"


@each
def test_what_is_mounted_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.partition(":")[0]
        if not source.startswith("."):
            assert source in COMPOSE["volumes"], source
        elif Path(source).parts[0] not in MADE_BY_SETUP:
            assert (FOLDER / source).exists(), source


def test_prometheus_asks_the_api_under_a_name_that_it_knows() -> None:
    asked = YAML(typ="safe").load(FOLDER / "prometheus.yaml")
    known = YAML(typ="safe").load(ROOT / "infra" / "prometheus" / "prometheus.yaml")
    (alias,) = SERVICES["vigie"]["networks"]["vigie"]["aliases"]
    (host,) = YAML(typ="safe").load(FOLDER / "site.yaml")["api"]["hosts"]
    assert alias == host
    for job in known["scrape_configs"]:
        job["static_configs"][0]["targets"] = [f"{host}:8000"]
    assert asked == known


def test_every_volume_and_secret_is_used() -> None:
    mounts = [v.partition(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])]
    assert set(COMPOSE["volumes"]) == {mount for mount in mounts if not mount.startswith(".")}
    secrets = [s for service in SERVICES.values() for s in service.get("secrets", [])]
    assert set(COMPOSE["secrets"]) == {s if isinstance(s, str) else s["source"] for s in secrets}


@pytest.mark.parametrize("name", ["vigie", "vigie-simulation", "migrate"])
def test_the_commands_of_vigie_exist_with_their_options(name: str) -> None:
    words = [str(word) for word in SERVICES[name]["command"]]
    command = main.get_command(click.Context(main), words[0])
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_image_runs_what_compose_runs() -> None:
    text = (ROOT / "infra" / "Containerfile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    words = json.loads(line)
    assert SERVICES["vigie"]["command"][: len(words)] == words
    user = re.search(r"^USER (\S+)$", text, re.MULTILINE)
    assert user and SERVICES["vigie"]["user"] == user[1]
    assert {"slim", "vision"} <= set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    assert not re.search(r"^FROM \S+:latest", text, re.MULTILINE)


def test_the_image_holds_every_package_of_the_project() -> None:
    text = (ROOT / "infra" / "Containerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for package in ("operators", "connectors", "flows", "api", "infra"):
        assert f"COPY {package} {package}" in text and f"!{package}" in ignored
    for words in map(shlex.split, re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE)):
        assert all((ROOT / word).exists() for word in words[:-1]), words


def test_setup_makes_all_secrets_for_their_readers_alone_and_keeps_what_is_there(
    site: Path,
) -> None:
    secrets = site / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    declared = {Path(entry["file"]).name for entry in COMPOSE["secrets"].values()}
    assert declared <= {path.name for path in secrets.iterdir()}
    values = [path.read_text() for path in secrets.glob("*_PASSWORD")]
    assert len(set(values)) == len(values) and all(len(value) == 48 for value in values)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in secrets.iterdir())
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    subprocess.run(["sh", str(site / "setup.sh")], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert {path.name for path in (site / "site").iterdir()} == {
        "site.yaml", "energy.yaml", "archive.yaml",
    }  # fmt: skip
