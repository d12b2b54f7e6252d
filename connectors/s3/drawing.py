"""Drawing on pictures: covered parts, a box with its class, and small copies."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.base import Polygon
from connectors.runtime.optional_packages import needing
from connectors.s3.contents import Content, NoContent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
QUALITY = 92
BOX = (48, 160, 255)
"""Orange, as OpenCV has it: blue, green, red."""
DARK = (20, 20, 20)
NAMED = 1 / 30
"""Height of the letters beside a box, as a part of the picture's."""


class Drawing:
    """Reads pictures and covers at once what nobody may see of a camera's."""

    def __init__(self, masks: Mapping[str, Sequence[Polygon]]) -> None:
        self._masks = masks

    def masks(self, camera: str) -> Sequence[Polygon]:
        """The parts of a camera's pictures that nobody may see."""
        return self._masks.get(camera, ())

    def read(self, content: Content, camera: str) -> "Picture":
        """A picture with its masks on it. Raises `NoContent` for one that cannot be read."""
        with needing("drawing on pictures", "vision", "cv2"):
            import cv2
        import numpy as np

        found = cv2.imdecode(np.frombuffer(content.data, np.uint8), cv2.IMREAD_COLOR)
        if found is None:
            raise NoContent(
                "not_a_picture",
                f"expected a picture that can be read, got {len(content.data)} damaged bytes of"
                f" {content.type}",
            )
        pixels: Pixels = np.ascontiguousarray(found, dtype=np.uint8)
        height, width = pixels.shape[:2]
        for polygon in self.masks(camera):
            corners = np.array([(x * width, y * height) for x, y in polygon])
            cv2.fillPoly(pixels, [np.rint(corners).astype(np.int32)], (0, 0, 0))
        return Picture(pixels, content.type)


class Picture:
    """The pixels of a picture, and the type of what is made of them."""

    def __init__(self, pixels: "Pixels", type_: str) -> None:
        self._pixels = pixels
        self._type = type_

    def content(self) -> Content:
        """The picture as a file."""
        import cv2

        quality = {
            "image/jpeg": [cv2.IMWRITE_JPEG_QUALITY, QUALITY],
            "image/webp": [cv2.IMWRITE_WEBP_QUALITY, QUALITY],
        }
        done, data = cv2.imencode(ENDINGS[self._type], self._pixels, quality.get(self._type, []))
        if not done:
            raise NoContent("not_a_picture", f"no {self._type} can be made of the picture")
        return Content(data.tobytes(), self._type)

    def with_box(self, box: tuple[float, float, float, float], name: str) -> "Picture":
        """A copy with a box (left, top, width, height as fractions), and a name at it."""
        import cv2

        pixels = self._pixels.copy()
        height, width = pixels.shape[:2]
        line = max(2, round(height / 240))
        left, top = round(box[0] * width), round(box[1] * height)
        right, bottom = round((box[0] + box[2]) * width), round((box[1] + box[3]) * height)
        cv2.rectangle(pixels, (left, top), (right, bottom), BOX, line)
        if name:
            written = name.encode("ascii", "replace").decode()
            size = max(height * NAMED, 10) / 22
            (wide, high), below = cv2.getTextSize(written, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
            at = max(top, high + below + line)
            corner = (left, at - high - below - line)
            cv2.rectangle(pixels, corner, (left + wide + line, at), BOX, cv2.FILLED)
            place = (left + line // 2, at - below)
            cv2.putText(pixels, written, place, cv2.FONT_HERSHEY_SIMPLEX, size, DARK, 1)
        return Picture(pixels, self._type)

    def reduced(self, width: int) -> "Picture":
        """A copy of at most so many pixels' width."""
        import cv2
        import numpy as np

        now = self._pixels.shape[1]
        if now <= width:
            return self
        height = max(1, round(self._pixels.shape[0] * width / now))
        small = cv2.resize(self._pixels, (width, height), interpolation=cv2.INTER_AREA)
        return Picture(small.astype(np.uint8), self._type)
