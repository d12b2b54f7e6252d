"""The settings of the compose file, on the real servers, with their paths as they are here."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pymysql
import pytest
from pymysqlreplication import BinLogStreamReader
from ruamel.yaml import YAML

from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.ports import HOST
from infra.embedded.service import Service
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

Own = Callable[[Any], Any]


def secret(site: Path, name: str) -> str:
    return (site / "secrets" / name).read_text()


class ComposeMosquitto(Mosquitto):
    """Mosquitto with the compose file's settings."""

    def __init__(self, folder: Path, site: Path) -> None:
        super().__init__(folder)
        self._site = site

    def prepare(self) -> None:
        for name, source in (
            ("acl", "mosquitto/acl"),
            ("passwords", "secrets/MOSQUITTO_PASSWORDS"),
        ):
            (self.folder / name).write_text((self._site / source).read_text())
            (self.folder / name).chmod(0o644)
        text = (self._site / "mosquitto" / "mosquitto.conf").read_text()
        text = text.replace("listener 1883", f"listener {self.port} {HOST}")
        text = text.replace("/run/secrets/MOSQUITTO_PASSWORDS", str(self.folder / "passwords"))
        text = text.replace("/mosquitto/config/acl", str(self.folder / "acl"))
        text = text.replace("/mosquitto/data/", f"{self.folder}/")
        if not self.run_as():
            text += "user root\n"
        (self.folder / "mosquitto.conf").write_text(text)
        self.give_folder()


class ComposeMariaDB(MariaDB):
    """MariaDB with the compose file's settings and accounts."""

    def __init__(self, folder: Path, site: Path) -> None:
        super().__init__(folder)
        self._site = site
        self.variables = {}

    def _first_statements(self) -> str:
        secrets = self.folder / "secrets"
        secrets.mkdir(exist_ok=True)
        for path in (self._site / "secrets").iterdir():
            (secrets / path.name).write_bytes(path.read_bytes())
        text = (self._site / "mariadb" / "users.sql").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("--")]
        statements = [" ".join(s.split()) for s in "\n".join(lines).split(";\n") if s.strip()]
        text = "".join(f"{statement.removesuffix(';')};\n" for statement in statements)
        return text.replace("/run/secrets", str(secrets))

    def command(self) -> list[str]:
        settings = self.folder / "vigie.cnf"
        settings.write_text((self._site / "mariadb" / "vigie.cnf").read_text())
        settings.chmod(0o644)
        command = super().command()
        return [
            f"--defaults-file={settings}" if word == "--no-defaults" else word for word in command
        ]


