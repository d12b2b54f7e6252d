"""Random requests after the OpenAPI document: none ends in an error of ours."""

import collections
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil
import pytest
import requests
from hypothesis import HealthCheck, Phase, given
from hypothesis import seed as seeded
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.settings import Settings
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.config.api_section import ApiSection
from tests.api.conftest import Start
from tests.api.json_ids import numbers_under_ids
from tests.api.running import Api, Topics
from tests.api.web.fuzz_record import SECONDS, SEED, recorded
from tests.waiting import PATIENCE

DOWN = (503, 504)
"""Services that are not there, or flows that do not answer, are no faults."""
LEFT_OUT = ("/api/stream",)
"""Has no end."""
OWN = ("/api/auth/logout", "/api/auth/password")
"""End the login that asks: asked by somebody who is there for that."""
OTHERS = "/api/users/{id}"
"""Would take the rights of the one who asks: done to that somebody."""
PROXIED = ApiSection(proxies=["127.0.0.1"], changes_per_minute=10**9)
LEAK = 64 << 20

# The server runs in this process; what it draws from `random` meanwhile looks as if a strategy had
# done it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics, database: Callable[[], Any]) -> Api:
    """A server with a broker and ClickHouse."""
    client = database()
    for table, kind in (("readings", "readings"), ("events", "events"), ("alarm_events", "alarms")):
        Schema(client, "").migrate(Declared(table, kind))
    events = f"{topics.prefix}site.events"
    server = start(
        replace(
            settings,
            clickhouse=database,
            event_topics=(events,),
            posts_topic=events,
            section=PROXIED,
        )
    )
    server.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return server


class Fuzz:
    """Call every operation with what its schemas allow and forbid, and check the answers."""

    def __init__(self, api: Api) -> None:
        import schemathesis  # seconds of imports, which only these tests pay for

        self.answers: collections.Counter[int] = collections.Counter()
        self._headers = {"Authorization": f"Bearer {api.login()}"}
        self._session = requests.Session()
        self._api = api
        self._modes = schemathesis.GenerationMode
        self._victim = self._ask("POST", "/api/users", {"username": "victim"})["id"]
        schema = schemathesis.openapi.from_url(f"{api.url}/api/openapi.json")
        found = [result.ok() for result in schema.get_all_operations()]
        self.operations = [operation for operation in found if operation.path not in LEFT_OUT]

    def run(self, examples: int, seed: int) -> None:
        page = self._ask("POST", "/api/pages", {"name": "there"})["id"]
        rule = self._ask(
            "POST", f"/api/pages/{page}/rules", {"ticker": "rack", "condition": "above 30"}
        )["id"]
        group = self._ask("POST", "/api/groups", {"name": f"there {page}"})["id"]
        camera = self._ask(
            "POST", "/api/cameras", {"name": f"there{page}", "url": "rtsp://10.0.0.1/a"}
        )["id"]
        self._there = {
            "page": page,
            "alarm": rule,
            "group": group,
            "user": self._victim,
            "id": camera,
        }
        for operation in self.operations:
            self._run(operation, examples, seed)

    def _aim(self, path: str, given: dict[str, Any]) -> None:
        """Let every other number be one that exists; the account that asks is none of these."""
        there = {**self._there, "id": self._victim} if path.startswith(OTHERS) else self._there
        for name, value in given.items():
            if name in there and (
                str(value).strip() == "1" or (isinstance(value, int) and value % 2)
            ):
                given[name] = there[name]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {
            **self._headers,
            "X-Forwarded-For": "10.0.0.1",
        }  # wrong passwords that are tried lock another address
        answer = self._session.request(
            method, f"{self._api.url}{path}", json=body, headers=headers, timeout=PATIENCE
        )
        assert answer.ok, answer.text
        return answer.json()

    def _as_victim(self) -> dict[str, str]:
        """A new login of somebody who may lose it."""
        path = f"/api/users/{self._victim}"
        self._ask("PATCH", path, {"enabled": True})
        credentials = {
            "username": "victim",
            "password": self._ask("POST", f"{path}/password")["password"],
        }
        return {
            "Authorization": (
                f"Bearer {self._ask('POST', '/api/auth/login', credentials)['access_token']}"
            )
        }

    def close(self) -> None:
        self._session.close()

    def _run(self, operation: Any, examples: int, seed: int) -> None:
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in self._modes))

        @seeded(seed)
        @hypothesis_settings(
            max_examples=examples, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )  # fmt: skip
        @given(case=cases)
        def call(case: Any) -> None:
            if isinstance(case.body, dict) and "wait" in case.body:
                case.body["wait"] = 0.01
            self._aim(operation.path, case.path_parameters)
            headers = self._as_victim() if operation.path in OWN else self._headers
            answer = case.call(session=self._session, headers=headers, timeout=PATIENCE)
            self.answers[answer.status_code] += 1
            said = f"{case.method} {case.path}: {answer.status_code} {answer.content[:300]!r}"
            assert answer.status_code < 500 or answer.status_code in DOWN, said
            if answer.status_code not in (405, 431):  # what no operation of the document has
                operation.validate_response(answer)
            if answer.headers.get("Content-Type", [""])[0].startswith("application/json"):
                assert numbers_under_ids(answer.json()) == [], said

        call()


def test_whatever_is_sent_is_answered_as_the_document_says(api: Api) -> None:
    fuzz = Fuzz(api)
    fuzz.run(examples=2, seed=1)
    fuzz.close()
    assert fuzz.answers.total() > 60
    assert fuzz.answers[200] + fuzz.answers[201] + fuzz.answers[202] > 10


@pytest.mark.fuzz
def test_ten_minutes_of_random_requests_leave_no_fault_and_no_leak(api: Api) -> None:
    fuzz = Fuzz(api)
    process = psutil.Process()
    until = time.monotonic() + SECONDS
    sizes: list[int] = []
    with recorded("http") as row:
        while time.monotonic() < until or len(sizes) < 3:
            fuzz.run(examples=40 if until - time.monotonic() > 60 else 4, seed=SEED + len(sizes))
            sizes.append(process.memory_info().rss)
            row |= {"sent": fuzz.answers.total(), "answers": dict(sorted(fuzz.answers.items()))}
        fuzz.close()
        row["rss_growth"] = (sizes[-1] - sizes[len(sizes) // 3]) >> 20
        assert sizes[-1] - sizes[len(sizes) // 3] < LEAK, sizes
