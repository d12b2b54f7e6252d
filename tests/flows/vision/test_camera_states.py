"""What a flow knows of each camera, from what the camera tells of itself."""

from typing import Any

from connectors.camera.state import state_reading, trouble_of
from flows.vision.camera_states import CameraStates


def test_the_newest_word_of_a_camera_counts_and_one_that_is_gone_is_forgotten() -> None:
    told: list[tuple[str, Any]] = []
    states = CameraStates(lambda camera, state: told.append((camera, state)))

    def now() -> str | None:
        return trouble_of(told[-1][1])

    states.told(state_reading("gate", "camera_online", False, 1.0, "rtsp://u:p@gate/s is silent"))
    assert now() == "rtsp://***@gate/s is silent"
    states.told(state_reading("gate", "camera_online", True, 2.0, labels={"page": "yard"}))
    assert now() is None
    assert told[-1][1]["since"] == 2.0
    assert told[-1][1]["page"] == "yard"
    states.told(state_reading("gate", "camera_covered", True, 3.0))
    states.told(state_reading("gate", "camera_unrecorded", True, 4.0, "rtsp://gate/hd is silent"))
    assert now() == "it is covered; rtsp://gate/hd is silent"
    states.told(state_reading("gate", "camera_covered", False, 5.0))
    assert now() == "rtsp://gate/hd is silent"
    states.gone("gate")
    states.gone("gate")
    assert told[-1] == ("gate", None)
    assert len(told) == 6
