"""Three cameras over real RTSP, and the shipped definition that watches them."""

from pathlib import Path

from infra.demo.passes import Pass, write_video
from infra.demo.street_scenes import CAR, PERSON
from infra.embedded.rtsp import Mount, Rtsp

SHIPPED = Path(__file__).parents[2] / "flows" / "definitions" / "cameras.yaml"
STREET = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
"""A street with people, 768x576, in Debian's package opencv-doc."""
USER = "vigie"
SECONDS, FPS = 24.0, 8
PASSES = {
    "entrance": [Pass(PERSON, 2.0), Pass(PERSON, 14.0, leftwards=True)],
    "dock": [Pass(CAR, 2.0, low=0.8), Pass(PERSON, 13.0)],
}
COLUMNS = "name,host,path,area,min_confidence"
SURE_OF_NOBODY = 0.99
"""For the street: the demo's model knows drawn people only."""
CHANGES = {
    ":554/": ":PORT/",
    "model: yolov8n": "model: demo8n",
}


class Cameras:
    """The RTSP server of the demo, and a copy of `cameras.yaml` for its three streams.

    `entrance` and `dock` are drawn, with persons and cars that the model finds. `gate` is a video
    of real people where Debian's opencv-doc is installed, else a pattern that moves.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        mounts = [Mount(f"/{name}", folder / f"{name}.mp4") for name in PASSES]
        gate = Mount("/gate", STREET) if STREET.exists() else Mount("/gate")
        self.server = Rtsp(folder / "rtsp", [*mounts, gate], user=USER)

    def start(self) -> None:
        """Draw the videos, and serve them; raises `ServiceError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, some in PASSES.items():
            write_video(self._folder / f"{name}.mp4", some, SECONDS, FPS)
        self.server.start().wait_ready()

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()

    def definition(self) -> Path:
        """The copy of the definition, beside its table of cameras."""
        text = SHIPPED.read_text(encoding="utf-8")
        for shipped, here in CHANGES.items():
            if shipped not in text:
                raise RuntimeError(f"{SHIPPED} does not hold {shipped!r} any more")
            text = text.replace(shipped, here.replace("PORT", str(self.server.port)))
        rows = [
            "entrance,127.0.0.1,entrance,hall,0.5",
            "dock,127.0.0.1,dock,yard,0.5",
            f"gate,127.0.0.1,gate,yard,{SURE_OF_NOBODY}",
        ]
        (self._folder / "cameras.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
        path = self._folder / SHIPPED.name
        path.write_text(text, encoding="utf-8")
        return path

    def variables(self) -> dict[str, str]:
        """The variables that the definition names, for the flow's environment."""
        return {"RTSP_USER": USER, "RTSP_PASSWORD": self.server.password}
