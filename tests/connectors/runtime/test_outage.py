"""The memory of an outage under kills at every step."""

from pathlib import Path

from connectors.runtime.outage import Outage
from tests.faults import killed_after_each_effect


def suffer(folder: Path) -> None:
    """An outage begins at 100, is still there at 160 after a restart, ends, and begins anew."""
    path = folder / "files" / "webhook.down"
    Outage(path).age(100.0)
    outage = Outage(path)
    assert outage.age(160.0) == 60
    outage.ended()
    assert Outage(path).age(500.0) == 0


def test_a_killed_flow_knows_the_beginning_of_an_outage_or_takes_its_next_refusal(
    tmp_path: Path,
) -> None:
    ages = set()
    for number in killed_after_each_effect(suffer, lambda number: (tmp_path / str(number),)):
        path = tmp_path / str(number) / "files" / "webhook.down"
        ages.add(Outage(path).age(600.0))
        assert Outage(path).age(700.0) - Outage(path).age(600.0) == 100
        assert [left.name for left in path.parent.iterdir()] == ["webhook.down"]
    assert ages == {0, 500, 100}


def test_an_outage_is_counted_although_it_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "files").touch()
    outage = Outage(tmp_path / "files" / "webhook.down")
    assert (outage.age(100.0), outage.age(160.0)) == (0, 60)
    outage.ended()
    assert outage.age(200.0) == 0
