"""The files of the repository, as the static checks see them."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_GENERATED = {
    ".git", "build", "__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache",
}  # fmt: skip


def files(*suffixes: str, below: str = ".") -> list[Path]:
    """Files that people write, below a folder, by suffix (all without one)."""
    return sorted(path for path in _walk(ROOT / below) if not suffixes or path.suffix in suffixes)


def _walk(base: Path) -> Iterator[Path]:
    for folder, folders, names in base.walk():
        folders[:] = [name for name in folders if name not in _GENERATED and not name.endswith(".egg-info")]
        yield from (folder / name for name in names if not (folder / name).is_symlink())


def name(path: Path) -> str:
    """The path as people say it."""
    return os.fspath(path.relative_to(ROOT))


def text(path: Path) -> str:
    """What a text file holds; a picture or another binary file holds no text."""
    data = path.read_bytes()
    return "" if b"\0" in data[:8000] else data.decode()


def python() -> list[Path]:
    """Python files: by suffix, and the programs without one."""
    named = files(".py")
    programs = [path for path in files() if not path.suffix and "python" in _first_line(path)]
    return [*named, *programs]


def shell() -> list[Path]:
    """Shell scripts as they are committed; templates are checked as rendered."""
    return [
        path
        for path in files()
        if path.suffix != ".j2" and _first_line(path).endswith(("/sh", "/bash", " sh", " bash"))
    ]


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.readline(200)
    return start.decode(errors="replace").strip() if start.startswith(b"#!") else ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of what a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def complaints(argv: Sequence[str | os.PathLike[str]]) -> str:
    """Everything a linter says; empty when it is content."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    return said or (f"{argv[0]} ended with {done.returncode}" if done.returncode else "")
