"""The processes of a camera source."""

from connectors.camera.components import Rtsp


def test_the_settings_of_a_source_reach_its_process_as_they_are() -> None:
    settings = Rtsp.model_validate(
        {
            "each": "cameras",
            "url": "rtsp://{host}/",
            "fps": 2.5,
            "record": {"keep": "1min30s"},
        }
    )
    assert Rtsp.model_validate(settings.model_dump(mode="json")) == settings
