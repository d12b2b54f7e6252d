"""python -m tests.alarm_vectors FILE.yaml ...: every vector as written, and with a restart after every step."""

import re
import sys
import traceback
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from tests.alarm_vectors.driver import check_vector, restarted_everywhere

_BOOL = re.compile(r"(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$")


class _Resolver(VersionedResolver):
    """YAML 1.2 with more words for true and false."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0] and _BOOL.match(value):
            return Tag(suffix="tag:yaml.org,2002:bool")
        return super().resolve(kind, value, implicit)


def load(path: str | Path) -> list[dict[str, Any]]:
    """The vectors of a file, in which `on`, `off`, `yes` and `no` are true and false, as YAML 1.1 has it."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    vectors: list[dict[str, Any]] = yaml.load(Path(path).read_text(encoding="utf-8"))["vectors"]
    return vectors


def main(paths: list[str]) -> int:
    if not paths:
        print("usage: python -m tests.alarm_vectors FILE.yaml ...")
        return 2
    failed_ever = 0
    for path in paths:
        vectors = load(path)
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
