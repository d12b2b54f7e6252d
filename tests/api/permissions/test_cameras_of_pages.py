"""A camera of a page that an account may not see does not exist for it: every route and channel.

Cameras that people added and cameras that only definitions know, on pages of several accounts and
on none, against every address of the OpenAPI document and every way to follow channels.
"""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from websockets.sync.client import ClientConnection

from api.database.database import open_database
from api.database.models import SeenCamera
from api.settings import Settings
from connectors.base import Health
from connectors.clickhouse.columns import ALARMS, EVENTS, READINGS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.config.api_section import ApiSection
from flows.runtime.status import Metrics, StatusServer
from operators.events import AlarmTransition, Detection, Event, Occurrence, Reading
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics, receive
from tests.waiting import PATIENCE, wait_until

PASSWORD = "correct horse battery"
NAME = re.compile(r"q[af]_\w+_q")
"""Names of cameras, which occur in nothing else."""
USERS = ("ann", "bob", "cid")
OWNERS = (*USERS[:2], None)
PICTURE = "/9j/4AAQ"
SITE = (Detection, Occurrence)
"""What goes to the topic of events."""
ANSWER = r'"channels": ?\[[^\]]*\]|"channel":"[^"]*",("cursor":"[^"]*",)?"data":\[\]'
"""What repeats the channels that a client asked for, or says that there is nothing on one."""


@dataclass
class Cam:
    """A camera; `added` by people or known to definitions only, on the page of `owner`."""

    name: str
    owner: str | None
    added: bool
    id: int = 0

    def seen_by(self, user: str) -> bool:
        return self.owner in (None, user)


