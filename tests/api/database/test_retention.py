"""What only grows is bounded by age and by count, and so is what one account may change."""

import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from api.database.database import open_database
from api.database.models import Audit, PeerUpdate
from api.database.retention import Kept, Retention
from api.settings import Settings
from api.web.change_budget import ChangeBudget, TooManyChanges
from connectors.config.api_section import ApiSection
from connectors.runtime.steady_clock import SteadyClock
from tests.api.conftest import Start
from tests.waiting import PATIENCE


def test_entries_go_by_age_and_by_number_the_oldest_first(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    now = time.time()
    with database.write() as session:
        for number in range(1, 101):
            old = 500 * 86_400 if number <= 10 else 0
            session.add(Audit(at=now - old, username="x", action=str(number)))
        session.add(PeerUpdate(number=1, api="a", at=now - 700, channel="c", subject="", data=""))
    everything = Retention(database, Kept(400, 1000), Kept(400, 1000))
    assert not everything.sweep()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 90
        assert session.scalar(select(func.count()).select_from(PeerUpdate)) == 0
    Retention(database, Kept(400, 25), Kept(400, 1000)).sweep()
    with database.read() as session:
        left = list(session.scalars(select(Audit.action).order_by(Audit.id)))
    assert left == [str(number) for number in range(76, 101)]
    database.shrink_log()
    assert (tmp_path / "api.sqlite-wal").stat().st_size == 0


def test_a_clock_that_leaps_ahead_for_a_moment_removes_nothing(tmp_path: Path) -> None:
    database, host, ran = open_database(tmp_path), [time.time()], [0.0]
    with database.write() as session:
        session.add(Audit(at=host[0], username="x", action="kept"))
    clock = SteadyClock(lambda: host[0], lambda: ran[0])
    host[0] += 1000 * 86_400
    ran[0] += 10
    Retention(database, Kept(400, 1000), Kept(400, 1000), clock).sweep()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 1


def test_a_minute_gives_an_account_so_many_changes_and_no_other_account_less() -> None:
    now = [0.0]
    changes = ChangeBudget(60, lambda: now[0])
    for _ in range(60):
        changes.spend("ann")
    with pytest.raises(TooManyChanges, match="try again in 1 s"):
        changes.spend("ann")
    changes.spend("bob")
    now[0] = 1.0
    changes.spend("ann")


def test_changes_beyond_the_budget_are_answered_with_429_over_rest_and_refused_over_websockets(
    start: Start, settings: Settings
) -> None:
    api = start(replace(settings, section=ApiSection(changes_per_minute=5)))
    token = api.login()
    headers = {"Authorization": f"Bearer {token}"}
    answers = [
        httpx.post(f"{api.url}/api/pages", json={"name": str(n)}, headers=headers, timeout=PATIENCE)
        for n in range(8)
    ]
    codes = [answer.status_code for answer in answers]
    assert codes[:5] == [200] * 5
    assert 429 in codes
    refused = answers[codes.index(429)]
    assert (refused.json()["error"][:16], "retry-after" in refused.headers) == (
        "too many changes",
        True,
    )
    with api.socket(f"/ws?token={token}", subprotocols=None) as client:
        client.recv(PATIENCE)
        for _ in range(3):
            client.send('{"type":"create_page","payload":{"name":"x"}}')
        assert any("too many changes" in str(client.recv(PATIENCE)) for _ in range(3))
    assert api.get("/api/auth/me", token).status_code == 200
