"""All that belongs to an event, exported into one file."""

import hashlib
import json
import zipfile
from pathlib import Path

import clickhouse_connect
from click.testing import CliRunner

from connectors.clickhouse.columns import ALARMS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from flows.cli import main
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.objects import Objects
from tests.api.events import alarm
from tests.api.site.evidence_site import Shelf, agreed


def test_an_event_is_exported_with_what_was_stored_of_it_and_checksums(
    clickhouse: ClickHouse, objects: Objects, tmp: Path, unique: str
) -> None:
    clickhouse.query(f"CREATE DATABASE {unique}")
    client = clickhouse_connect.get_client(**clickhouse.client_options(unique))
    shelf = Shelf(client, objects, unique)
    event = agreed("dock")
    shelf.add(event)
    Schema(client, "").migrate(Declared("alarm_events", "alarms"))
    raised = [alarm(1, evidence={"id": event.id, "ts": event.time}), alarm(2, "C")]
    other = alarm(3, occ=2, evidence={"id": "another", "ts": event.time})
    client.insert_arrow("alarm_events", ALARMS.arrow([*raised, other]))
    digest = hashlib.sha256(b"clip").hexdigest()
    shelf.put(event, "clip", "dock", "videos/1.mp4", b"clip", sha256=digest)
    connections = {
        "minio": {
            "url": objects.url, "access_key": objects.access_key, "secret_key": objects.secret_key,
        },
        "clickhouse": {"url": f"{clickhouse.url}/{unique}", "password": clickhouse.password},
    }  # fmt: skip
    site = tmp / "site.yaml"
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": connections}))
    arguments = ["evidence", "export", event.id, "--site", str(site), "-o", str(tmp / "e.zip")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp / "e.zip") as archive:
        assert archive.read("videos/1.mp4") == b"clip"
        assert json.loads(archive.read("event.json"))["id"] == event.id
        alarms = json.loads(archive.read("alarms.json"))
        assert [one["id"] for one in alarms] == ["a1", "a2"]
        sums = dict(
            line.split("  ")[::-1] for line in archive.read("SHA256SUMS").decode().splitlines()
        )
        assert sums == {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if name != "SHA256SUMS"
        }
    shelf.bucket.client.remove_object(unique, "videos/1.mp4")
    gone = CliRunner().invoke(main, arguments)
    assert gone.exit_code == 1
    assert "no longer has 'videos/1.mp4'" in gone.output
    arguments[2] = "none"
    assert "has no event 'none'" in CliRunner().invoke(main, arguments).output
    client.close()
