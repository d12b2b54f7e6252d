"""How refused logins and changes of accounts are answered."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.accounts.errors import (
    AccountError,
    CodeNeeded,
    LastAdmin,
    LoginRefused,
    NameTaken,
    TooManyAttempts,
)
from api.web.errors import Rejected


@contextmanager
def account_errors(login_refused: int = 401) -> Iterator[None]:
    """Raise `Rejected` for what the accounts refuse; `login_refused` is for a wrong password."""
    try:
        yield
    except CodeNeeded as error:
        raise Rejected(login_refused, str(error), needs="code") from None
    except LoginRefused as error:
        raise Rejected(login_refused, str(error)) from None
    except (NameTaken, LastAdmin) as error:
        raise Rejected(409, str(error)) from None
    except AccountError as error:
        raise Rejected(400, str(error)) from None
    except TooManyAttempts as error:
        raise Rejected(429, str(error), {"Retry-After": str(error.wait)}) from None
