"""python -m tests.alarm_vectors FILE.yaml ...: every vector as written, and with a restart after every step."""

import sys
import traceback

from ruamel.yaml import YAML

from tests.alarm_vectors.driver import check_vector, restarted_everywhere


def main(paths: list[str]) -> int:
    if not paths:
        print("usage: python -m tests.alarm_vectors FILE.yaml ...")
        return 2
    failed_ever = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            vectors = YAML(typ="safe", pure=True).load(file)["vectors"]
        failed = 0
        for vector in vectors:
            try:
                errors = check_vector(vector)
                errors += ["with restarts: " + error for error in check_vector(restarted_everywhere(vector))]
            except Exception:  # a crash is a failure of that vector, and is shown
                errors = [traceback.format_exc()]
            if errors:
                failed += 1
                print(f"FAIL {vector['name']}", *errors, sep="\n    ")
        print(f"{path}: {len(vectors) - failed} passed, {failed} failed")
        failed_ever += failed
    return 1 if failed_ever else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
