"""What runs on the building machine, before the tools tree: Python 3.11 and its standard library."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

import pytest

from tests.static.repository import ROOT, files, imports, name

PART = [
    *files(".py", below="scripts/host"),
    *(ROOT / f"scripts/{part}.py" for part in ("__init__", "__main__", "errors")),
]
_OLDEST = (3, 11)


@pytest.mark.parametrize("path", PART, ids=name)
def test_is_python_3_11(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=_OLDEST)


@pytest.mark.parametrize("path", PART, ids=name)
def test_holds_no_f_string_of_python_3_12(path: Path) -> None:
    """3.12 lets an f-string hold its own kind of quote, a backslash or a comment; 3.11 does not."""
    assert _new_f_strings(path.read_text()) == []


@pytest.mark.parametrize("path", PART, ids=name)
def test_imports_the_standard_library_and_itself(path: Path) -> None:
    for item in imports(ast.parse(path.read_text())):
        ours = item in {"scripts", "scripts.errors", "scripts.host"} or item.startswith("scripts.host.")
        assert ours or item.partition(".")[0] in sys.stdlib_module_names, item


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
