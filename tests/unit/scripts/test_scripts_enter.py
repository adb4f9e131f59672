"""The tools tree as a root of its own: real namespaces, real kills. Runs as root in the tools tree."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.host import enter

pytestmark = [
    pytest.mark.runs_programs,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root: `make test-fast` runs as root"),
]

# Seconds to sleep, which no other run of these tests on the machine asks for.
N61, N62, N63, N64, N65, N66, N67 = (f"{seconds}.{os.getpid()}" for seconds in range(61, 68))

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The smallest root there is: the programs of this one, lent read-only."""
    base = tmp_path / "tree"
    for name in ("etc", "usr", "proc", "sys", "dev", "run", "tmp"):
        (base / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (base / name).symlink_to(f"usr/{name}")
    return base


@pytest.fixture
def start(tree: Path, tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "source").mkdir()

    def begin(*argv: str, readonly: dict[Path, Path] | None = None) -> subprocess.Popen[str]:
        command = enter.command(
            tree,
            argv,
            binds={tmp_path / "source": Path("/src")},
            readonly={Path("/usr"): Path("/usr"), **(readonly or {})},
            env={"PATH": "/usr/sbin:/usr/bin", "MARK": "1"},
        )
        process = subprocess.Popen(
            command,
            close_fds=False,
            start_new_session=True,
            # Whoever runs the tests may ignore it (nohup), and a program inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def mounts(path: Path) -> list[str]:
    return [row for row in Path("/proc/mounts").read_text().splitlines() if str(path) in row]


def running(word: str) -> list[int]:
    """Processes that have `word` as an argument."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in arguments:
            found.append(int(folder.name))
    return found


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_the_argument_list_says_nothing_about_the_environment(tree: Path) -> None:
    proxy = "http://me:hidden@proxy"
    command = enter.command(tree, ["true"], binds={}, readonly={}, env={"http_proxy": proxy})
    assert command[1:-1] == [enter.__file__]
    assert not [item for item in command if "hidden" in item]
    asked = enter.read_request(int(command[-1]))
    assert asked == {
        "tree": str(tree),
        "argv": ["true"],
        "binds": {},
        "readonly": {},
        "env": {"http_proxy": proxy},
        "cwd": "/src",
    }


def test_the_program_sees_the_tree_alone(start: Start, tree: Path) -> None:
    out = output(start("sh", "-c", "echo /*; cut -d' ' -f2 /proc/mounts; ls -d /proc/[0-9]*"))
    assert "/bin /dev /etc /lib /lib64 /proc /run /sbin /src /sys /tmp /usr" in out
    assert "old-root" not in out
    assert str(tree) not in out
    assert "/proc/1\n" in out
    assert out.count("/proc/") <= 4 + sum(1 for row in out.splitlines() if row.startswith("/proc/sys")), out


def test_the_root_is_a_mount_point(start: Start) -> None:
    """What mkosi's sandbox asks for, and a plain chroot does not give."""
    assert output(start("sh", "-c", "mountpoint /")).strip() == "/ is a mountpoint"


def test_the_environment_is_the_given_one(start: Start) -> None:
    assert set(output(start("env")).split()) == {"PATH=/usr/sbin:/usr/bin", "MARK=1"}


def test_what_is_lent_read_only_cannot_be_written(start: Start, tmp_path: Path) -> None:
    lent = tmp_path / "resolv.conf"
    lent.write_text("nameserver 192.0.2.1\n")
    script = (
        "cat /etc/resolv.conf; { echo x > /etc/resolv.conf; } 2>&1; { touch /usr/x; } 2>&1; echo y > /src/new"
    )
    out = output(start("sh", "-c", script, readonly={lent: Path("/etc/resolv.conf")}))
    assert out.startswith("nameserver 192.0.2.1\n")
    assert out.count("Read-only file system") == 2
    assert lent.read_text() == "nameserver 192.0.2.1\n"
    assert (tmp_path / "source/new").read_text() == "y\n"


def test_a_link_in_the_tree_does_not_lead_out_of_it(start: Start, tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (tree / "etc/resolv.conf").symlink_to(outside)
    lent = tmp_path / "lent"
    lent.write_text("lent\n")
    assert output(start("cat", "/etc/resolv.conf", readonly={lent: Path("/etc/resolv.conf")})) == "lent\n"
    assert not outside.exists()


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_programs_end_is_passed_on(script: str, code: int, start: Start) -> None:
    process = start("sh", "-c", script)
    process.communicate(timeout=60)
    assert process.returncode == code


def test_orphans_end_with_the_program(start: Start) -> None:
    assert output(start("sh", "-c", f"sleep {N61} >/dev/null 2>&1 & echo started")) == "started\n"
    until(lambda: not running(N61))


def test_a_kill_leaves_no_process_and_no_mount(start: Start, tree: Path) -> None:
    process = start("sh", "-c", f"mount -t tmpfs tmpfs /tmp; sleep {N62} & echo ready; sleep {N63}")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    until(lambda: bool(running(N62)))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    until(lambda: not running(N62) and not running(N63))
    assert mounts(tree) == []
    assert list((tree / "tmp").iterdir()) == []


def test_while_it_runs_the_host_sees_no_mount(start: Start, tree: Path) -> None:
    process = start("sh", "-c", f"echo ready; sleep {N64}")
    assert process.stdout is not None
    process.stdout.readline()
    assert mounts(tree) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_outer_process_reaches_the_program(number: signal.Signals, start: Start) -> None:
    """unshare(1) holds SIGTERM back until its program has ended."""
    name = number.name.removeprefix("SIG")
    process = start("sh", "-c", f"trap 'echo bye; exit 3' {name}; echo ready; while :; do sleep 0.1; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == "bye\n"
    assert process.returncode == 3


def test_a_program_that_does_not_care_ends_by_the_signal(start: Start) -> None:
    process = start("sleep", N66)
    until(lambda: bool(running(N66)))
    process.terminate()
    process.wait(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    until(lambda: not running(N66))


@pytest.mark.parametrize("wait_s", [0.02, 0.05, 0.1, 0.2])
def test_a_signal_in_the_middle_of_the_preparation_is_not_lost(wait_s: float, start: Start) -> None:
    process = start("sleep", N67)
    time.sleep(wait_s)
    process.terminate()
    process.wait(timeout=20)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    until(lambda: not running(N67))


def test_ctrl_c_is_the_programs_to_handle(start: Start) -> None:
    """The terminal sends it to the whole group."""
    # Whoever runs the tests in the background has it ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = start("sh", "-c", "trap 'echo bye; exit 130' INT; echo ready; while :; do sleep 0.1; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=20)[0] == "bye\n"
    assert process.returncode == 130


def test_the_next_run_works_after_a_kill(start: Start) -> None:
    first = start("sleep", N65)
    until(lambda: bool(running(N65)))
    first.kill()
    first.wait(timeout=20)
    assert output(start("echo", "fine")) == "fine\n"
