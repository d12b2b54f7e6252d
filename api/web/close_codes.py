"""Codes with which a WebSocket connection is closed: RFC 6455, section 7.4, and from 4000 ours."""

NOT_UTF8 = 1007
RESTART = 1012
TRY_LATER = 1013
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
TOO_SLOW = 4429
