"""Whoever asks for what takes long waits for it alone: logins and others' requests go on."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import Settings
from api.web.turns import MOST_EACH, MOST_WAITING, TooManyAtOnce, Turns
from tests.api.conftest import Start
from tests.api.running import Api
from tests.waiting import PATIENCE, wait_until

ASKED = 60
"""More than a machine has threads for."""


class SlowStore:
    """A ClickHouse that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()

    def query(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        self.answers.wait(PATIENCE)
        raise OSError("gone")

    def close(self) -> None: ...


@pytest.fixture
def store() -> Iterator[SlowStore]:
    slow = SlowStore()
    yield slow
    slow.answers.set()


def test_one_account_that_waits_for_a_slow_store_keeps_nobody_from_logging_in_and_looking(
    start: Start, tmp: Path, store: SlowStore
) -> None:
    api: Api = start(Settings(data=tmp / "data", port=0, clickhouse=lambda: store))
    token = api.login()
    path = "/api/history?subject=rack&metric=temperature"
    before = store.asked
    client = httpx.Client(
        base_url=api.url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
        limits=httpx.Limits(max_connections=None),
    )
    with client, ThreadPoolExecutor(ASKED) as many:
        answers = [many.submit(client.get, path) for _ in range(ASKED)]
        wait_until(lambda: store.asked >= before + MOST_EACH, what="as many as may be to wait")
        assert api.get("/api/auth/me", api.login()).status_code == 200
        assert api.get("/api/latest", token).status_code == 200
        assert store.asked <= before + MOST_EACH + 2  # how it is, and alarms of before, are asked
        assert not any(answer.done() for answer in answers)
        store.answers.set()
        assert {answer.result().status_code for answer in answers} == {503}


def test_what_one_account_may_have_waiting_is_bounded_and_others_have_their_turns() -> None:
    async def play() -> None:
        turns = Turns()
        go_on = asyncio.Event()

        async def ask(account: str) -> None:
            async with turns.turn(account):
                await go_on.wait()

        waiting = [asyncio.create_task(ask("ann")) for _ in range(MOST_EACH + MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyAtOnce):
            await ask("ann")
        async with turns.turn("bob"):
            go_on.set()
        await asyncio.gather(*waiting)
        async with turns.turn("ann"):
            pass

    asyncio.run(play())
