"""What a long fuzz of the api did, as a row of build/fuzz-api.json."""

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BUILD = Path("build/fuzz-api.json")
SECONDS = float(os.environ.get("VIGIE_FUZZ_SECONDS", "600"))
SEED = int(os.environ.get("VIGIE_FUZZ_SEED", random.SystemRandom().randrange(1 << 30)))


@contextmanager
def recorded(run: str) -> Iterator[dict[str, Any]]:
    """A row to fill, written and printed at the end in place of an older one.

    With a finding if something was raised.
    """
    row: dict[str, Any] = {
        "run": run,
        "seconds": SECONDS,
        "seed": SEED,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    row["findings"] = 1
    try:
        yield row
        row["findings"] = 0
    finally:
        BUILD.parent.mkdir(exist_ok=True)
        kept = json.loads(BUILD.read_text()) if BUILD.exists() else []
        rows = [other for other in kept if other["run"] != run] + [row]
        BUILD.write_text(json.dumps(sorted(rows, key=lambda row: row["run"]), indent=1) + "\n")
        print("\n" + "; ".join(f"{name} {value}" for name, value in row.items()))
