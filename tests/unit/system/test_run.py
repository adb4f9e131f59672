from __future__ import annotations

import pytest
from sigmavault.core.errors import CommandError, CommandMissingError, CommandTimeoutError
from sigmavault.system.run import attend, run

pytestmark = pytest.mark.runs_programs


def test_output_and_input() -> None:
    done = run(["cat"], timeout_s=10, stdin="text")
    assert (done.status, done.stdout) == (0, "text")


def test_failure_has_status_and_words() -> None:
    with pytest.raises(CommandError) as failed:
        run(["sh", "-c", "echo no >&2; exit 3"], timeout_s=10)
    assert (failed.value.status, failed.value.stderr) == (3, "no\n")
    assert run(["false"], timeout_s=10, check=False).status == 1


def test_slow_and_missing_programs() -> None:
    with pytest.raises(CommandTimeoutError, match=r"within 0\.1 s"):
        run(["sleep", "9"], timeout_s=0.1)
    with pytest.raises(CommandMissingError, match="is not installed"):
        run(["/no/such/program"], timeout_s=1)


def test_environment_is_small_and_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("SECRET", "x")
    told = run(["env"], timeout_s=10, extra_env={"MORE": "1"}).stdout.splitlines()
    assert {"LC_ALL=C.UTF-8", "MORE=1"} <= set(told)
    assert not any(line.startswith(("LANG=", "SECRET=")) for line in told)


def test_a_program_that_is_attended_has_our_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    attend(["sh", "-c", "echo question; echo complaint >&2"], timeout_s=10)
    assert capfd.readouterr() == ("question\n", "complaint\n")
    with pytest.raises(CommandError, match="ended with 3"):
        attend(["sh", "-c", "exit 3"], timeout_s=10)
    with pytest.raises(CommandTimeoutError):
        attend(["sleep", "9"], timeout_s=0.1)
    with pytest.raises(CommandMissingError):
        attend(["/no/such/program"], timeout_s=1)
