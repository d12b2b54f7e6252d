"""Whether a flow that announces itself is still there, whatever clocks do."""

from api.site.flow_status import FlowStatus
from connectors.runtime.announcement import TABLE, TRUE_FOR
from operators.events import Row

START = 1_800_000_000.0


class Site:
    """Flows that announce themselves; `wall` is the clock of the host, `ran` what truly passed."""

    def __init__(self) -> None:
        self.wall, self.ran = START, 100.0
        self.status = FlowStatus([], lambda: self.wall, lambda: self.ran)

    def says(self, status: str, at: float) -> None:
        values = {
            "id": "cool", "flow": "cool", "version": "1", "since": START, "at": at, "status": status
        }  # fmt: skip
        row = Row(id="cool", time=at, table=TABLE, op="update", values=values)
        self.status.collect([row])

    def after(self, seconds: float) -> str:
        self.wall += seconds
        self.ran += seconds
        return self.status.words()["cool"]


def test_a_flow_is_gone_when_nothing_was_heard_of_it_though_the_clock_was_set_back() -> None:
    site = Site()
    site.says("ok", START)
    site.wall -= 3600
    assert site.after(TRUE_FOR - 1) == "ok"
    assert site.after(2) == "gone"


def test_a_flow_that_speaks_is_not_gone_while_the_clock_leaps_ahead() -> None:
    site = Site()
    site.says("ok", START)
    site.wall += 7200
    assert site.after(15) == "ok"
    site.says("blind", site.wall)
    site.wall -= 7200
    assert site.after(15) == "blind"
    site.says("ok", site.wall)
    assert site.after(15) == "ok", "what came last counts"


def test_what_was_said_before_the_last_word_does_not_count() -> None:
    site = Site()
    site.says("ok", START)
    site.says("stopped", START - 5)
    assert site.after(1) == "ok"


def test_what_was_there_before_the_api_began_is_as_old_as_it_says() -> None:
    site = Site()
    site.says("ok", START - TRUE_FOR - 1)
    assert site.after(0) == "gone"
