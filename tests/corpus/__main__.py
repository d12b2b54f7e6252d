"""`python -m tests.corpus FILE.jsonl`: decode every case of a file and print what passed and
failed by dialect.
"""

import sys
from collections import Counter
from pathlib import Path

from tests.corpus.cases import load, problems


def main(arguments: list[str]) -> int:
    """Exit status 1 if any case fails, 2 for a wrong call."""
    if len(arguments) != 1:
        print("usage: python -m tests.corpus FILE.jsonl", file=sys.stderr)
        return 2
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for case in load(Path(arguments[0])):
        found = problems(case)
        (failed if found else passed)[case["dialect"]] += 1
        for problem in found:
            print(f"FAIL {case['name']}: {problem[:600]}")
    print(f"{'dialect':16}{'passed':>8}{'failed':>8}")
    for dialect in sorted(passed | failed):
        print(f"{dialect:16}{passed[dialect]:8}{failed[dialect]:8}")
    print(f"{'all':16}{passed.total():8}{failed.total():8}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
