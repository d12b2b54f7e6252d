"""What of a demo runs."""

from pathlib import Path


def processes(folder: Path) -> dict[int, str]:
    """Running processes that have the folder in their command line, but for the demo itself."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and "infra.demo" not in command:
            found[int(entry.name)] = command
    return found
