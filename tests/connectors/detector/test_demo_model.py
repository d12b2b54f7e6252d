"""The shipped model on drawn scenes, by the way that pictures take in a running flow."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from connectors.detector.backend import Backend, Tensor
from connectors.detector.letterbox import letterbox
from connectors.detector.lookup import Places, find_model
from connectors.detector.objects import Limits
from connectors.detector.onnx_backend import OnnxBackend
from connectors.detector.worker_messages import Box, Work
from connectors.detector.worker_process import answer, prepare
from infra.demo import street_scenes as scenes
from tests.connectors.detector.matching import Score, compare

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 640, 360
CONFIDENCE = 0.5


@pytest.fixture(scope="module")
def backend() -> Backend:
    return OnnxBackend(find_model("demo8n", Places()), threads=1)


def look(backend: Backend, pictures: list[np.ndarray], floor: float = 0.1) -> list[list[Box]]:
    jpegs = [cv2.imencode(".jpg", picture, [1, 85])[1].tobytes() for picture in pictures]
    batch = prepare(Work(jpegs), backend)
    found = answer(
        batch, backend.find(batch.values, Limits(floor)), backend.facts.names, Limits(floor), 0.0
    )
    assert None not in found.pictures
    return [boxes or [] for boxes in found.pictures]


def score(backend: Backend, made: list[tuple[np.ndarray, list[scenes.Label]]]) -> Score:
    total = Score(0, 0, 0)
    for boxes, (picture, labels) in zip(look(backend, [p for p, _ in made]), made, strict=True):
        tall, wide = picture.shape[:2]
        sure = [box for box in boxes if box.score >= CONFIDENCE]
        total += compare(sure, labels, wide, tall)
    return total


def test_persons_and_cars_of_moving_scenes_are_found(backend):
    total = Score(0, 0, 0)
    for seed in range(101, 109):
        total += score(backend, list(scenes.video(seed, pictures=50))[::5])
    assert total.precision >= 0.9, total
    assert total.recall >= 0.8, total


def test_a_jpeg_that_is_decoded_smaller_loses_nothing_to_one_decoded_whole(backend, monkeypatch):
    made = [each for seed in (103, 104, 105) for each in list(scenes.video(seed, pictures=40))[::5]]
    smaller = score(backend, made)
    monkeypatch.setattr("connectors.detector.jpeg.reduction", lambda *sizes: 1)
    whole = score(backend, made)
    assert smaller.recall >= whole.recall - 0.03, (smaller, whole)
    assert smaller.precision >= whole.precision - 0.03, (smaller, whole)


def test_boxes_are_within_the_picture_and_sorted_by_score(backend):
    pictures = [picture for picture, _ in scenes.video(5, pictures=4)]
    for boxes in look(backend, pictures):
        scores = [box.score for box in boxes]
        assert scores == sorted(scores, reverse=True)
        for box in boxes:
            assert box.left >= 0 and box.left + box.width <= 1.00001
            assert box.top >= 0 and box.top + box.height <= 1.00001


def test_low_boxes_are_told_for_the_tracker_but_not_below_the_floor(backend):
    pictures = [picture for picture, _ in scenes.video(5, pictures=30)][::3]
    low = [box.score for boxes in look(backend, pictures) for box in boxes]
    assert min(low) < CONFIDENCE
    assert min(low) >= 0.1


def test_a_batch_finds_what_its_pictures_alone_do(backend):
    pictures = [picture for picture, _ in scenes.video(6, pictures=20)][::4]
    together = look(backend, pictures)
    alone = [look(backend, [picture])[0] for picture in pictures]
    for one, other in zip(together, alone, strict=True):
        assert [box.class_ for box in one] == [box.class_ for box in other]
        assert np.allclose([b.score for b in one], [b.score for b in other], atol=1e-3)


def test_wanted_classes_leave_out_the_others(backend):
    picture = next(
        picture
        for picture, labels in scenes.video(7, pictures=100)
        if {label.name for label in labels} == {"person", "car"}
    )
    prepared = backend.prepare([picture])
    both, persons = (backend.find(prepared, Limits(0.1, only))[0] for only in (None, [0]))
    assert set(both.classes.tolist()) == {0, 1}
    assert set(persons.classes.tolist()) == {0}


@pytest.mark.parametrize("whole", [True, False], ids=["square input", "input of fewer rows"])
def test_it_finds_what_another_program_found_with_it(backend, whole):
    """`demo8n.json` was made with onnxruntime and OpenCV by a program of its own, with a square
    input. Fewer rows of gray change scores and edges a little.
    """
    score, edge = (1e-3, 0.05) if whole else (0.06, 1.5)
    kept = json.loads((Path(__file__).parents[2] / "data/detector/demo8n.json").read_text())
    for case in kept:
        drawn = scenes.video(case["seed"], case["width"], case["height"], pictures=13)
        pictures = [picture for picture, _ in drawn][::6]
        square = Tensor(*letterbox(pictures, backend.facts.height, backend.facts.width))
        prepared = square if whole else backend.prepare(pictures)
        found = backend.find(prepared, Limits(0.25))
        for mine, theirs in zip(found, case["found"], strict=True):
            rows = sorted(theirs, key=lambda row: -row[4])
            assert mine.classes.tolist() == [row[5] for row in rows]
            assert np.allclose(mine.scores, [row[4] for row in rows], atol=score)
            assert np.allclose(mine.boxes, [row[:4] for row in rows], atol=edge)


def test_small_objects_are_found_in_regions_where_the_whole_picture_shows_none(
    backend: Backend,
) -> None:
    """A scene in the corner of a picture four times as wide and high, found where it is."""
    times, left, top = 4, 1700, 900
    total = {"frame": Score(0, 0, 0), "motion": Score(0, 0, 0)}
    for seed in (101, 103, 105):
        for picture, labels in list(scenes.video(seed, pictures=30))[::6]:
            tall, wide = picture.shape[:2]
            large = np.full((tall * times, wide * times, 3), 120, np.uint8)
            large[top : top + tall, left : left + wide] = picture
            height, width = large.shape[:2]
            region = (left / width, top / height, 1 / times, 1 / times)
            jpeg = cv2.imencode(".jpg", large, [1, 85])[1].tobytes()
            for way, regions in (("frame", []), ("motion", [[region]])):
                batch = prepare(Work([jpeg], regions), backend)
                found = backend.find(batch.values, Limits(0.1))
                answered = answer(batch, found, backend.facts.names, Limits(0.1), 0.0)
                assert answered.pictures[0] is not None
                corner = np.array([left, top] * 2)
                moved = [label._replace(box=tuple(label.box + corner)) for label in labels]
                sure = [box for box in answered.pictures[0] if box.score >= CONFIDENCE]
                total[way] += compare(sure, moved, width, height)
    assert total["motion"].recall >= 0.8, total
    assert total["motion"].precision >= 0.9, total
    assert total["frame"].recall < total["motion"].recall / 2, total
