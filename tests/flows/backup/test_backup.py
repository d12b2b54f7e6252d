"""A site in one file, made while it runs, and the same site of it in other folders."""

import io
import json
import shutil
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaAdminClient

from api.database.dashboards import Dashboard
from api.database.database import open_database
from api.database.models import Page
from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.producer import Producer
from connectors.kafka.topics.copy import put_missing, rows_of, spans
from flows.backup import positions
from flows.cli import main
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Reading, decode_lines
from tests.flow_process import FlowProcess
from tests.flows.running import HOT, site_of, write
from tests.waiting import wait_until

pytestmark = pytest.mark.service


def vigie(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


class Place:
    """A site with one flow on a topic, in a folder of its own."""

    def __init__(self, folder: Path, broker: Broker, unique: str) -> None:
        self.folder, self.name = folder, unique
        folder.mkdir(exist_ok=True)
        settings = {
            "brokers": [broker.address], "idempotence": False, "partitions": 1,
            "prefix": f"{unique}.",
        }  # fmt: skip
        self.connection = TopicConnection.model_validate(settings)
        self.site = site_of(folder, redpanda=settings)
        self.flow = write(folder, unique, HOT.replace("NAME", unique))
        self.data = folder / "data"

    def send(self, *values: float, start: int = 0) -> None:
        producer = Producer(self.connection, Health(), "test")
        try:
            for number, value in enumerate(values, start):
                reading = Reading(
                    id=f"r{number}", time=1_000_000.0 + number, subject="rack",
                    metric="temperature", value=value,
                )  # fmt: skip
                producer.send_events(f"{self.name}.in", [reading])
            producer.flush()
        finally:
            producer.close()

    def is_saved(self) -> bool:
        """Whether the saved position is the end of the topic."""
        part = f"{self.name}.in/0"
        _, end = spans(self.connection, {f"{self.name}.in"})[part]
        return end > 0 and dict(positions.saved(self.data)).get((self.name, part)) == end

    def changes(self) -> list[str]:
        topic = self.connection.topic_names.alarms
        with open_consumer(self.connection) as consumer:
            if topic not in consumer.topics():
                return []
            consumer.subscribe([topic])
            found = []
            for _ in range(5):
                for records in consumer.poll(300).values():
                    found += [e for record in records for e in decode_lines(record.value)]
        return [event.change for event in found if isinstance(event, AlarmTransition)]


def test_a_flow_goes_on_from_a_backup_that_was_made_while_it_ran(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    here = Place(tmp_path / "here", broker, unique)
    here.send(20, 35)
    saved = tmp_path / "site.vigie"
    with FlowProcess(here.flow, here.site, here.data) as flow:
        wait_until(lambda: here.changes() == ["raised"], what="the alarm")
        wait_until(here.is_saved, what="the saved position")
        made = vigie("backup", saved, "--site", here.site, "--data", here.data)
        assert made.exit_code == 0, made.output
        flow.kill()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600

    there = tmp_path / "there"
    restored = vigie("restore", saved, "--to", there)
    assert restored.exit_code == 0, restored.output
    here.send(25, start=2)
    with FlowProcess(there / here.flow.name, there / "site.yaml", there / "data"):
        found = wait_until(
            lambda: (known := here.changes()) and "returned" in known and known,
            what="the end of the alarm",
        )
        assert found == ["raised", "returned"]


def test_records_that_are_no_longer_there_are_said_not_skipped(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    here = Place(tmp_path / "here", broker, unique)
    here.send(20, 21, 22)
    with FlowProcess(here.flow, here.site, here.data):
        wait_until(here.is_saved, what="the saved position")
    saved = tmp_path / "site.vigie"
    assert vigie("backup", saved, "--site", here.site, "--data", here.data).exit_code == 0
    there = tmp_path / "there"
    _forget(here, f"{unique}.in")
    restored = vigie("restore", saved, "--to", there)
    assert restored.exit_code == 3, restored.output
    assert f"flow {unique}: {unique}.in/0: stood at offset " in restored.output
    assert "the topic is not there" in restored.output


def test_a_share_that_ended_long_ago_is_not_taken_for_where_a_flow_stands(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    here = Place(tmp_path / "here", broker, unique)
    here.send(20)
    with FlowProcess(here.flow, here.site, here.data):
        wait_until(here.is_saved, what="the saved position")
    shutil.copytree(here.data / "flows", here.data / "shares" / "1of2" / "flows")
    here.send(21, 22, start=1)
    with FlowProcess(here.flow, here.site, here.data):
        wait_until(here.is_saved, what="the position of now")


def test_rules_accounts_and_definitions_come_back_and_nothing_is_overwritten(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    here = Place(tmp_path / "here", broker, unique)
    database = open_database(here.data / "api")
    with database.write() as session:
        page = Page(key="k", name="Energy")
        session.add(page)
        session.flush()
        about = {"panels": [{"kind": "card", "subject": "rack"}], "changed": 1.0, "changed_by": "a"}
        session.add(Dashboard(page_id=page.id, name="Day", **about))
    database.close()
    rules = here.connection.topic_names.rules
    put_missing(here.connection, rules, {"one": b'{"id":"one"}', "two": b'{"id":"two"}'})
    saved = tmp_path / "site.vigie"
    made = vigie("backup", saved, "--site", here.site, "--data", here.data)
    assert made.exit_code == 0, made.output

    there = tmp_path / "there"
    there.mkdir()
    (there / here.flow.name).write_text("mine")
    settings = {"brokers": [broker.address], "idempotence": False, "prefix": f"{unique}b."}
    site_of(there, redpanda=settings)
    other = TopicConnection.model_validate(settings)
    put_missing(other, other.topic_names.rules, {"two": b'{"id":"newer"}'})
    restored = vigie("restore", saved, "--to", there)
    assert restored.exit_code == 0, restored.output
    assert rows_of(other, other.topic_names.rules) == {
        "one": b'{"id":"one"}',
        "two": b'{"id":"newer"}',
    }
    assert (there / here.flow.name).read_text() == "mine"
    assert "stays as it is" in restored.output
    with closing(sqlite3.connect(there / "data" / "api" / "api.sqlite")) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert opened.execute("SELECT name, panels FROM dashboards").fetchall() == [
            ("Day", '[{"kind": "card", "subject": "rack"}]')
        ]
    again = vigie("restore", saved, "--to", there)
    assert again.exit_code == 1
    assert "is not empty" in again.output


def test_the_site_file_in_a_backup_has_variables_in_the_place_of_secrets(
    broker: Broker, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    site = tmp_path / "site.yaml"
    site.write_text(
        "vigie: 1\nsite: here\nconnections:\n"
        f"  redpanda: {{brokers: ['{broker.address}']}}\n"
        "  influxdb: {url: 'http://127.0.0.1:1', token: written-in-clear}\n"
        "  mariadb: {url: 'mysql://me:in-the-address@127.0.0.1:1/home'}\n"
    )
    saved = tmp_path / "site.vigie"
    made = vigie("backup", saved, "--site", site, "--data", tmp_path / "data")
    assert made.exit_code == 0, made.output
    there = tmp_path / "there"
    vigie("restore", saved, "--to", there)
    text = (there / "site.yaml").read_text()
    assert 'token: "${INFLUXDB_TOKEN}"' in text
    assert "mysql://me:${MARIADB_URL}@127.0.0.1" in text
    assert vigie("validate", there / "site.yaml").exit_code == 0


def test_a_damaged_or_newer_backup_is_refused_and_nothing_is_written(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    here = Place(tmp_path / "here", broker, unique)
    here.data.mkdir()
    saved = tmp_path / "site.vigie"
    assert vigie("backup", saved, "--site", here.site, "--data", here.data).exit_code == 0
    half = tmp_path / "half.vigie"
    half.write_bytes(saved.read_bytes()[:-200])
    newer = tmp_path / "newer.vigie"
    _with_format(saved, newer, 99)
    for file, said in ((half, "is damaged"), (newer, "format 99")):
        refused = vigie("restore", file, "--to", tmp_path / "there")
        assert refused.exit_code == 1
        assert said in refused.output
        assert not (tmp_path / "there").exists()


def test_no_file_is_left_when_the_broker_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    site = site_of(tmp_path, redpanda={"brokers": ["127.0.0.1:1"]})
    made = vigie("backup", tmp_path / "b", "--site", site, "--data", tmp_path / "data")
    assert made.exit_code == 75
    assert {path.name for path in tmp_path.iterdir()} == {"data", "site.yaml"}


def _forget(place: Place, topic: str) -> None:
    admin = KafkaAdminClient(**place.connection.client_options())
    admin.delete_topics([topic])
    admin.close()


def _with_format(source: Path, target: Path, number: int) -> None:
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old.getmembers():
            file = old.extractfile(member)
            assert file is not None
            if member.name == "backup.json":
                content = json.loads(file.read()) | {"format": number}
                raw = msgspec.json.encode(content)
                member.size = len(raw)
                new.addfile(member, io.BytesIO(raw))
            else:
                new.addfile(member, file)
