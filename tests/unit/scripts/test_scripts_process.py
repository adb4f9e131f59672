"""The runner of the build, and what a person sees of it."""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

import pytest

from scripts.process import CommandError, Runner
from scripts.progress import Progress

pytestmark = pytest.mark.runs_programs


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def runner(log: io.StringIO) -> Runner:
    return Runner(log=log, env={"PATH": "/usr/bin:/bin", "COLOUR": "blue"})


def test_the_last_lines_are_returned_and_all_are_logged(runner: Runner, log: io.StringIO) -> None:
    tail = runner.run(["seq", "30"])
    assert tail == [str(number) for number in range(11, 31)]
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in log.getvalue().splitlines()]
    assert lines == ["$ seq 30", *(str(number) for number in range(1, 31))]


def test_a_failure_carries_the_tail_and_the_hint(runner: Runner) -> None:
    with pytest.raises(CommandError) as caught:
        runner.run(["sh", "-c", "seq 25; echo broken >&2; exit 7"], hint="mend it")
    error = caught.value
    assert (error.code, error.hint, error.exit_code) == (7, "mend it", 1)
    assert error.message == "sh failed with exit code 7"
    assert len(error.tail) == 20
    assert error.tail[-1] == "broken"


def test_a_signal_is_named(runner: Runner) -> None:
    with pytest.raises(CommandError, match="sh failed with signal 9"):
        runner.run(["sh", "-c", "kill -9 $$"])


def test_a_missing_program_is_named(runner: Runner) -> None:
    for call in (runner.run, runner.output, runner.status):
        with pytest.raises(CommandError) as caught:
            call(["no-such-program", "x"])
        assert caught.value.code == 127
        assert caught.value.tail == ["no-such-program: No such file or directory"]


def test_a_missing_folder_is_not_taken_for_a_missing_program(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        runner.run(["true"], cwd=tmp_path / "gone")
    assert str(tmp_path / "gone") in caught.value.tail[0]


def test_what_is_no_program_is_an_error(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(CommandError, match="exit code 127"):
        runner.run([tmp_path / "text"])


def test_arguments_reach_no_shell(runner: Runner) -> None:
    text = "$(echo no) ; `echo no` > /tmp/x 'a'"
    assert runner.run(["printf", "%s", text]) == [text]


def test_the_environment_is_given_and_nothing_else(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "1")
    assert sorted(runner.run(["env"], env={"SIZE": "3"})) == ["COLOUR=blue", "PATH=/usr/bin:/bin", "SIZE=3"]


def test_a_program_cannot_wait_for_the_keyboard(runner: Runner) -> None:
    assert runner.run(["cat"]) == []


def test_bytes_that_are_no_text_do_no_harm(runner: Runner) -> None:
    assert runner.run(["printf", r"a\377b"]) == ["a\N{REPLACEMENT CHARACTER}b"]


def test_output_is_standard_output_alone(runner: Runner) -> None:
    assert runner.output(["sh", "-c", "echo out; echo err >&2"]) == "out\n"
    with pytest.raises(CommandError) as caught:
        runner.output(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert caught.value.tail == ["err"]


def test_status_is_the_programs_own(runner: Runner) -> None:
    assert runner.status(["sh", "-c", "exit 5"]) == 5


def test_a_redrawn_line_counts_as_lines(log: io.StringIO) -> None:
    """mksquashfs and others write one line again and again, with carriage returns."""
    seen: list[str] = []
    runner = Runner(log=log, env={"PATH": "/usr/bin:/bin"}, on_line=seen.append)
    runner.run(["printf", "a 10%%\\ra 20%%\\ra 30%%\\n"])
    assert seen == ["a 10%", "a 20%", "a 30%"]


# What programs print, and what a person sees of it.
COUNTERS = {
    "cmake": ("[ 42%] Building CXX object x.o", "42 %"),
    "ninja": ("[12/345] cc -c x.c", "12 of 345"),
    "mksquashfs": ("[=====     ] 1234/5678  21%", "21 %"),
    "xorriso": ("xorriso : UPDATE :  12.5% done, estimate finish", "12.5 %"),
    "dpkg": ("Setting up libc6:amd64 (2.41-12) ...", "1 packages set up (libc6:amd64)"),
    "nothing": ("Reading package lists... Done", ""),
    "a share that is none": ("used 100% of nothing in particular, or so", ""),
}


@pytest.mark.parametrize("case", COUNTERS)
def test_counters_are_read(case: str) -> None:
    line, shown = COUNTERS[case]
    progress = Progress(out=io.StringIO())
    progress.watch(line)
    assert progress.detail == shown


def test_packages_are_counted() -> None:
    progress = Progress(out=io.StringIO())
    for name in ("a", "b", "c"):
        progress.watch(f"Setting up {name} (1) ...")
    assert progress.detail == "3 packages set up (c)"


def test_without_a_terminal_there_are_plain_lines() -> None:
    out = io.StringIO()
    progress = Progress(out=out)
    with progress.step("Bake"):
        progress.watch("[ 50%] baking")
    progress.cached("Knead")
    assert out.getvalue().splitlines() == [
        "[0:00] Bake …",
        "[0:00] ✓ Bake  0:00",
        "[0:00] ✓ Knead  from the cache",
    ]
    assert "\x1b" not in out.getvalue()


def test_a_step_that_fails_is_shown_and_the_error_goes_on() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError, match="burnt"), Progress(out=out).step("Bake"):
        raise RuntimeError("burnt")
    assert "✗ Bake" in out.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_moving_line_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    progress = Progress(out=out)
    with progress.step("Bake a very long loaf of bread indeed"):
        progress.watch("Setting up a-package-with-a-very-long-name (1)")
        time.sleep(0.8)
    moving = [part for part in re.split(r"\r\x1b\[K", out.getvalue()) if "…" in part]
    assert moving
    assert all(len(part) < 40 for part in moving)
    assert out.getvalue().splitlines()[-1].endswith("✓ Bake a very long loaf of bread indeed  0:00")


def test_the_default_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(out=sys.stdout).say("hello")
    assert capsys.readouterr().out == "hello\n"
