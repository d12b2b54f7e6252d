"""Copies a SQLite database that others use: `python database_copy.py DATABASE COPY`.

It is a program of its own: the engine brings a SQLite library of its own, and where a process opens
a database with two libraries, the second one's close takes away the locks of the first, and the log
of what it writes (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def main(database: str, copy: str) -> None:
    """Copy as of one instant."""
    address = f"{Path(database).absolute().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(address, uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except sqlite3.Error as error:
        sys.exit(str(error))
