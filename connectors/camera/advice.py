"""What is wrong with a stream that works: with the remedy, for who sets cameras up."""

from collections.abc import Iterator

from connectors.camera.output import Output
from connectors.camera.settings import CameraSettings
from connectors.camera.streams.stream import StreamFacts
from operators.events import Occurrence

LONGEST_KEY_INTERVAL = 4.0
SAME_SHAPE = 0.05
"""Part by which shapes may differ: sizes are rounded up to multiples of 16."""
TELEPHONE = ("pcm_alaw", "pcm_mulaw")


def advice(facts: StreamFacts, looked: float = 0.0) -> Iterator[tuple[str, str]]:
    """What to tell of a stream: a word for the matter, and a sentence with the remedy.

    `looked` is the shape of the pictures that are looked at, if they are those of another stream.
    """
    if facts.codec == "hevc":
        yield (
            "codec",
            "the camera sends H.265, which few browsers play: set the stream that is recorded to"
            " H.264, or give one that is as record_url",
        )
    if facts.key_interval > LONGEST_KEY_INTERVAL:
        yield (
            "key_interval",
            f"a key frame comes only every {facts.key_interval:.0f} s or more, so a clip may begin"
            " that much early: set the key frame (I-frame) interval to the pictures a second, and"
            ' "smart codec" off',
        )
    if any(codec in TELEPHONE for codec in facts.audio):
        yield (
            "audio",
            "the camera's sound is G.711, which an MP4 cannot hold, so clips are without sound: set"
            " the sound to AAC, or off",
        )
    if looked and facts.shape and abs(looked / facts.shape - 1) > SAME_SHAPE:
        yield (
            "shape",
            f"the pictures that are looked at are {looked:.2f} times as wide as high, those that"
            f" are recorded {facts.shape:.2f} times, so boxes may lie beside what they show: set"
            " both streams to sizes of one shape, such as 640x360 and 1920x1080",
        )


class Adviser:
    """Tells each piece of advice on the stream that is recorded once a connection."""

    def __init__(self, settings: CameraSettings, output: Output) -> None:
        self._settings = settings
        self._output = output
        self._told: set[str] = set()

    def restart(self) -> None:
        """Another connection begins."""
        self._told.clear()

    def look(self, facts: StreamFacts, at: float, looked: float = 0.0) -> None:
        """Tell what is new of a stream at an event time; `looked` as for `advice`."""
        name, at = self._settings.name, round(at, 3)
        for about, text in advice(facts, looked):
            if about in self._told:
                continue
            self._told.add(about)
            self._output.event(
                Occurrence(
                    id=f"{name}/advice/{about}/{round(at * 1000)}",
                    time=at,
                    subject=name,
                    type="camera_advice",
                    data={"about": about, "text": text},
                    labels=dict(self._settings.labels),
                )
            )
