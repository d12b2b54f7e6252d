"""Who sees what, by every way in and out, before and after a right is taken away.

Logins, tickets, tokens of programs with and without a limit, and those who need not say who they
are; readings, alarms, events and live pictures, followed, as they stand, counted and searched;
against the rule in plain words.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import delete
from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts
from api.accounts.api_tokens import make_token
from api.accounts.principal import Principal
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import TokenError, Tokens
from api.database.database import open_database
from api.database.models import ApiToken, Group, Login, Member, Page, Permission, SeenCamera, User
from api.permissions.visibility import PUBLIC_ONLY, Visibility
from api.push.client import Client
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.protocol import Conversation, PushConversation
from api.push.sse import StreamConversation, StreamOpening
from api.push.updates import Update, from_events, from_push, from_site_events
from api.routes.websocket import ANONYMOUS
from api.settings import Bounds
from api.site.acknowledgements import Acknowledgements
from api.site.clickhouse_history import ClickHouseHistory
from api.site.event_search import EventFilter, EventSearch
from api.site.event_view import of_event
from operators.events import Event, Occurrence, encode_lines
from tests.api.events import alarm, reading
from tests.api.permissions.transport import MARK, Transport

USERS, GROUPS, PAGES, CAMERAS = 3, 2, 3, 4
GONE = "gone"
"""A page that nobody has."""
_numbers = iter(range(1, 1_000_000))


@dataclass
class Door:
    """A way in: whose it is (None: nobody's), and the pages that it is limited to."""

    principal: Principal
    user: int | None
    limit: frozenset[str] | None = None
    token: str = ""
    shut: bool = False
    ends: list[tuple[Client, Transport]] = field(default_factory=list)


@dataclass
class Item:
    """Something that happened: its own page, its subject, and the camera that its labels name."""

    mark: str
    page: str | None
    subject: str
    camera: str | None
    time: float


class World:
    """One example."""

    def __init__(self, accounts: Accounts, number: int) -> None:
        registry = CollectorRegistry()
        self.hub = Hub(
            Bounds(), Counter("a", "a", registry=registry), Counter("b", "b", registry=registry)
        )
        self.hub.begin("p", (0, 0))
        self.accounts, self.number, self.offset = accounts, number, 0
        self.permissions = LivePermissions(accounts, self.hub.broadcast)
        self.search = EventSearch(ClickHouseHistory(None, ""), self.hub.recent_events)
        self.acknowledgements = Acknowledgements(accounts.database)
        self.keys = [f"k{number}_{n}" for n in range(PAGES)]
        self.cameras: dict[str, str | None] = {
            f"cam{number}_{n}": self.keys[n] if n < PAGES else None for n in range(CAMERAS)
        }
        self.own: set[tuple[int, int]] = set()
        self.through: set[tuple[int, int]] = set()
        self.members: set[tuple[int, int]] = set()
        self.items: list[Item] = []
        self.doors: list[Door] = []
        with accounts.database.write() as session:
            self.users = [
                User(username=f"w{number}.{n}", password_hash="", role="operator", created=0.0)
                for n in range(USERS)
            ]
            session.add_all(self.users)
            session.flush()
            groups = [
                Group(name=f"h{number}.{n}", owner_id=self.users[0].id) for n in range(GROUPS)
            ]
            pages = [
                Page(key=key, name=key, owner_id=self.users[n].id)
                for n, key in enumerate(self.keys)
            ]
            logins = [
                Login(id=f"w{user.id}"[:32], user_id=user.id, created=0.0, expires=4e9)
                for user in self.users
            ]
            seen = [
                SeenCamera(name=name, page=page, time=0.0)
                for name, page in self.cameras.items()
                if page
            ]
            session.add_all([*groups, *pages, *logins, *seen])
            session.flush()
            self.groups = [group.id for group in groups]
            self.pages = [page.id for page in pages]
            self.logins = [login.id for login in logins]

    # ------------------------------------------------------------------------
    # the rule
    def sees_page(self, door: Door, key: str) -> bool:
        if door.user is None or key not in self.keys:
            return False
        if door.limit is not None and key not in door.limit:
            return False
        page, user = self.keys.index(key), door.user
        shared = any((page, g) in self.through and (g, user) in self.members for g in range(GROUPS))
        return page == user or (page, user) in self.own or shared

    def sees(self, door: Door, item: Item) -> bool:
        if item.page:
            return self.sees_page(door, item.page)
        pages = (self.cameras.get(name or "") for name in (item.subject, item.camera))
        return all(page is None or self.sees_page(door, page) for page in pages)

    # ------------------------------------------------------------------------
    # the ways in
    async def open(self, limits: list[int]) -> None:
        """By each user's login, ticket, and token with and without a limit, and by nobody."""
        logins = self.accounts.logins
        for n, user in enumerate(self.users):
            me = Principal(user.id, user.username, "operator", 4e9, self.logins[n])
            ticket = await logins.redeem(logins.tickets.issue(me))
            self.doors += [Door(me, n), Door(ticket, n)]
            only = frozenset(key for k, key in enumerate(self.keys) if limits[n] >> k & 1)
            for limit in (None, only):
                with self.accounts.database.write() as session:
                    pages = None if limit is None else sorted(limit)
                    name = f"t{limit is None}"
                    _, secret = make_token(session, me, name, "operator", pages, None)
                program = await logins.authenticate(secret)
                self.doors.append(Door(program, n, limit, secret))
        self.doors.append(Door(ANONYMOUS, None))
        for door in self.doors:
            await self.connect(door)

    async def connect(self, door: Door) -> None:
        """Both kinds of connection, as if for the first time."""
        for client, _ in door.ends:
            self.permissions.leave(client)
            self.hub.leave(client)
        door.ends = []
        channels = ["readings", "alarms", "events", "live", *(f"camera_{c}" for c in self.cameras)]
        for stream in (False, True):
            transport = Transport()
            client = Client(transport, Bounds(), door.principal, PUBLIC_ONLY, clock=time.monotonic)
            self.hub.join(client)
            await self.permissions.admit(client)
            conversation: Conversation
            opening = StreamOpening(self.hub, channels, None, _at_once)
            if stream:
                conversation = StreamConversation(self.hub, client, opening)
            else:
                conversation = PushConversation(self.hub, client, 64, _at_once)
            self.permissions.attach(client, conversation)
            door.ends.append((client, transport))
            if client.closed:
                continue
            if stream:
                await opening(client)
            else:
                await conversation.start()
                asked = json.dumps({"type": "subscribe", "channels": channels})
                await conversation.receive(asked)

    # ------------------------------------------------------------------------
    # what happens
    async def happen(self, page: int, subject: int, camera: int) -> None:
        """A reading, an alarm, an event, a picture and a push about one thing."""
        names = [*self.cameras, "rack"]
        mark = f"m{next(_numbers)}m"
        item = Item(
            mark,
            [*self.keys, GONE, None, None, None, None][page % 8],
            names[subject % len(names)],
            [*self.cameras, None, None][camera % (CAMERAS + 2)],
            self.number * 1000.0 + len(self.items),
        )
        self.items.append(item)
        labels = {"page": item.page, "camera": item.camera}
        about: dict[str, Any] = {
            "subject": item.subject,
            "time": item.time,
            "labels": {name: value for name, value in labels.items() if value},
        }
        events: list[Event] = [
            reading(1, **about, metric=mark),
            alarm(1, **about, id=f"a{mark}", rule=f"f/{mark}", recorded=item.time),
        ]
        happened = Occurrence(id=mark, type="motion", **about)
        self.acknowledgements.add(of_event(happened), self.doors[0].principal, None, "")
        head = {"flow": "f", "sink": "live", "id": mark, "time": item.time, "shaped": True}
        told = {**head, "channel": "live", "subject": item.subject, "data": {"said": mark}}
        told |= {name: value for name, value in labels.items() if value}
        for update in (
            *from_events(encode_lines(events), True),
            *from_site_events(encode_lines([happened]), True),
            *from_push(json.dumps(told).encode(), True),
        ):
            self.publish(update)
        await self.check(mark)

    def publish(self, update: Update) -> None:
        self.offset += 1
        update.set_position("p", (self.offset, 0))
        self.hub.publish([update])

    async def picture(self, camera: int) -> None:
        """A live picture of a camera, which its flow gives no label."""
        name = [*self.cameras][camera % CAMERAS]
        mark = f"m{next(_numbers)}m"
        head = {"flow": "f", "sink": "live", "id": mark, "time": 1.0, "shaped": True}
        frame = {"kind": "frame", "jpeg": mark}
        record = {**head, "channel": f"camera_{name}", "subject": name, "data": frame}
        for update in from_push(json.dumps(record).encode(), True):
            self.publish(update)
        item = Item(mark, None, name, None, 0.0)
        for door in self.doors:
            for _, transport in door.ends:
                assert (mark in transport.text) == (not door.shut and self.sees(door, item))

    async def rights(self, kind: int, what: int, who: int) -> None:
        """A right is given or taken: by oneself, by a group, or by the camera's other page."""
        page, user, group = what % PAGES, who % USERS, who % GROUPS
        key = self.keys[page]
        camera = [*self.cameras][who % CAMERAS]

        def work(session: Session) -> tuple[None, None]:
            if kind % 4 == 0:
                self._toggle(session, self.own, (page, user), Permission, user_id=user)
            elif kind % 4 == 1:
                self._toggle(session, self.through, (page, group), Permission, group_id=group)
            elif kind % 4 == 2:
                self._toggle(session, self.members, (group, user), Member)
            else:
                session.merge(SeenCamera(name=camera, page=key, time=1.0))
                self.cameras[camera] = key
            return None, None

        await self.permissions.change_permissions(work)
        await self.check()

    def _toggle(
        self, session: Session, kept: set[tuple[int, int]], pair: tuple[int, int], table: Any,
        **whose: int,
    ) -> None:  # fmt: skip
        if table is Member:
            row = {"group_id": self.groups[pair[0]], "user_id": self.users[pair[1]].id}
        elif "user_id" in whose:
            row = {"page_id": self.pages[pair[0]], "user_id": self.users[pair[1]].id}
        else:
            row = {"page_id": self.pages[pair[0]], "group_id": self.groups[pair[1]]}
        if pair in kept:
            session.execute(delete(table).filter_by(**row))
        else:
            session.add(
                table(**row) if table is Member else table(**row, can_view=True, can_edit=False)
            )
        kept ^= {pair}

    async def shut(self, what: int) -> None:
        """A token is revoked: nothing comes through it any longer."""
        door = self.doors[what % len(self.doors)]
        if not door.token or door.shut:
            return

        def work(session: Session) -> tuple[None, set[str]]:
            found = door.principal.login.partition("/")[2]
            session.execute(delete(ApiToken).where(ApiToken.id == found))
            return None, {door.principal.id}

        await self.permissions.change_permissions(work)
        door.shut = True
        assert [client.closed for client, _ in door.ends] == [4401, 4401]
        with pytest.raises(TokenError):
            await self.accounts.logins.authenticate(door.token)
        await self.check()

    async def again(self, what: int) -> None:
        """Somebody comes back: what stands is what he may see now, and all of that."""
        door = self.doors[what % len(self.doors)]
        if door.shut:
            return
        await self.connect(door)
        may = {item.mark for item in self.items if self.sees(door, item)}
        for _, transport in door.ends:
            assert may - set(MARK.findall(transport.text)) == set()
        await self.check()

    # ------------------------------------------------------------------------
    # the ways out
    async def check(self, mark: str | None = None) -> None:
        """Connections got nothing else than what may be seen; questions are answered with that."""
        of = {item.mark: item for item in self.items}
        for door in self.doors:
            for client, transport in door.ends:
                client.drain()
                text = transport.take()
                for found in set(MARK.findall(text)) & set(of):
                    assert not door.shut and self.sees(door, of[found]), (door, of[found], text)
                if mark and not door.shut and self.sees(door, of[mark]):
                    # a reading, an alarm, an event and a push
                    assert text.count(mark) >= 4, (door, of[mark], text)
            if not door.shut:
                await self._answers(door)

    async def _answers(self, door: Door) -> None:
        seen_by = door.ends[0][0].visibility
        if door.user is not None:
            assert await self.permissions.visibility(door.principal) == seen_by
        may = {item.mark for item in self.items if self.sees(door, item)}
        self._commands(door, seen_by)
        latest = filter(seen_by.allows_plain, self.hub.readings.latest())
        assert {one["metric"] for one in latest} == may
        assert self.hub.readings.count(seen_by) == len(may)
        alarms = filter(seen_by.allows_plain, self.hub.alarms.current())
        assert {one["rule"][2:] for one in alarms} == may
        wanted = EventFilter(seen_by=seen_by)
        events, _, _ = await self.search.before(wanted, None, 500)
        assert {event.id for event in events} == may
        assert (await self.search.count(wanted)).types.total() == len(may)
        for item in self.items[-1:]:
            found = await self.search.one(item.mark, seen_by)
            assert (found is not None) == (item.mark in may)
        start = self.number * 1000.0
        assert self.acknowledgements.count(start, start + 1000.0, seen_by) == len(may)

    def _commands(self, door: Door, seen_by: Visibility) -> None:
        """What goes with a command to the flow, which decides by it; also of alarms not known."""
        said = seen_by.as_data()
        mine = {key for key in self.keys if self.sees_page(door, key)}
        hidden = {name for name, page in self.cameras.items() if page and page not in mine}
        assert set(said["pages"]) == mine
        assert {name for name in said["hidden"] if name in self.cameras} == hidden
        assert {name for name in self.cameras if not seen_by.allows_camera(name)} == hidden


_small = st.integers(0, 11)
histories = st.lists(
    st.tuples(st.sampled_from(("happen", "happen", "picture", "rights", "rights", "shut", "again")), _small, _small, _small),
    min_size=4,
    max_size=14,
)  # fmt: skip


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    folder: Path = tmp_path_factory.mktemp("doors")
    accounts = Accounts(open_database(folder), Tokens(SigningKeys(folder), 3600))
    yield accounts
    accounts.close()


@pytest.mark.slow
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories, limits=st.lists(st.integers(0, 7), min_size=USERS, max_size=USERS))
def test_every_door_shows_what_may_be_seen_and_nothing_else(
    accounts: Accounts, history: list[tuple[str, int, int, int]], limits: list[int]
) -> None:
    asyncio.run(_play(World(accounts, next(_numbers)), history, limits))


async def _play(world: World, history: list[tuple[str, int, int, int]], limits: list[int]) -> None:
    await world.open(limits)
    for action, a, b, c in history:
        count = {"happen": 3, "rights": 3}.get(action, 1)
        await getattr(world, action)(*(a, b, c)[:count])


async def _at_once() -> None: ...
