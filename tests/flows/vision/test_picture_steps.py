"""What the streams of a camera source ask of its pictures, as one."""

from pathlib import Path

import pytest

from connectors.config.document import Document
from flows.loader import build
from flows.vision.picture_steps import PictureSteps, UnlikeSteps, picture_steps

HEAD = """\
vigie: 1
flow: yard
tables: {cameras: cameras.csv}
sources:
  video: {rtsp: {each: cameras, url: "rtsp://{host}/"}}
  other: {rtsp: {each: cameras, url: "rtsp://{host}/"}}
streams:
"""


def steps(tmp_path: Path, *streams: str, source: str = "video") -> PictureSteps:
    (tmp_path / "cameras.csv").write_text("name,host\ngate,h\n")
    document = Document(tmp_path / "yard.yaml")
    document.root = document.parse(HEAD + "".join(f"  {stream}\n" for stream in streams))
    flow = build(document)
    assert flow is not None, document.report()
    return picture_steps(flow, source)


def test_a_source_that_no_stream_looks_at_asks_for_nothing(tmp_path: Path) -> None:
    people = "people: {from: other, steps: [{detect: {model: m, classes: [person]}}]}"
    assert steps(tmp_path, people) == PictureSteps(None, None)


def test_streams_share_a_model_that_looks_for_what_any_of_them_wants(tmp_path: Path) -> None:
    found = steps(
        tmp_path,
        "a: {from: video, steps: [{motion_gate: {min_area: 2 %, hold: 5s}},"
        " {detect: {model: m, classes: [person, car], batch: {max: 4, wait: 20ms}}}]}",
        "b: {from: video, steps: [{motion_gate: {min_area: 1 %, hold: 20s}},"
        " {detect: {model: m, classes: [car, dog], batch: {max: 8, wait: 40ms}}}]}",
    )
    assert found.detect is not None
    assert found.detect.classes == ["person", "car", "dog"]
    assert (found.detect.batch.max, found.detect.batch.wait) == (8, 0.02)  # type: ignore[union-attr]
    assert found.gate is not None
    assert (found.gate.area, found.gate.hold) == (0.01, 20.0)


def test_a_stream_that_looks_at_every_picture_opens_the_gate_for_all(tmp_path: Path) -> None:
    found = steps(
        tmp_path,
        "a: {from: video, steps: [{motion_gate: {min_area: 1 %}},"
        " {detect: {model: m, classes: [person]}}]}",
        "b: {from: video, steps: [{detect: {model: m, classes: [car]}}]}",
    )
    assert found.gate is None


def test_a_gate_in_the_stream_before_counts(tmp_path: Path) -> None:
    found = steps(
        tmp_path,
        "moving: {from: video, steps: [{motion_gate: {min_area: 3 %}}]}",
        "people: {from: moving, steps: [{detect: {model: m, classes: [person]}}]}",
    )
    assert found.gate is not None
    assert found.gate.area == 0.03


def test_looking_where_something_moves_needs_a_gate_and_is_one_way_for_a_source(
    tmp_path: Path,
) -> None:
    gate, detect = "motion_gate: {min_area: 3 %}", "detect: {model: m, classes: [person]"
    found = steps(
        tmp_path, f"a: {{from: video, steps: [{{{gate}}}, {{{detect}, region: motion}}}}]}}"
    )
    assert found.detect is not None
    assert found.detect.region == "motion"
    with pytest.raises(UnlikeSteps, match="put one before every 'detect'"):
        steps(tmp_path, f"a: {{from: video, steps: [{{{detect}, region: motion}}}}]}}")
    with pytest.raises(UnlikeSteps, match="say the same in all of them"):
        steps(
            tmp_path,
            f"a: {{from: video, steps: [{{{gate}}}, {{{detect}, region: motion}}}}]}}",
            f"b: {{from: video, steps: [{{{gate}}}, {{{detect}}}}}]}}",
        )


def test_two_models_on_one_source_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnlikeSteps, match="name m, n; give each model"):
        steps(
            tmp_path,
            "a: {from: video, steps: [{detect: {model: m, classes: [person]}}]}",
            "b: {from: video, steps: [{detect: {model: n, classes: [person]}}]}",
        )
