"""The model of COCO against the people whom somebody drew. Run by `make test-video`."""

from pathlib import Path

from connectors.camera.jpeg import encode_jpeg
from connectors.detector.backends import backends_for, open_backend
from connectors.detector.jpeg import decode
from connectors.detector.objects import Limits
from tests.video.street import CONFIDENCE, HEIGHT, WIDTH, Found, Score, compare, people, pictures

MOST_BYTES = 1_000_000
"""What a record of a broker takes when nothing else is said."""


def test_people_are_found_and_nearly_nothing_else_is(coco: Path) -> None:
    truth = people()
    assert len(truth) == 40
    backend = open_backend(backends_for(str(coco))[0], str(coco))
    person = backend.facts.names.index("person")
    scores = []
    for number, frame in pictures(list(truth)):
        passed_on = encode_jpeg(frame, MOST_BYTES)
        assert passed_on is not None
        picture = decode(passed_on[0], backend.facts)
        assert picture is not None and picture.shape[:2] == (HEIGHT, WIDTH)
        objects = backend.find(backend.prepare([picture]), Limits(CONFIDENCE, [person]))[0]
        found = zip(objects.boxes.tolist(), objects.scores.tolist(), strict=True)
        scores.append(compare(truth[number], [Found(tuple(box), score) for box, score in found]))
    total = Score(*map(sum, zip(*scores, strict=True)))
    print(f"\n{total}: precision {total.precision:.3f}, recall {total.recall:.3f}")
    assert len(scores) == 40
    assert total.precision >= 0.9
    assert total.recall >= 0.75
