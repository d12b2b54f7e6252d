"""Why this server closes a WebSocket connection or ends a stream: codes and reasons.

Codes below 3000 are those of RFC 6455, section 7.4, and its IANA registry. Those from 4400 are
ours, named after the HTTP status they resemble.
"""

from typing import NamedTuple

from api.accounts.logins import LOGGED_OUT
from api.accounts.tokens import EXPIRED

INVALID_UTF8 = 1007
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
TOO_SLOW = 4429


class Close(NamedTuple):
    """A code, and the reason as the client reads it."""

    code: int
    reason: str


SERVER_STOPS = Close(SERVICE_RESTART, "the server stops; connect again")
BINARY_MESSAGE = Close(BAD_MESSAGE, "binary messages are not understood; send text")
NO_TOKEN = Close(UNAUTHORIZED, "no token; log in at /api/auth/login")
NOT_BEARER = Close(UNAUTHORIZED, "the Authorization header must be: Bearer TOKEN")
NO_AUTH_MESSAGE = Close(UNAUTHORIZED, 'the first message must be {"type":"auth","token":"..."}')
TOKEN_EXPIRED = Close(UNAUTHORIZED, EXPIRED)
LOGIN_ENDED = Close(UNAUTHORIZED, LOGGED_OUT)
CHANNEL_FORBIDDEN = Close(FORBIDDEN, "this account may not see that channel")
PASSWORD_FIRST = Close(FORBIDDEN, "change the password first: POST /api/auth/password")
LAGS = Close(TOO_SLOW, "too slow: more events were waiting than this server keeps for one client")
ACCOUNT_LAGS = Close(
    TOO_SLOW, "too slow: more was waiting than this server keeps for the clients of one account"
)
OVER_BUDGET = Close(TOO_SLOW, "too many messages: this client asks for more than its share")
STALLED = Close(TOO_SLOW, "too slow: read nothing for longer than this server waits")


def unauthorized(reason: object) -> Close:
    """The token is not accepted."""
    return Close(UNAUTHORIZED, str(reason))


def no_token_within(seconds: float) -> Close:
    """The client did not say who it is in time."""
    return Close(UNAUTHORIZED, f"no token within {seconds:g} s")


def server_full(clients: int) -> Close:
    """The server has as many clients as it takes."""
    return Close(TRY_AGAIN_LATER, f"all {clients} places are taken; try again later")


def account_full(connections: int) -> Close:
    """The account has as many connections as it may."""
    return Close(TRY_AGAIN_LATER, f"this account has {connections} connections already")
