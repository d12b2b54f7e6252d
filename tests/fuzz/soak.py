"""`python -m tests.fuzz.soak TARGET`: replay the kept corpus over and over; prints by how many
MB the process grew.
"""

import gc
import os
import sys
import time
import warnings
from pathlib import Path

from tests.fuzz.packed import inputs
from tests.fuzz.targets import TARGETS

WARM_SECONDS, SECONDS = 3.0, 12.0


def resident() -> float:
    """Resident memory of this process in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth(name: str, warm: float = WARM_SECONDS, seconds: float = SECONDS) -> float:
    """MB of growth between the end of the warming up and the end."""
    run, data = TARGETS[name].run, inputs(name)
    began = time.process_time()
    before = None
    while data and (spent := time.process_time() - began) < warm + seconds:
        if before is None and spent >= warm:
            before = resident()
        for item in data:
            run(item)
    return 0.0 if before is None else resident() - before


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(f"{growth(sys.argv[1]):.1f}")
