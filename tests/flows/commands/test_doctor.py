"""The doctor against real servers: what is well, what is wrong with its remedy, and no secrets."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.mail import Mail
from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.objects import Objects
from infra.embedded.victoria import Victoria
from tests.flows.running import site_of, write

pytestmark = pytest.mark.service


def doctor(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)])


def lines(result: Result) -> list[dict[str, str]]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_a12_a_site_whose_services_are_well_has_no_fault(
    broker: Broker, mosquitto: Mosquitto, clickhouse: ClickHouse, mariadb: MariaDB, mail: Mail,
    objects: Objects, victoria: Victoria, tmp_path: Path,
) -> None:  # fmt: skip
    site = site_of(
        tmp_path,
        redpanda={"brokers": [broker.address]},
        mqtt={"url": mosquitto.url},
        clickhouse={"url": clickhouse.url, "password": clickhouse.password},
        mariadb={"url": mariadb.url},
        email={"url": mail.url},
        minio={
            "url": objects.url,
            "access_key": objects.access_key,
            "secret_key": objects.secret_key,
        },
        influxdb={"url": victoria.url, "token": victoria.token},
    )
    seen = doctor(site, "--data", tmp_path, "--json")
    found = lines(seen)
    assert [one for one in found if one["state"] == "fault"] == []
    assert seen.exit_code == 0, seen.output
    told = {(one["where"], one["what"]) for one in found}
    for where in ("machine", "redpanda", "mqtt", "clickhouse", "mariadb", "minio", "influxdb"):
        assert any(name == where for name, _ in told), where
    for line in [
        ("clickhouse", "clock"), ("mariadb", "clock"), ("mariadb", "binary log"),
        ("mqtt", "version"), ("machine", "time zone data"), ("machine", "open files"),
    ]:  # fmt: skip
        assert line in told


def test_a12_each_service_that_does_not_answer_is_a_line_with_what_helps(tmp_path: Path) -> None:
    site = site_of(
        tmp_path,
        redpanda={"brokers": ["127.0.0.1:1"]},
        mqtt={"url": "mqtt://127.0.0.1:1"},
        clickhouse={"url": "http://127.0.0.1:1/x", "password": "open-sesame"},
        mariadb={"url": "mysql://me:open-sesame@127.0.0.1:1/home"},
        email={"url": "smtp://127.0.0.1:1"},
        minio={"url": "http://127.0.0.1:1", "access_key": "a", "secret_key": "open-sesame"},
        influxdb={"url": "http://127.0.0.1:1", "token": "open-sesame"},
    )
    seen = doctor(site, "--json")
    assert seen.exit_code == 1
    down = {one["where"]: one for one in lines(seen) if one["state"] == "fault"}
    assert set(down) == {
        "redpanda", "mqtt", "clickhouse", "mariadb", "email", "minio", "influxdb",
    }  # fmt: skip
    for one in down.values():
        assert one["remedy"] or "check" in one["came"], one
    assert "open-sesame" not in seen.output


def test_a12_a_missing_right_and_a_wrong_password_are_told_apart(
    broker: Broker, mariadb: MariaDB, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    site = site_of(
        tmp_path,
        redpanda={"brokers": [broker.address]},
        mariadb={"url": mariadb.url},
        clickhouse={"url": clickhouse.url, "password": "wrong-one"},
    )
    write(
        tmp_path,
        "house",
        "sources: {rows: {mariadb_binlog: {tables: [nowhere]}}}\n"
        "streams: {readings: {from: rows, steps: [decode: auto]}}\n",
    )
    seen = doctor(site)
    assert seen.exit_code == 1
    assert "nowhere does not exist" in seen.output
    assert "check url" in seen.output
    assert "wrong-one" not in seen.output


def test_a12_the_bundle_holds_the_report_and_no_secret(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "from-the-environment")
    site = tmp_path / "site.yaml"
    site.write_text(
        "vigie: 1\nsite: here\nconnections:\n"
        f"  redpanda: {{brokers: ['{broker.address}']}}\n"
        "  mqtt: {url: 'mqtt://127.0.0.1:1', username: me, password: '${MQTT_PASSWORD}'}\n"
        "  influxdb: {url: 'http://127.0.0.1:1', token: written-in-clear}\n"
        "  mariadb: {url: 'mysql://me:in-the-address@127.0.0.1:1/home'}\n"
    )
    bundle = tmp_path / "bundle.zip"
    doctor(site, "--bundle", bundle)
    with zipfile.ZipFile(bundle) as file:
        texts = {name: file.read(name).decode() for name in file.namelist()}
    assert set(texts) == {"report.txt", "machine.txt", "site.yaml"}
    whole = "".join(texts.values())
    for secret in ("from-the-environment", "written-in-clear", "in-the-address"):
        assert secret not in whole
    assert "${MQTT_PASSWORD}" in texts["site.yaml"]
    assert "FAULT   mqtt" in texts["report.txt"]


def test_a_site_without_a_broker_is_told_to_name_one(tmp_path: Path) -> None:
    seen = doctor(site_of(tmp_path))
    assert seen.exit_code == 1
    assert "every flow needs it" in seen.output
