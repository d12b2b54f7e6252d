"""Nobody receives what the account may not see, and everybody what it may.

Random users, groups, pages and shares over the real hub and database, in both protocols, against a
model of the rule in plain Python.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter

from api.accounts.accounts import Accounts
from api.accounts.principal import Principal
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.compat.alarm_server import AlarmServerConversation
from api.database.database import open_database
from api.database.declared import DeclaredPermissions
from api.database.models import Group, Login, Page, User
from api.pages.group_service import GroupService
from api.pages.service import PageService
from api.permissions.visibility import PUBLIC_ONLY
from api.push.client import Client
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.protocol import BadMessage, Conversation, PushConversation
from api.push.updates import ALARMS, Update
from api.settings import Bounds
from api.topics.outbox import Outbox
from api.topics.writer import TopicWriter
from tests.api.permissions.transport import MARK, Transport

USERS, GROUPS = 4, 3
Name = tuple[str, int]


@dataclass
class Rule:
    """Owner, then a user's own permission, then through groups."""

    owner: dict[int, int] = field(default_factory=dict)
    own: dict[tuple[int, int], tuple[bool, bool]] = field(default_factory=dict)
    through: dict[tuple[int, int], tuple[bool, bool]] = field(default_factory=dict)
    members: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def may(self, user: int, page: int) -> tuple[bool, bool]:
        """View, edit."""
        if self.owner[page] == user:
            return True, True
        if (page, user) in self.own:
            return self.own[page, user]
        given = [
            right for (p, g), right in self.through.items() if p == page and user in self.members[g]
        ]
        return any(view for view, _ in given), any(edit for _, edit in given)


