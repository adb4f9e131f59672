from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sigmavault.cli import main as command_line
from sigmavault.cli import version
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.main import COMMANDS, main
from sigmavault.core.errors import NotAuthorizedError


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version"}


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == ExitCode.OK
    assert all(f"\n    {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == ExitCode.OK
    assert f"usage: sigmavault {name}" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["frobnicate"], ["status", "--json", "--watch"], ["version", "-x"]])
def test_wrong_arguments_end_with_two(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == ExitCode.USAGE


def test_a_failure_is_one_sentence_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deny(_arguments: object) -> int:
        raise NotAuthorizedError("this needs root", hint="run it with sudo")

    monkeypatch.setattr(version, "run", deny)
    assert main(["version"]) == NotAuthorizedError.exit_code
    assert capsys.readouterr().err == "sigmavault: this needs root\n  run it with sudo\n"


def test_an_interrupted_command_says_so_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "run", stop)
    assert main(["version"]) == ExitCode.INTERRUPTED


@pytest.mark.runs_programs
def test_a_command_loads_nothing_that_only_others_need() -> None:
    folder = command_line.__file__.removesuffix("/sigmavault/cli/main.py")
    code = (
        f"import sys; sys.path.insert(0, {folder!r}); from sigmavault.cli.main import main; "
        "main(['version']); print('pydantic' in sys.modules)"
    )
    program = [sys.executable, "-c", code]
    said = subprocess.run(program, capture_output=True, text=True, timeout=20, check=True).stdout
    assert said.splitlines()[-1] == "False"
