"""The documents as one site."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.tools import program

pytestmark = pytest.mark.infra

ROOT = Path(__file__).parents[2]


FIRST = 3
QUESTIONS = {
    "what does this alarm cost me in disk": ("questions.html#what-does-an-alarm-cost",),
    "how do I move to another machine": ("questions.html#how-do-i-move",),
    "why is nothing stored": ("questions.html#why-is-nothing-stored",),
    "how do I silence a sensor for the night": ("questions.html#how-do-i-silence",),
    "why did I get no mail": ("questions.html#why-did-i-get-no-mail",),
    "how do I add a camera": ("questions.html#how-do-i-add-a-camera",),
    "how do I change a password": ("questions.html#how-do-i-change-a-password",),
    "how do I restore a backup": ("questions.html#how-do-i-make-and-restore",),
    "what happens if the broker is down": ("questions.html#what-happens-if-the-broker",),
    "how do I upgrade": ("questions.html#how-do-i-upgrade", "compose.html#upgrades"),
    "no space left": ("questions.html#the-disk-is-full",),
    "camera works in VLC": ("questions.html#how-do-i-add-a-camera",),
    "forgot admin password": ("questions.html#how-do-i-change-a-password",),
    "move to new server": ("questions.html#how-do-i-move",),
    "no email alarm": ("questions.html#why-did-i-get-no-mail",),
    "backup": ("questions.html#how-do-i-make-and-restore", "operations.html#backup-and-restore"),
    "upgrade docker compose": ("compose.html#upgrades",),
    "influxdb history": ("questions.html#how-do-i-bring-old-history",),
    "prometheus": ("metrics.html", "operations.html#dashboards-and-rules"),
    "hysteresis": ("glossary.html", "components.html#", "alarms.html"),
    "alarm comes and goes all the time": (
        "alarms.html#chatter",
        "questions.html#an-alarm-comes-and-goes",
    ),
    "too many notifications at once": ("questions.html#too-many-notifications",),
    "sensor sends nothing any more": ("questions.html#a-sensor-sends-nothing",),
    "change the limit of an alarm": ("questions.html#how-do-i-change-the-limit",),
    "how many cameras on one machine": ("cameras.html", "models.html#how-many-cameras"),
    "run it on a raspberry pi": ("moving.html#on-a-raspberry-pi", "questions.html#"),
    "how long are recordings kept": ("cameras.html#how-long", "operations.html#how-long"),
    "delete old data": ("operations.html#how-long", "questions.html#"),
    "who may see my page": ("security.html", "page.html#my-pages"),
    "single sign on": ("security.html", "api.html", "operations.html", "questions.html#"),
    "connect grafana": ("dashboards.html", "operations.html#dashboards"),
    "send alarms to telegram": ("questions.html#how-do-i-send-alarms",),
    "a second server takes over": (
        "operations.html#a-second-machine",
        "questions.html#how-do-i-move",
    ),
    "try a definition before it runs": (
        "testing-definitions.html",
        "replay.html",
        "questions.html#",
    ),
    "send dead letters again": ("operations.html#dead-letters", "page.html#dead-letters"),
    "https certificate for the page": ("security.html#on-the-internet", "questions.html#"),
    "follow a reading through the system": ("traces.html", "questions.html#how-do-i-follow"),
    "how much memory does it need": ("benchmarks.html", "questions.html#"),
    "hide a part of the picture": ("cameras.html#objects-and-zones", "questions.html#"),
    "which rights on the kafka cluster": ("operations.html#on-a-kafka-cluster",),
}


@pytest.fixture(scope="module")
def pages() -> Path:
    program("mkdocs")
    done = subprocess.run(
        ["bash", "infra/site.sh"], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build" / "site" / "html"


def test_the_site_is_made_without_a_dead_link_and_can_be_searched(pages: Path) -> None:
    index = json.loads((pages / "search" / "search_index.json").read_text())
    found = " ".join(entry["text"] for entry in index["docs"])
    for word in ("debounce", "vigie export", "hysteresis", "MARIADB_URL"):
        assert word in found
    assert "fonts.googleapis.com" not in (pages / "index.html").read_text()


def test_what_people_ask_is_answered_by_the_first_hits_of_the_search(pages: Path) -> None:
    done = subprocess.run(
        [program("node"), str(Path(__file__).with_name("site_search.js")), str(pages)],
        input="\n".join(QUESTIONS), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for (question, answers), line in zip(QUESTIONS.items(), done.stdout.splitlines(), strict=True):
        hits = [addresses[0] for addresses in json.loads(line)[:FIRST]]
        assert any(hit.startswith(answers) for hit in hits), f"{question}: {hits}"