def log_in(
    broker: Service, user: str | None, password: str | None
) -> tuple[mqtt.Client, list[str]]:
    """A client and the topics of what it received, once it may."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"test-{user}")
    if user:
        client.username_pw_set(user, password)
    received: list[str] = []
    client.on_message = lambda _c, _u, message: received.append(message.topic)
    answers: list[str] = []
    client.on_connect = lambda _c, _u, _f, code, _p: answers.append(str(code))
    client.connect(HOST, broker.port)
    client.loop_start()
    wait_until(lambda: answers, what="the broker's answer")
    if answers[0] != "Success":
        client.loop_stop()
        raise PermissionError(answers[0])
    return client, received


def test_mosquitto_takes_accounts_with_their_topics_and_nobody_else(
    site: Path, own: Own, tmp: Path
) -> None:
    broker = own(ComposeMosquitto(tmp / "mosquitto", site))
    for user, password in ((None, None), ("vigie", "wrong"), ("root", "")):
        with pytest.raises(PermissionError):
            log_in(broker, user, password)
    vigie, heard = log_in(broker, "vigie", secret(site, "MQTT_PASSWORD"))
    bridge, commands = log_in(broker, "zigbee2mqtt", secret(site, "ZIGBEE2MQTT_PASSWORD"))
    try:
        done: list[int] = []
        vigie.on_subscribe = lambda *_: done.append(1)
        bridge.on_subscribe = lambda *_: done.append(1)
        vigie.subscribe("#", 1)
        bridge.subscribe([("zigbee2mqtt/#", 1), ("home/#", 1)])
        wait_until(lambda: len(done) == 2, what="the subscriptions")
        for client, topic in (
            (vigie, "zigbee2mqtt/not-ours"),
            (vigie, "home/alarm/overload"),
            (bridge, "home/alarm/forged"),
            (bridge, "zigbee2mqtt/mains"),
        ):
            client.publish(topic, "{}", 1).wait_for_publish(PATIENCE)
        wait_until(lambda: heard[-1:] == commands[-1:] == ["zigbee2mqtt/mains"], what="the reading")
        assert heard == ["home/alarm/overload", "zigbee2mqtt/mains"]
        assert commands == ["zigbee2mqtt/mains"]
    finally:
        for client in (vigie, bridge):
            client.disconnect()
            client.loop_stop()


@pytest.mark.filterwarnings("ignore:.db. is deprecated")
def test_mariadb_gives_vigie_its_binary_log_and_not_a_right_more(
    site: Path, own: Own, tmp: Path
) -> None:
    database = own(ComposeMariaDB(tmp / "mariadb", site))

    def login(user: str, name: str) -> dict[str, Any]:
        return {
            "host": HOST, "port": database.port, "user": user, "password": secret(site, name),
        }  # fmt: skip

    home = login("homeassistant", "MARIADB_HOME_ASSISTANT_PASSWORD")
    vigie = login("vigie", "MARIADB_PASSWORD")
    recorder = {"database": "homeassistant", "autocommit": True}
    with pymysql.connect(**home, **recorder) as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE states (state_id INT PRIMARY KEY, state TEXT)")
        cursor.execute("INSERT INTO states VALUES (1, '21.5')")
        with pytest.raises(pymysql.Error, match="denied"):
            cursor.execute("SELECT * FROM mysql.user")
    with pymysql.connect(**vigie, database="homeassistant") as link, link.cursor() as cursor:
        cursor.execute("SELECT state FROM states")
        assert cursor.fetchall() == (("21.5",),)
        for statement in ("DELETE FROM states", "DROP TABLE states", "CREATE USER x", "FLUSH LOGS"):
            with pytest.raises(pymysql.Error, match="denied"):
                cursor.execute(statement)
        cursor.execute("SHOW VARIABLES WHERE Variable_name LIKE 'binlog_row%' OR "
                       "Variable_name IN ('binlog_format', 'log_bin', 'local_infile')")  # fmt: skip
        variables = dict(cursor.fetchall())
    wanted = {"binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}
    assert variables == {**variables, **wanted, "log_bin": "ON", "local_infile": "OFF"}
    stream = BinLogStreamReader(
        connection_settings=vigie, server_id=77, is_mariadb=True, blocking=False,
        skip_to_timestamp=time.time() - 3600,
    )  # fmt: skip
    try:
        rows = [row["values"] for event in stream for row in getattr(event, "rows", [])]
    finally:
        stream.close()
    assert {"state_id": 1, "state": "21.5"} in rows


def test_the_definitions_of_the_site_are_valid_with_its_site_file(site: Path) -> None:
    definitions = [str(path) for path in sorted((site / "site").glob("*.yaml"))]
    secrets = {path.name: path.read_text() for path in (site / "secrets").iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "validate", *definitions],
        env={"PATH": "/usr/bin:/bin", **secrets}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_site_file_asks_for_no_secret_that_a_container_does_not_get(site: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (site / "site.yaml").read_text()))
    services = YAML(typ="safe").load(site / "compose.yaml")["services"]
    for name in ("vigie", "vigie-simulation", "migrate"):
        given = {s if isinstance(s, str) else s["target"] for s in services[name]["secrets"]}
        assert asked == given, name
