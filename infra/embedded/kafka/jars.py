"""Kafka's program, from Maven Central."""

import sys
from pathlib import Path

from infra.embedded.jars import Jars
from infra.embedded.service import Unavailable

VERSION = "4.1.0"
KAFKA = Jars("Kafka", VERSION, Path(__file__).parent, "python -m infra.embedded.kafka.jars")
folder, missing, fetch, check = KAFKA.folder, KAFKA.missing, KAFKA.fetch, KAFKA.check

if __name__ == "__main__":
    try:
        print(fetch())
    except Unavailable as error:
        sys.exit(str(error))
