"""`vigie replay` with recordings of cameras: the model looks at them again, once."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from infra.demo.passes import Pass, write_video
from infra.demo.street_scenes import CAR, PERSON

pytestmark = pytest.mark.slow

YARD = """\
vigie: 1
flow: yard
tables: {cameras: cameras.csv}
zones:
  hall: {camera: entrance, points: [[0.1, 0.1], [0.9, 0.1], [0.9, 1.0], [0.1, 1.0]]}
  road: {camera: dock, points: [[0.1, 0.1], [0.9, 0.1], [0.9, 1.0], [0.1, 1.0]]}
sources:
  video: {rtsp: {each: cameras, url: "rtsp://${RTSP_USER}@{host}/"}}
streams:
  objects:
    from: video
    steps:
      - motion_gate: {min_area: 1 %, hold: 5s}
      - detect: {model: demo8n, classes: [person, car], confidence: 0.5}
      - track: {lost_after: 2s}
      - zones: {stay: 500ms}
  people: {from: objects, steps: [only: {class: person, phase: entered}]}
alarms:
  somebody: {from: people, when: {seen: 3s}, priority: high, response: Look.}
"""
BEGAN = datetime(2026, 1, 5, 22, tzinfo=UTC)
FROM = ("--from", "2026-01-05T22:00", "--to", "2026-01-05T22:01")
MODEL = Path("connectors/detector/models/demo8n.onnx").resolve()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two persons who pass at the entrance, and a car at the dock."""
    folder = tmp_path_factory.mktemp("videos")
    people = [Pass(PERSON, 4.0, 5.0), Pass(PERSON, 14.0, 5.0, leftwards=True)]
    write_video(folder / "entrance.mp4", people, 22.0)
    write_video(folder / "dock.mp4", [Pass(CAR, 4.0, 5.0, low=0.8)], 11.0)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cameras.csv").write_text("name,host\nentrance,h\ndock,h\n")
    return tmp_path


