"""REST of events, alarms, flows and dead letters, on real services."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import msgspec
import pytest
from kafka import KafkaConsumer
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from api.database.database import open_database
from api.database.models import Audit
from api.settings import Settings
from api.site.host_metrics import read_graphics
from api.site.onvif_discovery import read_answer
from connectors.clickhouse.columns import ALARMS, EVENTS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.config.api_section import ApiSection
from connectors.runtime.announcement import TABLE, Announcement
from operators.alarms.command_handler import ACCEPTED, REJECTED
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import DeadLetter, Occurrence, Reading, Row, decode_lines
from tests.api.conftest import Start
from tests.api.events import alarm
from tests.api.running import Api, Topics
from tests.waiting import PATIENCE, wait_until

T0 = 1_767_600_000


def happened(number: int, type: str = "motion_detected") -> Occurrence:
    data = {"event_id": f"e{number}", "data": {"presence": True}}
    return Occurrence(
        id=f"e{number}",
        time=T0 + number,
        subject="pir",
        type=type,
        data=data,
        source="sensor-motion",
    )


@pytest.fixture
def events_topic(topics: Topics) -> str:
    return f"{topics.prefix}site.events"


@pytest.fixture
def archived(
    start: Start, settings: Settings, topics: Topics, events_topic: str, database: Callable[[], Any]
) -> Api:
    """A server whose ClickHouse holds the events 0 to 59, and whose topic holds 50 to 69."""
    client = database()
    for table, kind in (("events", "events"), ("alarm_events", "alarms")):
        Schema(client, "").migrate(Declared(table, kind))
    client.insert_arrow("events", EVENTS.arrow([happened(n) for n in range(60)]))
    client.insert_arrow(
        "alarm_events", ALARMS.arrow([alarm(seq, "B" if seq % 2 else "C") for seq in range(1, 8)])
    )
    topics.events(*(happened(n) for n in range(50, 70)), topic=events_topic)
    api = start(
        replace(
            settings, clickhouse=database, event_topics=(events_topic,), posts_topic=events_topic
        )
    )
    api.wait_for_topics(events_topic)
    token = api.login()
    wait_until(
        lambda: api.get("/api/events/e69", token).status_code == 200,
        what="the events to be read back",
    )
    return api


def test_events_of_clickhouse_and_of_the_topic_are_listed_once_page_by_page(archived: Api) -> None:
    token, found, after = archived.login(), [], None
    while True:
        page = archived.get(
            "/api/events", token, limit=17, **({"after": after} if after else {})
        ).json()
        assert page["complete"]
        found += [event["id"] for event in page["events"]]
        after = page["next"]
        if after is None:
            break
    assert found == [f"e{n}" for n in reversed(range(70))]


def test_events_are_filtered_counted_and_acknowledged_once(archived: Api) -> None:
    token = archived.login()
    span = {"from": T0 + 10, "to": T0 + 65}
    stats = archived.get("/api/events/stats", token, **span).json()
    assert (stats["total"], stats["by_type"], stats["acknowledged"]) == (
        55,
        {"motion_detected": 55},
        0,
    )
    headers = {"Authorization": f"Bearer {token}"}
    for id, comment in (("e12", "seen"), ("e64", None), ("e12", "again")):
        body = {"json": {"comment": comment}} if comment else {}
        answer = httpx.post(
            f"{archived.url}/api/events/{id}/acknowledge", headers=headers, **body, timeout=PATIENCE
        )
        assert answer.status_code == 200, answer.text
    assert answer.json()["comment"] == "seen", "the first acknowledgement counts"
    assert archived.get("/api/events/stats", token, **span).json()["acknowledged"] == 2
    taken = archived.get("/api/events", token, acknowledged="true").json()["events"]
    assert [(event["id"], event["acknowledged"]["by"]) for event in taken] == [
        ("e64", "admin"),
        ("e12", "admin"),
    ]
    assert (
        len(archived.get("/api/events", token, acknowledged="false", limit=500).json()["events"])
        == 68
    )
    assert archived.get("/api/events", token, type="button_pressed").json()["events"] == []
    assert archived.get("/api/events", token, after="nonsense").status_code == 400


def test_the_history_of_alarms_is_paged(archived: Api) -> None:
    token = archived.login()
    page = archived.get("/api/alarms/history", token, limit=5, rule="server_room/too_hot").json()
    rest = archived.get("/api/alarms/history", token, limit=5, after=page["next"]).json()
    assert [entry["seq"] for entry in (*page["transitions"], *rest["transitions"])] == [
        7,
        6,
        5,
        4,
        3,
        2,
        1,
    ]
    assert (page["transitions"][0]["value"], page["transitions"][0]["time"], rest["next"]) == (
        31.0,
        7.0,
        None,
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[1]", "expected an object, got a number"),
        (b'{"type":"x"}', "expected texts as device_id and type"),
        (
            b'[{"type":"x","device_id":"' + b"d" * 201 + b'"}]',
            "at most 200 characters as device_id",
        ),
        (b"{", "expected JSON"),
    ],
)
def test_posted_events_that_are_none_are_refused_with_what_was_expected(
    api: Api, token: str, body: bytes, words: str
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = httpx.post(f"{api.url}/api/events", content=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def answer_commands(broker: str, topics: Topics, stop: threading.Event) -> None:
    """A flow that accepts `ack`, refuses the rest, and does not know the subject `nobody`."""
    consumer = KafkaConsumer(bootstrap_servers=broker, group_id=None, auto_offset_reset="earliest")
    consumer.subscribe([topics.names.alarm_commands])
    while not stop.is_set():
        for records in consumer.poll(timeout_ms=100).values():
            for command in (event for record in records for event in decode_lines(record.value)):
                assert isinstance(command, Occurrence)
                good = command.data["do"] == "ack"
                said = {
                    "command": command.id,
                    **({"state": "acked"} if good else {"error": "comment_required"}),
                    "sees": command.data["sees"],
                }
                if command.subject == "nobody":
                    good, said["error"] = False, "unknown_alarm"
                kind = ACCEPTED if good else REJECTED
                reply = Occurrence(
                    id=f"{command.id}/r", time=1.0, subject=command.subject, type=kind, data=said
                )
                topics.events(reply, topic=topics.names.alarm_replies)
    consumer.close()


def test_a_command_to_an_alarm_is_answered_by_its_flow_and_audited(
    api: Api, token: str, topics: Topics
) -> None:
    stop = threading.Event()
    flow = threading.Thread(target=answer_commands, args=(topics.address, topics, stop))
    topics.send(topics.names.alarm_commands, b"", "")
    topics.flush()
    flow.start()
    headers = {"Authorization": f"Bearer {token}"}
    try:
        place = f"{api.url}/api/alarms/server_room%2Ftoo_hot/rack"
        body = {"reason": "on it", "wait": 30}
        accepted = httpx.post(f"{place}/ack", json=body, headers=headers, timeout=PATIENCE)
        refused = httpx.post(
            f"{place}/shelve",
            json={"duration": "2h", "wait": 30},
            headers=headers,
            timeout=PATIENCE,
        )
        missing = httpx.post(
            f"{api.url}/api/alarms/server_room%2Ftoo_hot/nobody/ack",
            json={"wait": 30},
            headers=headers,
            timeout=PATIENCE,
        )
    finally:
        stop.set()
        flow.join(PATIENCE)
    assert (missing.status_code, missing.json()["error"]) == (
        404,
        "there is no alarm 'server_room/too_hot' of 'nobody'",
    )
    assert accepted.json()["answers"][0]["sees"] == {"pages": [], "hidden": []}
    assert (accepted.status_code, accepted.json()["accepted"]) == (200, True), accepted.text
    assert accepted.json()["answers"][0]["state"] == "acked"
    assert (refused.status_code, refused.json()["error"]) == (409, "comment_required")
    assert httpx.post(f"{place}/explode", headers=headers, timeout=PATIENCE).status_code == 404
    assert (
        httpx.post(f"{place}/ack", json={"wait": 2}, headers=headers, timeout=PATIENCE).status_code
        == 504
    )
    with open_database(api.settings.data).read() as session:
        entries = session.scalars(select(Audit).where(Audit.action.like("alarm.%"))).all()
        assert [(entry.action, entry.username, entry.object) for entry in entries][:2] == [
            ("alarm.ack", "admin", "server_room/too_hot rack"),
            ("alarm.shelve", "admin", "server_room/too_hot rack"),
        ]


def tell_limits(topics: Topics, stop: threading.Event) -> None:
    """A flow with an alarm that was never raised, and one of a page."""
    readings = [
        Reading(id=one, time=1.0, subject=one, metric="temperature", value=20.0, unit="°C")
        for one in ("rack", "shelf")
    ]
    logics = []
    for name, page in (("too_hot", None), ("own", "p7")):
        settings = {"from": "r", "when": {"above": "30 °C"}, "response": "Look.", "page": page}
        logic = make_logic(Alarm.model_validate(settings), StepContext("room", f"room/{name}"))
        logic.on_batch([*readings], Now(1, 1))
        logics.append(logic)
    consumer = KafkaConsumer(
        bootstrap_servers=topics.address, group_id=None, auto_offset_reset="earliest"
    )
    consumer.subscribe([topics.names.alarm_commands])
    while not stop.is_set():
        for records in consumer.poll(timeout_ms=100).values():
            commands = [event for record in records for event in decode_lines(record.value)]
            for logic in logics:
                assert logic.on_role("commands", commands, Now(2, 2)) == []
                if logic.answers:
                    topics.events(*logic.answers, topic=topics.names.alarm_replies)
                logic.answers.clear()
    consumer.close()


def test_the_limits_of_a_subject_are_told_by_the_flows_that_run(
    api: Api, token: str, topics: Topics
) -> None:
    def limits(subject: str) -> list[Any]:
        answer = api.get("/api/alarms/limits", token, subject=subject)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["limits"])

    assert limits("rack") == []
    now = time.time()
    said = Announcement(id="room", flow="room", version="1", since=now, at=now, status="ok")
    row = Row(id="room", time=now, table=TABLE, op="update", values=msgspec.to_builtins(said))
    topics.send(topics.names.alarm_commands, b"", "")
    topics.events(row, topic=topics.names.flows)
    stop = threading.Event()
    flow = threading.Thread(target=tell_limits, args=(topics, stop))
    flow.start()
    try:
        wait_until(lambda: limits("rack"), what="the flow to tell")
        assert limits("rack") == [
            {
                "rule": "room/too_hot", "alarm": "too_hot", "metric": "temperature",
                "priority": "medium", "limit": 30.0, "unit": "°C",
            }
        ]  # fmt: skip
        assert limits("nobody") == []
    finally:
        stop.set()
        flow.join(PATIENCE)


def test_dead_letters_are_listed_and_shown_with_their_bytes(
    api: Api, token: str, topics: Topics
) -> None:
    letters = [
        DeadLetter(
            id=f"d{n}",
            time=1.0,
            flow="bridge",
            step="decode",
            reason="bad_json",
            detail="no JSON",
            origin="t",
            payload=b"{x",
        )
        for n in range(3)
    ]
    topics.events(*letters, topic=topics.names.dead_letters("bridge"))
    listed = api.get("/api/dead-letters", token, limit=2).json()
    assert listed["reasons"] == {"bad_json": 3}
    assert [letter["flow"] for letter in listed["letters"]] == ["bridge", "bridge"]
    shown = api.get("/api/dead-letters/bridge/d1", token).json()
    assert (shown["text"], shown["letter"]["id"], shown["letter"]["open"]) == ("{x", "d1", True)
    assert api.get("/api/dead-letters/bridge/d9", token).status_code == 404
    assert api.get("/api/dead-letters", token, reason="other").json()["letters"] == []


class Flow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        health = json.dumps(
            {"flow": "bridge", "status": "behind", "waiting_for": {"cloud": "no answer"}}
            | {"detectors": {"video": {"model": "demo8n", "licence": "AGPL-3.0"}}}
        )
        metrics = (
            'vigie_events_total{flow="bridge",name="sensors"}'
            ' 7.0\nvigie_counted_total{step="d",reason="late"}'
            ' 2.0\nvigie_source_lag_records{flow="bridge",name="sensors"}'
            ' 30.0\nvigie_source_age_seconds{flow="bridge",name="sensors"} 4.5\n'
            'vigie_sink_lag_records{flow="bridge",name="cloud"} 8.0\n'
            'vigie_sink_age_seconds{flow="bridge",name="cloud"} 60.0\n'
            "# HELP vigie_alarm_standing Now.\n# TYPE vigie_alarm_standing gauge\n"
            'vigie_alarm_standing{flow="bridge",page=""} 3.0\n'
            'vigie_alarm_standing{flow="bridge",page="~7"} 1.0\n'
            'vigie_alarm_top_rule{flow="bridge",page="",rule="bridge/pages/~9"} 1.0\n'
        )
        body = (health if self.path == "/health" else metrics).encode()
        self.send_response(503 if self.path == "/health" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def flow_address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Flow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_flows_say_how_they_are_and_one_that_does_not_answer_is_down(
    start: Start, settings: Settings, flow_address: str
) -> None:
    section = ApiSection(flows=[flow_address, "http://127.0.0.1:1"])
    api = start(replace(settings, section=section))
    token = api.login()
    one, other = api.get("/api/flows", token).json()["flows"]
    assert (one["flow"], one["status"], one["waiting_for"]) == (
        "bridge",
        "behind",
        {"cloud": "no answer"},
    )
    assert (one["counts"]["sensors"]["events"], one["dropped"]) == (7.0, {"d: late": 2.0})
    assert (one["lag"], one["age"]) == ({"sensors": 30.0}, {"sensors": 4.5})
    assert one["detectors"] == {"video": {"model": "demo8n", "licence": "AGPL-3.0", "device": ""}}
    assert (one["sink_lag"], one["sink_age"]) == ({"cloud": 8.0}, {"cloud": 60.0})
    assert other["status"] == "down"
    assert api.get("/api/flows/bridge", token).json()["flow"] == "bridge"
    assert api.get("/api/stats/dashboard", token).json()["flows"]["bridge"] == "behind"


def test_flows_that_announce_themselves_are_known_and_one_that_fell_silent_is_gone(
    start: Start, settings: Settings, topics: Topics, flow_address: str
) -> None:
    now = time.time()

    def announce(flow: str, at: float, status: str = "ok", **more: Any) -> None:
        said = Announcement(
            id=flow, flow=flow, version="1a2b", since=now - 900, at=at, status=status, **more
        )
        values = msgspec.to_builtins(said)
        row = Row(id=flow, time=at, table=TABLE, op="update", values=values)
        topics.events(row, topic=topics.names.flows)

    announce("bridge", now, host=socket.gethostname(), address=flow_address)
    announce("far", now, "behind", host="elsewhere", waiting_for={"cloud": "no answer"})
    announce("silent", now - 600)
    announce("retired", now - 600, "stopped")
    api = start(settings)
    token = api.login()
    wait_until(lambda: len(api.get("/api/flows", token).json()["flows"]) == 4, what="four flows")

    bridge, far, retired, silent = api.get("/api/flows", token).json()["flows"]
    assert (bridge["version"], bridge["counts"]["sensors"]["events"]) == ("1a2b", 7.0)
    assert (far["status"], far["waiting_for"]) == ("behind", {"cloud": "no answer"})
    assert (silent["status"], retired["status"]) == ("gone", "stopped")
    assert "its alarms are not evaluated" in silent["detail"]
    assert api.get("/health", None).json()["flows"] == {
        "bridge": "ok", "far": "behind", "silent": "gone", "retired": "stopped"
    }  # fmt: skip
    shown = api.get("/metrics", None).text
    assert 'vigie_api_flow_up{flow="silent",status="gone"} 0.0' in shown
    assert 'vigie_api_flow_up{flow="far",status="behind"} 1.0' in shown


def test_one_address_has_the_metrics_of_all_processes_and_nothing_of_peoples_pages(
    start: Start, settings: Settings, topics: Topics, flow_address: str
) -> None:
    now = time.time()
    for id in ("bridge/1/2", "bridge/2/2", "retired"):
        status = "stopped" if id == "retired" else "ok"
        said = Announcement(
            id=id, flow="bridge", version="1a2b", since=now, at=now, status=status,
            host=socket.gethostname(), address=flow_address,
        )  # fmt: skip
        values = msgspec.to_builtins(said)
        row = Row(id=id, time=now, table=TABLE, op="update", values=values)
        topics.events(row, topic=topics.names.flows)
    section = ApiSection(flows=["http://127.0.0.1:1"])
    api = start(replace(settings, section=section))
    token = api.login()
    wait_until(lambda: len(api.get("/api/flows", token).json()["flows"]) == 4, what="the flows")

    families = list(text_string_to_metric_families(api.get("/metrics/flows", None).text))
    names = [family.name for family in families]
    assert len(set(names)) == len(names)
    (standing,) = (one for one in families if one.name == "vigie_alarm_standing")
    assert standing.type == "gauge" and [one.labels for one in standing.samples] == [
        {"flow": "bridge", "page": "", "process": "bridge/1/2"},
        {"flow": "bridge", "page": "", "process": "bridge/2/2"},
    ]
    assert not any("~" in str(one) for one in families)


def test_cameras_and_the_mode_reach_their_compacted_topics(
    api: Api, token: str, topics: Topics
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    made = httpx.post(
        f"{api.url}/api/cameras",
        json={"name": "gate", "url": "rtsp://10.0.0.1/s"},
        headers=headers,
        timeout=PATIENCE,
    ).json()
    httpx.put(f"{api.url}/api/mode", json={"mode": "active"}, headers=headers, timeout=PATIENCE)
    stop = f"{api.url}/api/cameras/{made['id']}/stop"
    httpx.post(stop, headers=headers, timeout=PATIENCE)
    found: dict[bytes, Any] = {}
    consumer = KafkaConsumer(
        bootstrap_servers=topics.address, group_id=None, auto_offset_reset="earliest"
    )
    consumer.subscribe([topics.names.cameras, topics.names.mode])

    def arrived() -> bool:
        for records in consumer.poll(timeout_ms=100).values():
            found.update({record.key: json.loads(record.value) for record in records})
        return (
            found.get(b"gate", {}).get("running") is False
            and found.get(b"site", {}).get("text") == "active"
        )

    wait_until(arrived, what="the rows in the topics")
    consumer.close()
    assert found[b"gate"]["id"] == "gate"
    assert found[b"gate"]["camera"] == 1


HALL = {"hall": {"points": [[0.1, 0.4], [0.9, 0.4], [0.9, 1.0]]}}
DOOR = {"door": {"from": [0.1, 0.1], "to": [0.2, 0.9]}}


def test_what_is_drawn_on_a_cameras_picture_is_kept_and_reaches_the_flows(
    api: Api, token: str, topics: Topics
) -> None:
    def ask(method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(
            method, f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE
        )

    made = ask("POST", "/api/cameras", name="gate", url="rtsp://10.0.0.1/s").json()
    camera = f"/api/cameras/{made['id']}"
    assert ask("PATCH", camera, zones=HALL).json()["zones"] == HALL
    changed = ask("PATCH", camera, lines=DOOR).json()
    assert (changed["zones"], changed["lines"]) == (HALL, DOOR)
    with closing(
        KafkaConsumer(
            topics.names.cameras, bootstrap_servers=topics.address, auto_offset_reset="earliest"
        )
    ) as consumer:
        rows: list[Any] = []

        def arrived() -> bool:
            for records in consumer.poll(timeout_ms=100).values():
                rows.extend(json.loads(record.value) for record in records)
            return bool(rows) and rows[-1]["lines"] == DOOR

        wait_until(arrived, what="the row in the topic")
    assert rows[-1]["zones"] == HALL
    for wrong, said in (
        ({"zones": {"hall": {"points": [[0.1, 0.4], [0.9, 0.4]]}}}, "length >= 3"),
        ({"zones": {"hall": {"points": [[0.1, 0.4], [0.9, 1.4], [0, 0]]}}}, "<= 1"),
        ({"zones": {"12": HALL["hall"]}}, "matching regex"),
        ({"zones": {"door": HALL["hall"]}}, "both called 'door'"),
        ({"lines": {"door": {"from": [0.1, 0.1], "to": [0.1, 0.1]}}}, "one point"),
    ):
        refused = ask("PATCH", camera, **wrong)
        assert refused.status_code == 400, refused.text
        assert said in refused.text
    assert ask("PATCH", camera, zones={}, lines=None).json()["zones"] == {}
    assert api.get(camera, token).json()["lines"] == {}


def test_what_onvif_cameras_and_graphics_drivers_say_is_read() -> None:
    answer = (
        "<e:Envelope><e:Body><d:ProbeMatches><d:ProbeMatch><d:Scopes>onvif://www.onvif.org/name/Gate%20cam"
        " onvif://www.onvif.org/hardware/X1</d:Scopes><d:XAddrs>http://10.0.0.9/onvif/device_service"
        " ftp://x</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
    )
    found = read_answer(answer, "10.0.0.9")
    assert found is not None
    assert (found.name, found.hardware, found.services) == (
        "Gate cam",
        "X1",
        ["http://10.0.0.9/onvif/device_service"],
    )
    assert read_answer("<html>ProbeMatch</html>", "10.0.0.9") is None
    gpu = read_graphics("NVIDIA H200, 41, 1024, 143771, 37\nbroken\nT4, [N/A], 1, 2, [N/A]\n")
    assert [(one.name, one.percent, one.memory_used, one.temperature) for one in gpu] == [
        ("NVIDIA H200", 41.0, 1 << 30, 37.0),
        ("T4", None, 1 << 20, None),
    ]
