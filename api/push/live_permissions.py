"""What open connections may see, kept true while rights change."""

import asyncio
import collections
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts
from api.accounts.logins import LOGGED_OUT
from api.accounts.principal import Principal
from api.accounts.roles import check_role
from api.permissions.page_permissions import EffectivePermissions
from api.permissions.visibility import PUBLIC_ONLY, Visibility
from api.push.connection import Client
from api.push.peer_updates import PeerBatch, PeerUpdates
from api.push.protocol import Conversation
from api.push.updates import Update
from api.web.close_codes import UNAUTHORIZED

NOBODY = 0
"""Number of clients that need not say who they are. They see what belongs to no page."""
LOOK_EVERY = 1.0
Done = TypeVar("Done")
Current = tuple[Principal, Visibility] | None


class LivePermissions:
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
        self._arriving: set[Client] = set()
        self._connections: collections.Counter[int] = collections.Counter()
        self._lock = asyncio.Lock()
        self._revision = self._database.revision()
        self._announce = announce
        self.peer_updates = PeerUpdates(self._database)

    def connections(self, user_id: int) -> int:
        """How many connections an account has."""
        return self._connections[user_id]

    async def admit(self, client: Client) -> None:
        """Let a client see what it may, from now on; ends it if its login has ended. All who
        wait come in together, so a crowd that comes back at once costs one look at the database."""
        self._open[client] = None
        self._connections[client.principal.id] += 1
        self._arriving.add(client)
        async with self._lock:
            if client not in self._arriving:
                return
            together, self._arriving = self._arriving, set()
            try:
                await self._update_clients(together)
            except BaseException:
                self._arriving |= together - {client}  # each asks for itself
                raise

    def attach(self, client: Client, conversation: Conversation) -> None:
        """Who is to be told that a client's sight changed."""
        if client in self._open:
            self._open[client] = conversation

    def leave(self, client: Client) -> None:
        if client in self._open:
            del self._open[client]
            self._connections[client.principal.id] -= 1
            if not self._connections[client.principal.id]:
                del self._connections[client.principal.id]

    async def visibility(self, principal: Principal) -> Visibility:
        """What an account may see now."""
        return await asyncio.to_thread(self._visibility, principal.id)

    async def write(
        self, work: Callable[[Session], Done], then: Callable[[Done], None] | None = None
    ) -> Done:
        """Change the database while nothing else changes rights, and `then` act on it before
        anything else does. What others announced before comes before."""
        async with self._lock:
            done, heard = await asyncio.to_thread(self._write, self._hearing(work))
            await self._tell(heard)
            if then is not None:
                then(done)
            return done

    async def read(self, work: Callable[[Session], Done], then: Callable[[Done], None]) -> Done:
        """Read the database and act on it before anything changes; what others announced before
        comes before.
        """
        async with self._lock:
            done, heard = await asyncio.to_thread(self._read, self._hearing(work))
            await self._tell(heard)
            then(done)
            return done

    async def change_permissions(
        self, work: Callable[[Session], tuple[Done, Iterable[int]]]
    ) -> Done:
        """Change rights: `work` gives a result and the accounts that it concerns. Once this
        returns, their connections see what they may see now."""
        async with self._lock:
            done, users = await asyncio.to_thread(self._write, work)
            concerned = set(users)
            await self._update_clients(
                [client for client in self._open if client.principal.id in concerned]
            )
            return done

    async def refresh(self, users: Iterable[int] | None = None) -> None:
        """Something changed for these accounts, or for anybody."""
        async with self._lock:
            concerned = None if users is None else set(users)
            await self._update_clients(
                [
                    client
                    for client in self._open
                    if concerned is None or client.principal.id in concerned
                ]
            )

    async def follow_peers(self) -> None:
        """Follow what other processes do, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            async with self._lock:
                heard = await asyncio.to_thread(self._read, self.peer_updates.heard)
                await self._follow()
                await self._tell(heard)

    async def _follow(self) -> None:
        """Let every client see what it may see now, if rights were changed."""
        revision = await asyncio.to_thread(self._database.revision)
        if revision != self._revision:
            await self._update_clients(list(self._open))
            self._revision = revision

    async def _tell(self, heard: PeerBatch) -> None:
        """Announce what others announced, to those who may see it by the rights of then or
        later.
        """
        if heard.updates:
            await self._follow()
        for update in heard.updates:
            self._announce(update)
        self.peer_updates.told(heard)

    async def _update_clients(self, clients: Collection[Client]) -> None:
        found = await asyncio.to_thread(self._current, {client.principal for client in clients})
        for client in clients:
            standing = found[client.principal]
            if client not in self._open or client.closed:
                continue
            if standing is None:
                client.end(UNAUTHORIZED, LOGGED_OUT)
                continue
            principal, visibility = standing
            changed = (client.visibility, client.principal.role) != (visibility, principal.role)
            client.principal, client.visibility = principal, visibility
            conversation = self._open[client]
            if changed and conversation is not None:
                conversation.visibility_changed()

    # ------------------------------------------------------------------------
    # in a thread
    def _hearing(
        self, work: Callable[[Session], Done]
    ) -> Callable[[Session], tuple[Done, PeerBatch]]:
        return lambda session: (work(session), self.peer_updates.heard(session))

    def _current(self, people: set[Principal]) -> dict[Principal, Current]:
        with self._database.read() as session:
            visibilities: dict[int, Visibility] = {}
            found: dict[Principal, Current] = {}
            for principal in people:
                if principal.id == NOBODY:
                    found[principal] = principal, PUBLIC_ONLY
                    continue
                user = self._accounts.sessions.user_of(session, principal.login)
                if user is None or user.id != principal.id:
                    found[principal] = None
                    continue
                if user.id not in visibilities:
                    visibilities[user.id] = EffectivePermissions(session, user.id).visibility()
                found[principal] = (
                    replace(principal, username=user.username, role=check_role(user.role)),
                    visibilities[user.id],
                )
            return found

    def _visibility(self, user_id: int) -> Visibility:
        with self._database.read() as session:
            return EffectivePermissions(session, user_id).visibility()

    def _write(self, work: Callable[[Session], Done]) -> Done:
        with self._database.write() as session:
            return work(session)

    def _read(self, work: Callable[[Session], Done]) -> Done:
        with self._database.read() as session:
            return work(session)
