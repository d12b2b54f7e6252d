"""`python -m tests.fuzz.worker TARGET [libFuzzer's options and folders]`: one fuzzing process,
under atheris.
"""

import random
import sys
import warnings

import atheris

PRODUCT = ("operators", "connectors", "flows")


def main(arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    name, *options = arguments
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=list(PRODUCT)):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    mutate = target.mutate
    itself = (
        # what libFuzzer gives to the shell when it starts itself again
        f"{sys.executable} -m tests.fuzz.worker {name}"
    )
    if mutate is None:
        atheris.Setup([itself, *options], target.run)
    else:

        def custom(data: bytes, longest: int, seed: int) -> bytes:
            return mutate(data, longest, random.Random(seed), atheris.Mutate)

        atheris.Setup([itself, *options], target.run, custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
