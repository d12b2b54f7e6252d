"""The documentation agrees with the code: generated pages, commands, definitions, paths, words."""

import ast
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from connectors.config.document import Document
from flows.cli import COMMANDS, main
from flows.commands.validate import check
from flows.language.component_docs import reference
from flows.language.model import Flow
from tests.bench.__main__ import BENCHMARKS, LONG
from tests.chaos.page import guarantees

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").glob("**/*.md") if path.name != "components.md"),
]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4}\S.*$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
PACKAGES = ("operators", "connectors", "flows", "api", "infra")
FOLDERS = (*PACKAGES, "tests", "docs")
GLOSSARY = ROOT / "docs" / "glossary.md"
LONGEST_LINE = 120


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
        "lines",
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
        found += [(page.stem, line.strip().removeprefix("$ ")) for line in INDENTED.findall(text)]
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
    if isinstance(command, click.Group) and words[1:2] and not words[1].startswith("-"):
        words = words[1:]
        command = command.get_command(click.Context(command), words[0])
        assert command is not None, f"vigie {' '.join(words)}: no such command"
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


def paths(text, *patterns):
    """Paths of the repository in the parts of a page that a pattern finds; words in capitals
    stand for any name.
    """
    parts = [part for pattern in patterns for part in pattern.findall(text)]
    found = [part for part in parts if not part.lstrip().startswith("vigie ")]
    folder = "|".join(FOLDERS)
    words = [
        word
        for part in found
        for word in re.findall(
            rf"(?<![\w./-])(?:{folder})/[\w./*-]*|\.ci/\w+|\.pre-commit[\w.-]+", part
        )
    ]
    return sorted({re.sub(r"(?<![a-zA-Z])[A-Z]{3,}(?![a-zA-Z])", "*", word) for word in words})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_path_in_the_documentation_exists(page):
    shown = [INLINE, INDENTED] if page.stem == "CONTRIBUTING" else [INLINE]
    missing = [
        path for path in paths(page.read_text(encoding="utf-8"), *shown) if not [*ROOT.glob(path)]
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_module_in_the_documentation_exists(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})(?:\.(?!sqlite|keys)\w+)+)`", text)
    run = re.findall(r"python -m ((?:tests|infra|api|flows)[\w.]*)", text)
    missing = [name for name in {*named, *run} if not _is_module_or_name(name)]
    assert missing == []


def _is_module_or_name(dotted):
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = importlib.import_module(dotted.rpartition(".")[0])
    return hasattr(module, dotted.rpartition(".")[2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_target_of_make_and_a_benchmark_in_the_documentation_exist(page):
    text = page.read_text(encoding="utf-8")
    shown = "\n".join([*INLINE.findall(text), *INDENTED.findall(text)])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^ *make ([a-z-]+)", shown, re.MULTILINE)) <= targets
    named = re.findall(r"python -m tests\.bench((?: [a-z]+)+)", shown)
    assert {name for names in named for name in names.split()} <= {*BENCHMARKS, *LONG}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.stem)
def test_a_line_of_prose_fits_the_screen(page):
    """Rows of tables, code and generated parts may be longer."""
    text = re.sub(r"^<!--.*?^<!-- end", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    lines = BLOCK.sub("", text).splitlines()
    long = [
        line for line in lines if len(line) > LONGEST_LINE and not line.startswith(("|", "    "))
    ]
    assert long == []


def test_the_page_of_guarantees_is_what_the_connectors_say():
    assert guarantees() in (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")


def test_every_line_about_reloads_has_a_test_with_its_number_and_no_test_another():
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    lines = {int(number) for number in re.findall(r"^\| A(\d+) \|", page, re.MULTILINE)}
    names = re.findall(
        r"^def test_((?:a\d+_)+)",
        "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")),
        re.MULTILINE,
    )
    assert {int(number) for name in names for number in re.findall(r"\d+", name)} == lines


def test_the_map_for_contributors_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 150


@pytest.mark.parametrize("package", ["operators", "flows", "api"])
def test_the_import_order_for_contributors_is_that_of_the_contracts(package):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == [package]
    )
    page = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"- `{package}`: {' → '.join(f'`{layer}`' for layer in layers)}" in page


def glossary(heading):
    """The first column of the table under a heading of the glossary, or above all headings."""
    text = GLOSSARY.read_text(encoding="utf-8")
    part = text.partition(f"## {heading}\n")[2] if heading else text
    rows = re.findall(r"^\| ([^|]+) \|", part.partition("\n## ")[0], re.MULTILINE)
    return rows[1:]


def test_the_glossary_has_every_term_once_in_alphabetical_order():
    terms = glossary("")
    assert len(terms) > 60
    assert terms == sorted({term.lower() for term in terms})


def _names():
    """(where, name) of every module, folder and class of the packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            where = path.relative_to(ROOT)
            yield from ((where, part) for part in where.with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from ((where, n.name) for n in ast.walk(tree) if isinstance(n, ast.ClassDef))


def _words(name):
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def test_a_word_that_was_given_up_is_no_name_of_a_module_or_a_class():
    given_up = {form for word in glossary("Words given up") for form in (word, f"{word}s")}
    assert {"lane", "desk", "sight", "hearing", "letters", "told", "heard"} <= given_up
    found = {
        (str(where), name)
        for where, name in _names()
        for before, word in zip(["", *_words(name)], _words(name), strict=False)
        if word in given_up and (before, word) != ("dead", "letters")
    }
    assert found == set()


def test_former_systems_are_named_in_the_package_that_serves_their_clients_only():
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        names = re.findall(
            r"class \w*(?:AlarmServer|VideoWatch)\w*", path.read_text(encoding="utf-8")
        )
        assert not names or path.parent.name == "compat", (path, names)
