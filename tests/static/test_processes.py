"""One place starts programs, and never through a shell."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.static.repository import imports, name, python, text

RUNNERS = {
    "scripts/process.py": "the one runner of the build",
    "scripts/demo.py": "keeps a bus, a daemon and a shell beside each other",
    "scripts/host/bootstrap.py": "runs before the tools tree, beside the runner's log",
    "scripts/host/enter.py": "is a program of its own inside new namespaces",
    "scripts/host/mirror.py": "asks the host's apt, before the tools tree",
    "scripts/host/trust.py": "asks the host's apt, before the tools tree",
    "services/sigmavault/system/run.py": "the one runner of the daemons",
    "roles/connection_plugins/sigmavault_chroot.py": "an Ansible plugin: Ansible's own interface",
}
"""Files that may start programs, each with its reason."""

_STARTERS = ("os.system", "os.popen", "os.spawn", "os.posix_spawn", "pty.spawn")


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_programs_are_started_in_one_place() -> None:
    users = {
        name(path)
        for path in python()
        if "subprocess" in set(imports(ast.parse(text(path)))) and not name(path).startswith("tests/")
    }
    assert users == set(RUNNERS)


def test_nothing_goes_around_the_runner() -> None:
    found = [
        f"{name(path)}:{node.lineno}: {ast.unparse(node.func)}"
        for path in python()
        for node in _calls(ast.parse(text(path)))
        if ast.unparse(node.func).startswith(_STARTERS)
    ]
    assert not found


def test_no_program_is_started_through_a_shell() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in python()
        for node in _calls(ast.parse(text(path)))
        for word in node.keywords
        if (word.arg == "shell" and not _is_false(word.value))
        or ast.unparse(node.func).endswith("create_subprocess_shell")
    ]
    assert not found


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False
