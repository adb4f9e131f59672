from __future__ import annotations

import os
from pathlib import Path

import pytest
from sigmavault.cli.main import main
from sigmavault.core.errors import KeyNotEnrolledError, ModuleSigningError, NotAuthorizedError

COMMANDS = ("enrol", "load")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_only_root_may(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["secure-boot", command, str(tmp_path)]) == NotAuthorizedError.exit_code
    assert "sudo" in capsys.readouterr().err


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_not_there_is_a_wrong_argument(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["secure-boot", command, "/no/such/stick"]) == 2
    assert "/no/such/stick" in capsys.readouterr().err


@pytest.mark.usefixtures("root")
def test_a_folder_without_a_key_cannot_be_loaded_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["secure-boot", "load", str(tmp_path)]) == ModuleSigningError.exit_code
    assert f"secure-boot enrol {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["enrol"], ["load", "a", "b"], ["forget", "a"]])
def test_wrong_arguments_end_with_two(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["secure-boot", *argv])
    assert ended.value.code == 2


def test_a_key_that_is_not_enrolled_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert KeyNotEnrolledError.exit_code == 5
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "\n  5    the kernel refuses the signed ZFS module" in capsys.readouterr().out
