"""Checks the alarm engine against vectors, or against the reference on random histories.

python -m tests.alarm_vectors FILE.yaml ...             every vector as written, and with a restart
after every step python -m tests.alarm_vectors --random 10000 [--seed 0] so many random histories,
with batches and restarts at random
"""

import argparse
import re
import sys
import time
import traceback
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from tests.alarm_vectors.compare import Difference, compare
from tests.alarm_vectors.driver import check_vector, restarted_everywhere
from tests.alarm_vectors.flow import compare_flow

_BOOL = re.compile(r"(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$")


class _Resolver(VersionedResolver):
    """YAML 1.2 with more words for true and false."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0] and _BOOL.match(value):
            return Tag(suffix="tag:yaml.org,2002:bool")
        return super().resolve(kind, value, implicit)


def load(path: str | Path) -> list[dict[str, Any]]:
    """The vectors of a file, in which `on`, `off`, `yes` and `no` are true and false, as YAML
    1.1 has it.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    vectors: list[dict[str, Any]] = yaml.load(Path(path).read_text(encoding="utf-8"))["vectors"]
    return vectors


def check_files(paths: list[str]) -> int:
    """Print passed and failed vectors of each file; how many failed."""
    failed_ever = 0
    for path in paths:
        vectors = load(path)
        failed = 0
        for vector in vectors:
            try:
                errors = check_vector(vector)
                errors += [
                    "with restarts: " + error
                    for error in check_vector(restarted_everywhere(vector))
                ]
            except Exception:  # a crash is a failure of that vector, and is shown
                errors = [traceback.format_exc()]
            if errors:
                failed += 1
                print(f"FAIL {vector['name']}", *errors, sep="\n    ")
        print(f"{path}: {len(vectors) - failed} passed, {failed} failed")
        failed_ever += failed
    return failed_ever


def check_seed(seed: int) -> tuple[Counter[str], list[str]]:
    """What was said, and the differences, in the two histories of a seed: of the engine alone,
    and of an alarm in a flow.
    """
    said: Counter[str] = Counter()
    errors = []
    for which, check in (("inputs", compare), ("batches", compare_flow)):
        try:
            if check(seed, said) is False:
                said["(not for the reference)"] += 1
        except Exception as error:  # a crash is a difference of that history, and is shown
            errors.append(
                f"{which}: {error}" if isinstance(error, Difference) else traceback.format_exc()
            )
    return said, errors


def check_random(histories: int, first: int) -> int:
    """Print how random histories compared; how many differed."""
    started = time.monotonic()
    failed, said = 0, Counter[str]()
    with Pool() as pool:
        for seed, (words, errors) in enumerate(
            pool.imap(check_seed, range(first, first + histories), 50), first
        ):
            said += words
            if errors:
                failed += 1
                print(f"DIFFERS seed {seed}", *errors, sep="\n    ")
    skipped = said.pop("(not for the reference)", 0)
    print(", ".join(f"{n} {word}" for word, n in said.most_common()))
    print(
        f"{histories} random histories from seed {first}: {histories - failed} the same,"
        f" {failed} differ ({skipped} hold values that the reference cannot take),"
        f" {time.monotonic() - started:.0f} s"
    )
    return failed


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.alarm_vectors", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("files", nargs="*", metavar="FILE.yaml", help="files of vectors")
    parser.add_argument(
        "--random", type=int, default=0, metavar="N", help="compare N random histories"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="the first seed of the random histories"
    )
    given = parser.parse_args(arguments)
    if not given.files and not given.random:
        parser.print_usage()
        return 2
    failed = check_files(given.files)
    if given.random:
        failed += check_random(given.random, given.seed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
