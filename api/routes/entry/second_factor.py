"""Endpoints of one's own second factor, and of taking it from an account whose phone is lost."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts
from api.accounts.second_factor import Offer
from api.database.audit_log import record_audit
from api.database.models import User
from api.routes.account_errors import account_errors
from api.routes.parameters import Done, Id
from api.secret_repr import redacted
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected

TAG = "Accounts"
PATH = "/api/auth/second-factor"
Text = Annotated[str, Meta(max_length=2000)]
WRONG_PASSWORD = "the password is wrong"  # noqa: S105


class SecondFactorView(msgspec.Struct):
    """Whether the account has a second factor, and how many recovery codes are left."""

    enabled: bool
    recovery_codes: int


class OfferView(msgspec.Struct):
    """A secret for the app; `address` is what it reads as a QR code."""

    secret: str
    address: str

    __repr__ = redacted


class Password(msgspec.Struct):
    """One's own password."""

    password: Text

    __repr__ = redacted


class Code(msgspec.Struct):
    """A code of the app."""

    code: Text

    __repr__ = redacted


class RecoveryCodes(msgspec.Struct):
    """Codes that are good once each in the place of the app. They are shown this once."""

    recovery_codes: list[str]

    __repr__ = redacted


class AccountId(msgspec.Struct):
    """Which account."""

    id: Id


class SecondFactorEndpoints:
    """Answer for second factors."""

    def __init__(self, accounts: Accounts, site: str) -> None:
        """`site` is the name that apps show."""
        self._logins = accounts.logins
        self._factor = accounts.logins.second_factor
        self._database = accounts.database
        self._site = site

    def endpoints(self) -> list[Endpoint]:
        """One's own second factor; and for admins, that of others."""
        return [
            Endpoint(
                "GET",
                PATH,
                self.look,
                TAG,
                "One's second factor",
                SecondFactorView,
                needs_login=True,
            ),
            Endpoint(
                "POST",
                PATH,
                self.offer,
                TAG,
                "Begin a second factor",
                OfferView,
                body=Password,
                errors=(403, 429),
                needs_login=True,
            ),
            Endpoint(
                "POST",
                f"{PATH}/confirm",
                self.confirm,
                TAG,
                "Confirm it by a code",
                RecoveryCodes,
                body=Code,
                errors=(403,),
                needs_login=True,
            ),
            Endpoint(
                "POST",
                f"{PATH}/recovery-codes",
                self.renew,
                TAG,
                "Have new recovery codes",
                RecoveryCodes,
                body=Password,
                errors=(403, 429),
                needs_login=True,
            ),
            Endpoint(
                "POST",
                f"{PATH}/remove",
                self.remove,
                TAG,
                "Do without a second factor",
                Done,
                body=Password,
                errors=(403, 429),
                needs_login=True,
            ),
            Endpoint(
                "POST",
                "/api/users/{id}/second-factor/remove",
                self.remove_of,
                TAG,
                "Take the second factor from an account",
                Done,
                role="admin",
                path=AccountId,
                errors=(404,),
                needs_login=True,
            ),
        ]

    async def look(self, call: Call) -> SecondFactorView:
        """Of the account of the token."""

        def read(session: Session) -> SecondFactorView:
            enabled = session.get_one(User, call.who.id).totp_secret is not None
            return SecondFactorView(enabled, self._factor.codes_left(session, call.who.id))

        return await self._database.read_in_thread(read)

    async def offer(self, call: Call) -> OfferView:
        """Takes the password. The secret counts once `/confirm` has had a code of it."""
        await self._check_password(call)

        def begin(session: Session) -> Offer:
            return self._factor.offer(session, call.who.id, self._site)

        with account_errors():
            return OfferView(*await self._database.write_in_thread(begin))

    async def confirm(self, call: Call) -> RecoveryCodes:
        """From then on a login needs a code. Keep the recovery codes apart from the phone."""

        def take(session: Session) -> list[str] | None:
            codes = self._factor.confirm(session, call.who.id, call.body.code)
            if codes is not None:
                self._record(session, call, "second_factor_on")
            return codes

        with account_errors():
            codes = await self._database.write_in_thread(take)
        if codes is None:
            raise Rejected(403, "the code is wrong; is the clock of the phone right?", needs="code")
        return RecoveryCodes(codes)

    async def renew(self, call: Call) -> RecoveryCodes:
        """Takes the password. Those before are no longer good."""
        await self._check_password(call)

        def make(session: Session) -> list[str]:
            if session.get_one(User, call.who.id).totp_secret is None:
                raise Rejected(403, "this account has no second factor")
            self._record(session, call, "new_recovery_codes")
            return self._factor.new_recovery_codes(session, call.who.id)

        return RecoveryCodes(await self._database.write_in_thread(make))

    async def remove(self, call: Call) -> Done:
        """Takes the password."""
        await self._check_password(call)
        await self._database.write_in_thread(lambda session: self._remove(session, call, None))
        return Done()

    async def remove_of(self, call: Call) -> Done:
        """For an account whose phone and recovery codes are lost."""
        await self._database.write_in_thread(
            lambda session: self._remove(session, call, call.path.id)
        )
        return Done()

    async def _check_password(self, call: Call) -> None:
        address = address_of(call.request)
        with account_errors(login_refused=403):
            await self._logins.check_own_password(
                call.who, call.body.password, address, WRONG_PASSWORD
            )

    def _remove(self, session: Session, call: Call, user_id: str | None) -> None:
        user = session.get(User, user_id or call.who.id)
        if user is None:
            raise Rejected(404, f"there is no account {user_id}")
        if self._factor.remove(session, user.id):
            self._record(session, call, "second_factor_off", user.username)

    def _record(self, session: Session, call: Call, action: str, whose: str = "") -> None:
        record_audit(
            session, call.who, action, whose or call.who.username, "", address_of(call.request)
        )
