"""Debezium's embedded engine and its connector for MariaDB, from Maven Central."""

import sys
from pathlib import Path

from infra.embedded.jars import Jars
from infra.embedded.service import Unavailable

DEBEZIUM = Jars("Debezium", "3.5.0.Final", Path(__file__).parent, "python -m tests.debezium.jars")

if __name__ == "__main__":
    try:
        print(DEBEZIUM.fetch())
    except Unavailable as error:
        sys.exit(str(error))
