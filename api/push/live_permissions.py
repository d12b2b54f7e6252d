"""What open connections may see, kept true while rights change."""

import asyncio
import collections
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.orm import Session

from api.accounts.accounts import LOGGED_OUT, Accounts, check_role
from api.accounts.principal import Person
from api.permissions.page_permissions import Rights
from api.permissions.visibility import NOTHING, Sight
from api.push.connection import Client
from api.push.peer_updates import Announcements, Heard
from api.push.protocol import Conversation
from api.push.updates import Update

UNAUTHORIZED = 4401
NOBODY = 0
"""Number of clients that need not say who they are. They see what belongs to no page."""
LOOK_EVERY = 1.0
Done = TypeVar("Done")
Standing = tuple[Person, Sight] | None


class Access:
    """Gives each client its sight when it comes, and another one, or the end, at the moment its
    rights change.

    All of that, and every change of rights by this process, happens one at a time: who has been
    told that a right was taken away knows that nothing more goes out by it here. What other
    processes change is followed within a second, and then what other apis announced.
    """

    def __init__(
        self, accounts: Accounts, announce: Callable[[Update], None] = lambda update: None
    ) -> None:
        """`announce` hands on what another api announced."""
        self._accounts = accounts
        self._database = accounts.database
        self._open: dict[Client, Conversation | None] = {}
        self._coming: set[Client] = set()
        self._connections: collections.Counter[int] = collections.Counter()
        self._one_at_a_time = asyncio.Lock()
        self._revision = self._database.revision()
        self._announce = announce
        self.announcements = Announcements(self._database)

    def connections(self, user_id: int) -> int:
        """How many connections an account has."""
        return self._connections[user_id]

    async def admit(self, client: Client) -> None:
        """Let a client see what it may, from now on; ends it if its login has ended. All who
        wait come in together, so a crowd that comes back at once costs one look at the database."""
        self._open[client] = None
        self._connections[client.person.id] += 1
        self._coming.add(client)
        async with self._one_at_a_time:
            if client not in self._coming:
                return
            together, self._coming = self._coming, set()
            try:
                await self._bring_up_to_date(together)
            except BaseException:
                self._coming |= together - {client}  # each asks for itself
                raise

    def speaks(self, client: Client, conversation: Conversation) -> None:
        """Who is to be told that a client's sight changed."""
        if client in self._open:
            self._open[client] = conversation

    def leave(self, client: Client) -> None:
        if client in self._open:
            del self._open[client]
            self._connections[client.person.id] -= 1
            if not self._connections[client.person.id]:
                del self._connections[client.person.id]

    async def sight(self, person: Person) -> Sight:
        """What an account may see now."""
        return await asyncio.to_thread(self._sight, person.id)

    async def alone(
        self, work: Callable[[Session], Done], then: Callable[[Done], None] | None = None
    ) -> Done:
        """Change the database while nothing else changes rights, and `then` act on it before
        anything else does. What others announced before comes before."""
        async with self._one_at_a_time:
            done, heard = await asyncio.to_thread(self._write, self._hearing(work))
            await self._tell(heard)
            if then is not None:
                then(done)
            return done

    async def look(self, work: Callable[[Session], Done], then: Callable[[Done], None]) -> Done:
        """Read the database and act on it before anything changes; what others announced before
        comes before.
        """
        async with self._one_at_a_time:
            done, heard = await asyncio.to_thread(self._read, self._hearing(work))
            await self._tell(heard)
            then(done)
            return done

    async def change(self, work: Callable[[Session], tuple[Done, Iterable[int]]]) -> Done:
        """Change rights: `work` gives a result and the accounts that it concerns. Once this
        returns, their connections see what they may see now."""
        async with self._one_at_a_time:
            done, users = await asyncio.to_thread(self._write, work)
            concerned = set(users)
            await self._bring_up_to_date(
                [client for client in self._open if client.person.id in concerned]
            )
            return done

    async def refresh(self, users: Iterable[int] | None = None) -> None:
        """Something changed for these accounts, or for anybody."""
        async with self._one_at_a_time:
            concerned = None if users is None else set(users)
            await self._bring_up_to_date(
                [
                    client
                    for client in self._open
                    if concerned is None or client.person.id in concerned
                ]
            )

    async def watch(self) -> None:
        """Follow what other processes do, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            async with self._one_at_a_time:
                heard = await asyncio.to_thread(self._read, self.announcements.heard)
                await self._follow()
                await self._tell(heard)

    async def _follow(self) -> None:
        """Let every client see what it may see now, if rights were changed."""
        revision = await asyncio.to_thread(self._database.revision)
        if revision != self._revision:
            await self._bring_up_to_date(list(self._open))
            self._revision = revision

    async def _tell(self, heard: Heard) -> None:
        """Announce what others announced, to those who may see it by the rights of then or
        later.
        """
        if heard.updates:
            await self._follow()
        for update in heard.updates:
            self._announce(update)
        self.announcements.told(heard)

    async def _bring_up_to_date(self, clients: Collection[Client]) -> None:
        found = await asyncio.to_thread(self._standings, {client.person for client in clients})
        for client in clients:
            standing = found[client.person]
            if client not in self._open or client.closed:
                continue
            if standing is None:
                client.end(UNAUTHORIZED, LOGGED_OUT)
                continue
            person, sight = standing
            changed = (client.sight, client.person.role) != (sight, person.role)
            client.person, client.sight = person, sight
            conversation = self._open[client]
            if changed and conversation is not None:
                conversation.sight_changed()

    # --------------------------------------------------------------------------------------------
    # in a thread
    def _hearing(self, work: Callable[[Session], Done]) -> Callable[[Session], tuple[Done, Heard]]:
        return lambda session: (work(session), self.announcements.heard(session))

    def _standings(self, people: set[Person]) -> dict[Person, Standing]:
        with self._database.read() as session:
            sights: dict[int, Sight] = {}
            found: dict[Person, Standing] = {}
            for person in people:
                if person.id == NOBODY:
                    found[person] = person, NOTHING
                    continue
                user = self._accounts.logins.user_of(session, person.login)
                if user is None or user.id != person.id:
                    found[person] = None
                    continue
                if user.id not in sights:
                    sights[user.id] = Rights(session, user.id).sight()
                found[person] = (
                    replace(person, username=user.username, role=check_role(user.role)),
                    sights[user.id],
                )
            return found

    def _sight(self, user_id: int) -> Sight:
        with self._database.read() as session:
            return Rights(session, user_id).sight()

    def _write(self, work: Callable[[Session], Done]) -> Done:
        with self._database.write() as session:
            return work(session)

    def _read(self, work: Callable[[Session], Done]) -> Done:
        with self._database.read() as session:
            return work(session)
