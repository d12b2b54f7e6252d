"""An edit acts from its own instant, on alarms that stand, too.

After random edits, restarts, commands and readings, a flow shows what it would show had it always
had its last definition, but for what people did.
"""

import pytest

from tests.flows.dataflow.edits import check_seed
from tests.seed_blocks import seed_blocks


@pytest.mark.parametrize("first", seed_blocks(100, 25))
def test_an_edited_flow_shows_what_one_shows_that_always_had_the_definition(first: int) -> None:
    for seed in range(first, first + 25):
        check_seed(seed)


@pytest.mark.parametrize("seed", [10063])
def test_an_alarm_hides_others_by_its_label_of_now(seed: int) -> None:
    check_seed(seed)


@pytest.mark.parametrize("seed", [42664, 47541])
def test_an_alarm_that_a_stream_arms_after_an_edit_follows_its_next_readings(seed: int) -> None:
    check_seed(seed)
