"""People are told what is annunciated, and nothing else, whatever is masked, edited or restarted.

Each occurrence of random flows is followed to sinks for people, with selections that are edited,
and through `notify`: its start is told when it is annunciated, its end once, nothing while it is
masked.
"""

import pytest

from tests.flows.dataflow.told import check_seed
from tests.seed_blocks import seed_blocks


@pytest.mark.parametrize("first", seed_blocks(100, 25))
def test_every_occurrence_is_told_when_it_is_annunciated_and_its_end_once(first: int) -> None:
    for seed in range(first, first + 25):
        check_seed(seed)


@pytest.mark.parametrize("seed", [56, 2723, 2828, 10492, 11317, 20037, 20305])
def test_an_edit_says_of_nothing_that_stands_that_it_is_over(seed: int) -> None:
    check_seed(seed)


@pytest.mark.parametrize("seed", [12164, 23249])
def test_what_hides_an_alarm_that_comes_again_is_recorded_after_its_end(seed: int) -> None:
    check_seed(seed)


@pytest.mark.parametrize("seed", [900, 13457, 22179, 22288, 22562, 23924, 30046, 62644])
def test_a_start_in_place_of_an_end_and_an_edit_of_what_is_chosen_are_followed(seed: int) -> None:
    check_seed(seed)


@pytest.mark.parametrize("seed", [203125])
def test_a_change_is_chosen_as_one_and_the_same_on_its_whole_way(seed: int) -> None:
    check_seed(seed)
