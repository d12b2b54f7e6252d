from api.topics.lasting_changes import completed
from tests.api.events import alarm


def test_an_alarm_keeps_the_limit_that_was_crossed_after_its_return() -> None:
    raised = alarm(1, "B", event="activated", limit=30.0)
    returned = alarm(2, "D", event="returned", limit=28.0)
    assert completed(returned, raised).limit == 30.0
    assert completed(alarm(3, "D", event="commented", limit=30.0), returned).limit == 30.0
    other = alarm(4, "D", event="returned", limit=28.0, occ=raised.occ + 1)
    assert completed(other, raised).limit == 28.0
