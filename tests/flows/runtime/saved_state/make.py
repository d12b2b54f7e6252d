"""Make the saved state of this version: `python -m tests.flows.runtime.saved_state.make FOLDER`.

A process plays the first half of the history and is killed. FOLDER gets the definition, and in
`saved.tar.xz` the history and the saved state that the process left.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from flows.runtime.saved_state.stores import read, stores
from operators.model.saved_state import tuples
from tests.flows.runtime.saved_state import history
from tests.flows.runtime.saved_state.play import Play, plan_at
from tests.waiting import wait_until

DEFINITION = Path(__file__).with_name("flow.yaml")
PACKED = "saved.tar.xz"


def main(folder: Path) -> None:
    """Play, kill, pack."""
    folder.mkdir(parents=True)
    shutil.copy(DEFINITION, folder / "flow.yaml")
    given = history.make()
    flow = plan_at(folder / "flow.yaml").flow
    taken = [one.source for one in given[: half_of(given)]]
    wanted = {"plain": taken.count("plain"), "raw": ["taken", taken.count("raw")]}

    def is_saved() -> bool:
        found = stores(state) if state.exists() else []
        if not found:
            return False
        positions = read(found[0], flow)
        return all(
            tuples(positions.position(name, f"{name}/0")) == tuples(position)
            for name, position in wanted.items()
        )

    with tempfile.TemporaryDirectory() as made:
        state = Path(made) / "state"
        history.save(Path(made) / "history.jsonl", given)
        with subprocess.Popen([sys.executable, "-m", __spec__.name, str(folder), made]) as it:
            try:
                wait_until(is_saved, 120, "the first half to be saved")
            finally:
                it.kill()
        with closing(tarfile.open(folder / PACKED, "w:xz")) as archive:
            archive.add(Path(made) / "history.jsonl", "history.jsonl")
            archive.add(state, "state")
    print(f"{folder}: {(folder / PACKED).stat().st_size} bytes")


def half_of(given: list[history.Given]) -> int:
    """Where the run that is killed stops to read."""
    return len(given) // 2


def play_half(folder: Path, made: Path) -> None:
    """Play the first half, and go on saving for ever."""
    given = history.load(made / "history.jsonl")
    Play(plan_at(folder / "flow.yaml"), given, made / "state", half_of(given)).run()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        play_half(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]))
