"""`sigmavault chat` as a process: on a bus, at a terminal, as anybody."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.command_line import PROGRAM, Terminal, at_terminal, environment, sigmavault
from tests.services.daemon import Ryzan, SystemBus, wait_until

MODEL = "smollm2-135m-instruct"
LONG = "Tell a very long story about the sea."


@pytest.fixture(scope="module")
def ryzan(
    system_bus: SystemBus, ryzan_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ryzan]:
    """The service with a context that two questions of 600 words do not fit into."""
    folder = tmp_path_factory.mktemp("ryzan")
    (folder / "ryzan.toml").write_text("[limits]\ncontext_tokens = 1024\n")
    service = Ryzan(bus=system_bus, folder=folder, env={**ryzan_env, "SIGMAVAULT_CONFIG": os.fspath(folder)})
    try:
        service.wait_ready()
        service.wait_state("ready")
        yield service
        assert service.process.poll() is None, service.log.read_text()
    finally:
        service.stop()


def active(ryzan: Ryzan) -> int:
    return int(ryzan.status().split('"active_requests" u ')[1].split()[0])


def wait_answering(ryzan: Ryzan) -> None:
    wait_until("an answer under way", lambda: active(ryzan) == 1)


def wait_idle(ryzan: Ryzan) -> None:
    wait_until("the sequence to be free", lambda: active(ryzan) == 0, timeout_s=5)


def greeted(terminal: Terminal) -> Terminal:
    terminal.wait_for(f"Talking with {MODEL}")
    terminal.wait_for("> ")
    return terminal


def test_anybody_gets_one_answer_and_nothing_but_the_answer(ryzan: Ryzan) -> None:
    done = sigmavault(ryzan, "chat", "--max-tokens", "12", "Say", "hello.", user="nobody")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) > 2
    assert done.stdout.endswith("\n")
    assert (done.stderr, "\x1b" in done.stdout) == ("", False)


def test_a_question_comes_from_a_pipe_as_well(ryzan: Ryzan) -> None:
    assert sigmavault(ryzan, "chat", "--max-tokens", "4", stdin="Say hello.\n").stdout.strip()
    assert sigmavault(ryzan, "chat", "--max-tokens", "4", "Is this short?", "-", stdin="yes").stdout.strip()


@pytest.mark.parametrize(
    ("argv", "stdin", "code", "told"),
    [
        (["--model", "gpt-4", "Hello"], "", 1, "sigmavault model list"),
        (["word " * 9000], "", 2, "begin anew"),
        ([], "  \n", 2, "no question"),
        ([], b"\xff\xfe", 2, "no UTF-8"),
        ([], "nul\0nul", 2, "no UTF-8"),
        (["--max-tokens", "0", "x"], "", 2, "no number of tokens"),
    ],
)
def test_failures_are_told_with_a_hint(
    ryzan: Ryzan, argv: list[str], stdin: str | bytes, code: int, told: str
) -> None:
    done = sigmavault(ryzan, "chat", *argv, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr


def test_without_a_bus_it_says_so(ryzan: Ryzan) -> None:
    done = sigmavault(ryzan, "chat", "Hello", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})
    assert done.returncode == 3
    assert "system bus cannot be reached" in done.stderr


@pytest.fixture
def empty_bus(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a bus on which no service is."""
    tmp_path.chmod(0o755)
    argv = ["dbus-daemon", "--session", "--nofork", "--print-address=1", "--nopidfile"]
    with subprocess.Popen([*argv, f"--address=unix:path={tmp_path}/bus"], stdout=subprocess.PIPE) as bus:
        assert bus.stdout
        yield {"DBUS_SYSTEM_BUS_ADDRESS": bus.stdout.readline().decode().strip()}
        bus.kill()


def test_without_the_service_it_says_so(ryzan: Ryzan, empty_bus: dict[str, str]) -> None:
    done = sigmavault(ryzan, "chat", "Hello", env=empty_bus)
    assert done.returncode == 3
    assert "the model service does not run" in done.stderr
    assert "systemctl status" in done.stderr


