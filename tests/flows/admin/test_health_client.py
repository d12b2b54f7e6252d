"""What `vigie status` shows of a flow's own health."""

from flows.admin.health_client import troubles
from flows.runtime.status import Metrics, StatusServer, make_health


def test_what_a_flow_waits_for_is_shown_in_its_words_and_nothing_once_it_is_well() -> None:
    metrics = Metrics("f")
    health = make_health("f", metrics)
    server = StatusServer("f", 0, metrics, health, sinks=lambda: {"rows": {"lag": 1.0}})
    address = f"http://127.0.0.1:{server.port}"
    try:
        health.up("rows")
        assert troubles(address) == []
        health.degraded("rows", "no answer for 10 s")
        assert troubles(address) == ["behind: rows waits: no answer for 10 s"]
        health.up("rows")
        health.camera("video", "gate", {"online": True, "troubles": {}})
        assert troubles(address) == []
        health.camera("video", "dock", {"online": False, "why": "no machine is known by that name"})
        health.camera("video", "yard", {"online": True, "troubles": {"camera_covered": None}})
        assert troubles(address) == [
            "video: 2 of 3 cameras send pictures",
            "  dock: no machine is known by that name",
            "  yard: it is covered",
        ]
        health.camera("video", "dock", None)
        health.camera("video", "yard", {"online": True, "troubles": {}})
        assert troubles(address) == []
        health.degraded("sensors", "no answer from the broker")
        assert "blind: sensors waits: no answer from the broker" in troubles(address)
    finally:
        server.close()
    (silent,) = troubles(address)
    assert silent.startswith("does not say how it is: ")
