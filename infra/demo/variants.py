"""The shipped definitions for a machine without all services."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CONNECTORS = ("mqtt", "influxdb", "email", "clickhouse", "snapshot", "clip", "webhook")
CONNECTION = {"snapshot": "minio", "clip": "minio", "webhook": "cloud"}
MAINS = {"square": "1500..6600 W", "period": "30s"}
HOLD = "10s"


def without(definition: Path, missing: Collection[str], folder: Path) -> tuple[Path, list[str]]:
    """Write a copy without the sinks whose connection is missing; its path, and the changes.

    Where the devices are missing too (`mqtt`), the simulated mains draws more than 6 kW for 15 s
    out of 30, and its alarm waits 10 s instead of 30, so that it is raised and cleared while one
    looks on.
    """
    yaml = YAML()
    document: dict[str, Any] = yaml.load(definition.read_text())
    changes = []
    for name, sink in list(document.get("sinks", {}).items()):
        used = next((connector for connector in CONNECTORS if connector in sink), None)
        if used and CONNECTION.get(used, used) in missing:
            del document["sinks"][name]
            changes.append(f"{definition.stem}: sink {name} ({used}) is left out")
    if "mqtt" in missing and "fake_meters" in document["sources"]:
        document["sources"]["fake_meters"]["simulate"]["signals"]["mains/power"] = MAINS
        document["sources"]["fake_meters"]["simulate"]["every"] = "1s"
        document["alarms"]["overload"]["when"]["for"] = HOLD
        changes.append(
            f"{definition.stem}: simulated every 1s, not 5s; mains at 6.6 kW for 15 s out of 30;"
            f" overload waits {HOLD}, not 30s"
        )
    if not changes:
        return definition, []
    document.pop("tests", None)
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / definition.name
    with copy.open("w") as file:
        yaml.dump(document, file)
    return copy, changes
