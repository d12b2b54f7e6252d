"""Definitions that come over the network, to the api of a running `vigie up`."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from connectors.config.document import Document
from flows.site.network.from_network import foreign_places
from flows.site.site_status import UnitStatus
from infra.demo.log_in import choose_password, log_in
from infra.embedded.ports import free_port
from operators.events import DeadLetter, Reading, encode_lines
from tests.api.running import Topics
from tests.flows.site.up import FLOW, Look, Up
from tests.waiting import PATIENCE, wait_until


@pytest.mark.service
def test_a3_a5_a6_a_definition_is_put_by_an_admin_and_of_two_who_deploy_one_is_told(
    up: Up, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "hidden")
    url = f"http://127.0.0.1:{free_port()}"
    up.start("--port", url.rpartition(":")[2])
    text = FLOW.replace("NAME", "cool").replace("PREFIX", up.prefix)

    def password() -> str | None:
        found = re.search(r"admin password: (\S+)", up.log.read_text())
        return found[1] if found else None

    word = wait_until(password, what="the password of the first start")
    client = httpx.Client(base_url=url, timeout=PATIENCE)

    wait_until(
        lambda: (found := up.status()) and found.api and found.api.state == "running",
        what="the api to be called running",
    )
    port = int(url.rpartition(":")[2])
    token = log_in(port, "admin", choose_password(port, "admin", word))
    status = up.status()
    assert status is not None and status.api is not None
    assert status.api.address == url
    assert client.put("/api/flows/cool", json={"text": text}).status_code == 401
    client.headers["Authorization"] = f"Bearer {token}"

    def put(text: str, version: str | None = None) -> httpx.Response:
        tag = {"If-Match": f'"{version}"'} if version else {}
        return client.put("/api/flows/cool", json={"text": text}, headers=tag)

    first = put(text.replace("LIMIT", "30"))
    assert first.status_code == 200, first.text
    one = first.json()["version"]
    held = client.get("/api/flows/cool/definition")
    assert (held.headers["etag"], held.json()["text"]) == (f'"{one}"', text.replace("LIMIT", "30"))
    assert up.wait_running("cool").version == one

    blind = put(text.replace("LIMIT", "20"))
    assert blind.status_code == 409 and f"version {one} is there" in blind.json()["error"]
    bad = put(text.replace("LIMIT", "30 furlongs"), one)
    assert bad.status_code == 422 and "cool.yaml:5:" in bad.json()["error"]
    for more, why in (
        ("tables: {t: ../../etc/passwd}\n", "not below its folder"),
        ("tables: {t: [{url: 'http://169.254.169.254/latest'}]}\n", "link-local"),
    ):
        refused = put(text.replace("LIMIT", "30") + more, one)
        assert refused.status_code == 422 and why in refused.json()["error"]
    secret = text.replace("LIMIT", "30").replace("Cool it.", "'${ADMIN_PASSWORD}'")
    assert "hidden" not in put(secret, one).text
    second = put(
        text.replace("LIMIT", "29"),
        client.get("/api/flows/cool/definition").headers["etag"].strip('"'),
    )
    assert second.status_code == 200, second.text
    assert put(text.replace("LIMIT", "28"), one).status_code == 409
    shown = client.get("/metrics").text
    assert 'vigie_api_reloads_total{flow="cool",result="ok"} 2.0' in shown
    version = second.json()["version"]
    assert f'vigie_api_saved_version_refused{{flow="cool",version="{version}"}} 0.0' in shown
    flow = httpx.get(f"{up.wait_running('cool').address}/metrics").text
    assert f'vigie_flow_started_seconds{{flow="cool",version="{version}"}}' in flow
    begun = f'vigie_flow_started_seconds{{flow="cool",process="cool",version="{version}"}}'
    wait_until(lambda: begun in client.get("/metrics/flows").text, what="the flow's metrics")

    again = Reading(id="again", time=time.time(), subject="rack", metric="temperature", value=31.0)
    letter = DeadLetter(
        id="d1", time=again.time, flow="cool", step="readings", reason="bad_json",
        detail="expected an object", origin="rack", payload=encode_lines([again]),
    )  # fmt: skip
    topics = Topics(up.connection.brokers[0], f"{up.prefix}.")
    topics.events(letter, topic=topics.names.dead_letters("cool"))
    wait_until(
        lambda: client.get("/api/dead-letters?flow=cool").json()["letters"], what="the letter"
    )
    path = "/api/flows/cool/dead-letters/replay"
    wanted = {"letters": [{"id": "d1", "step": "readings"}]}
    sent = client.post(path, json=wanted)
    assert (sent.status_code, sent.json()) == (200, {"sent": 1, "kept": {}})
    (shown_letter,) = client.get("/api/dead-letters?flow=cool").json()["letters"]
    assert not shown_letter["open"]
    passed = Look(up, f"{up.prefix}.out.cool")
    wait_until(lambda: "again" in passed(), what="the reading to pass the flow")
    none = client.post(path, json={"letters": [{"id": "d9", "step": "readings"}]})
    assert none.json() == {"sent": 0, "kept": {}}
    gone = client.post("/api/flows/nothing/dead-letters/replay", json=wanted)
    assert gone.status_code == 422 and "no flow 'nothing' runs" in gone.json()["error"]
    topics.close()

    limits = client.get("/api/flows/cool/limits/hot").json()
    assert (limits["version"], limits["limits"][0]) == (
        version,
        {"place": "when.above", "value": "29", "unit": ""},
    )
    planned = client.post("/api/flows/cool/limits/hot", json={"values": {"when.above": "32.5"}})
    assert planned.status_code == 200, planned.text
    tried = planned.json()
    assert (tried["before"], tried["after"], tried["unknown"]) == (1, 0, None)
    (gone_one,) = tried["differs"]
    assert (gone_one["subject"], gone_one["after"]) == ("rack", None)
    assert gone_one["before"]["raised"] == pytest.approx(again.time)
    assert tried["text"] == text.replace("LIMIT", "32.5")
    assert put(tried["text"], tried["version"]).status_code == 200
    wrong = client.post("/api/flows/cool/limits/hot", json={"values": {"when.above": "20"}})
    assert wrong.status_code == 422 and "'clear' (28) must be lower" in wrong.json()["error"]

    draft = tmp / "cool.yaml"
    draft.write_text(text.replace("LIMIT", "31"))
    command = [sys.executable, "-m", "flows.cli", "deploy", str(draft), "--to", url]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "VIGIE_TOKEN": token}
    )
    assert done.returncode == 0, done.stderr
    assert "above: 31," in (up.folder / "cool.yaml").read_text()

    def api() -> UnitStatus:
        status = up.status()
        assert status is not None and status.api is not None
        return status.api

    before, site = api(), up.folder / "site.yaml"
    good = site.read_text()
    site.write_text(good[:-20])
    wait_until(lambda: api().error, what="the site file to be refused")
    assert (api().state, api().pid) == ("running", before.pid), "half a file ends no api"
    site.write_text(good)
    wait_until(lambda: api().is_well, what="the site file to be good again")
    assert api().pid == before.pid
    client.close()
    assert up.stop() == 0


@pytest.mark.parametrize(
    "line",
    [
        "streams: {x: {from: a, steps: [detect: {model: ../../etc/passwd}]}}",
        "streams: {x: {from: a, steps: [detect: {model: 'http://169.254.169.254/m.onnx'}]}}",
        "streams: {x: {from: a, steps: [detect: /etc/passwd]}}",
        "sources: {a: {rtsp: {url: 'rtsp://127.0.0.1/stream'}}}",
        "sources: {a: {rtsp: {url: 'rtsp://user:word@[::1]:554/stream'}}}",
        "sources: {a: {rtsp: {url: 'rtsp://localhost/stream'}}}",
    ],
)
def test_a6_a_definition_from_the_network_names_nothing_of_this_machine(
    tmp_path: Path, line: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(line)
    assert "that comes over the network" in str(foreign_places(Document.read(path)))
    path.write_text("sources: {a: {rtsp: {url: 'rtsp://10.0.0.7/stream'}}}\n")
    assert foreign_places(Document.read(path)) is None
