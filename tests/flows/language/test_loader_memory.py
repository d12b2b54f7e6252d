import gc
import weakref
from pathlib import Path

from connectors.config.document import Document
from flows.loader import build

BAD = """vigie: 1
flow: bad
sources: {given: {topic: given}}
streams:
  hot: {from: given, steps: [threshold: {above: warm, for: 3}]}
sinks: {out: {from: hot, topic: out, only: {metric: []}}}
"""


def test_a_definition_with_errors_is_forgotten_once_it_was_reported() -> None:
    document = Document(Path("bad.yaml"))
    document.root = document.parse(BAD)
    assert build(document) is None
    gone = weakref.ref(document)
    del document
    gc.collect()
    assert gone() is None
