"""A file with positions: definitions and site files, with all that is wrong in them.

YAML 1.2 scalars (`on`, `12:30` and `010` mean what they look like). Any bytes give problems, never
an exception.
"""

import re
from pathlib import Path

from connectors.config.nodes import CONTROL, Level, Node, Path_, Place, Problem, Text
from connectors.config.yaml_parser import YamlReader

__all__ = ["Document", "Level", "Node", "Path_", "Place", "Problem", "Text"]

MAX_BYTES = 2 << 20
_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Document:
    """A file with its nodes and the problems found in it and in the files it includes."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.text = Text(str(path))
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._files = [self.text]

    @classmethod
    def read(cls, path: Path | str) -> "Document":
        """Read a file; what is wrong with it is in `problems`."""
        document = cls(path)
        document.root = document.include(document.text, document.path)
        return document

    def without_problems(self) -> "Document":
        """The same document with an empty list of problems."""
        other = Document(self.path)
        other.text, other.root, other._files = self.text, self.root, self._files
        return other

    @property
    def errors(self) -> list[Problem]:
        """The problems that are errors, not warnings."""
        return [problem for problem in self.problems if problem.level == "error"]

    def include(self, text: Text, path: Path) -> Node | None:
        """Read one more file into this document; its problems join this document's."""
        if text not in self._files:
            self._files.append(text)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            self.say(Place(text, 0, 0), f"the file cannot be read: {error.strerror or error}")
            return None
        decoded = self._decode(text, data)
        return None if decoded is None else YamlReader(text, self.say).read(decoded)

    def parse(self, source: str) -> Node | None:
        """The nodes of a text that is not (yet) a file, as the document's own."""
        decoded = self._decode(self.text, source.encode("utf-8", "surrogatepass"))
        return None if decoded is None else YamlReader(self.text, self.say).read(decoded)

    def _decode(self, text: Text, data: bytes) -> str | None:
        if len(data) > MAX_BYTES:
            self.say(
                Place(text, 0, 0),
                f"the file is larger than {MAX_BYTES >> 20} MiB; definitions are small texts",
            )
            return None
        try:
            decoded = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            good = data[: error.start].decode("utf-8-sig", "replace")
            place = _place_of(text, good, len(good))
            text.lines = _BREAKS.split(good + "\N{REPLACEMENT CHARACTER}")
            self.say(
                place, f"byte 0x{data[error.start]:02x} is not UTF-8 text", "save the file as UTF-8"
            )
            return None
        text.lines = _BREAKS.split(decoded)
        if control := CONTROL.search(decoded):
            place = _place_of(text, decoded, control.start())
            self.say(
                place,
                f"control character U+{ord(control[0]):04X} is not allowed in a text file",
                "remove it",
            )
            return None
        if not decoded.strip():
            self.say(Place(text, 0, 0), "the file is empty")
            return None
        return decoded

    def say(
        self, place: Place, message: str, hint: str | None = None, level: Level = "error"
    ) -> None:
        """Note a problem, once."""
        if place.file not in self._files:
            self._files.append(place.file)
        problem = Problem(place, message, hint, level)
        if problem not in self.problems:
            self.problems.append(problem)

    def say_at(
        self,
        path: Path_,
        message: str,
        hint: str | None = None,
        *,
        key: bool = False,
        level: Level = "error",
    ) -> None:
        """Note a problem at the value under `path`, or at its key."""
        self.say(self.place(path, key=key), message, hint, level)

    def node(self, path: Path_) -> Node | None:
        """The value under a path, if there is one."""
        node = self.root
        for part in path:
            node = node.get(part) if node is not None else None
        return node

    def place(self, path: Path_, *, key: bool = False) -> Place:
        """The place of the value under `path`, or of its key; of its last part that is there."""
        node, place = self.root, Place(self.text, 0, 0)
        for index, part in enumerate(path):
            if node is None or (child := node.get(part)) is None:
                break
            place = child.place
            empty = child.entries is None and child.items is None and child.value is None
            if node.entries is not None and ((key and index == len(path) - 1) or empty):
                place = node.entries[str(part)][0]
            node = child
        return place

    def sorted(self) -> list[Problem]:
        """The problems in file order."""
        order = {id(text): number for number, text in enumerate(self._files)}
        return sorted(
            self.problems, key=lambda p: (order[id(p.place.file)], p.place.line, p.place.column)
        )

    def report(self) -> str:
        """All problems as text, in file order."""
        return "\n".join(str(problem) for problem in self.sorted())


def _place_of(text: Text, whole: str, index: int) -> Place:
    before = _BREAKS.split(whole[:index])
    return Place(text, len(before) - 1, len(before[-1]))
