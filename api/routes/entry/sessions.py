"""Endpoints of one's own logins and known devices: listed, and ended one by one."""

import time

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts
from api.accounts.devices import forget_devices
from api.database.audit_log import record_audit
from api.database.database import permissions_changed
from api.database.models import Device, Login
from api.push.live_permissions import LivePermissions
from api.routes.parameters import Done, Id
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Accounts"
SESSIONS = "/api/auth/sessions"
DEVICES = "/api/auth/devices"


class SessionView(msgspec.Struct):
    """A login that goes on. Times are in epoch seconds; `agent` is what the client calls itself."""

    id: str
    created: float
    last_used: float | None
    expires: float
    address: str
    agent: str
    current: bool


class DeviceView(msgspec.Struct):
    """A browser or program that has logged in, and when it did so last."""

    id: str
    created: float
    last_login: float
    agent: str


class OneId(msgspec.Struct):
    """Which one."""

    id: Id


class SessionEndpoints:
    """Answer for logins and devices."""

    def __init__(self, accounts: Accounts, permissions: LivePermissions) -> None:
        self._sessions = accounts.sessions
        self._database = accounts.database
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """One's own."""
        one = f"{SESSIONS}/{{id}}"
        device = f"{DEVICES}/{{id}}"
        return [
            Endpoint(
                "GET", SESSIONS, self.all, TAG, "One's logins", list[SessionView], needs_login=True
            ),
            Endpoint(
                "DELETE",
                one,
                self.end,
                TAG,
                "End a login",
                Done,
                path=OneId,
                errors=(404,),
                needs_login=True,
            ),
            Endpoint(
                "GET",
                DEVICES,
                self.devices,
                TAG,
                "One's known devices",
                list[DeviceView],
                needs_login=True,
            ),
            Endpoint(
                "DELETE",
                device,
                self.forget,
                TAG,
                "Forget a device",
                Done,
                path=OneId,
                errors=(404,),
                needs_login=True,
            ),
        ]

    async def all(self, call: Call) -> list[SessionView]:
        """Newest first; `current` is the one that asks."""

        def read(session: Session) -> list[SessionView]:
            wanted = select(Login).where(
                Login.user_id == call.who.id, Login.ended.is_(None), Login.expires > time.time()
            )
            return [
                SessionView(
                    one.id,
                    one.created,
                    one.used,
                    one.expires,
                    one.address,
                    one.agent,
                    one.id == call.who.login,
                )
                for one in session.scalars(wanted.order_by(Login.created.desc()))
            ]

        return await self._database.read_in_thread(read)

    async def end(self, call: Call) -> Done:
        """At once: none of its tokens is accepted any longer, its connections are closed."""

        def work(session: Session) -> tuple[Done, set[str]]:
            login = session.get(Login, call.path.id)
            if login is None or login.user_id != call.who.id or login.ended is not None:
                raise Rejected(404, f"there is no login {call.path.id} of yours")
            self._sessions.end(session, login.id)
            record_audit(
                session, call.who, "end_login", login.address, login.agent, address_of(call.request)
            )
            permissions_changed(session)
            return Done(), {call.who.id}

        return await self._permissions.change_permissions(work)

    async def devices(self, call: Call) -> list[DeviceView]:
        """Those whose failed logins are counted by themselves."""

        def read(session: Session) -> list[DeviceView]:
            wanted = select(Device).where(Device.user_id == call.who.id)
            return [
                DeviceView(one.id, one.created, one.used, one.agent)
                for one in session.scalars(wanted.order_by(Device.used.desc()))
            ]

        return await self._database.read_in_thread(read)

    async def forget(self, call: Call) -> Done:
        """It is a stranger at its next login."""

        def work(session: Session) -> None:
            if not forget_devices(session, call.who.id, call.path.id):
                raise Rejected(404, f"there is no device {call.path.id} of yours")
            record_audit(session, call.who, "forget_device", "", "", address_of(call.request))

        await self._database.write_in_thread(work)
        return Done()
