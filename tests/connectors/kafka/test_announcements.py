"""What is said of the flows of a site, from what they announce."""

import pytest

from connectors.kafka.announcements.receiver import announcements
from connectors.kafka.announcements.watch import FORGET, LISTEN, Watch
from connectors.runtime.announcement import Announcement
from flows.site.announcer import used_retention

START = 1_800_000_000.0


class Site:
    """A watch with a clock of its own, and flows that speak when they are asked to."""

    def __init__(self) -> None:
        self.now = START
        self.watch = Watch("vigie")
        self.watch.begin(self.now)

    def says(self, status: str, live: bool = True, id: str = "cool", **more: object) -> None:
        fields: dict[str, object] = {"since": START, "at": self.now, "host": "north", **more}
        said = Announcement(id=id, flow=id.partition("/")[0], version="1", status=status, **fields)  # type: ignore[arg-type]
        self.watch.heard(said, self.now, live)

    def after(self, seconds: float) -> "Site":
        self.now += seconds
        return self

    def values(self, subject: str = "vigie/cool") -> dict[str, float | None]:
        found = list(self.watch.readings(self.now))
        return {one.metric: one.value for one in found if one.subject == subject}

    def unheard(self) -> float | None:
        return self.values().get("unheard")


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_flow_is_unheard_from_when_it_last_said_that_it_evaluates(site: Site) -> None:
    site.says("ok")
    assert site.after(15).unheard() == 15
    site.says("behind")
    site.after(5).says("starting", since=START + 20)
    assert site.after(40).unheard() == 45, "one that starts does not evaluate yet"
    site.says("ok", since=START + 20)
    assert site.unheard() == 0


def test_a_planned_swap_and_a_planned_stop_are_no_silence(site: Site) -> None:
    site.says("ok")
    site.after(10).says("stopped")
    assert site.values() == {"unheard": 0, "blind": 0, "sink_behind": 0}
    assert site.after(3600).values() == {}, "it is said once"
    site.says("starting", since=site.now)
    assert site.after(5).unheard() == 5
    site.says("ok", since=site.now)
    assert site.after(1).unheard() == 1


def test_after_the_watch_was_deaf_nothing_is_said_of_a_flow_until_it_could_have_spoken(
    site: Site,
) -> None:
    site.says("ok", at=START - 500, live=False)
    assert site.unheard() is None, "an alarm that stands must not end by that"
    site.after(10).says("ok")
    assert site.after(7).unheard() == 7
    site.watch.begin(site.after(600).now)
    assert site.unheard() is None
    assert site.after(LISTEN).unheard() == LISTEN


def test_what_a_flow_says_of_itself_counts_while_it_is_heard(site: Site) -> None:
    more = {"sink_age": {"a": 3.0, "b": 70.0}, "retention": {"in": 0.6}, "disk": 0.91}
    site.says("blind", waiting_for={"in": "no answer"}, at=START + 9, **more)
    assert site.values() == {
        "unheard": 0, "blind": 1, "sink_behind": 70, "retention_used": 60, "clock_skew": 9
    }  # fmt: skip
    assert site.values("vigie/north") == {"disk_used": 91}
    labels = {one.metric: one.labels for one in site.watch.readings(site.now)}
    assert labels["blind"] == {"flow": "cool", "host": "north", "waiting_for": "in"}
    assert labels["sink_behind"]["sink"] == "b" and labels["retention_used"]["source"] == "in"
    assert site.after(LISTEN + 1).values() == {"unheard": LISTEN + 1}
    assert site.values("vigie/north") == {}


def test_a_flow_that_is_gone_for_a_day_is_no_longer_spoken_of(site: Site) -> None:
    site.says("ok", at=START - FORGET - 1, live=False, id="old")
    site.says("ok")
    site.after(FORGET + 1)
    assert list(site.watch.readings(site.now)) == []


def test_a_watch_that_does_not_hear_itself_knows_it(site: Site) -> None:
    site.after(30).says("ok", id="vigie")
    site.after(30).says("ok")
    assert not site.watch.is_deaf(site.now)
    assert site.watch.is_deaf(site.after(LISTEN).now)


def test_of_each_process_of_a_flow_there_are_readings_and_older_words_do_not_count(
    site: Site,
) -> None:
    site.says("ok", id="cool/1of2")
    site.says("ok", id="cool/2of2")
    site.after(5).says("stopped", id="cool/2of2", at=START - 1, since=START - 60)
    subjects = {one.subject for one in site.watch.readings(site.now)}
    assert subjects == {"vigie/cool/1of2", "vigie/cool/2of2"}
    assert site.values("vigie/cool/2of2")["unheard"] == 5


@pytest.mark.parametrize("since", [START, START - 3599], ids=["as it runs", "and started anew"])
def test_a_flow_on_a_machine_whose_clock_is_set_back_is_heard(site: Site, since: float) -> None:
    site.says("ok")
    for _ in range(5):
        site.after(15).says("ok", at=site.now - 3600, since=since)
    assert site.unheard() == 0
    assert site.after(LISTEN).unheard() == LISTEN


def test_records_of_another_release_are_passed_over() -> None:
    row = b'{"kind":"row","id":"a","time":1,"table":"flows","op":"update","values":{"id":7}}'
    assert list(announcements(row)) == list(announcements(b"{")) == list(announcements(b"")) == []


def test_how_much_of_the_retention_is_used_is_known_where_a_topic_has_one() -> None:
    figures = {"a": {"behind": 30.0, "retention": 60.0}, "b": {"behind": 9.0}, "c": {"lag": 1.0}}
    assert used_retention(figures) == {"a": 0.5}
