"""The structure a stranger relies on: imports point one way, folders and modules stay small."""

import ast
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("operators", "connectors", "flows", "api", "infra")
MOST_MODULES = 20
MOST_LINES = 400
MEDIAN_LINES = 120


def files(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Module → our modules that it imports anywhere: at the top, in functions, for types."""
    modules = {module_of(path): path for path in files(*PACKAGES)}
    return {name: frozenset(_imported(path, modules)) - {name} for name, path in modules.items()}


def _imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, (
                f"{path}: relative imports hide where names come from"
            )
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        else:
            continue
        yield from (name for name in names if name in modules)


def circles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found():
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("bd"), "d": frozenset()}
    assert circles(graph) == [["b", "c"]]


def test_no_module_imports_itself_through_others_however_late():
    assert circles(imports()) == []


def test_no_sub_package_imports_itself_through_others():
    """Sub-packages of one package, such as `operators.alarms` and `operators.model`."""

    def room(module: str) -> str:
        path = ROOT / Path(*module.split("."))
        return module if path.is_dir() else module.rpartition(".")[0]

    graph: dict[str, set[str]] = {}
    for module, others in imports().items():
        mine = room(module)
        for other in map(room, others):
            nested = mine.startswith(f"{other}.") or other.startswith(f"{mine}.")
            if other != mine and not nested:
                graph.setdefault(mine, set()).add(other)
    assert circles({name: frozenset(others) for name, others in graph.items()}) == []


def test_no_folder_holds_more_modules_than_one_can_look_over():
    modules = [*files(*PACKAGES, "tests"), *(ROOT / "api" / "static").rglob("*.js")]
    count = Counter(path.parent for path in modules if path.name != "__init__.py")
    assert {
        str(folder.relative_to(ROOT)): n for folder, n in count.items() if n > MOST_MODULES
    } == {}


def test_modules_are_short():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files(*PACKAGES)
        if path.name != "__init__.py"
    }
    assert {path: n for path, n in lines.items() if n > MOST_LINES} == {}
    assert statistics.median(lines.values()) <= MEDIAN_LINES


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is_for_and_holds_nothing_else(package):
    for path in files(package):
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert ast.get_docstring(ast.Module(body, [])), (
                f"{path.relative_to(ROOT)} has no docstring"
            )
            assert len(body) == 1, f"{path.relative_to(ROOT)} holds code; it belongs into a module"