class World:
    """A server with accounts, pages and cameras."""

    def __init__(self, api: Api, topics: Topics, events_topic: str) -> None:
        self.api, self.topics, self.events_topic = api, topics, events_topic
        admin = api.login()
        self.tokens: dict[str, str] = {}
        self.pages: dict[str, dict[str, Any]] = {}
        for user in USERS:
            body = {"username": user, "password": PASSWORD, "role": "operator"}
            assert self.call("POST", "/api/users", admin, body).status_code == 201
            login = {"username": user, "password": PASSWORD}
            answer = httpx.post(f"{api.url}/api/auth/login", json=login, timeout=PATIENCE)
            self.tokens[user] = answer.json()["access_token"]
        for user in USERS[:2]:
            self.call("POST", "/api/pages", self.tokens[user], {"name": f"{user}'s"})
            found = api.get("/api/pages", self.tokens[user]).json()
            self.pages[user] = (found["pages"] if isinstance(found, dict) else found)[0]
        self.cams = [
            Cam(f"q{'a' if added else 'f'}_{owner or 'all'}_q", owner, added)
            for owner, added in product(OWNERS, (True, False))
        ]
        self.number = 0
        for cam in self.cams:
            if cam.added:
                new = {"name": cam.name, "url": "rtsp://10.0.0.1/s", "page": self.page(cam)}
                by = self.tokens[cam.owner or "cid"]
                answer = self.call("POST", "/api/cameras", by, new)
                assert answer.status_code == 201, answer.text
                cam.id = answer.json()["id"]

    def page(self, cam: Cam) -> str | None:
        return None if cam.owner is None else str(self.pages[cam.owner]["key"])

    def call(self, method: str, path: str, token: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(
            method, f"{self.api.url}{path}", json=body, headers=headers, timeout=PATIENCE
        )

    def happenings(self, cam: Cam) -> list[Event]:
        """What flows say of a camera; with its page as a label, and without where the api knows."""
        found: list[Event] = []
        page = self.page(cam)
        for labels in [{"page": page} if page else {}, *([{}] if cam.added else [])]:
            self.number += 1
            n = self.number
            about: dict[str, Any] = {"subject": cam.name, "labels": labels, "time": time.time()}
            found += [
                Detection(id=f"d{n}", class_="person", score=0.9, box=(0, 0, 1, 1), **about),
                Occurrence(id=f"o{n}", type="zone_entered", **about),
                Occurrence(
                    id=f"c{n}",
                    type="agreement",
                    **about | {"subject": "area", "labels": {**labels, "camera": cam.name}},
                ),
                reading(n, **about | {"metric": "brightness"}),
                alarm(n, **about | {"rule": f"cams/down_{n}", "recorded": time.time()}),
            ]
        return found

    def tell(self, cam: Cam) -> list[Event]:
        """Flows write all that to their topics, and push it and a picture."""
        events = self.happenings(cam)
        own = (Reading, AlarmTransition)
        self.topics.events(*(e for e in events if isinstance(e, own)))
        site = [e for e in events if not isinstance(e, own)]
        self.topics.events(*site, topic=self.events_topic)
        page = self.page(cam)
        others: dict[str, Any] = {} if page is None else {"page": page}
        frame = {"kind": "frame", "subject": cam.name, "time": time.time(), "jpeg": PICTURE}
        self.topics.pushed(f"camera_{cam.name}", [frame], subject=cam.name, **others)
        for event in site:
            said = {"kind": "occurrence", "labels": event.labels, "subject": event.subject}  # type: ignore[union-attr]
            for channel in ("live", f"camera_{cam.name}"):
                self.topics.pushed(channel, [said], shaped=False, subject=event.subject)  # type: ignore[union-attr]
        return events

    def check_text(self, user: str, text: str, what: str) -> set[str]:
        """The names in it, none of which is hidden."""
        names = set(NAME.findall(text))
        allowed = {cam.name for cam in self.cams if cam.seen_by(user)}
        assert names <= allowed, f"{user} got of {what}: {names - allowed}"
        return names


@pytest.fixture
def flow() -> Iterator[tuple[str, Health]]:
    """A running flow's address, and what it knows of its cameras."""
    health = Health()
    server = StatusServer("yard", 0, Metrics("yard"), health)
    yield f"http://127.0.0.1:{server.port}", health
    server.close()


@pytest.fixture
def world(
    start: Start,
    settings: Settings,
    topics: Topics,
    database: Callable[[], Any],
    flow: tuple[str, Health],
) -> World:
    """The server knows everything, from topics and from ClickHouse."""
    client = database()
    for table, kind in (("events", "events"), ("alarm_events", "alarms"), ("readings", "readings")):
        Schema(client, "").migrate(Declared(table, kind))
    topic = f"{topics.prefix}site.events"
    topics.events(Occurrence(id="first", time=1.0, subject="pir", type="motion"), topic=topic)
    address, health = flow
    section = ApiSection(flows=[address])
    settings = replace(settings, clickhouse=database, event_topics=(topic,), section=section)
    api = start(replace(settings, posts_topic=topic))
    api.wait_for_topics(topic, topics.readings, topics.alarms, topics.push)
    world = World(api, topics, topic)
    for cam in world.cams:
        page = None if cam.added else world.page(cam)
        health.camera("video", cam.name, {"online": False, "why": f"{cam.name}: no", "page": page})
    made = {cam.name: world.happenings(cam) for cam in world.cams}
    archived = [event for events in made.values() for event in events]
    client.insert_arrow("events", EVENTS.arrow([e for e in archived if isinstance(e, SITE)]))
    client.insert_arrow(
        "alarm_events", ALARMS.arrow([e for e in archived if isinstance(e, AlarmTransition)])
    )
    client.insert_arrow("readings", READINGS.arrow([e for e in archived if isinstance(e, Reading)]))
    for cam in world.cams:
        made[cam.name] += world.tell(cam)

    kept = open_database(api.settings.data)

    def learned() -> bool:
        for user, token in world.tokens.items():
            seen = {cam.name for cam in world.cams if cam.seen_by(user)}
            events = {e.id for name in seen for e in made[name] if isinstance(e, SITE)}
            known = api.get("/api/events?limit=500", token).json()["events"]
            alarms = api.get("/api/alarms", token).json()["alarms"]
            latest = api.get("/api/latest", token).json()["readings"]
            if not (
                events <= {one["id"] for one in known}
                and seen <= {one["subject"] for one in alarms}
                and seen <= {one["subject"] for one in latest}
            ):
                return False
        with kept.read() as session:
            hidden = {cam.name for cam in world.cams if world.page(cam) and not cam.added}
            return hidden <= set(session.scalars(select(SeenCamera.name)))

    wait_until(learned, what="all of it, and the pages of the cameras, to arrive")
    kept.close()
    return world


def addresses(world: World) -> Iterator[str]:
    """Every address that is read, with each camera and event in its place."""
    document = world.api.get("/api/openapi.json").json()
    cameras = [str(cam.id) for cam in world.cams if cam.added]
    events = [f"{kind}{n}" for kind in "doc" for n in range(1, world.number + 1)]
    names = [cam.name for cam in world.cams]
    for path, methods in document["paths"].items():
        if "get" not in methods or path in (
            "/api/stream",
            "/metrics",
            "/metrics/flows",
            "/health",
            "/live",
            "/ready",
        ):
            continue
        if path == "/api/history":
            for name in names:
                yield f"{path}?subject={name}&metric=brightness"
        elif "{" not in path:
            yield path
            if path in ("/api/events", "/api/events/stats"):
                for name in names:
                    yield f"{path}?camera={name}"
        elif path.startswith("/api/cameras/"):
            yield from (path.replace("{id}", id) for id in cameras)
        elif path.startswith("/api/events/"):
            yield from (path.replace("{id}", id) for id in events)
        else:
            yield re.sub(r"\{\w+\}", "1", path)


def test_no_address_tells_of_a_hidden_camera_and_every_other_camera_is_told_of(
    world: World,
) -> None:
    asked = list(addresses(world))
    for user, token in world.tokens.items():
        told: dict[str, set[str]] = {}
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as client:
            for address in asked:
                answer = client.get(f"{world.api.url}{address}")
                assert answer.status_code < 500, f"{address}: {answer.text}"
                route = re.sub(r"\?.*|/\w*\d+", "", address)
                if answer.status_code == 200 and route != "/api/history":
                    names = world.check_text(user, answer.text, address)
                    told[route] = told.get(route, set()) | names
                elif route == "/api/history":
                    name = address.partition("subject=")[2].partition("&")[0]
                    cam = next(cam for cam in world.cams if cam.name == name)
                    points = answer.json()["points"]
                    assert bool(points) == cam.seen_by(user), f"{user}: {address}"
        all_ = {cam.name for cam in world.cams if cam.seen_by(user)}
        added = {cam.name for cam in world.cams if cam.seen_by(user) and cam.added}
        for route in (
            "/api/events",
            "/api/events/stats",
            "/api/alarms",
            "/api/latest",
            "/api/cameras/states",
        ):
            assert told[route] == all_, f"{user}: {route}"
        assert told["/api/cameras"] == added


def test_numbers_count_only_what_may_be_seen(world: World) -> None:
    for user, token in world.tokens.items():
        seen = [cam for cam in world.cams if cam.seen_by(user)]
        board = world.api.get("/api/stats/dashboard", token).json()
        assert board["cameras"]["total"] == sum(cam.added for cam in seen)
        events = world.api.get("/api/events?limit=500", token).json()["events"]
        assert board["events"]["total"] == len([e for e in events if e["time"] > 2])
        latest = world.api.get("/api/latest", token).json()["readings"]
        assert board["signals"] == len(latest)
        one = next(e for e in events if e["subject"] == f"qa_{user}_q") if user != "cid" else None
        if one is not None:
            world.call("POST", f"/api/events/{one['id']}/acknowledge", token)
    for user, token in world.tokens.items():
        stats = world.api.get("/api/events/stats", token).json()
        assert stats["acknowledged"] == (0 if user == "cid" else 1)


def test_who_acknowledged_an_event_is_told_to_those_who_may_see_the_camera_that_it_names(
    world: World,
) -> None:
    def about(camera: str, user: str) -> str:
        """An event of the area, without a page of its own, that names a camera."""
        found = world.api.get("/api/events?subject=area&limit=500", world.tokens[user]).json()
        wanted = {"camera": camera}
        return next(str(e["id"]) for e in found["events"] if e["labels"] == wanted)

    hidden, public = about("qa_ann_q", "ann"), about("qa_all_q", "cid")
    with world.api.subscribed(world.tokens["cid"], "events") as cid:
        for user, event in (("ann", hidden), ("cid", public)):
            path = f"/api/events/{event}/acknowledge"
            done = world.call("POST", path, world.tokens[user], {"comment": "seen"})
            assert done.status_code == 200
        while True:
            said = receive(cid).get("data")
            if isinstance(said, dict) and said.get("kind") == "acknowledged":
                assert said["event"] == public
                break
    for user, number in (("ann", 2), ("bob", 1), ("cid", 1)):
        stats = world.api.get("/api/events/stats", world.tokens[user]).json()
        assert stats["acknowledged"] == number, user


def test_what_is_done_to_a_hidden_camera_is_done_to_none(world: World) -> None:
    for user, cam in product(USERS, world.cams):
        token = world.tokens[user]
        if cam.added and not cam.seen_by(user):
            deeds: list[tuple[str, str, Any]] = [("POST", "/start", None), ("POST", "/stop", None)]
            deeds += [("PATCH", "", {"area": "x"}), ("DELETE", "", None)]
            for id, (method, word, body) in product((cam.id, 999), deeds):
                answer = world.call(method, f"/api/cameras/{id}{word}", token, body)
                said = {"error": f"there is no camera {id}"}
                assert (answer.status_code, answer.json()) == (404, said)
        if not cam.seen_by(user):
            events = world.api.get(
                f"/api/events?camera={cam.name}", world.tokens[str(cam.owner)]
            ).json()["events"]
            for event in events:
                path = f"/api/events/{event['id']}/acknowledge"
                assert world.call("POST", path, token).status_code == 404
            alarms = world.api.get("/api/alarms", world.tokens[str(cam.owner)]).json()["alarms"]
            for one in alarms:
                if one["subject"] == cam.name:
                    path = f"/api/alarms/{one['rule']}/{cam.name}/ack"
                    assert world.call("POST", path, token).status_code == 404
    kept = world.api.get("/api/cameras", world.tokens["ann"]).json()["cameras"]
    assert [one["name"] for one in kept] == ["qa_all_q", "qa_ann_q"]
    assert all(one["status"] == "running" and one["area"] is None for one in kept)


def test_a_camera_is_put_only_on_a_page_that_one_may_see(world: World) -> None:
    new = {"name": "other", "url": "rtsp://10.0.0.1/s", "page": world.pages["ann"]["key"]}
    answer = world.call("POST", "/api/cameras", world.tokens["bob"], new)
    assert answer.status_code == 400
    assert "that you may see" in answer.json()["error"]
    public = next(cam for cam in world.cams if cam.added and cam.owner is None)
    change = {"page": world.pages["ann"]["key"]}
    answer = world.call("PATCH", f"/api/cameras/{public.id}", world.tokens["bob"], change)
    assert answer.status_code == 400


@contextlib.contextmanager
def followers(world: World, user: str) -> Iterator[dict[str, Any]]:
    """A client of each protocol that follows everything there is."""
    token = world.tokens[user]
    names = [cam.name for cam in world.cams]
    numbers = [str(cam.id) for cam in world.cams if cam.added]
    channels = ["events", "readings", "alarms", "cameras", "live", "subject:*"]
    channels += [f"camera_{name}" for name in (*names, *numbers)]
    with contextlib.ExitStack() as stack:
        push = stack.enter_context(world.api.socket(token=token))
        push.send(json.dumps({"type": "subscribe", "channels": channels}))
        old = stack.enter_context(world.api.socket(token=token, subprotocols=None))
        old.send(json.dumps({"type": "subscribe", "channels": channels}))
        alarm_server = stack.enter_context(
            world.api.socket(f"/ws?token={token}", subprotocols=None)
        )
        alarm_server.send(json.dumps({"type": "subscribe", "payload": {"channels": channels}}))
        raw = {
            name: stack.enter_context(world.api.socket(f"/ws/raw/camera_{name}?token={token}"))
            for name in names
        }
        stream = stack.enter_context(
            httpx.stream(
                "GET",
                f"{world.api.url}/api/stream",
                params={"channels": ",".join(channels), "token": token},
                timeout=PATIENCE,
            )
        )
        yield {
            "push": push,
            "old": old,
            "alarm server": alarm_server,
            "stream": stream.iter_text(),
            **{f"raw {name}": one for name, one in raw.items()},
        }


def text_until(follower: Any, end: str) -> str:
    """All that comes until the mark is in it."""
    text = ""
    while end not in text:
        if isinstance(follower, ClientConnection):
            text += str(follower.recv(PATIENCE))
        else:
            text += next(follower)
    return text


def mark_end(world: World, end: str) -> None:
    """Something that everybody sees comes last, on every channel that is followed.

    Records of one subject go to one partition, and its order holds; so each camera has its own.
    """
    for cam in world.cams:
        world.topics.pushed(f"camera_{cam.name}", [{"end": end}], subject=cam.name)


@pytest.mark.parametrize("user", USERS)
def test_no_channel_tells_of_a_hidden_camera(world: World, user: str) -> None:
    seen = [cam for cam in world.cams if cam.seen_by(user)]
    with followers(world, user) as all_:
        while (message := receive(all_["push"]))["type"] != "subscribed":
            continue
        assert "refused" not in message  # a hidden camera is like one that is not there
        text_until(all_["old"], "subscribed")
        text = text_until(all_["stream"], "event: subscribed")
        for cam in world.cams:
            world.tell(cam)
        for cam in world.cams:
            if cam.added:
                by = world.tokens[cam.owner or "cid"]
                world.call("POST", f"/api/cameras/{cam.id}/stop", by)
        mark_end(world, "the_end")
        # Marks of cameras that may be seen come; what else came before them was told, too.
        world.topics.pushed("live", [{"end": "last"}], subject="s")
        for kind in ("push", "old", "stream"):
            text = text_until(all_[kind], '"last"')
            while not {cam.name for cam in seen} <= set(NAME.findall(text)):
                text += text_until(all_[kind], "}")
            without_answers = re.sub(ANSWER, "", text)
            world.check_text(user, without_answers, kind)
        for cam in seen:
            assert "the_end" in text_until(all_[f"raw {cam.name}"], "the_end")
        for cam in world.cams:
            if not cam.seen_by(user):
                with pytest.raises(TimeoutError):
                    all_[f"raw {cam.name}"].recv(0.05)


def test_who_is_given_a_page_sees_its_cameras_at_once_and_who_loses_it_sees_nothing_more(
    world: World,
) -> None:
    cam = next(cam for cam in world.cams if cam.added and cam.owner == "ann")
    ids = {u["username"]: u["id"] for u in world.api.get("/api/users", world.api.login()).json()}
    share = {"subject_type": "user", "subject_id": ids["cid"], "can_view": True}
    path = f"/api/pages/{world.pages['ann']['id']}/shares"
    channel = f"camera_{cam.name}"
    with world.api.subscribed(world.tokens["cid"], channel, "cameras", "live") as client:
        assert world.api.get(f"/api/cameras/{cam.id}", world.tokens["cid"]).status_code == 404
        assert world.call("PUT", path, world.tokens["ann"], share).status_code == 200
        world.topics.pushed(channel, [{"n": 1}], subject=cam.name)
        text = ""
        while '"n":1' not in text.replace(" ", ""):
            text += str(client.recv(PATIENCE))
        assert world.api.get(f"/api/cameras/{cam.id}", world.tokens["cid"]).status_code == 200
        nothing = share | {"can_view": False}
        assert world.call("PUT", path, world.tokens["ann"], nothing).status_code == 200
        world.topics.pushed(channel, [{"n": 2}], subject=cam.name)
        world.topics.pushed("live", [{"n": 3}], subject=cam.name)
        world.topics.pushed("live", [{"n": 4}], subject="other")
        text = ""
        while '"n":4' not in text.replace(" ", ""):
            text += str(client.recv(PATIENCE))
        assert '"n":2' not in text.replace(" ", "")
        assert '"n":3' not in text.replace(" ", "")
        assert world.api.get(f"/api/cameras/{cam.id}", world.tokens["cid"]).status_code == 404


def test_a_camera_that_is_put_on_a_page_is_gone_for_others_and_what_it_saw_stays_there(
    world: World,
) -> None:
    cam = next(cam for cam in world.cams if cam.added and cam.owner is None)
    event = world.tell(cam)[0]
    path = f"/api/events/{event.id}"
    bob, ann = world.tokens["bob"], world.tokens["ann"]
    wait_until(lambda: world.api.get(path, bob).status_code == 200, what="the event")
    with world.api.subscribed(bob, f"camera_{cam.name}", "live") as client:
        change = {"page": world.pages["ann"]["key"]}
        assert world.call("PATCH", f"/api/cameras/{cam.id}", ann, change).status_code == 200
        assert world.api.get(f"/api/cameras/{cam.id}", bob).status_code == 404
        assert world.api.get(path, bob).status_code == 404
        world.topics.pushed(f"camera_{cam.name}", [{"n": 1}], subject=cam.name)
        world.topics.pushed("live", [{"n": 2}], subject=cam.name)
        world.topics.pushed("live", [{"n": 3}], subject="other")
        text = ""
        while '"n":3' not in text.replace(" ", ""):
            text += str(client.recv(PATIENCE))
        assert not re.search(r'"n": ?[12]', text)
    assert world.call("DELETE", f"/api/cameras/{cam.id}", ann).status_code == 200
    assert world.api.get(path, bob).status_code == 404
    assert world.api.get(path, ann).status_code == 200
