"""`make sbom`: what Vigie is made of, from the locked packages, as CycloneDX JSON."""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?P<rest>.*)$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class LockError(ValueError):
    """A line of the lock file that pins nothing, or has no hash."""


def pins(lock: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and hashes of each package of a lock file. Raises `LockError`."""
    found = []
    for line in lock.replace("\\\n", " ").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        pin = PIN.match(text)
        if pin is None:
            raise LockError(f"expected NAME==VERSION --hash=sha256:…, got: {text[:80]}")
        hashes = HASH.findall(pin["rest"])
        if not hashes:
            raise LockError(f"{pin['name']} {pin['version']} has no hash; run `make lock`")
        found.append((pin["name"].lower(), pin["version"], sorted(hashes)))
    return found


def bill(project: dict[str, Any], lock: str) -> dict[str, Any]:
    """The bill of materials. The same packages give the same bill."""
    vigie = f"{project['name']}@{project['version']}"
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "hashes": [{"alg": "SHA-256", "content": one} for one in hashes],
        }
        for name, version, hashes in pins(lock)
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, vigie + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"pkg:pypi/{vigie}",
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": f"pkg:pypi/{vigie}",
            }
        },
        "components": components,
    }


def main(target: str) -> None:
    """Write the bill of this checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = bill(project, lock)
    path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(f"{path}: {len(made['components'])} packages")


if __name__ == "__main__":
    main(sys.argv[1])
