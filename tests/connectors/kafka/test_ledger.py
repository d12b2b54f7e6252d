"""Who holds a lease, from the records of its topic in their order."""

from typing import Literal

from connectors.kafka.leases.ledger import Entry, Ledger


def entry(epoch: int, owner: str, says: Literal["claim", "alive", "free"] = "claim") -> Entry:
    return Entry("cool", epoch, owner, says)


def ledger(*entries: Entry, at: float = 100.0) -> Ledger:
    made = Ledger("cool", 15.0)
    for one in entries:
        made.take(one, at)
    return made


def test_the_first_claim_of_an_epoch_gets_it_and_the_next_epoch_is_the_only_way_on() -> None:
    found = ledger(entry(1, "a"), entry(1, "b"), entry(3, "c"))
    assert found.is_of(1, "a") and not found.is_of(1, "b")
    found.take(entry(2, "b"), 101)
    found.take(entry(2, "a"), 101)
    assert found.is_of(2, "b")


def test_it_is_held_until_its_owner_was_not_heard_for_its_time() -> None:
    found = ledger(entry(1, "a"))
    assert found.is_held(114) and not found.is_held(115)
    found.take(entry(1, "a", "alive"), 110)
    assert found.is_held(124)
    found.take(entry(1, "a", "free"), 111)
    assert not found.is_held(111)


def test_words_of_one_who_lost_it_count_for_nothing() -> None:
    found = ledger(entry(1, "a"), entry(2, "b"), entry(1, "a", "alive"))
    assert found.is_of(2, "b")
    found.take(entry(1, "a", "free"), 101)
    assert found.is_held(101)


def test_other_leases_of_the_topic_are_others() -> None:
    found = ledger(Entry("hot", 1, "a", "claim"))
    assert (found.mine.epoch, found.mine.owner, found.is_held(100)) == (0, "", False)


def test_claims_keep_a_record_each_where_the_topic_is_compacted() -> None:
    claims = [entry(1, "a"), entry(1, "b"), entry(2, "b")]
    words = [entry(1, "a", "alive"), entry(1, "a", "free")]
    assert len({one.key for one in claims}) == 3
    assert len({one.key for one in words}) == 1
    assert not {one.key for one in claims} & {one.key for one in words}


def test_of_leases_that_exclude_each_other_the_term_says_which_claim_is_newer() -> None:
    kin = {"cool/2of2": False, "cool": True, "cool/1of4": True}
    found = Ledger("cool/1of2", 15.0, kin.get)
    for name, owner in (("cool", "a"), ("hot", "x"), ("cool/2of2", "b"), ("cool/1of2", "c")):
        found.take(Entry(name, 1, owner, "claim"), 100.0)
    assert found.mine.term == 3
    assert [(one.lease, one.term) for one in found.others()] == [("cool", 1)]
    assert found.rival(100, last=found.mine.term) is not None
    assert found.rival(115) is None
    found.take(Entry("cool/1of4", 1, "d", "claim"), 115.0)
    late = found.rival(115, first=found.mine.term + 1)
    assert late is not None and late.lease == "cool/1of4"
    assert found.rival(115, last=found.mine.term) is None
