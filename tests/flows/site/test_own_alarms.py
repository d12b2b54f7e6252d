"""The alarms of the site itself, as `vigie up` keeps them."""

import json
from pathlib import Path

import pytest

from connectors.config.site import load_site
from flows.loader import load
from flows.site.own_alarms import SHIPPED, definition, own_alarms
from operators.events import AlarmTransition, Reading
from tests.flows.conftest import Watch
from tests.flows.site.up import Up
from tests.waiting import wait_until


@pytest.mark.service
def test_a_site_is_watched_and_a_definition_of_its_own_takes_the_place_of_the_usual_one(
    up: Up, topic: Watch
) -> None:
    up.write("cool")
    up.start(watch=True)
    usual, cool = up.wait_running("vigie"), up.wait_running("cool")
    intake = topic(up.connection, up.connection.topic_names.of_source("vigie", "flows"))

    def told() -> set[tuple[str, str]]:
        return {(one.subject, one.metric) for one in intake() if isinstance(one, Reading)}

    wait_until(lambda: ("vigie/cool", "unheard") in told(), what="readings of the flow")
    up.write("vigie", text=SHIPPED.read_text().split("\ntests:")[0].replace("90 %", "0.001 %"
        ).replace("87 %", "0 %").replace("every: 5s", "every: 500ms"))  # fmt: skip
    mine = up.wait_running("vigie", not_version=usual.version)
    assert mine.file == "vigie.yaml"
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    raised = wait_until(alarms, what="the alarm of the disk")
    assert raised is not None and isinstance(raised[0], AlarmTransition)
    assert (raised[0].rule, raised[0].event) == ("vigie/disk_nearly_full", "activated")

    (up.folder / "vigie.yaml").unlink()
    up.wait("vigie", lambda one: (one.state, one.version) == ("running", usual.version), "back")
    again = up.flow("cool")
    assert again is not None and again.pid == cool.pid, "the others went on"
    assert up.stop() == 0


def test_who_is_to_be_mailed_of_the_sites_alarms_stands_in_the_site_file(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    written = {"vigie": 1, "site": "north", "watch": {"mail": ["ada@example.org"]}}
    site.write_text(json.dumps(written))
    path = tmp_path / "vigie.yaml"
    path.write_text(definition(load_site(site)))
    document, flow = load(path)
    assert flow is not None, document.report()
    assert flow.sinks["mail"].settings.to == ["ada@example.org"]
    first = own_alarms(site, tmp_path / "data")
    site.write_text(json.dumps({**written, "watch": {}}))
    second = own_alarms(site, tmp_path / "data")
    assert first is not None and second is not None and first.hash != second.hash
    assert second.definition.read_text() == SHIPPED.read_text()
    site.write_text("vigie: [")
    assert own_alarms(site, tmp_path / "data") is None
