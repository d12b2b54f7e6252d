"""A PostgreSQL of its own, on a socket in a folder."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def running() -> Iterator[Path]:
    """Start one; gives the folder of its socket, at which the user `vigie` needs no password."""
    folder = Path(
        subprocess.check_output(["mktemp", "-d", "/tmp/vigie-pg-XXXXXX"], text=True).strip()
    )
    as_whom = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_whom:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def control(*arguments: str) -> None:
        subprocess.run([*as_whom, *arguments], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    control(f"{BINARIES}/initdb", "-D", str(data), "-A", "trust", "-U", "vigie", "--no-sync")
    try:
        control(
            f"{BINARIES}/pg_ctl",
            "-D",
            str(data),
            "-w",
            "-o",
            options,
            "-l",
            str(folder / "log"),
            "start",
        )
        yield folder
    finally:
        control(f"{BINARIES}/pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def new_database(folder: Path) -> str:
    """Make an empty database; gives its address."""
    name = f"d{uuid4().hex}"
    with psycopg.connect(
        f"postgresql://vigie@/postgres?host={folder}", autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://vigie@/{name}?host={folder}"
