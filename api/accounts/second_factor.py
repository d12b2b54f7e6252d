"""The second factor of an account: codes of an app (TOTP, RFC 6238), and recovery codes."""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

import pyotp
from sqlalchemy import Delete, Update, delete, func, select, update
from sqlalchemy.orm import Session

from api.accounts.errors import AccountError
from api.database.models import RecoveryCode, User
from api.secret_repr import redacted

STEP = 30
DRIFT = 1
"""Half minutes by which the clock of a phone may be off, in either direction."""
RECOVERY_CODES = 10
LONGEST = 64


class Offer(NamedTuple):
    """A second factor to be confirmed: the secret, and the address that apps read as a QR code."""

    secret: str
    address: str

    def __repr__(self) -> str:
        return redacted(self)


class SecondFactor:
    """Enrol, check and remove; methods take a writing session unless they say otherwise."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def offer(self, session: Session, user_id: str, issuer: str) -> Offer:
        """A new secret, which counts once a code of it has been confirmed.

        `issuer` is the name that the app shows.
        """
        user = session.get_one(User, user_id)
        if user.totp_secret is not None:
            raise AccountError("this account has a second factor; remove it first")
        user.totp_offered = secret = pyotp.random_base32()
        totp = pyotp.TOTP(secret, interval=STEP)
        return Offer(secret, totp.provisioning_uri(name=user.username, issuer_name=issuer))

    def confirm(self, session: Session, user_id: str, code: str) -> list[str] | None:
        """Take the offered secret as second factor; the recovery codes, None for a wrong code."""
        user = session.get_one(User, user_id)
        if user.totp_offered is None:
            raise AccountError("no second factor was begun for this account; begin again")
        step = self._step(user.totp_offered, code, 0)
        if step is None:
            return None
        user.totp_secret, user.totp_offered, user.totp_step = user.totp_offered, None, step
        return self.new_recovery_codes(session, user_id)

    def new_recovery_codes(self, session: Session, user_id: str) -> list[str]:
        """Recovery codes in the place of those before. They are shown once."""
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        session.add_all(RecoveryCode(hash=_hash(user_id, code), user_id=user_id) for code in codes)
        return codes

    def check(self, session: Session, user_id: str, code: str) -> bool:
        """Whether a code is right, which uses it up."""
        user = session.get_one(User, user_id)
        if user.totp_secret is None:
            return True
        if len(code) > LONGEST:
            return False
        step = self._step(user.totp_secret, code, user.totp_step)
        used: Delete | Update
        if step is None:
            used = delete(RecoveryCode).where(
                RecoveryCode.hash == _hash(user_id, code), RecoveryCode.user_id == user_id
            )
        else:
            newer = update(User).where(User.id == user_id, User.totp_step < step)
            used = newer.values(totp_step=step)
        return bool(getattr(session.execute(used), "rowcount", 0))

    def remove(self, session: Session, user_id: str) -> bool:
        """Take the second factor away; whether there was one."""
        user = session.get_one(User, user_id)
        had = user.totp_secret is not None
        user.totp_secret = user.totp_offered = None
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        return had

    def codes_left(self, session: Session, user_id: str) -> int:
        """How many recovery codes are left. The session may be one that reads."""
        left = select(func.count()).where(RecoveryCode.user_id == user_id)
        return session.scalar(left) or 0

    def _step(self, secret: str, code: str, used: int) -> int | None:
        """The half minute of a code, if it is one of now that was not used before."""
        digits = code.replace(" ", "")
        if not digits.isascii() or not digits.isdecimal():
            return None
        totp, now = pyotp.TOTP(secret, interval=STEP), int(self._clock()) // STEP
        steps = range(max(used + 1, now - DRIFT), now + DRIFT + 1)
        right = [one for one in steps if secrets.compare_digest(totp.generate_otp(one), digits)]
        return right[0] if right else None


def _new_code() -> str:
    """Sixteen letters and digits, 80 bits, in groups that can be read out."""
    text = pyotp.random_base32(32)[:16].lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _hash(user_id: str, code: str) -> str:
    plain = code.lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(f"{user_id} {plain}".encode()).hexdigest()
