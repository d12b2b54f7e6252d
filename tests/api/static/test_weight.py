"""What a browser loads before it shows the first view."""

import re

from api.app import STATIC

IMPORT = re.compile(r'^(?:import|export) .*?from "(\.[^"]+)";', re.MULTILINE)
MOST = 300_000


def test_the_first_view_weighs_little_and_the_others_are_loaded_when_they_are_opened() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    wanted = [
        STATIC / path
        for path in re.findall(r'(?:src|href)="/static/([^"]+\.(?:js|css|svg))"', page)
    ]
    loaded = {STATIC / "index.html", STATIC / "words" / "french.js"}  # the longer language
    while wanted:
        path = wanted.pop().resolve()
        if path in loaded:
            continue
        loaded.add(path)
        if path.suffix == ".js":
            imports = IMPORT.findall(path.read_text(encoding="utf-8"))
            wanted += [path.parent / name for name in imports]
    names = {path.name for path in loaded}
    assert {"app.js", "overview.js", "words.js", "style.css"} <= names
    assert not {"accounts_view.js", "cameras_view.js", "uplot.js"} & names
    assert sum(path.stat().st_size for path in loaded) < MOST
