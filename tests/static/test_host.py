"""What runs on the building machine, before the tools tree: Python 3.11 and its standard library."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.static.repository import ROOT, name

ENTRIES = ("scripts.__main__", "scripts.bench.host")
_OLDEST = (3, 11)


def _file(module: str) -> Path | None:
    """The file of one of our own modules."""
    base = ROOT / module.replace(".", "/")
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _at_the_start(body: list[ast.stmt]) -> Iterator[str]:
    """What a module imports when it is read: neither in functions nor for the type checker alone."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
            yield from _at_the_start([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _at_the_start([*node.body, *node.orelse, *node.finalbody])


def _reached() -> dict[Path, set[str]]:
    """Every file of ours that an entry reads, and what it imports from elsewhere."""
    found: dict[Path, set[str]] = {}
    waiting = list(ENTRIES)
    while waiting:
        module = waiting.pop()
        parents = [module.rpartition(".")[0]] if "." in module else []
        path = _file(module)
        if path is None or path in found:
            continue
        names = set(_at_the_start(ast.parse(path.read_text()).body))
        found[path] = {name for name in names if name.partition(".")[0] != "scripts"}
        waiting += [*parents, *(name for name in names if name.partition(".")[0] == "scripts")]
    return found


REACHED = _reached()
PART = sorted(REACHED)


def test_the_entries_reach_their_parts() -> None:
    names = {name(path) for path in PART}
    assert {f"scripts/host/{part}.py" for part in ("launch", "enter", "lock", "mirror", "trust")} <= names
    assert "scripts/bench/host.py" in names
    assert "scripts/cli.py" not in names


@pytest.mark.parametrize("path", PART, ids=name)
def test_is_python_3_11(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=_OLDEST)


@pytest.mark.parametrize("path", PART, ids=name)
def test_holds_no_f_string_of_python_3_12(path: Path) -> None:
    """3.12 lets an f-string hold its own kind of quote, a backslash or a comment; 3.11 does not."""
    assert _new_f_strings(path.read_text()) == []


@pytest.mark.parametrize("path", PART, ids=name)
def test_imports_the_standard_library_alone(path: Path) -> None:
    foreign = {item for item in REACHED[path] if item.partition(".")[0] not in sys.stdlib_module_names}
    assert not foreign


def test_the_search_for_new_f_strings_works() -> None:
    assert _new_f_strings('x = f"{d["key"]}"\n')
    assert _new_f_strings("x = f'{chr(10).join(\"\\n\")}'\n")
    assert not _new_f_strings("x = f\"{d['key']}\" + f'{y}'\n")


def _new_f_strings(source: str) -> list[int]:
    """Lines of f-strings that only Python 3.12 and newer read."""
    found: list[int] = []
    open_quotes: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.FSTRING_START:
            quote = token.string.lstrip("rRfFbB")
            if open_quotes and open_quotes[-1] == quote:
                found.append(token.start[0])
            open_quotes.append(quote)
        elif token.type == tokenize.FSTRING_END:
            open_quotes.pop()
        elif token.type == tokenize.STRING and open_quotes:
            inner = token.string.lstrip("rRbBuU")
            if inner.startswith(open_quotes[-1]) or "\\" in inner:
                found.append(token.start[0])
        elif token.type == tokenize.COMMENT and open_quotes:
            found.append(token.start[0])
    return found
