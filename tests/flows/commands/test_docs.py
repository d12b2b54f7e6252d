"""The documentation agrees with the code: generated pages, and every command and definition that
is shown.
"""

import re
import shlex
from pathlib import Path

import click
import pytest

from connectors.config.document import Document
from flows.cli import COMMANDS, main
from flows.commands.validate import check
from flows.language.component_docs import reference
from flows.language.model import Flow

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("**/*.md") if path.name != "components.md"),
]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(*languages):
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
            if match[1] in languages:
                found.append(pytest.param(match[2], id=f"{page.stem}-{number}"))
    return found or [pytest.param(None, id="none")]


def test_the_reference_names_every_section_and_key_of_the_grammar():
    page = reference()
    for key in [
        "vigie",
        "flow",
        "about",
        "include",
        "clock",
        "tables",
        "zones",
        "pages",
        "recipes",
        "sources",
        "streams",
        "alarms",
        "sinks",
        "tests",
        "lateness",
        "idle",
        "ahead",
        "profile",
        "label",
        "on_error",
        "from",
        "steps",
        "was",
        "id",
        "only",
        "shape",
        "outbox",
        "batch",
        "play",
        "start",
        "at",
        "every",
        "until",
        "given",
        "do",
        "expect",
        "site",
        "timezone",
        "connections",
        "camera",
        "points",
        "owner",
        "view",
        "edit",
    ]:
        assert f"| `{key}` |" in page, key


def test_the_page_of_components_is_what_vigie_docs_prints():
    page = (ROOT / "docs" / "components.md").read_text(encoding="utf-8")
    assert page == reference(), "run: vigie docs > docs/components.md"


@pytest.mark.parametrize("text", blocks("yaml", "yml"))
def test_a_definition_in_the_documentation_is_valid(text):
    if text is None:
        return
    document = Document(ROOT / "flows" / "definitions" / "shown.yaml")
    document.root = document.parse(text)
    keys = {key for key, _, _ in document.root.children()} if document.root else set()
    assert document.root is not None, document.report()
    if keys & {"flow", "site", "connections"}:
        check(document)
        assert document.errors == [], document.report()
        return
    unknown = keys - {info.alias or name for name, info in Flow.model_fields.items()}
    is_compose_or_step = "services" in keys or document.root.items is not None
    assert is_compose_or_step or not unknown, f"keys that no definition has: {unknown}"


def commands():
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match[1] in ("", "sh", "bash", "console", "shell"):
                lines = match[2].replace("\\\n", " ").splitlines()
                found += [(page.stem, line.strip().removeprefix("$ ")) for line in lines]
        found += [(page.stem, code) for code in re.findall(r"`(vigie [^`\n]+)`", text)]
    vigie = [(page, line) for page, line in found if re.match(r"vigie( |$)", line)]
    return [pytest.param(line, id=f"{page}-{line[:40]}") for page, line in vigie] or [
        pytest.param(None, id="none")
    ]


@pytest.mark.parametrize("line", commands())
def test_a_command_in_the_documentation_exists_with_its_options(line):
    if line is None:
        return
    words = shlex.split(line.partition(" #")[0].replace("...", "").replace("…", ""))[1:]
    words = words[
        : next(
            (i for i, word in enumerate(words) if word in ("|", ">", ">>", "&&", "&", ";")),
            len(words),
        )
    ]
    if not words or words[0] in ("--help", "--version"):
        return
    assert words[0] in COMMANDS, f"vigie has no command {words[0]!r}"
    command = main.get_command(click.Context(main), words[0])
    known = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in words[1:]:
        if re.match(r"--?[a-z]", word):
            assert word.partition("=")[0] in {
                *known,
                "--help",
                "-h",
            }, f"vigie {words[0]} has no option {word}"


def test_every_command_is_in_the_readme_once_the_readme_shows_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if "vigie validate" not in text:
        return
    missing = [name for name in COMMANDS if f"vigie {name}" not in text]
    assert missing == []
