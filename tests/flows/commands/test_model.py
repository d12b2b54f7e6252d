"""`vigie model`: what is here, what one finds and costs."""

from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from flows.cli import main
from infra.demo import street_scenes as scenes


def vigie(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["model", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_list_names_what_ships_and_what_the_site_maps(here):
    (here / "site.yaml").write_text(
        "vigie: 1\nsite: plant\nmodels: {yard: 's3://nets/yard.onnx'}\n"
    )
    code, said = vigie("list")
    assert code == 0
    assert "demo8n" in said and "yard  s3://nets/yard.onnx" in said


def test_info_says_what_a_model_is_and_under_which_licence(here):
    code, said = vigie("info", "demo8n")
    assert code == 0
    for words in ("AGPL-3.0", "320 x 320", "2 classes", "person, car", "sha256", "onnxruntime"):
        assert words in said


def test_info_says_what_is_found_on_a_picture(here):
    picture, labels = next(
        (picture, labels) for picture, labels in scenes.video(103, pictures=20) if labels
    )
    cv2.imwrite("a.jpg", picture)
    code, said = vigie("info", "demo8n", "a.jpg", "--confidence", "0.5")
    assert code == 0
    assert "a.jpg: " in said and labels[0].name in said and "left " in said


def test_a_picture_that_is_none_is_refused(here):
    (here / "a.jpg").write_bytes(b"no picture")
    code, said = vigie("info", "demo8n", "a.jpg")
    assert (code, said.splitlines()[-1]) == (1, "a.jpg: expected a whole JPEG")


def test_bench_prints_a_table_and_how_many_cameras_that_is(here):
    code, said = vigie("bench", "demo8n", "--most", "1")
    assert code == 0
    assert "batch 1" in said and "cameras at 5/s" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("info", "yolov8n"), "there is no model 'yolov8n'"),
        (("get", "yolov8n"), "vigie model export"),
        (("export", "a.onnx"), "expected a model of ultralytics"),
        (("get", "coco", "--archive", "a.onnx"), "is not the archive of"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_1(here, words, said):
    (here / "a.onnx").write_bytes(b"model")
    code, output = vigie(*words)
    assert code == 1
    assert said in output


def test_without_ultralytics_an_export_says_what_to_install(here, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ultralytics", None)
    (here / "a.pt").write_bytes(b"model")
    code, said = vigie("export", "a.pt")
    assert code == 1
    assert "pip install 'vigie[ultralytics]'" in said
