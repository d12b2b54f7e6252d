"""Which protocol a connection speaks, who may connect, and what the documents show."""

import json
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import Browser
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.settings import Settings
from connectors.config.api_section import ApiSection
from tests.api.conftest import Start
from tests.api.events import alarm
from tests.api.json_ids import numbers_declared_under_ids
from tests.api.running import Api, Topics, connect, receive
from tests.api.static.browsing import WAIT
from tests.waiting import PATIENCE

SUBSCRIBE = json.dumps({"type": "subscribe", "channels": ["events", "system"]})


def test_a_header_without_the_subprotocol_is_the_video_watch_and_hears_alarms(
    api: Api, topics: Topics, token: str
) -> None:
    with connect(
        f"ws://{api.address}/ws", additional_headers={"Authorization": f"Bearer {token}"}
    ) as client:
        client.send(SUBSCRIBE)
        assert receive(client) == {"type": "subscribed", "channels": ["events", "system"]}
        topics.pushed("events", [{"n": 1}])
        assert receive(client) == {"type": "new_event", "data": {"n": 1}}
        topics.events(alarm(1))
        assert (said := receive(client))["type"] == "system_alert"
        assert said["data"]["alarm"] == "too_hot"
        client.send("{")
        assert receive(client)["type"] == "error"


def test_an_event_that_goes_to_several_channels_of_a_client_comes_once(
    api: Api, topics: Topics, token: str
) -> None:
    with connect(
        f"ws://{api.address}/ws", additional_headers={"Authorization": f"Bearer {token}"}
    ) as client:
        client.send('{"type":"subscribe","channels":["events","camera_gate"]}')
        receive(client)
        topics.pushed("events", [{"n": 1}], id="one")
        topics.pushed("camera_gate", [{"n": 1}], id="one")
        topics.pushed("camera_gate", [{"n": 2}], id="two")
        assert [receive(client)["data"]["n"] for _ in range(2)] == [1, 2]


def test_the_alarm_servers_client_may_subscribe_too(api: Api, topics: Topics, token: str) -> None:
    with connect(f"ws://{api.address}/ws?token={token}") as client:
        assert receive(client)["type"] == "initial_state"
        client.send(SUBSCRIBE)
        client.send('{"type":"create_page","payload":{"name":"p"}}')
        while receive(client)["type"] != "success":
            continue
        topics.pushed("events", [{"n": 1}])
        assert receive(client) == {"type": "new_event", "data": {"n": 1}}


def test_without_a_token_a_subscriber_is_refused_unless_the_site_wants_it(
    start: Start, settings: Settings, topics: Topics
) -> None:
    closed, opened = (
        start(settings),
        start(
            replace(settings, data=settings.data / "open", section=ApiSection(anonymous="viewer"))
        ),
    )
    with connect(f"ws://{closed.address}/ws") as client:
        client.send(SUBSCRIBE)
        with pytest.raises(ConnectionClosed) as end:
            client.recv(PATIENCE)
        assert end.value.rcvd is not None and end.value.rcvd.code == 4401
    opened.wait_for_topics(topics.push)
    with connect(f"ws://{opened.address}/ws") as client:
        client.send(SUBSCRIBE)
        assert receive(client)["type"] == "subscribed"
        client.send('{"type":"subscribe","channels":["page/secret"]}')
        assert receive(client)["type"] == "error"
        topics.pushed("events", [{"n": 1}])
        assert receive(client) == {"type": "new_event", "data": {"n": 1}}


def test_pages_of_other_sites_may_not_connect(start: Start, settings: Settings) -> None:
    api = start(replace(settings, section=ApiSection(origins=["https://wall.example"])))
    for path in ("/ws", "/ws/raw/x"):
        for origin in ("http://evil.example", "null", f"http://{api.address}0", "http://["):
            with (
                pytest.raises(InvalidStatus, match="403"),
                connect(f"ws://{api.address}{path}", additional_headers={"Origin": origin}),
            ):
                pass
        for origin in (f"http://{api.address}", "https://wall.example"):
            with connect(f"ws://{api.address}{path}", additional_headers={"Origin": origin}):
                pass


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    start: Start, settings: Settings
) -> None:
    proxied = replace(
        settings, data=settings.data / "proxied", section=ApiSection(proxies=["127.0.0.0/8"])
    )
    for chosen, seen in ((settings, "127.0.0.1"), (proxied, "203.0.113.7")):
        api = start(chosen)
        credentials = {"username": "admin", "password": api.password}
        answer = httpx.post(
            f"{api.url}/api/auth/login",
            json=credentials,
            headers={"X-Forwarded-For": "203.0.113.7"},
            timeout=PATIENCE,
        )
        audit = api.get("/api/audit", answer.json()["access_token"]).json()
        assert seen in json.dumps(audit)


def test_tls_files_serve_https(start: Start, settings: Settings, tmp: Path) -> None:
    cert, key = tmp / "cert.pem", tmp / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj"
        " /CN=localhost"
    )
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out",
        str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    api = start(replace(settings, tls_cert=cert, tls_key=key))
    answer = httpx.get(
        f"https://{api.address}/api/openapi.json",
        verify=ssl.create_default_context(cafile=str(cert)),
        timeout=PATIENCE,
    )
    assert answer.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/api/docs", "#operations-Cameras-get_api_cameras"), ("/api/redoc", "text=Add a camera")],
)
def test_the_documents_are_shown_without_any_other_host(
    browser: Browser, api: Api, path: str, shown: str
) -> None:
    page = browser.new_page()
    page.set_default_timeout(WAIT)
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.goto(f"{api.url}{path}")
    page.wait_for_selector(shown, state="attached")
    page.close()
    assert [url for url in asked if not url.startswith((api.url, "data:", "blob:"))] == []
    assert problems == []


def test_no_answer_has_a_number_as_an_id(api: Api) -> None:
    assert numbers_declared_under_ids(api.get("/api/openapi.json").json()) == []


def test_the_document_is_openapi_3_1_to_the_letter(api: Api) -> None:
    document = api.get("/api/openapi.json").json()
    problems = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert problems == []


def test_every_route_is_in_the_document(api: Api) -> None:
    from api.app import create_app

    document = api.get("/api/openapi.json").json()
    known = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    app = create_app(replace(api.settings, data=api.settings.data / "other"), lambda password: None)
    missing = [
        (method, route.path)
        for route in app.routes
        for method in sorted(getattr(route, "methods", None) or ())
        if method != "HEAD"
        and route.path
        not in ("/", "/sw.js", "/docs", "/api/docs", "/api/redoc", "/api/openapi.json")  # type: ignore[attr-defined]
        and (method, route.path.replace(":path", "")) not in known  # type: ignore[attr-defined]
    ]
    assert missing == [("POST", "/api/alarms/{rest:path}")], "only its own description differs"
    assert ("POST", "/api/alarms/{rule}/{subject}/{command}") in known
