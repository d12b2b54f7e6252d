"""Tickets for clients that can set no header: once, for half a minute."""

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from api.accounts.principal import Principal
from api.accounts.tickets import MOST_EACH, Tickets
from api.accounts.tokens import TokenError
from api.web.log_redaction import redact
from tests.api.running import Api, receive
from tests.waiting import PATIENCE

ANN = Principal("ann", "ann", "viewer", 99.0, "login")


def test_a_ticket_is_good_once_and_for_half_a_minute() -> None:
    now = [0.0]
    tickets = Tickets(lambda: now[0])
    first, second = tickets.issue(ANN), tickets.issue(ANN)
    assert tickets.redeem(first) == ANN
    now[0] = 30.0
    for gone in (first, second, "", "nonsense"):
        with pytest.raises(TokenError, match="older than 30 s"):
            tickets.redeem(gone)


def test_an_account_that_asks_for_many_pushes_out_its_own_tickets_only() -> None:
    tickets = Tickets()
    other = tickets.issue(Principal("bob", "bob", "viewer", 99.0, "x"))
    own = [tickets.issue(ANN) for _ in range(MOST_EACH + 5)]
    assert tickets.redeem(other).id == "bob"
    with pytest.raises(TokenError):
        tickets.redeem(own[4])
    assert tickets.redeem(own[5]) == ANN


def test_a_ticket_opens_a_websocket_or_a_stream_and_nothing_a_second_time(
    api: Api, token: str
) -> None:
    def ticket() -> str:
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{api.url}/api/ticket", headers=headers, timeout=PATIENCE)
        assert answer.json()["expires_in"] == 30
        return str(answer.json()["ticket"])

    own = ticket()
    with api.socket(f"/ws?ticket={own}", subprotocols=["vigie.push.v1"]) as client:
        assert receive(client) == {"type": "ready"}
    with (
        api.socket(f"/ws?ticket={own}", subprotocols=["vigie.push.v1"]) as client,
        pytest.raises(ConnectionClosed) as closed,
    ):
        client.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    with api.socket(f"/ws?ticket={ticket()}", subprotocols=None) as client:
        assert receive(client)["type"] == "initial_state"
    with api.socket(f"/ws/raw/line?ticket={ticket()}") as client:
        client.ping().wait(PATIENCE)
    address = f"{api.url}/api/stream?channels=alarms&ticket={ticket()}"
    with httpx.stream("GET", address, timeout=PATIENCE) as answer:
        assert answer.status_code == 200
    assert httpx.get(address, timeout=PATIENCE).status_code == 401
    for path in ("/api/alarms", "/api/auth/me"):
        assert api.get(path, ticket=ticket()).status_code == 401


def test_no_log_of_ours_shows_a_ticket() -> None:
    assert redact("GET /ws?ticket=abc-_1&x=1") == "GET /ws?ticket=***&x=1"