class World:
    """Accounts of one example, each with a client of either protocol."""

    def __init__(self, accounts: Accounts, number: int) -> None:
        registry = CollectorRegistry()
        self.hub = Hub(
            Bounds(), Counter("a", "a", registry=registry), Counter("b", "b", registry=registry)
        )
        self.hub.begin("p", (0, 0))
        self.accounts = accounts
        self.permissions = LivePermissions(accounts, self.hub.broadcast)
        self.group_service = GroupService(self.permissions)
        self.page_service = PageService(
            self.permissions,
            self.hub,
            Outbox(accounts.database, TopicWriter(None)),
            "vigie.rules",
        )
        self.rule = Rule()
        self.pages: list[int] = []
        self.keys: list[str] = []
        self.alarms: list[tuple[int, int]] = []
        self.page_of: dict[str, int] = {}
        self.marks = 0
        self.offset = 0
        self.connections: dict[tuple[str, int], tuple[Client, Transport, Conversation]] = {}
        with accounts.database.write() as session:
            users = [
                User(username=f"u{number}.{n}", password_hash="", role="viewer", created=0.0)
                for n in range(USERS)
            ]
            session.add_all(users)
            session.flush()
            logins = [
                Login(id=f"l{user.id}", user_id=user.id, created=0.0, expires=4e9) for user in users
            ]
            groups = [
                Group(name=f"g{number}.{n}", owner_id=users[0].id, official=n > 0)
                for n in range(GROUPS)
            ]
            declared = DeclaredPermissions(
                f"user/u{number}.0", [f"group/g{number}.{n}" for n in (0, 1)], [f"user/u{number}.1"]
            )
            page = Page(key=f"declared_{number}", name="declared", declared=declared.to_json())
            session.add_all([*logins, *groups, page])
            session.flush()
            self.users = [Principal(u.id, u.username, "viewer", 4e9, f"l{u.id}") for u in users]
            self.groups = [group.id for group in groups]
            self._add_page(page.id, page.key, 0)
        self.rule.own[page.id, 1] = (True, True)
        # group 0 is not official: a definition's word is not for it
        self.rule.through[page.id, 1] = (True, False)

    def _add_page(self, id: int, key: str, owner: int) -> None:
        self.pages.append(id)
        self.keys.append(key)
        self.rule.owner[id] = owner

    def mark(self, page: int) -> str:
        self.marks += 1
        mark = f"m{self.marks}m"
        self.page_of[mark] = page
        return mark

    async def connect(self, kind: str, user: int, cursor: str | None = None) -> None:
        transport = Transport()
        client = Client(transport, Bounds(), self.users[user], PUBLIC_ONLY, clock=time.monotonic)
        self.hub.join(client)
        await self.permissions.admit(client)
        conversation: Conversation
        if kind == "alarm":
            conversation = AlarmServerConversation(self.hub, client, self.page_service)
        else:
            conversation = PushConversation(self.hub, client, 64, _at_once)
        self.permissions.attach(client, conversation)
        self.connections[kind, user] = client, transport, conversation
        await conversation.start()
        await self.subscribe(kind, user, cursor)
        client.drain()

    async def subscribe(self, kind: str, user: int, cursor: str | None = None) -> None:
        if kind == "push":
            channels = ["alarms", "rules", "subject:*", *(f"page/{key}" for key in self.keys)]
            message = {"type": "subscribe", "channels": channels, "cursor": cursor}
            await self.connections[kind, user][2].receive(json.dumps(message))

    def disconnect(self, kind: str, user: int) -> None:
        client, _, _ = self.connections.pop((kind, user))
        self.permissions.leave(client)
        self.hub.leave(client)

    async def say(self, user: int, kind: str, **payload: Any) -> bool:
        """Whether it was accepted."""
        try:
            await self.connections["alarm", user][2].receive(
                json.dumps({"type": kind, "payload": payload})
            )
        except BadMessage:
            return False
        return True

    def check(
        self, mark: str | None = None, actor: int | None = None, only_push: bool = False
    ) -> None:
        """Nobody got what he may not see; everybody who may got `mark`."""
        for (kind, user), (client, transport, _) in self.connections.items():
            client.drain()
            text = transport.take()
            for found in set(MARK.findall(text)):
                page = self.page_of[found]
                said = found == mark and user == actor
                assert self.rule.may(user, page)[0] or said, (
                    f"{kind} client of user {user} got {text}"
                )
            if (
                mark is not None
                and self.rule.may(user, self.page_of[mark])[0]
                and not (only_push and kind == "alarm")
            ):
                assert mark in text, f"{kind} client of user {user} did not get {mark}: {text}"

    # ------------------------------------------------------------------------
    # what happens
    async def page(self, user: int, *_: int) -> None:
        assert await self.say(user, "create_page", name="p")
        made = json.loads(
            self.connections["alarm", user][1]
            .text.partition("success")[2]
            .partition('"data":')[2][:-2]
        )
        rights = {page["id"] for page in await self.viewable(user)}
        assert made["id"] in rights
        with self.accounts.database.read() as session:
            page = session.get(Page, made["id"])
            assert page is not None
            self._add_page(page.id, page.key, user)
        self.check()

    async def viewable(self, user: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        await self.page_service.begin(self.users[user], lambda state: found.extend(state["pages"]))
        return found

    async def share(self, user: int, page: int, subject: int, bits: int) -> None:
        view, edit, group = bool(bits & 1), bool(bits & 2), bool(bits & 4)
        page_id = self.pages[page % len(self.pages)]
        n = subject % (GROUPS if group else USERS)
        subject_id = self.groups[n] if group else self.users[n].id
        accepted = await self.say(
            user, "share_page", page_id=page_id, subject_type="group" if group else "user",
            subject_id=subject_id,
            can_view=view, can_edit=edit,
        )  # fmt: skip
        assert accepted == (self.rule.owner[page_id] == user)
        if accepted:
            self._given(page_id, n, view, edit, group)
        self.check()

    def _given(self, page_id: int, n: int, view: bool, edit: bool, group: bool) -> None:
        declared = page_id == self.pages[0]
        if group:
            # What a definition gives, nobody takes away by sharing less.
            self.rule.through[page_id, n] = (view or (declared and n == 1), edit)
        else:
            self.rule.own[page_id, n] = (
                view or (declared and n == 1),
                edit or (declared and n == 1),
            )

    async def member(self, user: int, group: int, other: int, come: int) -> None:
        group, other = group % GROUPS, other % USERS
        admin = Principal(self.users[0].id, self.users[0].username, "admin")
        members = self.rule.members[group]
        if come % 2:
            await self.group_service.add_member(admin, self.groups[group], self.users[other].id)
            members.add(other)
        elif other in members:
            await self.group_service.remove_member(admin, self.groups[group], self.users[other].id)
            members.discard(other)
        self.check()

    async def alarm(self, user: int, page: int, *_: int) -> None:
        page_id = self.pages[page % len(self.pages)]
        mark = self.mark(page_id)
        accepted = await self.say(
            user, "create_alarm", page_id=page_id, ticker=mark, option="", condition="above 1"
        )
        assert accepted == self.rule.may(user, page_id)[1]
        if accepted:
            made = re.findall(r'"id":"([^"]+)","page_id"', self.connections["alarm", user][1].text)
            self.alarms.append((made[-1], page_id))
        self.check(mark if accepted else None, user)

    async def update(self, user: int, alarm: int, *_: int) -> None:
        if self.alarms:
            alarm_id, page_id = self.alarms[alarm % len(self.alarms)]
            mark = self.mark(page_id)
            accepted = await self.say(user, "update_alarm", alarm_id=alarm_id, option=mark)
            assert accepted == self.rule.may(user, page_id)[1]
            self.check(mark if accepted else None, user)

    async def trigger(self, user: int, alarm: int, *_: int) -> None:
        if self.alarms:
            alarm_id, page_id = self.alarms[alarm % len(self.alarms)]
            assert (
                await self.say(user, "trigger_alarm", alarm_id=alarm_id, price=1)
                == self.rule.may(user, page_id)[0]
            )
            self.check()

    async def transition(self, user: int, page: int, *_: int) -> None:
        """A flow says something of an alarm of a page."""
        page %= len(self.pages)
        self._publish(ALARMS, page, page=self.keys[page])

    async def pushed(self, user: int, page: int, *_: int) -> None:
        """A flow writes to the channel of a page."""
        page %= len(self.pages)
        self._publish(f"page/{self.keys[page]}", page, origin="o")

    def _publish(self, channel: str, n: int, **others: Any) -> None:
        mark = self.mark(self.pages[n])
        update = Update(channel, f'"{mark}"', subject="s", **others)
        self.offset += 1
        update.set_position("p", (self.offset, 0))
        self.hub.publish([update])
        self.check(mark, only_push=True)

    async def again(self, user: int, with_cursor: int, *_: int) -> None:
        """Somebody comes back, with the cursor he had or without."""
        cursor = self.hub.cursor if with_cursor % 2 else None
        for kind in ("alarm", "push"):
            self.disconnect(kind, user)
        self._unheard()
        for kind in ("alarm", "push"):
            await self.connect(kind, user, cursor)
        start = self.connections["alarm", user][1].text
        state = json.loads(start[start.index('{"type":"initial_state"') :])["payload"]
        may = [page for page in self.pages if self.rule.may(user, page)[0]]
        assert [page["id"] for page in state["pages"]] == may
        assert [alarm["id"] for alarm in state["alarms"]] == [
            a for a, page in self.alarms if page in may
        ]
        self.check()

    def _unheard(self) -> None:
        """Something happens on every page while he is away."""
        for page in range(len(self.pages)):
            self._publish(f"page/{self.keys[page]}", page, origin="o")


ACTIONS = (
    "page",
    "share",
    "share",
    "member",
    "alarm",
    "update",
    "trigger",
    "transition",
    "pushed",
    "again",
)
_small = st.integers(0, 7)
histories = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, USERS - 1), _small, _small, _small),
    max_size=25,
)
_numbers = iter(range(1_000_000))


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    folder: Path = tmp_path_factory.mktemp("accounts")
    accounts = Accounts(open_database(folder), Tokens(SigningKeys(folder), 3600))
    yield accounts
    accounts.close()


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_everybody_gets_what_he_may_see_and_nobody_anything_else(
    accounts: Accounts, history: list[tuple[str, int, int, int, int]]
) -> None:
    asyncio.run(_play(World(accounts, next(_numbers)), history))


async def _play(world: World, history: list[tuple[str, int, int, int, int]]) -> None:
    for user in range(USERS):
        for kind in ("alarm", "push"):
            await world.connect(kind, user)
    world.check()
    for action, user, a, b, c in history:
        for one in range(USERS):
            await world.subscribe("push", one)  # what was granted meanwhile is asked for again
        world.check()
        await getattr(world, action)(user, a, b, c)


async def _at_once() -> None: ...
