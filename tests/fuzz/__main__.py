"""`python -m tests.fuzz [--seconds N] [--jobs N] [TARGET …]`: fuzz all targets or those named;
results in build/fuzz.json.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from threading import Lock

from tests.fuzz.campaign import Result, run
from tests.fuzz.targets import TARGETS

BUILD = Path("build/fuzz.json")
_writing = Lock()


def save(result: Result) -> None:
    """Put a result into the file, in place of an older one of the same target."""
    with _writing:
        BUILD.parent.mkdir(exist_ok=True)
        kept = json.loads(BUILD.read_text()) if BUILD.exists() else []
        rows = [row for row in kept if row["target"] != result.target] + [asdict(result)]
        BUILD.write_text(json.dumps(sorted(rows, key=lambda row: row["target"]), indent=1) + "\n")


def table(rows: Iterable[dict[str, object]]) -> str:
    """Results as a Markdown table."""
    columns = (
        "target",
        "seconds",
        "execs",
        "coverage",
        "features",
        "rss_start",
        "rss_end",
        "rss_growth",
        "kept",
    )
    lines = [
        "| " + " | ".join([*columns, "findings", "date"]) + " |",
        "|---|" + "---:|" * len(columns) + "---|",
    ]
    for row in rows:
        findings = row["findings"]
        assert isinstance(findings, list)
        cells = [
            f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in columns
        ]
        lines.append("| " + " | ".join([*cells, str(len(findings)), str(row["date"])]) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Exit status 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--show", action="store_true", help="only print the results there are")
    parser.add_argument(
        "targets", nargs="*", default=["*"], metavar="TARGET", help="names or patterns"
    )
    options = parser.parse_args(arguments)
    if options.show:
        print(table(json.loads(BUILD.read_text())))
        return 0
    chosen = [
        target for name, target in TARGETS.items() if any(fnmatch(name, p) for p in options.targets)
    ]
    results = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda target: run(target, options.seconds), chosen):
            save(result)
            results.append(result)
            for finding in result.findings:
                print(f"{result.target}: {finding}", file=sys.stderr, flush=True)
    print(table(asdict(result) for result in results))
    return 1 if any(result.findings for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
