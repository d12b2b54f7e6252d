"""What a source read before its position, and had not handed out when its state was saved."""

from flows.dataflow.alignment import Alignment
from flows.runtime.saved_state import input_state
from tests.flows.dataflow.test_alignment import arrival, released


def test_a_partition_of_which_a_live_batch_waits_is_behind_again_after_a_restart() -> None:
    """Behind that batch more may have gathered meanwhile, older than what others bring."""
    before = Alignment(("a", "b"))
    for part in ("a", "b"):
        before.take(arrival(part, live=True))
    before.take(arrival("a", 1, live=True))
    state = input_state.load(input_state.save({"a": 2, "b": 0}, "in", before.held()))

    after = Alignment(("a", "b"))
    for one in input_state.waiting_of("in", state):
        after.take(one._replace(part=one.part.removeprefix("in:")))
    after.take(arrival("b", 5, 9, live=True))
    assert released(after) == [1]
    after.take(arrival("a", 2, 3))
    after.take(arrival("a", live=True))
    assert released(after) == [2, 3, 5, 9]
