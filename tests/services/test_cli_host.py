"""`sigmavault NOUN VERB` as a process: against the real daemon, in a pipe, at a terminal, as anybody."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.command_line import Terminal, script_at_terminal
from tests.services.daemon import SERVICES, SOURCE, wait_until
from tests.services.host import Caller, HostDaemon

COMMAND = [sys.executable, "-s", os.fspath(Path(__file__).parent / "thing_command.py")]


def environment(host: HostDaemon) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", "COLUMNS": "100",
        "PYTHONPATH": f"{SERVICES}:{SOURCE}", "PYTHONDONTWRITEBYTECODE": "1",
        "DBUS_SYSTEM_BUS_ADDRESS": host.bus.address,
    }  # fmt: skip


def sigmavault(
    host: HostDaemon, *argv: str, stdin: str = "", user: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *argv], input=stdin, capture_output=True, text=True, check=False, timeout=60, user=user,
        cwd="/", env=environment(host),
    )  # fmt: skip


def at_terminal(host: HostDaemon, *argv: str) -> contextlib.AbstractContextManager[Terminal]:
    return script_at_terminal([*COMMAND[2:], *argv], environment(host))


def things(host: HostDaemon) -> dict[str, int]:
    return {path.name: len(list(path.iterdir())) for path in (host.root / "things").iterdir()}


def test_a_list_is_tabs_for_programs_and_json_for_those_that_want_it(host: HostDaemon, root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp", parts=2))
    assert sigmavault(host, "thing", "list").stdout == "lamp\t2\n"
    assert (
        sigmavault(host, "thing", "list", "--header", "--columns", "parts,name").stdout
        == "parts\tname\n2\tlamp\n"
    )
    told = json.loads(sigmavault(host, "thing", "list", "--json").stdout)
    assert told == {"things": [{"name": "lamp", "parts": 2}]}
    wrong = sigmavault(host, "thing", "list", "--columns", "size")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "there are name, parts" in wrong.stderr
    with at_terminal(host, "thing", "list") as terminal:
        assert "\x1b[2mname\x1b[0m" in terminal.wait_for("lamp")
        assert terminal.process.wait(20) == 0


def test_what_a_shell_completes_is_there_at_once_and_silent_otherwise(host: HostDaemon, root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    assert sigmavault(host, "_names", "thing").stdout == "lamp\n"
    nothing = sigmavault(host, "_names", "ghost")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "")


def test_without_a_terminal_and_a_yes_the_plan_is_shown_and_nothing_done(host: HostDaemon) -> None:
    done = sigmavault(host, "thing", "make", "lamp", "--parts", "2")
    assert (done.returncode, done.stdout) == (8, "")
    assert "Make the thing lamp" in done.stderr
    assert "2. Make part 1" in done.stderr
    assert "--yes" in done.stderr
    assert things(host) == {}


def test_a_dry_run_is_the_plan_and_no_more(host: HostDaemon) -> None:
    done = sigmavault(host, "thing", "make", "lamp", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Objects\n  file lamp\n" in done.stdout
    plan = json.loads(sigmavault(host, "thing", "make", "lamp", "--dry-run", "--json").stdout)
    assert plan["arguments"]["parts"] == 3
    assert things(host) == {}


def test_a_yes_given_beforehand_is_enough_for_a_change(host: HostDaemon) -> None:
    done = sigmavault(host, "thing", "make", "lamp", "--parts", "2", "--yes")
    assert (done.returncode, done.stdout) == (0, "parts\t2\n")
    assert things(host) == {"lamp": 2}


def test_a_yes_never_destroys(host: HostDaemon, root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    for argv, code in (
        (["--yes"], 2),
        (["--confirm", "lamb"], 8),
        (["--yes", "--confirm", "lamp"], 2),
        ([], 8),
    ):
        done = sigmavault(host, "thing", "smash", "lamp", *argv)
        assert (done.returncode, done.stdout) == (code, ""), argv
    assert things(host) == {"lamp": 1}
    done = sigmavault(host, "thing", "smash", "lamp", "--confirm", "lamp")
    assert (done.returncode, things(host)) == (0, {})
    assert "LOST FOR GOOD\n  1 parts\n" in done.stderr


@pytest.mark.parametrize(("answer", "code", "made"), [("y", 0, {"lamp": 1}), ("", 8, {}), ("no", 8, {})])
def test_a_person_is_asked(host: HostDaemon, answer: str, code: int, made: dict[str, int]) -> None:
    with at_terminal(host, "thing", "make", "lamp", "--parts", "1") as terminal:
        terminal.wait_for("Do it? [y/N] ")
        terminal.line(answer)
        assert terminal.process.wait(20) == code
    assert things(host) == made


@pytest.mark.parametrize(("name", "code"), [("lamp", 0), ("y", 8), ("", 8)])
def test_a_person_types_the_name_of_what_is_lost(
    host: HostDaemon, root: Caller, name: str, code: int
) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    with at_terminal(host, "thing", "smash", "lamp") as terminal:
        assert "\x1b[31mLOST FOR GOOD\x1b[0m" in terminal.wait_for("Type lamp to do it: ")
        terminal.line(name)
        assert terminal.process.wait(20) == code
    assert things(host) == ({} if code == 0 else {"lamp": 1})


def test_an_interrupted_question_leaves_everything(host: HostDaemon) -> None:
    with at_terminal(host, "thing", "make", "lamp") as terminal:
        terminal.wait_for("Do it? [y/N] ")
        terminal.interrupt()
        assert terminal.process.wait(20) == 130
    assert things(host) == {}


def test_an_interrupted_job_is_cancelled_and_waited_for(host: HostDaemon) -> None:
    with at_terminal(
        host, "thing", "make", "lamp", "--parts", "2000", "--pause-ms", "20", "--yes"
    ) as terminal:
        terminal.wait_for("Make part")
        terminal.interrupt()
        assert terminal.process.wait(20) == 130
    made = things(host)["lamp"]
    assert 0 < made < 2000
    assert host.audit()[-1]["result"] == "job.cancelled"


def test_a_second_interrupt_leaves_the_job_alone(host: HostDaemon) -> None:
    with at_terminal(
        host, "thing", "make", "lamp", "--parts", "2", "--pause-ms", "3000", "--yes"
    ) as terminal:
        terminal.wait_for("Make part")
        terminal.interrupt()
        terminal.wait_for("cancelled")
        terminal.interrupt()
        terminal.wait_for("sigmavault job show")
        assert terminal.process.wait(20) == 130


def test_a_failure_is_told_with_its_hint_and_its_exit_code(host: HostDaemon) -> None:
    done = sigmavault(host, "thing", "make", "lamp", "--breaks-at", "1", "--yes")
    assert done.returncode == 6
    assert done.stderr.endswith("sigmavault: part 0 cannot be made\n  make fewer\n")
    assert sigmavault(host, "thing", "smash", "vase", "--confirm", "vase").returncode == 6


@pytest.mark.parametrize(("verb", "code", "told"), [
    (["smash", "lamp", "--confirm", "lamp"], 9, "look at"),
    (["make", "vase", "--parts", "400", "--pause-ms", "20", "--yes"], 1, "vase"),
])  # fmt: skip
def test_a_daemon_that_dies_is_waited_for_and_tells_what_is_true(
    host: HostDaemon, root: Caller, verb: list[str], code: int, told: str
) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    with subprocess.Popen(
        [*COMMAND, "thing", *verb], env=environment(host), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    ) as command:  # fmt: skip
        wait_until("a job", lambda: any(each["event"] == "begin" for each in host.audit()[3:]))
        host.kill()
        host.start()
        host.wait_ready()
        _, complaint = command.communicate(timeout=60)
    assert command.returncode in (code, 9), complaint
    assert told in complaint


def test_a_secret_comes_from_a_file_or_the_input_and_is_nowhere_else(
    host: HostDaemon, root: Caller, tmp_path: Path
) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    file = tmp_path / "colour"
    file.write_text("vermilion\n")
    done = sigmavault(host, "thing", "paint", "lamp", "--yes", "--secret-file", f"colour={file}")
    assert (done.returncode, done.stdout) == (0, "letters\t9\n")
    done = sigmavault(host, "thing", "paint", "lamp", "--yes", "--secret-stdin", "colour", stdin="vermilion")
    assert (done.returncode, done.stdout) == (0, "letters\t9\n")
    assert "vermilion" not in host.log.read_text() + json.dumps(host.audit()) + done.stderr
    for argv, told in (
        ([], "--secret-stdin colour"), (["--secret-file", "taste=/dev/null"], "it needs colour"),
        (["--secret-file", "colour"], "NAME=PATH"), (["--secret-file", "colour=/dev/null"], "is empty"),
    ):  # fmt: skip
        refused = sigmavault(host, "thing", "paint", "lamp", "--yes", *argv)
        assert refused.returncode == 2
        assert told in refused.stderr


def test_a_secret_is_typed_twice_and_never_shown(host: HostDaemon, root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    for again, code in (("vermilion", 0), ("vermillion", 2)):
        with at_terminal(host, "thing", "paint", "lamp", "--yes") as terminal:
            terminal.wait_for("Its colour: ")
            terminal.line("vermilion")
            terminal.wait_for("Once more: ")
            terminal.line(again)
            assert terminal.process.wait(20) == code
            assert "vermil" not in terminal.seen


def test_what_only_the_caller_is_told_goes_into_a_new_file_or_to_the_terminal(
    host: HostDaemon, root: Caller, tmp_path: Path
) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    nowhere = sigmavault(host, "thing", "whisper", "lamp", "--yes")
    assert (nowhere.returncode, "--save rumour=PATH" in nowhere.stderr) == (2, True)
    file = tmp_path / "rumour"
    done = sigmavault(host, "thing", "whisper", "lamp", "--yes", "--save", f"rumour={file}")
    assert (done.returncode, done.stdout, file.read_text()) == (0, "", "it was the butler")
    assert file.stat().st_mode & 0o777 == 0o600
    again = sigmavault(host, "thing", "whisper", "lamp", "--yes", "--save", f"rumour={file}")
    assert (again.returncode, "File exists" in again.stderr) == (2, True)
    with at_terminal(host, "thing", "whisper", "lamp", "--yes") as terminal:
        terminal.wait_for("rumour: it was the butler")
        assert terminal.process.wait(20) == 0
    assert "butler" not in host.log.read_text() + json.dumps(host.audit())


def test_who_may_not_is_told_why(host: HostDaemon) -> None:
    never = sigmavault(host, "thing", "make", "lamp", "--yes", user="daemon")
    assert (never.returncode, "polkit does not let this user" in never.stderr) == (4, True), never.stderr
    later = sigmavault(host, "thing", "make", "lamp", "--yes", user="nobody")
    assert (later.returncode, "there is nobody to ask" in later.stderr) == (4, True), later.stderr
    looks = sigmavault(host, "thing", "peek", "lamp", user="nobody")
    assert (looks.returncode, "there is nobody to ask" in looks.stderr) == (4, True), looks.stderr
    assert sigmavault(host, "thing", "make", "lamp", "--yes", user="games").returncode == 0


def test_without_the_daemon_it_says_so(host: HostDaemon) -> None:
    host.stop()
    done = sigmavault(host, "thing", "list")
    host.start()
    host.wait_ready()
    assert (done.returncode, done.stdout) == (3, "")
    assert "the host daemon does not run" in done.stderr


def test_wrong_arguments_are_told_before_anybody_is_asked(host: HostDaemon) -> None:
    before = len(host.audit())
    for argv, told in (
        (["make", "-rf"], "usage"), (["make", "--", "-rf"], "name: must be"),
        (["make", "lamp", "--parts", "0"], "parts: must be at least 1 (how many parts)"),
        (["make", "lamp", "--parts", "x"], "must be a whole number"),
        (["make"], "usage"), (["dance"], "usage"),
    ):  # fmt: skip
        done = sigmavault(host, "thing", *argv)
        assert (done.returncode, done.stdout) == (2, ""), argv
        assert told in done.stderr
    assert len(host.audit()) == before
