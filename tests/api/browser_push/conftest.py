from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.settings import Settings
from connectors.config.api_section import ApiSection
from tests.api.browser_push.push_service import PushService, push_service
from tests.api.conftest import Start
from tests.api.running import Api, Topics


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as running:
        yield running


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics, service: PushService) -> Api:
    section = ApiSection(push_services=[service.url], registration="open")
    server = start(replace(settings, section=section, site="plant"))
    server.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return server
