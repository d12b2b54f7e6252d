import json
from pathlib import Path

from flows.drawing.diagram import as_json, draw
from flows.loader import load
from tests.flows.running import HOT, write


def test_a_picture_for_programs_names_parts_without_their_flow(tmp_path: Path) -> None:
    document, flow = load(write(tmp_path, "room", HOT.replace("NAME", "room")))
    assert flow is not None
    picture = json.loads(as_json(draw([(document, flow)])))
    kinds = {box["name"]: box["kind"] for box in picture["boxes"] if box["kind"] != "topic"}
    assert kinds == {"readings": "source", "hot": "alarm", "log": "sink"}
    assert ["readings", "hot", ""] in picture["arrows"]
    assert ["readings", "log", ""] in picture["arrows"]
