"""People of two labelled scenes followed by `track`, beside ByteTrack of `trackers`.

Both get the same boxes and are judged by `motmetrics`; each peer has an environment of its own. The
settings of `track` were chosen on these rows, so the means are of boxes missed otherwise.
"""

import json
import statistics
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench.peers.environments import python_with
from tests.bench.report import Figure
from tests.operators.vision.labelled import (
    CASES,
    HEIGHT,
    RATE,
    WIDTH,
    Box_,
    Case,
    followed,
    found,
    people,
    score,
)

TRACKERS = ("trackers==2.6.1",)
MOTMETRICS = ("motmetrics==1.4.0", "numpy<2")
"""It needs an older numpy than `trackers`."""
PEER = "trackers 2.6.1, ByteTrack"
SEED, OTHER_SEEDS = 7, range(100, 120)
LESS, MORE = 0.03, 1
"""What `track` may have less of IDF1 and more of identity switches."""


def tracking(folder: Path) -> list[Figure]:
    """IDF1 and identity switches of each scene, and what a picture costs."""
    peers = _bytetrack([(case, SEED) for case in CASES])
    before = time.process_time()
    ours = [followed(found(case, SEED)) for case in CASES]
    spent = time.process_time() - before
    theirs = [[_fraction(*one) for one in made] for made, _ in peers]
    truths = [people(case) for case in CASES]
    pairs = [pair for truth, *both in zip(truths, ours, theirs, strict=True)
             for pair in ((truth, both[0]), (truth, both[1]))]  # fmt: skip
    judged = _ask(python_with("motmetrics", MOTMETRICS), "motmetrics_job.py", pairs)
    figures: list[Figure] = []
    for number, case in enumerate(CASES):
        (idf1, switches), (peer_idf1, peer_switches) = judged[2 * number : 2 * number + 2]
        own = score(truths[number], ours[number])
        if abs(own.idf1 - idf1) > 1e-6 or own.switches != switches:
            raise ValueError(f"{case}: motmetrics says {idf1}, {switches}; the tests say {own}")
        bound = f"≥ {peer_idf1 - LESS:.2f}"
        figures.append(Figure(f"{case}, IDF1", idf1, "", PEER, peer_idf1, bound))
        bound = f"≤ {peer_switches + MORE}"
        figures.append(
            Figure(f"{case}, identity switches", switches, "", PEER, peer_switches, bound)
        )
    pictures = sum(len(found(case)) for case in CASES)
    cost = 1e6 * sum(seconds for _, seconds in peers) / pictures
    figures.append(Figure("a picture", 1e6 * spent / pictures, "µs of CPU", PEER, cost))
    return [*figures, *_means()]


def _means() -> list[Figure]:
    """Means of each scene with boxes missed and shaken in other ways; the score is the tests'."""
    cases = [case for case in CASES if case.missed]
    made = iter(_bytetrack([(case, seed) for case in cases for seed in OTHER_SEEDS]))
    figures: list[Figure] = []
    for case in cases:
        truth = people(case)
        ours = [score(truth, followed(found(case, seed))) for seed in OTHER_SEEDS]
        theirs = [score(truth, [_fraction(*one) for one in next(made)[0]]) for _ in OTHER_SEEDS]
        for what, own, peer in (
            ("IDF1", [one.idf1 for one in ours], [one.idf1 for one in theirs]),
            ("identity switches", [one.switches for one in ours], [one.switches for one in theirs]),
        ):
            name = f"{case}, {what}, mean of {len(OTHER_SEEDS)} others"
            figures.append(Figure(name, statistics.mean(own), "", PEER, statistics.mean(peer)))
    return figures


def _bytetrack(cases: list[tuple[Case, int]]) -> list[Any]:
    """What the peer makes of each scene and seed: its boxes, and the CPU-seconds it took."""
    python = python_with("trackers", TRACKERS)
    return _ask(python, "bytetrack_job.py", (_pictures(case, seed) for case, seed in cases))


def _pictures(case: Case, seed: int) -> object:
    pictures = [
        (
            number,
            [
                (left * WIDTH, top * HEIGHT, (left + width) * WIDTH, (top + height) * HEIGHT)
                for left, top, width, height in boxes
            ],
        )
        for number, boxes in found(case, seed).items()
    ]
    return {"rate": RATE / case.step, "pictures": pictures}


def _fraction(picture: int, track: int, box: list[float]) -> Box_:
    left, top, right, bottom = box
    size = ((right - left) / WIDTH, (bottom - top) / HEIGHT)
    return Box_(picture, str(track), (left / WIDTH, top / HEIGHT, *size))


def _ask(python: Path, script: str, lines: Iterable[object]) -> list[Any]:
    """What a job among the peers answers to each line."""
    done = subprocess.run(
        [python, Path(__file__).parents[1] / "peers" / script],
        input="".join(json.dumps(line) + "\n" for line in lines),
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
