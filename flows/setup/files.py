"""The files of a new site: the site file, the file of its secrets, and a systemd unit."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = re.compile(r"\$\{(\w+)\}")


def site_text(name: str, timezone: str, connections: Mapping[str, Mapping[str, Any]]) -> str:
    """A site file; secrets in `connections` are variables."""
    lines = [
        "vigie: 1",
        f"site: {json.dumps(name, ensure_ascii=False)}",
        f"timezone: {timezone}",
        "",
        "connections:",
    ]
    for connection, settings in connections.items():
        shown = ", ".join(
            f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()
        )
        lines.append(f"  {connection}: {{{shown}}}")
    return "\n".join(lines) + "\n"


def variables(text: str) -> list[str]:
    """The variables that a site file asks for, in their order."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def secrets_text(names: list[str]) -> str:
    """A file for the values of these variables, as systemd and shells read it."""
    head = "# Values of the variables in site.yaml. Keep this file to yourself (mode 0600).\n"
    return head + "".join(f"{name}=\n" for name in names)


def unit_text(site: str, folder: Path, vigie: Path) -> str:
    """A systemd unit that runs all flows of a site and the api."""

    def text(of: Path | str) -> str:
        return str(of).replace("%", "%%")

    def word(of: Path) -> str:
        return '"' + text(of).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'

    unit = shlex.quote(str(folder / "vigie.service"))
    return f"""\
# Install: cp {unit} /etc/systemd/system/ && systemctl enable --now vigie
[Unit]
Description=Vigie at {text(site)}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={word(vigie)} up {word(folder)} --data {word(folder / "data")} --grace 30
EnvironmentFile=-{text(folder / "site.env")}
WorkingDirectory={text(folder)}
Restart=on-failure
RestartPreventExitStatus=1
RestartSec=5
TimeoutStopSec=60
LimitNOFILE=65536
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
"""
