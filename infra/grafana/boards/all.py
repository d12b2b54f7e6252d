"""Every dashboard, and how it is written."""

import json
from pathlib import Path

from infra.grafana.boards import alarms, cameras, energy, health, server_room, site

FOLDER = Path(__file__).parents[1] / "dashboards"
BOARDS = {
    "site": site.BOARD,
    "energy": energy.BOARD,
    "server_room": server_room.BOARD,
    "cameras": cameras.BOARD,
    "alarms": alarms.BOARD,
    "health": health.BOARD,
}


def written() -> dict[str, str]:
    """The text of each file of `FOLDER`."""
    return {
        f"{name}.json": json.dumps(board, indent=1, ensure_ascii=False) + "\n"
        for name, board in BOARDS.items()
    }
