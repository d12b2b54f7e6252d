"""The health of pictures on generated scenes: what is told, and that nothing else is."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from connectors.camera.picture_health import Change, PictureHealth
from tests.connectors.camera import yard
from tests.connectors.camera.yard import Picture, play, walker

pytestmark = pytest.mark.slow

Played = Iterator[tuple[float, Picture]]


def changes(pictures: Played) -> list[tuple[float, Change]]:
    health = PictureHealth()
    return [(at, change) for at, picture in pictures for change in health.look(picture, at)]


def from_then(seconds: float, begin: float, end: float, kind: str) -> Played:
    """The yard, and between `begin` and `end` what `kind` makes of it."""
    other = yard.yard(7)
    frozen: Picture | None = None
    for at, picture in play(seconds, noise=3.0):
        if not begin <= at < end:
            yield at, picture
            continue
        if kind == "frozen":
            frozen = picture if frozen is None else frozen
            yield at, frozen
        elif kind == "dark":
            yield at, (picture // 20).astype(np.uint8)
        elif kind == "covered":
            yield at, (90 + (picture % 3)).astype(np.uint8)
        elif kind == "blurred":
            yield at, np.asarray(cv2.GaussianBlur(picture, (0, 0), 6), np.uint8)
        else:
            turned = np.rot90(np.tile(other, (2, 1)))[:180, :180]
            image = np.tile(turned, (1, 2))[:, :320]
            yield at, np.clip(image + picture % 4, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["frozen", "dark", "covered", "blurred", "moved"])
def test_what_is_wrong_is_told_within_five_seconds_and_when_it_is_over(kind: str) -> None:
    found = changes(from_then(90, 40, 55, kind))
    assert [(change.metric, change.on) for _, change in found] == [
        (f"camera_{kind}", True),
        (f"camera_{kind}", False),
    ]
    assert 40 <= found[0][0] <= 45.2
    assert 55 <= found[1][0] <= 60


def test_another_view_is_moved_for_a_while_and_then_the_usual_one() -> None:
    found = changes(from_then(200, 40, 200, "moved"))
    assert [change.on for _, change in found] == [True, False]
    assert 100 <= found[1][0] <= 112


@pytest.mark.parametrize(
    "scene",
    [
        [walker(20, 10, 110)],
        [yard.clouds],
        [yard.rain],
        [yard.lamp(40)],
        [yard.overlay],
        [yard.headlights],
        [yard.tree],
    ],
)
def test_people_weather_and_lamps_are_no_fault_of_the_camera(scene: list[yard.Draw]) -> None:
    assert not changes(play(90, *scene, noise=3.0))


def test_a_camera_that_is_wrong_from_the_start_is_told_and_all_states_can_be_had() -> None:
    health = PictureHealth()
    for at, picture in from_then(10, 0, 10, "dark"):
        health.look(picture, at)
    states = {change.metric: change.on for change in health.states()}
    assert states == {
        "camera_frozen": False,
        "camera_dark": True,
        "camera_covered": False,
        "camera_blurred": False,
        "camera_moved": False,
    }


def test_a_new_connection_does_not_make_the_same_picture_a_frozen_one() -> None:
    health = PictureHealth()
    picture = next(play(1))[1]
    for second in range(5):
        assert not health.look(picture, float(second))
    health.restart()
    assert not health.look(picture, 5.5)
