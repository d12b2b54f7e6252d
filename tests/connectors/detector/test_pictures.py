"""Pictures into a model and boxes out of it."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.detector.jpeg import decode, size_of
from connectors.detector.letterbox import GRAY, covering, letterbox, place, reduction
from connectors.detector.model import ModelFacts
from connectors.detector.objects import Limits, Objects
from connectors.detector.postprocess import objects_of, suppressed

SIDES = st.integers(1, 4000)
FACTS = ModelFacts(path="m", names=["person", "car"], height=320, width=320, head="raw")


@given(SIDES, SIDES, st.sampled_from([(320, 320), (640, 384), (512, 512)]))
def test_a_box_comes_back_where_it_was(width, height, size):
    at = place(width, height, *size)
    box = np.array([[0.1 * width, 0.2 * height, 0.7 * width, 0.9 * height]])
    on_input = box * at.scale + [at.left, at.top] * 2
    assert np.allclose(at.back(on_input), box, atol=1e-6 * max(width, height))
    assert 0 <= at.left < size[0] and 0 <= at.top < size[1]


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=4))
def test_an_input_with_fewer_rows_or_columns_shows_every_picture_as_large(sizes):
    pictures = [np.broadcast_to(np.uint8(0), (height, width, 3)) for width, height in sizes]
    height, width = covering(pictures, 320, 320, 32)
    assert height % 32 == width % 32 == 0
    assert 0 < height <= 320 and 0 < width <= 320
    for size in sizes:
        assert place(*size, width, height).scale >= place(*size, 320, 320).scale * 0.99


def test_a_wide_picture_needs_few_rows_and_a_tall_one_beside_it_all():
    wide, tall = np.zeros((360, 640, 3), np.uint8), np.zeros((640, 360, 3), np.uint8)
    assert covering([wide, wide], 320, 320, 32) == (192, 320)
    assert covering([wide, tall], 320, 320, 32) == (320, 320)


@given(SIDES, SIDES)
def test_a_jpeg_is_never_decoded_smaller_than_the_model_needs(width, height):
    factor = reduction(width, height, 320, 320)
    scale = min(320 / height, 320 / width)
    assert factor in (1, 2, 4, 8)
    assert factor == 1 or scale * factor <= 1
    assert factor == 8 or scale * factor * 2 > 1


def test_a_picture_lies_in_the_middle_of_a_gray_ground_as_rgb():
    blue = np.zeros((90, 160, 3), np.uint8)
    blue[..., 0] = 255
    values, [at] = letterbox([blue], 320, 320)
    assert values.shape == (1, 3, 320, 320)
    assert (at.left, at.top, at.scale) == (0, 70, 2.0)
    assert np.allclose(values[0, :, 160, 160], [0, 0, 1])
    assert np.allclose(values[0, :, 10, 160], GRAY / 255)


def test_no_pictures_are_no_work():
    values, placements = letterbox([], 320, 320)
    assert values.shape == (0, 3, 320, 320)
    assert placements == []


def jpeg(width: int, height: int) -> bytes:
    dice = np.random.default_rng(1)
    picture = dice.integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.GaussianBlur(picture, (0, 0), 3))[1].tobytes()


@pytest.mark.parametrize(
    ("size", "decoded"),
    [((640, 360), (180, 320)), ((320, 180), (180, 320)), ((641, 361), (181, 321)),
     ((3840, 2160), (270, 480)), ((100, 50), (50, 100))],
)  # fmt: skip
def test_a_large_jpeg_is_decoded_as_small_as_the_model_allows(size, decoded):
    data = jpeg(*size)
    assert size_of(data) == size
    picture = decode(data, FACTS)
    assert picture is not None
    assert picture.shape[:2] == decoded


@pytest.mark.parametrize("part", [0, 1, 2, 10, 400, 3000])
def test_half_a_jpeg_is_no_picture(part):
    assert decode(jpeg(640, 360)[:part], FACTS) is None


@given(st.binary(max_size=200))
def test_what_is_no_jpeg_is_no_picture(data):
    assert decode(data, FACTS) is None
    assert decode(b"\xff\xd8" + data + b"\xff\xd9", FACTS) is None


def raw(*rows: tuple[float, float, float, float, float, float]) -> np.ndarray:
    return np.array([rows], np.float32).transpose(0, 2, 1)


def test_boxes_of_one_class_that_overlap_are_one_and_others_are_not():
    answer = raw(
        (160, 160, 40, 80, 0.9, 0.1), (162, 160, 40, 80, 0.8, 0.1), (160, 160, 40, 80, 0.1, 0.7)
    )
    [found] = objects_of(answer, [place(320, 320, 320, 320)], "raw", Limits(0.25))
    assert found.classes.tolist() == [0, 1]
    assert np.allclose(found.boxes[0], [140, 120, 180, 200])


def test_numbers_that_are_none_and_boxes_without_area_are_no_objects():
    bad = [(np.nan, 1, 1, 1, 0.9, 0), (5, 5, 0, 10, 0.9, 0), (5, 5, np.inf, 10, 0.9, 0),
           (5, 5, 10, 10, np.nan, np.nan), (-500, 5, 10, 10, 0.9, 0)]  # fmt: skip
    [found] = objects_of(raw(*bad), [place(320, 320, 320, 320)], "raw", Limits(0.25))
    assert len(found.scores) == 0


def test_an_end_to_end_answer_is_sorted_and_cut_at_the_floor():
    answer = np.array([[[0, 70, 160, 250, 0.3, 1], [10, 70, 20, 90, 0.9, 0], [0, 0, 9, 9, 0, 0]]])
    [found] = objects_of(
        answer.astype(np.float32), [place(640, 360, 320, 320)], "end_to_end", Limits(0.1)
    )
    assert found.classes.tolist() == [0, 1]
    assert np.allclose(found.boxes[1], [0, 0, 320, 360])


boxes = st.tuples(
    *[st.floats(0, 300)] * 2, *[st.floats(1, 100)] * 2, st.floats(0.1, 1), st.integers(0, 2)
)


@given(st.lists(boxes, max_size=12))
def test_what_is_suppressed_overlaps_something_better_of_its_class(many):
    table = np.array(many, np.float64).reshape(-1, 6)
    corners = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
    objects = Objects(corners, table[:, 4], table[:, 5].astype(np.int64))
    kept = suppressed(objects, 0.5, 0.0).tolist()
    for one in set(range(len(table))) - set(kept):
        assert any(
            objects.classes[one] == objects.classes[other]
            and objects.scores[one] <= objects.scores[other]
            and overlap(corners[one], corners[other]) > 0.49
            for other in kept
        )
    for one in kept:
        for other in kept:
            if one < other and objects.classes[one] == objects.classes[other]:
                assert overlap(corners[one], corners[other]) <= 0.51


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.clip(sides, 0, None)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (one, other)]
    return shared / (sum(areas) - shared)
