"""What lies where, how large it may grow, and what must not be written in the repository."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.static.repository import ROOT, files, name, python, text

MAX_FILE, MAX_FUNCTION, MAX_README = 400, 40, 40

LONG_FILES: dict[str, str] = {}
"""Files that may be longer, each with its reason."""

LONG_FUNCTIONS: dict[str, str] = {}
"""Functions that may be longer, as `file:name`, each with its reason."""

NO_README = {
    ".ci": "one script, which says what it is",
    ".git": "not ours",
}

# Each pattern is split so that this file does not hold what it looks for.
MIRROR_HOSTS = re.compile(
    r"\b(?:deb|security|ftp[\w.]*|snapshot|archive|packages|mirrors?|files)\."
    r"(?:debian|ubuntu|pythonhosted|kernel|python)\.(?:org|com|net)\b|\bpypi\.(?:org|python)|\bpythonhosted\.org",
    re.IGNORECASE,
)
DEVELOPERS_PATHS = re.compile(r"(?<![\w$}.\-])/(?:work|home/\w+|Users)/\w+")
LEFTOVERS = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name(path)}:{number}: {match[0]}"
        for path in files()
        if path != Path(__file__).resolve()
        for number, line in enumerate(text(path).splitlines(), start=1)
        for match in pattern.finditer(line)
    ]


def test_every_top_folder_says_what_it_is() -> None:
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in {*NO_README, "build"}]
    folders = [path for path in folders if not path.name.endswith("_cache") and path.name != ".hypothesis"]
    assert len(folders) >= 7
    missing = [path.name for path in folders if not (path / "README.md").is_file()]
    assert not missing


@pytest.mark.parametrize("path", [p for p in files() if p.name == "README.md" and p.parent != ROOT], ids=name)
def test_a_readme_is_read_in_a_minute(path: Path) -> None:
    assert 1 <= len(path.read_text().splitlines()) <= MAX_README


def test_files_stay_small() -> None:
    code = [path for path in files() if path.suffix in {".py", ".sh", ".yml", ".j2"}]
    long = {name(path) for path in code if len(text(path).splitlines()) > MAX_FILE}
    assert long == set(LONG_FILES)


def test_functions_stay_small() -> None:
    long = set()
    for path in python():
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION:
                    long.add(f"{name(path)}:{node.name}")
    assert long == set(LONG_FUNCTIONS)


def test_a_helper_lives_with_its_topic() -> None:
    drawers = {"utils", "util", "helpers", "misc", "common"}
    assert not [name(path) for path in files(".py") if path.stem in drawers]


def test_no_package_mirror_is_named() -> None:
    assert _found(MIRROR_HOSTS) == []


def test_no_path_of_a_developers_machine_is_written() -> None:
    assert _found(DEVELOPERS_PATHS) == []


def test_nothing_is_left_for_later_in_the_code() -> None:
    assert _found(LEFTOVERS) == []


@pytest.mark.parametrize(
    "line",
    [
        "deb http://" + "deb.debian" + ".org/debian trixie main",
        "https://" + "security.debian" + ".org/",
        "http://ftp.at." + "debian" + ".org/",
        "https://" + "pypi" + ".org/simple",
        "https://files." + "pythonhosted" + ".org/x",
        "http://archive." + "ubuntu" + ".com/ubuntu",
    ],
)
def test_the_search_finds_mirrors(line: str) -> None:
    assert MIRROR_HOSTS.search(line)


def test_the_search_finds_paths_and_spares_others() -> None:
    assert DEVELOPERS_PATHS.search("see /wo" + "rk/main/x")
    assert DEVELOPERS_PATHS.search('"/ho' + 'me/me/src"')
    assert not DEVELOPERS_PATHS.search("cache/work/live-build")
    assert not DEVELOPERS_PATHS.search("$HOME/work/x")
