"""Known devices: browsers and programs that have logged in to an account before.

Each holds a random secret. It opens nothing: it only says that somebody else's failed logins are
not those of this device.
"""

import hashlib
import secrets
import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.database.models import LONGEST_TEXT, Device, User

LIFETIME = 400 * 86_400.0
"""Seconds without a login after which a device is forgotten; browsers keep no cookie longer."""
MOST_EACH = 50
"""Devices of one account; beyond, the one that logged in longest ago goes."""
LONGEST = 100


def known_device(session: Session, username: str, secret: str) -> Device | None:
    """The device of a secret, if it has logged in to the account of this name."""
    if not secret or len(secret) > LONGEST:
        return None
    return session.scalar(
        select(Device)
        .join(User, User.id == Device.user_id)
        .where(
            Device.hash == _hash(secret),
            User.username == username,
            Device.used > time.time() - LIFETIME,
        )
    )


def remember_device(session: Session, user_id: str, secret: str, agent: str) -> str:
    """Note a login of a device; returns its secret, a new one if it was not known."""
    now = time.time()
    found = session.scalar(
        select(Device).where(Device.hash == _hash(secret), Device.user_id == user_id)
    )
    if found is not None:
        found.used = now
        return secret
    kept = select(Device.id).where(Device.user_id == user_id).order_by(Device.used.desc())
    outdated = list(session.scalars(kept.offset(MOST_EACH - 1)))
    session.execute(delete(Device).where(Device.id.in_(outdated)))
    secret = secrets.token_urlsafe(32)
    session.add(
        Device(
            hash=_hash(secret), user_id=user_id, created=now, used=now, agent=agent[:LONGEST_TEXT]
        )
    )
    return secret


def forget_devices(session: Session, user_id: str, id: str | None = None) -> int:
    """Forget one device of an account, or all; returns how many there were."""
    gone = delete(Device).where(Device.user_id == user_id)
    result = session.execute(gone if id is None else gone.where(Device.id == id))
    return int(getattr(result, "rowcount", 0))


def _hash(secret: str) -> str:
    """Random secrets of 256 bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
