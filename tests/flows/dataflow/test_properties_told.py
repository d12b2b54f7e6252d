"""People are told what is annunciated, and nothing else, whatever is masked, edited or restarted.

Each occurrence of random flows is followed to a sink for people and through `notify`: its start is
told when it is annunciated, its end once, and nothing while it is masked.
"""

import pytest

from tests.flows.dataflow.told import check_seed
from tests.seed_blocks import seed_blocks


@pytest.mark.parametrize("first", seed_blocks(100, 25))
def test_every_occurrence_is_told_when_it_is_annunciated_and_its_end_once(first: int) -> None:
    for seed in range(first, first + 25):
        check_seed(seed)


@pytest.mark.parametrize("seed", [560, 983, 1203, 1367, 2429, 2728, 20401, 23496, 24672, 28189])
def test_an_edit_of_groups_tells_nothing_late_or_of_what_is_not_read_any_more(seed: int) -> None:
    check_seed(seed)
