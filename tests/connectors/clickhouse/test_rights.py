"""The rights that a server says a user lacks."""

import pytest
from pydantic import SecretStr

from connectors.clickhouse.client import open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.inspection import inspect
from connectors.clickhouse.rights import TO_MIGRATE, TO_WRITE, lacking
from infra.embedded.clickhouse import ClickHouse

pytestmark = pytest.mark.service


def test_a8_a12_rights_that_a_user_has_and_lacks_are_told_apart(clickhouse: ClickHouse) -> None:
    connection = ClickHouseConnection(
        url=f"{clickhouse.url}/default", password=SecretStr(clickhouse.password), migrate=True
    )
    client = open_client(connection)
    assert lacking(client, (*TO_WRITE, *TO_MIGRATE), "`nowhere_yet`.*") == []
    assert lacking(client, ("SELECT", "CREATE USER"), "*.*") == ["CREATE USER"]
    assert lacking(client, ("NO SUCH RIGHT",), "*.*") == [], "as a server that does not know it"
    client.close()
    found = {one.what: one.state for one in inspect(connection)}
    assert found["rights on default"] == "ok"