def definition(folder: Path, name: str = "yard", **changes: str) -> Path:
    text = YARD
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def vigie(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def replay(*arguments: object) -> dict[str, Any]:
    done = vigie(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def objects(some: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Objects, camera, and the seconds after the recording's beginning."""
    return [
        (
            one["objects"],
            one["camera"],
            round((datetime.fromisoformat(one["from"]) - BEGAN).total_seconds()),
        )
        for one in some
    ]


def test_a_recording_gives_one_event_and_one_alarm_for_each_who_passes(
    folder: Path, videos: Path
) -> None:
    found = replay(definition(folder), "--input", f"video={videos / 'entrance.mp4'}", *FROM)
    assert objects(found["objects"]) == [
        ("objects: person in hall", "entrance", 5),
        ("objects: person in hall", "entrance", 15),
    ]
    assert [(one["alarm"], one["subject"]) for one in found["alarms"]] == [
        ("somebody", "entrance"),
        ("somebody", "entrance"),
    ]


def test_the_second_replay_says_the_same_and_does_not_run_the_model(
    folder: Path, videos: Path
) -> None:
    path = definition(folder)
    first = replay(path, "--input", f"video={videos}", *FROM)
    second = replay(path, "--input", f"video={videos}", *FROM)
    looked = first["inputs"][0].pop("pictures")
    assert (looked["recordings"], looked["known"]) == (2, 0)
    assert looked["looked_at"] > 50
    known = second["inputs"][0].pop("pictures")
    assert known == {"recordings": 2, "known": 2, "looked_at": 0}
    assert [key for key in first if first[key] != second[key] and key != "seconds"] == []
    again = replay(path, "--input", f"video={videos}", *FROM, "--cache", folder / "other")
    assert again["inputs"][0].pop("pictures") == looked
    assert [key for key in first if first[key] != again[key] and key != "seconds"] == []


def test_another_confidence_shows_whom_the_model_was_not_sure_of(
    folder: Path, videos: Path
) -> None:
    before = definition(folder)
    after = definition(folder, "strict", sure=("confidence: 0.5", "confidence: 0.995"))
    given = ("--input", f"video={videos / 'entrance.mp4'}", *FROM)
    found = replay(after, "--against", before, *given)
    assert found["against"]["objects"]["only_after"] == []
    missed = objects(found["against"]["objects"]["only_before"])
    assert missed == [
        ("objects: person in hall", "entrance", 5),
        ("objects: person in hall", "entrance", 15),
    ]
    assert len(found["against"]["only_before"]) == 2  # alarms
    assert found["inputs"][0]["pictures"]["recordings"] == 1  # both looked at it alike
    assert vigie(after, "--against", before, *given, "--fail-on", "difference").exit_code == 3


def test_another_zone_is_a_difference_by_its_name(folder: Path, videos: Path) -> None:
    before = definition(folder)
    after = definition(folder, "door", zone=("hall: {camera", "door: {camera"))
    given = ("--input", f"video={videos / 'entrance.mp4'}", *FROM)
    done = vigie(after, "--against", before, *given)
    assert done.exit_code == 0, done.output
    assert "objects only before" in done.output
    assert "- objects: person in hall  entrance  2026-01-05 22:00:05" in done.output
    assert "+ objects: person in door  entrance  2026-01-05 22:00:05" in done.output


def test_another_gate_or_model_is_looked_at_by_itself(folder: Path, videos: Path) -> None:
    shutil.copy(MODEL, folder / "same.onnx")
    before = definition(folder)
    after = definition(
        folder, "wide", gate=("min_area: 1 %", "min_area: 30 %"), model=("demo8n", "same.onnx")
    )
    given = ("--input", f"video={videos / 'entrance.mp4'}", *FROM)
    found = replay(after, "--against", before, *given)
    assert found["objects"] == []  # nobody fills so much of the picture
    assert len(found["against"]["objects"]["only_before"]) == 2
    same = definition(folder, "same", model=("demo8n", "same.onnx"))
    known = replay(same, *given)["inputs"][0]["pictures"]
    assert known == {"recordings": 1, "known": 1, "looked_at": 0}  # the same bytes


def test_kept_clips_are_played_at_the_times_in_their_names(folder: Path, videos: Path) -> None:
    clips = folder / "videos"
    (clips / "dock").mkdir(parents=True)
    shutil.copy(videos / "entrance.mp4", clips / "evt_20260105_220000_entrance.mp4")
    shutil.copy(videos / "entrance.mp4", clips / "evt_20260105_230000_entrance_2.mp4")
    shutil.copy(videos / "dock.mp4", clips / "dock" / "evt_20260105_220010_dock.mp4")
    found = replay(definition(folder), "--input", f"video={clips}")
    assert objects(found["objects"]) == [
        ("objects: person in hall", "entrance", 5),
        ("objects: car in road", "dock", 15),
        ("objects: person in hall", "entrance", 15),
        ("objects: person in hall", "entrance", 3605),
        ("objects: person in hall", "entrance", 3615),
    ]
    part = replay(definition(folder), "--input", f"video={clips}", "--from", "2026-01-05T22:30")
    assert len(part["objects"]) == 2
    assert any("2 recordings are of another time" in text for text in part["warnings"])


def test_a_clip_that_says_when_it_begins_is_believed(folder: Path, videos: Path) -> None:
    clip = folder / "evt_20260105_220005_entrance.mp4"
    with av.open(str(videos / "entrance.mp4")) as old, av.open(str(clip), "w") as new:
        new.metadata["creation_time"] = "2026-01-05T22:00:00Z"
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    found = replay(definition(folder), "--input", f"video={clip}")
    assert [at for _, _, at in objects(found["objects"])] == [5, 15]


def test_a_definition_without_alarms_reports_objects(folder: Path, videos: Path) -> None:
    path = definition(folder, alarms=(YARD[YARD.index("alarms:") :], ""))
    found = replay(path, "--input", f"video={videos / 'dock.mp4'}", *FROM)
    assert objects(found["objects"]) == [("objects: car in road", "dock", 5)]
    assert found["alarms"] == []


def test_cameras_of_a_live_table_are_given_as_rows(folder: Path, videos: Path) -> None:
    path = definition(
        folder,
        table=("tables: {cameras: cameras.csv}\n", ""),
        source=("sources:\n", "sources:\n  cameras: {topic: {name: vigie.cameras, table: true}}\n"),
        sure=("confidence: 0.5", "confidence: {column: sure}"),
    )
    rows = folder / "rows.jsonl"
    cameras = [{"id": "1", "name": "dock", "sure": 0.5}, {"id": "2", "name": "entrance", "sure": 2}]
    rows.write_text("".join(json.dumps(row) + "\n" for row in cameras))
    given = ("--input", f"video={videos}", "--input", f"cameras={rows}", *FROM)
    assert objects(replay(path, *given)["objects"]) == [("objects: car in road", "dock", 5)]
    rows.write_text(json.dumps({"id": "1", "name": "dock"}) + "\n")
    assert "there is no camera 'entrance'" in refused(path, *given)


def refused(*arguments: object) -> str:
    done = vigie(*arguments)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    return done.output


def test_what_cannot_be_looked_at_is_refused_in_words(folder: Path, videos: Path) -> None:
    path = definition(folder)
    other = shutil.copy(videos / "dock.mp4", folder / "docks.mp4")
    assert "there is no camera 'docks' (did you mean" in refused(
        path, "--input", f"video={other}", *FROM
    )
    text = folder / "entrance.mp4"
    text.write_text("no video")
    assert "entrance.mp4 is no video that can be played" in refused(
        path, "--input", f"video={text}", *FROM
    )
    (folder / "empty").mkdir()
    assert "holds no recordings: expected CAMERA.mp4" in refused(
        path, "--input", f"video={folder / 'empty'}", *FROM
    )
    assert "does not say when it begins; say it with --from" in refused(
        path, "--input", f"video={videos / 'dock.mp4'}"
    )
    unknown = definition(folder, "unknown", model=("demo8n", "nowhere"))
    assert "there is no model 'nowhere'" in refused(unknown, "--input", f"video={videos}", *FROM)
    stream = ("--input", f"people={videos}")
    assert "'people' is no source of cameras" in refused(path, *stream, *FROM)


def test_of_several_recordings_the_one_that_is_no_video_is_left_out(
    folder: Path, videos: Path
) -> None:
    some = folder / "some"
    some.mkdir()
    shutil.copy(videos / "dock.mp4", some)
    (some / "entrance.mp4").write_bytes(b"torn")
    found = replay(definition(folder), "--input", f"video={some}", *FROM)
    assert len(found["objects"]) == 1
    assert any("entrance.mp4 is no video" in text for text in found["warnings"])


def test_without_the_extra_it_is_named(folder: Path, videos: Path) -> None:
    program = (
        "import sys; sys.modules['cv2'] = None\n"
        "from flows.cli import main\n"
        f"main(['replay', {str(definition(folder))!r}, '--input', 'video={videos}',"
        f" '--from', '2026-01-05T22:00'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pictures in a replay needs cv2: pip install 'vigie[vision]'" in done.stderr