@pytest.fixture
def hostile(ryzan: Ryzan, empty_bus: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a bus on which a service says what terminals obey."""
    program = [sys.executable, os.fspath(Path(__file__).parent / "hostile_ryzan.py")]
    env = {**environment(ryzan), **empty_bus}
    with subprocess.Popen(program, env=env, stdout=subprocess.PIPE) as service:
        assert service.stdout
        assert service.stdout.readline() == b"ready\n"
        yield empty_bus
        service.kill()


@pytest.mark.parametrize(
    "argv", [["chat", "Hello"], ["model", "list"], ["status"], ["chat", "--model", "\x1b[2J"]]
)
def test_nothing_that_a_terminal_obeys_comes_out(
    ryzan: Ryzan, hostile: dict[str, str], argv: list[str]
) -> None:
    done = sigmavault(ryzan, *argv, env=hostile, stdin="Hello")
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "␛" in said
    assert {each for each in said if unicodedata.category(each) == "Cc"} <= {"\n", "\t"}


def test_nothing_that_a_terminal_obeys_comes_out_of_a_talk(ryzan: Ryzan, hostile: dict[str, str]) -> None:
    with at_terminal(ryzan, "chat", env=hostile) as terminal:
        terminal.wait_for("Talking with ␛[2Jevil␇ (␛[2Jevil␇)")
        for line, told in (("Hello", "␛[2Jowned"), ("/model", "other␛[A"), ("/model x", "no model")):
            terminal.wait_for("> ")
            terminal.line(line)
            terminal.wait_for(told)
        terminal.wait_for("> ")
        assert terminal.end() == 0
    for bad in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e", "\x1b[A"):
        assert bad not in terminal.seen


def test_a_model_that_dies_in_the_middle_is_told(ryzan: Ryzan) -> None:
    with subprocess.Popen(
        [*PROGRAM, "chat", LONG], env=environment(ryzan), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as chat:
        assert chat.stdout
        assert chat.stderr
        chat.stdout.read(1)
        ryzan.kill_worker()
        assert chat.wait(30) == 1
        assert b"the model's process died while it was answering" in chat.stderr.read()
    ryzan.wait_state("ready")


def test_a_reader_that_has_enough_ends_the_answer(ryzan: Ryzan) -> None:
    with subprocess.Popen(
        [*PROGRAM, "chat", LONG], env=environment(ryzan), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as chat:
        assert chat.stdout
        assert chat.stderr
        chat.stdout.read(1)
        chat.stdout.close()
        assert chat.wait(30) == 141
        assert chat.stderr.read() == b""
    wait_idle(ryzan)


def test_a_chat_that_is_killed_frees_its_sequence(ryzan: Ryzan) -> None:
    with subprocess.Popen([*PROGRAM, "chat", LONG], env=environment(ryzan), stdout=subprocess.PIPE) as chat:
        assert chat.stdout
        chat.stdout.read(1)
        chat.kill()
    wait_idle(ryzan)


def test_ctrl_c_ends_one_answer_with_130(ryzan: Ryzan) -> None:
    with at_terminal(ryzan, "chat", LONG) as terminal:
        wait_answering(ryzan)
        terminal.interrupt()
        assert terminal.process.wait(20) == 130
    wait_idle(ryzan)


def test_ctrl_c_stops_the_answer_and_the_talk_goes_on(ryzan: Ryzan) -> None:
    with at_terminal(ryzan, "chat", user="nobody") as terminal:
        greeted(terminal).line(LONG)
        wait_answering(ryzan)
        terminal.wait_for(" the ")  # in the middle of the answer
        terminal.interrupt()
        terminal.wait_for("Stopped.")
        wait_idle(ryzan)
        terminal.wait_for("> ")
        terminal.line("Say hello.")
        terminal.wait_for("\r\n> ")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.seen


def test_a_talk_remembers_until_a_new_one_and_drops_nothing(ryzan: Ryzan) -> None:
    question = "word " * 600
    with at_terminal(ryzan, "chat", "--max-tokens", "8") as terminal:
        for _ in range(2):
            greeted_again(terminal).line(question)  # fits
            greeted_again(terminal).line(question)  # not beside the first one
            told = terminal.wait_for("/new begins a new one")
            assert "nothing of the conversation was dropped" in told
            greeted_again(terminal).line("/new")
            terminal.wait_for("A new conversation.")
        greeted_again(terminal).line("/quit")
        assert terminal.process.wait(20) == 0


def greeted_again(terminal: Terminal) -> Terminal:
    terminal.wait_for("\r\n> ")
    return terminal


def test_another_model_is_asked_only_when_there_is_one(ryzan: Ryzan) -> None:
    with at_terminal(ryzan, "chat") as terminal:
        greeted(terminal).line("/model gpt-4")
        terminal.wait_for("no model on this machine is called")
        terminal.line("/model")
        terminal.wait_for(f"* {MODEL}")
        terminal.line("/frobnicate")
        terminal.wait_for("/help lists")
        terminal.wait_for("> ")
        terminal.interrupt()
        terminal.wait_for("Ctrl-D ends.")
        assert terminal.end() == 0


def test_a_talk_with_nobody_ends_at_once(ryzan: Ryzan) -> None:
    with at_terminal(ryzan, "chat", "--model", "gpt-4") as terminal:
        terminal.wait_for("sigmavault model list")
        assert terminal.process.wait(20) == 1


def test_typed_lines_are_kept_for_their_owner_only(ryzan: Ryzan, tmp_path: Path) -> None:
    with at_terminal(ryzan, "chat", "--max-tokens", "2", home=tmp_path) as terminal:
        greeted(terminal).line("Say hello.")
        terminal.wait_for("\r\n> ")
        assert terminal.end() == 0
    kept = tmp_path / ".local/state/sigmavault/chat_history"
    assert kept.read_text() == "Say hello.\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with at_terminal(ryzan, "chat", "--max-tokens", "2", home=tmp_path) as terminal:
        greeted(terminal).type("\x1b[A")  # arrow up
        terminal.wait_for("Say hello.")
        terminal.type("\r")
        terminal.wait_for("\r\n> ")
        assert terminal.end() == 0
    with at_terminal(ryzan, "chat", "--no-history", "--max-tokens", "2", home=tmp_path) as terminal:
        greeted(terminal).line("A secret.")
        terminal.wait_for("\r\n> ")
        assert terminal.end() == 0
    assert kept.read_text() == "Say hello.\n" * 2
