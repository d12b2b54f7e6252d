"""A clip that was cut from a camera's packets plays in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.settings import Settings
from connectors.camera.record.clip import cut_clip
from infra.embedded.objects import Objects
from tests.api.conftest import Start
from tests.api.site.evidence_site import T0, Shelf, seen, with_evidence
from tests.api.static.browsing import missing
from tests.connectors.camera.recorded import gray, record

Error: type[Exception]
try:
    from playwright.sync_api import Error
except ImportError:  # then the test is skipped
    Error = RuntimeError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.skipif(missing(), reason="no Chromium here")

PLAY = """
async ([address, token]) => {
  const video = document.createElement("video");
  video.muted = true;
  const answer = await fetch(address, {headers: {Authorization: `Bearer ${token}`}});
  video.src = URL.createObjectURL(await answer.blob());
  document.body.append(video);
  const happens = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, {once: true});
    video.addEventListener("error", () => failed(new Error(video.error.message)), {once: true});
    setTimeout(() => failed(new Error(`waited for ${name}`)), 60_000);
  });
  const shown = () => new Promise((done) => {  // a page that nobody sees may paint no picture
    video.requestVideoFrameCallback(done);
    setTimeout(done, 2_000);
  });
  await Promise.all([happens("loadeddata"), shown()]);
  const shade = () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 8;
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 8, 8);
    return context.getImageData(4, 4, 1, 1).data[0];
  };
  const first = shade();
  video.currentTime = 2.55;
  await Promise.all([happens("seeked"), shown()]);
  const middle = shade();
  video.playbackRate = 8;
  video.play();
  await happens("ended");
  return {width: video.videoWidth, duration: video.duration, first, middle};
}
"""


@pytest.mark.parametrize("bframes", [0, 2])
def test_a_clip_plays_in_chromium_from_its_first_picture_to_its_last(
    start: Start,
    settings: Settings,
    database: Callable[[], Any],
    objects: Objects,
    unique: str,
    tmp: Path,
    browser: "Browser",
    bframes: int,
) -> None:
    shelf = Shelf(database(), objects, unique)
    record(tmp / "ring", T0, 120, gops=2, bframes=bframes)
    cut = cut_clip(tmp / "ring", T0 + 3.2, T0 + 8, tmp / "clip.mp4")
    assert cut is not None
    event = seen("dock", 5)
    shelf.add(event)
    shelf.put(event, "clip", "dock", "v.mp4", (tmp / "clip.mp4").read_bytes(), start=cut.start)
    api = start(with_evidence(settings, database, objects))
    page = browser.new_page()
    page.goto(f"{api.url}/")
    try:
        found = page.evaluate(PLAY, [f"/api/events/{event.id}/clip", api.login()])
    except Error as error:  # a clip that it refuses has a message of its own
        if "waited for" not in str(error):
            raise
        pytest.skip(f"this Chromium did not get round to the video: {error}")
    finally:
        page.close()
    assert found["width"] == 192
    assert found["duration"] == pytest.approx(5, abs=0.5)
    assert abs(found["first"] - gray(30)) < 8  # the key frame at 3 s
    assert abs(found["middle"] - gray(55)) < 8  # the pre-roll is there, up to the event
