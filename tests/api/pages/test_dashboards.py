"""Dashboards of pages: rights as the page's, and nothing of hidden cameras."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.panels import AlarmsPanel, AnyPanel, CameraPanel, CardPanel, is_seen, merged
from api.permissions.visibility import Visibility
from api.settings import Settings
from connectors.config.api_section import ApiSection
from tests.api.alarm_server_client import RegisteredAccount
from tests.api.conftest import Start
from tests.api.running import Api, receive_event
from tests.waiting import PATIENCE

CARD = {"kind": "card", "subject": "rack", "width": 1}
CHART = {"kind": "chart", "subject": "rack", "metric": "temperature", "range": 86400, "width": 2}
ALARMS = {"kind": "alarms", "area": "", "priority": "high", "width": 1}


def camera(name: str) -> dict[str, Any]:
    return {"kind": "camera", "camera": name, "width": 1}


@pytest.fixture
def api(start: Start, settings: Settings) -> Api:
    return start(replace(settings, section=ApiSection(registration="open")))


def share(owner: RegisteredAccount, page: str, other: RegisteredAccount, edit: bool) -> None:
    body = {"subject_type": "user", "subject_id": other.id, "can_view": True, "can_edit": edit}
    assert owner.ask("PUT", f"/api/pages/{page}/shares", body).status_code == 200


def test_a_dashboard_is_for_whom_its_page_is_for(api: Api) -> None:
    ann, bob, cid, eve = (RegisteredAccount(api, name) for name in ("ann", "bob", "cid", "eve"))
    page = ann.post("/api/pages", {"name": "Energy"})["id"]
    share(ann, page, bob, edit=True)
    share(ann, page, cid, edit=False)
    made = ann.post(f"/api/pages/{page}/dashboards", {"name": "Day", "panels": [CARD, CHART]})
    assert made["panels"] == [CARD, CHART]
    one = f"/api/dashboards/{made['id']}"
    for who, can_edit in ((ann, True), (bob, True), (cid, False)):
        assert who.ask("GET", one).json() == made | {"can_edit": can_edit}
        (head,) = who.ask("GET", "/api/dashboards").json()
        assert (head["id"], head["page"], head["can_edit"]) == (made["id"], "Energy", can_edit)
    changed = {"name": "Night", "panels": [ALARMS], "version": 1}
    assert eve.ask("GET", "/api/dashboards").json() == []
    for who in (cid, eve):
        assert who.ask("PUT", one, changed).status_code == 403
        assert who.ask("DELETE", one).status_code == 403
        refused = who.ask("POST", f"/api/pages/{page}/dashboards", {"name": "Mine"})
        assert refused.status_code == 403
    assert eve.ask("GET", one).status_code == 403
    assert eve.ask("GET", one).json() == eve.ask("GET", "/api/dashboards/none").json()
    assert bob.ask("PUT", one, changed).json()["panels"] == [ALARMS]
    late = ann.ask("PUT", one, changed)
    assert late.status_code == 409
    assert late.json()["error"] == (
        "expected version 1, but version 2 is there: bob changed the dashboard"
    )
    assert bob.ask("DELETE", one).status_code == 200
    assert ann.ask("GET", "/api/dashboards").json() == []
    token = api.login()
    said = [entry["action"] for entry in api.get("/api/audit", token, limit=50).json()]
    assert {"create_dashboard", "update_dashboard", "delete_dashboard"} <= set(said)


def test_a_token_for_another_page_sees_none_of_it_and_a_deleted_page_takes_its_dashboards(
    api: Api,
) -> None:
    ann = RegisteredAccount(api, "ann")
    page = ann.post("/api/pages", {"name": "Energy"})["id"]
    other = ann.post("/api/pages", {"name": "Cold"})["id"]
    keys = {one["id"]: one["key"] for one in ann.ask("GET", "/api/pages").json()}
    made = ann.post(f"/api/pages/{page}/dashboards", {"name": "Day"})
    new = {"name": "wall", "role": "viewer", "pages": [keys[other]]}
    token = ann.ask("POST", "/api/tokens", new).json()["token"]
    assert api.get("/api/dashboards", token).json() == []
    assert api.get(f"/api/dashboards/{made['id']}", token).status_code == 403
    assert ann.ask("DELETE", f"/api/pages/{page}").status_code == 200
    assert ann.ask("GET", "/api/dashboards").json() == []
    assert ann.ask("GET", f"/api/dashboards/{made['id']}").status_code == 403


def test_a_hidden_camera_on_a_shared_dashboard_is_not_seen_and_stays_when_others_edit(
    api: Api,
) -> None:
    ann, bob = RegisteredAccount(api, "ann"), RegisteredAccount(api, "bob")
    admin = api.login()
    for who in (ann, bob):
        role = {"role": "operator"}
        headers = {"Authorization": f"Bearer {admin}"}
        httpx.patch(f"{api.url}/api/users/{who.id}", json=role, headers=headers, timeout=PATIENCE)
        who.log_in()
    shared = ann.post("/api/pages", {"name": "Shared"})["id"]
    ann.post("/api/pages", {"name": "Vault"})
    keys = {one["name"]: one["key"] for one in ann.ask("GET", "/api/pages").json()}
    new = {"name": "vault", "url": "rtsp://10.0.0.1/s", "page": keys["Vault"]}
    assert ann.ask("POST", "/api/cameras", new).status_code == 201
    share(ann, shared, bob, edit=True)
    about = CARD | {"subject": "vault"}
    panels = [CARD, camera("vault"), about, ALARMS]
    made = ann.post(f"/api/pages/{shared}/dashboards", {"name": "All", "panels": panels})
    one = f"/api/dashboards/{made['id']}"
    seen = bob.ask("GET", one)
    assert seen.json()["panels"] == [CARD, ALARMS] and "vault" not in seen.text
    changed = {"name": "All", "panels": [ALARMS], "version": 1}
    assert bob.ask("PUT", one, changed).json()["panels"] == [ALARMS]
    assert ann.ask("GET", one).json()["panels"] == [ALARMS, camera("vault"), about]


def test_only_those_who_may_see_the_page_are_told_that_a_dashboard_changed(api: Api) -> None:
    ann, eve = RegisteredAccount(api, "ann"), RegisteredAccount(api, "eve")
    mine = ann.post("/api/pages", {"name": "Energy"})["id"]
    hers = eve.post("/api/pages", {"name": "Hers"})["id"]
    with api.subscribed(eve.token, "dashboards") as hearing:
        ann.post(f"/api/pages/{mine}/dashboards", {"name": "Secret"})
        made = eve.post(f"/api/pages/{hers}/dashboards", {"name": "Day"})
        told = receive_event(hearing, "dashboards")
        assert told == {"id": made["id"], "page_id": hers, "action": "created", "version": 1}


@pytest.mark.parametrize(
    "panel",
    [
        {"kind": "card"},
        {"kind": "card", "subject": ""},
        {"kind": "script", "subject": "rack"},
        CARD | {"width": 4},
        CHART | {"range": 1},
        CARD | {"html": "<b>"},
    ],
)
def test_what_is_no_panel_is_refused(api: Api, panel: dict[str, Any]) -> None:
    ann = RegisteredAccount(api, "ann")
    page = ann.post("/api/pages", {"name": "Energy"})["id"]
    new = {"name": "Day", "panels": [panel]}
    assert ann.ask("POST", f"/api/pages/{page}/dashboards", new).status_code == 400


PANELS = st.lists(
    st.one_of(
        st.builds(CardPanel, subject=st.sampled_from("abc")),
        st.builds(CameraPanel, camera=st.sampled_from("abc")),
        st.just(AlarmsPanel()),
    ),
    max_size=8,
)


@given(PANELS, PANELS, st.frozensets(st.sampled_from("abc")))
def test_who_edits_changes_what_he_sees_and_nothing_else(
    before: list[AnyPanel], wanted: list[AnyPanel], hidden: frozenset[str]
) -> None:
    visibility = Visibility(frozenset(), hidden)
    wanted = [panel for panel in wanted if is_seen(panel, visibility)]
    after = merged(before, wanted, visibility)
    assert [panel for panel in after if is_seen(panel, visibility)] == wanted
    unseen = [panel for panel in before if not is_seen(panel, visibility)]
    assert [panel for panel in after if not is_seen(panel, visibility)] == unseen
    same = [panel for panel in before if is_seen(panel, visibility)]
    assert merged(before, same, visibility) == before
