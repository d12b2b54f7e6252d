"""What open connections may see, kept true while permissions change."""

import asyncio
import collections
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts
from api.accounts.principal import Principal
from api.permissions.camera_pages import hidden_cameras
from api.permissions.page_permissions import EffectivePermissions
from api.permissions.visibility import Visibility
from api.push.client import Client
from api.push.peer_updates import PeerBatch, PeerUpdates
from api.push.protocol import Conversation
from api.push.updates import Update
from api.web.close_codes import LOGIN_ENDED, PASSWORD_FIRST

NOBODY = ""
"""Number of clients that need not say who they are. They see what belongs to no page."""
LOOK_EVERY = 1.0
Done = TypeVar("Done")
Current = tuple[Principal, Visibility] | None


class LivePermissions:
    """Give each client its visibility, and another one, or the end, once its permissions change.

    All of that, and every change of permissions by this process, happens one at a time: whoever was
    told that a permission is gone knows that nothing more goes out by it here. Changes by other
    processes are followed within a second, and only then are their updates passed on.
    """

    def __init__(
        self, accounts: Accounts, broadcast: Callable[[Update], None] = lambda update: None
    ) -> None:
        """`broadcast` gives the updates of peers to clients."""
        self._accounts = accounts
        self._database = accounts.database
        self._open: dict[Client, Conversation | None] = {}
        self._arriving: set[Client] = set()
        self._connections: collections.Counter[str] = collections.Counter()
        self._lock = asyncio.Lock()
        self._revision = self._database.revision()
        self._broadcast = broadcast
        self.peer_updates = PeerUpdates(self._database)

    def connections(self, user_id: str) -> int:
        """How many connections an account has."""
        return self._connections[user_id]

    async def admit(self, client: Client) -> None:
        """Let a client see what it may from now on; end it if its login has ended.

        All that wait are admitted together, so that a crowd that comes back at once costs one
        query.
        """
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
        """Set the conversation that learns of changes of the client's visibility."""
        if client in self._open:
            self._open[client] = conversation

    def leave(self, client: Client) -> None:
        """Forget a client."""
        if client in self._open:
            del self._open[client]
            self._connections[client.principal.id] -= 1
            if not self._connections[client.principal.id]:
                del self._connections[client.principal.id]

    async def visibility(self, principal: Principal) -> Visibility:
        """What an account may see now."""
        return await self._database.read_in_thread(
            lambda session: EffectivePermissions(
                session, principal.id, principal.pages
            ).visibility()
        )

    async def write(
        self, work: Callable[[Session], Done], then: Callable[[Done], None] | None = None
    ) -> Done:
        """Change the database while no permissions change, then call `then` at once.

        Updates that peers wrote before are passed on before.
        """
        async with self._lock:
            done, batch = await self._database.write_in_thread(self._with_pending(work))
            await self._pass_on(batch)
            if then is not None:
                then(done)
            return done

    async def read(self, work: Callable[[Session], Done], then: Callable[[Done], None]) -> Done:
        """Read the database, then call `then` before anything changes.

        Updates that peers wrote before are passed on before.
        """
        async with self._lock:
            done, batch = await self._database.read_in_thread(self._with_pending(work))
            await self._pass_on(batch)
            then(done)
            return done

    async def change_permissions(
        self, work: Callable[[Session], tuple[Done, Iterable[str] | None]]
    ) -> Done:
        """Change permissions: `work` returns a result and the accounts it concerns, None for all.

        Once this returns, their connections see what they may see now.
        """
        async with self._lock:
            done, users = await self._database.write_in_thread(work)
            await self._update_clients(self._clients_of(users))
            return done

    async def refresh(self, users: Iterable[str] | None = None) -> None:
        """Look up the permissions of these accounts anew, or those of all."""
        async with self._lock:
            await self._update_clients(self._clients_of(users))

    def _clients_of(self, users: Iterable[str] | None) -> list[Client]:
        concerned = None if users is None else set(users)
        return [
            client for client in self._open if concerned is None or client.principal.id in concerned
        ]

    async def follow_peers(self) -> None:
        """Follow what other processes do, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            async with self._lock:
                batch = await self._database.read_in_thread(self.peer_updates.pending)
                await self._follow()
                await self._pass_on(batch)

    async def _follow(self) -> None:
        """Let every client see what it may see now, if rights were changed."""
        revision = await asyncio.to_thread(self._database.revision)
        if revision != self._revision:
            await self._update_clients(list(self._open))
            self._revision = revision

    async def _pass_on(self, batch: PeerBatch) -> None:
        """Pass peer updates on to those who may see them by the permissions of then or later."""
        if batch.updates:
            await self._follow()
        for update in batch.updates:
            self._broadcast(update)
        self.peer_updates.advance(batch)

    async def _update_clients(self, clients: Collection[Client]) -> None:
        found = await asyncio.to_thread(self._current, {client.principal for client in clients})
        for client in clients:
            standing = found[client.principal]
            if client not in self._open or client.closed:
                continue
            if standing is None:
                client.end(LOGIN_ENDED)
                continue
            principal, visibility = standing
            if principal.must_change:
                client.end(PASSWORD_FIRST)
                continue
            changed = (client.visibility, client.principal.role) != (visibility, principal.role)
            client.principal, client.visibility = principal, visibility
            conversation = self._open[client]
            if changed and conversation is not None:
                conversation.visibility_changed()

    # ------------------------------------------------------------------------
    # in a thread
    def _with_pending(
        self, work: Callable[[Session], Done]
    ) -> Callable[[Session], tuple[Done, PeerBatch]]:
        return lambda session: (work(session), self.peer_updates.pending(session))

    def _current(self, people: set[Principal]) -> dict[Principal, Current]:
        with self._database.read() as session:
            visibilities: dict[tuple[str, frozenset[str] | None], Visibility] = {}
            found: dict[Principal, Current] = {}
            for principal in people:
                if principal.id == NOBODY:
                    hidden = hidden_cameras(session, frozenset())
                    found[principal] = principal, Visibility(frozenset(), hidden)
                    continue
                now = self._accounts.sessions.standing(session, principal.login, principal.expires)
                if now is None or now.id != principal.id:
                    found[principal] = None
                    continue
                key = now.id, now.pages
                if key not in visibilities:
                    visibilities[key] = EffectivePermissions(session, *key).visibility()
                found[principal] = now, visibilities[key]
            return found
