"""All that belongs to an event, exported into one file."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import clickhouse_connect
from click.testing import CliRunner

from connectors.clickhouse.columns import ALARMS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from flows.cli import main
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.objects import Objects
from tests.api.events import alarm
from tests.api.site.evidence_site import Shelf, agreed


def site_of(
    folder: Path, clickhouse: ClickHouse, objects: Objects, database: str, **more: Any
) -> Path:
    """A site file of the services."""
    connections = {
        "minio": {
            "url": objects.url, "access_key": objects.access_key, "secret_key": objects.secret_key,
        },
        "clickhouse": {"url": f"{clickhouse.url}/{database}", "password": clickhouse.password},
    }  # fmt: skip
    connections |= more.pop("connections", {})
    site = folder / "site.yaml"
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": connections, **more}))
    return site


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
    site = site_of(tmp, clickhouse, objects, unique)
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
    nowhere = CliRunner().invoke(main, [*arguments[:-1], str(tmp / "none" / "e.zip")])
    assert (nowhere.exit_code, "cannot be written: No such file" in nowhere.output) == (1, True)
    forged = agreed("gate")
    shelf.add(forged)
    shelf.put(forged, "clip", "gate", "videos/1.mp4", b"clip", sha256=digest, signature="made up")
    arguments[2] = forged.id
    without = CliRunner().invoke(main, arguments)
    assert (without.exit_code, "is left out: it is not signed" in without.output) == (0, True)
    with zipfile.ZipFile(tmp / "e.zip") as archive:
        assert "videos/1.mp4" not in archive.namelist()
    arguments[2] = event.id
    shelf.bucket.client.remove_object(unique, "videos/1.mp4")
    gone = CliRunner().invoke(main, arguments)
    assert gone.exit_code == 1
    assert "no longer has 'videos/1.mp4'" in gone.output
    arguments[2] = "none"
    assert "has no event 'none'" in CliRunner().invoke(main, arguments).output
    client.close()


def test_old_evidence_is_deleted_with_its_row_and_what_is_pinned_forged_or_shared_stays(
    clickhouse: ClickHouse, objects: Objects, broker: Broker, tmp: Path, unique: str
) -> None:
    clickhouse.query(f"CREATE DATABASE {unique}")
    client = clickhouse_connect.get_client(**clickhouse.client_options(unique))
    shelf = Shelf(client, objects, unique)
    events = [agreed(name) for name in ("old", "pinned", "alarm", "forged")]
    shelf.add(*events)
    for event, name in zip(events, ("old", "pinned", "alarm", "forged"), strict=True):
        forged = {"signature": "made up"} if name == "forged" else {}
        shelf.put(event, "clip", name, f"videos/{name}.mp4", b"clip", **forged)
    shelf.put(events[0], "snapshot", "old", "latest.jpg", b"jpeg", thumbnail="small.jpg")
    shelf.put(events[1], "snapshot", "pinned", "latest.jpg", b"jpeg")
    Schema(client, "").migrate(Declared("alarm_events", "alarms"))
    raised = alarm(1, severity="critical", evidence={"id": events[2].id, "ts": events[2].time})
    client.insert_arrow("alarm_events", ALARMS.arrow([raised]))
    site = site_of(
        tmp, clickhouse, objects, unique,
        connections={"redpanda": {"brokers": [broker.address], "prefix": f"{unique}."}},
        evidence={"keep": "1d", "keep_by": {"critical": "36500d"}},
    )  # fmt: skip

    def vigie(*words: str) -> str:
        done = CliRunner().invoke(main, ["evidence", *words, "--site", str(site)])
        assert done.exit_code == 0, done.output
        return done.output

    assert "pinned" in vigie("pin", events[1].id)
    everything = shelf.bucket.names()
    assert "2 would be deleted" in vigie("sweep", "--dry-run")
    assert shelf.bucket.names() == everything
    assert "videos/old.mp4: kept for 1 d" in vigie("sweep")
    assert shelf.bucket.names() == [
        "latest.jpg", "videos/alarm.mp4", "videos/forged.mp4", "videos/pinned.mp4",
    ]  # fmt: skip
    statement = (
        "SELECT data FROM events FINAL WHERE type = 'evidence' AND startsWith(id, {id:String})"
    )
    told = client.query(statement, parameters={"id": events[0].id}).result_rows
    assert {json.loads(row[0])["data"]["state"] for row in told} == {"deleted"}
    assert "0 deleted" in vigie("sweep")
    vigie("pin", events[1].id, "--undo")
    assert "2 deleted" in vigie("sweep")
    assert shelf.bucket.names() == ["videos/alarm.mp4", "videos/forged.mp4"]
