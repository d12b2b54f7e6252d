"""The endpoint of tickets for addresses."""

import msgspec

from api.accounts.tickets import LIFETIME, Tickets
from api.secret_repr import redacted
from api.web.endpoints import Call, Endpoint

TAG = "Accounts"


class TicketAnswer(msgspec.Struct):
    """A ticket and the seconds in which it must be used."""

    ticket: str
    expires_in: float = LIFETIME

    __repr__ = redacted


class TicketEndpoints:
    """Give out tickets."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    def endpoints(self) -> list[Endpoint]:
        """The one way to get a ticket."""
        return [
            Endpoint(
                "POST", "/api/ticket", self.issue, TAG, "A ticket for an address", TicketAnswer
            )
        ]

    async def issue(self, call: Call) -> TicketAnswer:
        """For clients that can set no header: `/ws?ticket=…`, `/api/stream?ticket=…`.

        It is good for one connection that is opened within 30 s at this server. A token in an
        address ends up in the logs of proxies; a ticket that is found there opens nothing.
        """
        return TicketAnswer(self._tickets.issue(call.who))
