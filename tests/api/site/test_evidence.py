"""Pictures and clips of events: who gets them, whole or in parts."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.database.database import open_database
from api.database.models import Camera, Page, Permission, SeenCamera
from api.settings import Settings as ApiSettings
from connectors.kafka.connection import TopicConnection
from connectors.s3.retention import pin_row
from connectors.s3.settings import Settings
from connectors.s3.store import Store
from flows.admin.evidence_pins import read_pins
from infra.embedded.objects import Objects
from tests.api.conftest import Start
from tests.api.running import Api, Topics
from tests.api.site.evidence_site import T0, Shelf, agreed, seen, with_evidence
from tests.bucket import connection_to
from tests.waiting import PATIENCE, wait_until

CLIP = bytes(range(256)) * 400
PASSWORD = "correct horse battery staple"


@pytest.fixture
def shelf(database: Callable[[], Any], objects: Objects, unique: str) -> Shelf:
    return Shelf(database(), objects, unique)


@pytest.fixture
def site(
    start: Start, settings: ApiSettings, database: Callable[[], Any], objects: Objects, shelf: Shelf
) -> Api:
    return start(with_evidence(settings, database, objects))


def change(api: Api, *rows: Any) -> None:
    database = open_database(api.settings.data)
    with database.write() as session:
        session.add_all(rows)
    database.close()


def test_an_event_shows_its_evidence_and_the_routes_give_it(site: Api, shelf: Shelf) -> None:
    event = agreed("dock")
    shelf.add(event)
    shelf.put(
        event, "clip", "dock", "videos/1.mp4", CLIP, start=T0 - 6.5, end=T0 + 10, codec="h264"
    )
    more = {"drawn": "f/1_drawn.jpg", "thumbnail": "f/1_thumbnail.jpg"}
    shelf.put(event, "snapshot", "dock", "f/1.jpg", b"clean", **more)
    for name in more.values():
        shelf.put(seen("x"), "snapshot", "x", name, name.encode())
    token = site.login()
    address = f"/api/events/{event.id}"
    shown = site.get(address, token).json()
    assert [(one["kind"], one["state"], one["key"]) for one in shown["evidence"]] == [
        ("clip", "stored", "videos/1.mp4"), ("snapshot", "stored", "f/1.jpg"),
    ]  # fmt: skip
    assert shown["evidence"][0]["start"] == T0 - 6.5
    listed = site.get("/api/events", token).json()["events"]
    assert [(one["id"], len(one["evidence"])) for one in listed] == [(event.id, 2)]
    assert (
        site.get("/api/events/stats", token, **{"from": T0 - 9, "to": T0 + 9}).json()["total"] == 1
    )
    clip = site.get(f"{address}/clip", token)
    assert (clip.status_code, clip.content) == (200, CLIP)
    assert clip.headers["content-type"] == "video/mp4"
    assert clip.headers["cache-control"] == "private, no-store"
    assert site.get(f"{address}/snapshot", token).content == b"clean"
    assert site.get(f"{address}/snapshot", token, drawn="true").content == b"f/1_drawn.jpg"
    assert site.get(f"{address}/thumbnail", token).content == b"f/1_thumbnail.jpg"
    given = site.get(f"{address}/clip", token, address="true").json()
    assert given["lasts"] == 300
    assert httpx.get(given["address"], timeout=PATIENCE).content == CLIP


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-9", 206, CLIP[:10]),
        ("bytes=100-", 206, CLIP[100:]),
        ("bytes=-7", 206, CLIP[-7:]),
        ("bytes=5-999999999", 206, CLIP[5:]),
        (f"bytes={len(CLIP)}-", 416, None),
        ("bytes=9-3", 416, None),
        ("lines=1-2", 200, CLIP),
        ("bytes=0-1,5-6", 200, CLIP),
    ],
)
def test_a_part_of_a_clip_comes_as_asked(
    site: Api, shelf: Shelf, asked: str, status: int, content: bytes | None
) -> None:
    event = seen("dock")
    shelf.add(event)
    shelf.put(event, "clip", "dock", "1.mp4", CLIP)
    headers = {"Authorization": f"Bearer {site.login()}", "Range": asked}
    answer = httpx.get(f"{site.url}/api/events/{event.id}/clip", headers=headers, timeout=PATIENCE)
    assert answer.status_code == status
    if content is not None:
        assert answer.content == content


def test_an_address_is_good_for_reading_one_object_and_for_five_minutes(
    site: Api, shelf: Shelf, objects: Objects
) -> None:
    one, other = agreed("dock"), agreed("gate")
    shelf.add(one, other)
    shelf.put(one, "clip", "dock", "videos/1.mp4", CLIP)
    shelf.put(other, "clip", "gate", "videos/2.mp4", CLIP)
    given = site.get(f"/api/events/{one.id}/clip", site.login(), address="true")
    address = str(given.json()["address"])
    assert (given.headers["cache-control"], given.json()["lasts"]) == ("private, no-store", 300)
    assert "X-Amz-Expires=300" in address
    signed = address.partition("X-Amz-Signature=")[2][:64]
    changed = {
        "another object": address.replace("videos/1.mp4", "videos/2.mp4"),
        "the bucket": address.replace("videos/1.mp4", ""),
        "longer": address.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        "another signature": address.replace(signed, signed[::-1]),
        "none": address.partition("?")[0],
    }
    assert httpx.get(address, timeout=PATIENCE).content == CLIP
    refused = {what: httpx.get(url, timeout=PATIENCE) for what, url in changed.items()}
    assert {what: answer.status_code for what, answer in refused.items()} == dict.fromkeys(
        changed, 403
    )
    for method in ("PUT", "DELETE"):
        assert httpx.request(method, address, timeout=PATIENCE).status_code == 403
    assert httpx.get(address, timeout=PATIENCE).content == CLIP
    store = Store(connection_to(objects), Settings("minio", shelf.name, False, 8))
    short = store.address("videos/1.mp4", 1)
    wait_until(lambda: httpx.get(short, timeout=PATIENCE).status_code == 403, what="its end")
    store.close()


def test_what_is_lost_is_said_on_the_event(site: Api, shelf: Shelf) -> None:
    event = seen("dock")
    shelf.add(event)
    data = {
        "event": event.id,
        "kind": "clip",
        "camera": "dock",
        "state": "lost",
        "reason": "no video",
    }
    shelf.tell(event, "clip", data)
    token = site.login()
    [said] = site.get(f"/api/events/{event.id}", token).json()["evidence"]
    assert (said["state"], said["reason"]) == ("lost", "no video")
    assert site.get(f"/api/events/{event.id}/clip", token).status_code == 404


def test_nobody_gets_an_object_by_posting_that_it_is_evidence(site: Api, shelf: Shelf) -> None:
    event, other = seen("dock"), seen("gate")
    shelf.add(event)
    shelf.put(other, "clip", "gate", "secret.mp4", CLIP)
    genuine = site.get("/api/events", site.login(), type="evidence").json()["events"][0]["data"]
    for forged in (
        {**genuine, "event": event.id, "camera": "dock"},
        {**genuine, "event": event.id},
        {**genuine, "event": event.id, "camera": "dock", "signature": ""},
    ):
        shelf.tell(event, "clip", forged)
        assert site.get(f"/api/events/{event.id}", site.login()).json()["evidence"] == []
        assert site.get(f"/api/events/{event.id}/clip", site.login()).status_code == 404


@pytest.mark.slow
def test_nobody_gets_anything_of_a_camera_whose_page_he_may_not_see(
    site: Api, shelf: Shelf, tmp: Path
) -> None:
    """Users x cameras x routes against the rule in plain words, under changing permissions."""
    admin = site.login()
    users = {"admin": (site.get("/api/auth/me", admin).json()["id"], admin)}
    for name in ("ann", "bob", "eve"):
        headers = {"Authorization": f"Bearer {admin}"}
        body = {"username": name, "password": PASSWORD, "role": "viewer"}
        made = httpx.post(f"{site.url}/api/users", json=body, headers=headers, timeout=PATIENCE)
        login = {"username": name, "password": PASSWORD}
        answer = httpx.post(f"{site.url}/api/auth/login", json=login, timeout=PATIENCE)
        users[name] = made.json()["id"], answer.json()["access_token"]
    pages = {
        "a": Page(key="a", name="a", owner_id=None),
        "b": Page(key="b", name="b", owner_id=None),
    }
    change(site, *pages.values())
    on: dict[str, str | None] = {"free": None, "on_a": "a", "on_b": "b", "nobodys": "gone"}
    change(site, SeenCamera(name="on_a", page="a", time=0.0))
    change(site, SeenCamera(name="nobodys", page="gone", time=0.0))
    row = {"url": "rtsp://h/s", "running": True, "created": 0.0, "changed": 0.0, "changed_by": "x"}
    change(site, Camera(name="on_b", page="b", number=1, **row))
    events = []
    for number, camera in enumerate(on):
        for event in (seen(camera, number), agreed(camera, number)):
            shelf.add(event)
            shelf.put(event, "clip", camera, f"{event.id}.mp4", camera.encode() * 9)
            shelf.put(event, "snapshot", camera, f"{event.id}.jpg", camera.encode() * 7)
            events.append((camera, event))
    chance = random.Random(12)
    granted: set[tuple[str, str]] = set()
    for turn in range(2):
        user, page = chance.choice(["ann", "bob", "eve", "admin"]), chance.choice(["a", "b"])
        if (user, page) not in granted:
            granted.add((user, page))
            database = open_database(site.settings.data)
            with database.write() as session:
                found = session.query(Page).filter_by(key=page).one()
                session.add(
                    Permission(
                        page_id=found.id, user_id=users[user][0], can_view=True, can_edit=False
                    )
                )
            database.close()
        # each user with every camera; of its two events now the one, now the other
        rows = itertools.product(users.items(), events[turn % 2 :: 2])
        for (name, (_, token)), (camera, event) in rows:
            media = on[camera] is None or (name, on[camera]) in granted
            address = f"/api/events/{event.id}"
            kinds = {"clip": "clip", "snapshot": "snapshot", "thumbnail": "snapshot"}
            for route, kind in kinds.items():
                query = {"address": "true"} if chance.random() < 0.5 else {}
                answer = site.get(f"{address}/{route}", token, **query)
                assert answer.status_code == (200 if media else 404), (name, camera, route)
                if not media:
                    assert answer.json()["error"] == f"there is no {kind} of an event {event.id!r}"
            shown = site.get(address, token)
            of_area = event.subject == "yard"  # whose event everybody sees, but not its pictures
            assert shown.status_code == (200 if media or of_area else 404), (name, camera)
            if media or of_area:
                assert len(shown.json()["evidence"]) == (2 if media else 0)
        for name, (_, token) in users.items():
            may = {camera for camera, page in on.items() if page is None or (name, page) in granted}
            listed = site.get("/api/events", token, limit=100).json()["events"]
            assert {one["subject"] for one in listed} == {*may, "yard"}
            told = [view for one in listed for view in one["evidence"]]
            assert {view["camera"] for view in told} == may
            assert len(told) == 4 * len(may)
    assert len(granted) >= 2


def test_an_operator_pins_what_is_kept_and_a_pin_of_the_command_line_is_known_too(
    site: Api, shelf: Shelf, topics: Topics
) -> None:
    one, other = seen("dock", 1), seen("dock", 2)
    shelf.add(one, other)
    token = site.login()
    address = f"{site.url}/api/events/{one.id}/pin"
    headers = {"Authorization": f"Bearer {token}"}
    done = httpx.put(address, json={"pinned": True}, headers=headers, timeout=PATIENCE)
    assert done.json() == {"pinned": True}
    broker = TopicConnection(brokers=[topics.address], prefix=topics.prefix)
    wait_until(lambda: read_pins(broker) == {one.id}, what="the row in the topic")
    topics.send(topics.names.evidence_pins, pin_row(other.id, True, "ann"), other.id)
    topics.flush()
    for event in (one, other):
        wait_until(
            lambda event=event: site.get(f"/api/events/{event.id}", token).json()["pinned"],  # type: ignore[misc]
            what="the pin",
        )
    httpx.put(address, json={"pinned": False}, headers=headers, timeout=PATIENCE)
    wait_until(lambda: read_pins(broker) == {other.id}, what="the other row")
    assert not site.get(f"/api/events/{one.id}", token).json()["pinned"]
    nobody = site.get("/api/events/nobody/pin", token)
    assert nobody.status_code in (404, 405)
