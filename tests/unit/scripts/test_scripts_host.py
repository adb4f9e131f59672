"""What happens on the building machine before the tools tree is entered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from scripts import __main__ as entry
from scripts.errors import BuildError, HostError, MirrorError
from scripts.host import bootstrap, cache, enter, launch, machine
from scripts.host.lock import hold
from scripts.host.mirror import Mirror
from scripts.host.trust import Trust
from tests.unit.scripts.conftest import ROOT

GB = 10**9
Usage = namedtuple("Usage", "total used free")

HOLDER = """
import sys
from pathlib import Path
from scripts.host.lock import hold
hold(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def holder(path: Path, purpose: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, purpose], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def line(stream: object) -> str:
    return str(stream.readline()).strip()  # type: ignore[attr-defined]


@pytest.mark.runs_programs
@pytest.mark.parametrize("killed", [False, True])
def test_the_second_build_waits_and_says_for_whom(killed: bool, tmp_path: Path) -> None:
    """However the first one ends."""
    lock = tmp_path / "build/.lock"
    with holder(lock, "`make iso` in /a") as first:
        assert line(first.stdout) == "held"
        with holder(lock, "`make disk` in /b") as second:
            assert line(second.stderr) == f"waiting for `make iso` in /a (process {first.pid}) to finish …"
            assert second.poll() is None
            if killed:
                first.kill()
            else:
                first.communicate()
            assert line(second.stdout) == "held"
            assert lock.read_text() == f"`make disk` in /b (process {second.pid})\n"
            second.communicate()


@pytest.mark.runs_programs
def test_a_lock_lives_on_in_the_program_that_is_executed(tmp_path: Path) -> None:
    """launch() replaces itself by the tools tree, which must go on holding the lock."""
    code = HOLDER.replace("sys.stdin.read()", 'import os; os.execvp("sleep", ["sleep", "60"])')
    argv = [sys.executable, "-c", code, str(tmp_path / "lock"), "first"]
    with subprocess.Popen(argv, cwd=ROOT, text=True, stdout=subprocess.PIPE) as first:
        assert line(first.stdout) == "held"
        with holder(tmp_path / "lock", "second") as second:
            assert "waiting for first" in line(second.stderr)
            first.kill()
            assert line(second.stdout) == "held"
            second.communicate()


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, 500 * GB))


@pytest.mark.usefixtures("able")
class TestMachine:
    def test_is_enough(self, tmp_path: Path) -> None:
        machine.check_machine("iso", tmp_path, tmp_path / "cache")

    def test_not_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(HostError, match="needs root") as caught:
            machine.check_machine("iso", tmp_path, tmp_path)
        assert caught.value.exit_code == 3
        assert caught.value.hint == "sudo make iso"

    @pytest.mark.parametrize("program", ["unshare", "setpriv", "mount", "pivot_root"])
    def test_lacks_a_program(self, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: None if name == program else name)
        with pytest.raises(HostError, match=program):
            machine.check_machine("check", tmp_path, tmp_path)

    @pytest.mark.parametrize(
        ("verb", "present", "free", "enough"),
        [
            ("iso", [], 24, False),
            ("iso", [], 26, True),
            ("iso", ["layers/server-1.partial"], 24, False),
            ("iso", ["layers/server-1"], 7, False),
            ("iso", ["layers/server-1"], 9, True),
            ("test", [], 24, False),
            ("check", [], 3, False),
            ("check", [], 5, True),
            ("check", ["tools/1.partial"], 3, False),
            ("check", ["tools/1"], 0, True),
            ("shell", ["tools/1"], 0, True),
        ],
    )
    def test_has_room_for_what_is_asked(
        self,
        verb: str,
        present: list[str],
        free: int,
        enough: bool,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in present:
            (tmp_path / name).mkdir(parents=True)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, free * GB))
        if enough:
            machine.check_machine(verb, tmp_path, tmp_path)
            return
        with pytest.raises(HostError, match=f"has {free}.0 GB free") as caught:
            machine.check_machine(verb, tmp_path, tmp_path)
        assert "clean-cache" in caught.value.hint

    def test_asks_the_disk_where_the_cache_will_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Path] = []

        def usage(path: Path) -> Usage:
            asked.append(path)
            return Usage(0, 0, 500 * GB)

        monkeypatch.setattr(shutil, "disk_usage", usage)
        (tmp_path / "src").mkdir()
        machine.check_machine("iso", tmp_path / "src", tmp_path / "not/yet/there")
        assert asked == [tmp_path, tmp_path / "src"]


def test_a_cache_is_marked_as_ours_and_can_be_emptied(tmp_path: Path) -> None:
    base = tmp_path / "cache"
    cache.claim(base)
    cache.claim(base)
    (base / "layers/x").mkdir(parents=True)
    (base / "layers/x/file").touch()
    (base / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "precious").mkdir()
    cache.empty(base)
    assert sorted(item.name for item in base.iterdir()) == ["CACHEDIR.TAG", "build.lock"]
    assert (tmp_path / "precious").is_dir()


def test_a_folder_of_somebody_else_is_neither_taken_nor_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    for refused in (cache.claim, cache.empty):
        with pytest.raises(HostError):
            refused(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_cache_of_before_the_mark_is_ours(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    cache.claim(tmp_path)
    assert (tmp_path / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_an_empty_cache_that_is_not_there_is_fine(tmp_path: Path) -> None:
    cache.empty(tmp_path / "none")


class Launched(Exception):  # noqa: N818 - it is no error
    """exec() would have been called."""


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A launch on a machine that has everything, up to the exec; the cache."""
    base = tmp_path / "cache"
    tree = bootstrap.tree_path(base)
    tree.mkdir(parents=True)
    monkeypatch.setattr(machine, "check_machine", lambda *_: None)
    monkeypatch.setattr(launch, "check_machine", lambda *_: None)
    monkeypatch.setattr(launch, "find_mirror", lambda *_: Mirror(main="http://m.example/debian", security=""))
    monkeypatch.setattr(launch, "read_trust", lambda _env: Trust(env={"http_proxy": "http://me:secret@p"}))

    def execute(program: str, argv: list[str]) -> None:
        assert program == argv[0]
        raise Launched(argv)

    monkeypatch.setattr(os, "execvp", execute)
    return base


def request(caught: pytest.ExceptionInfo[Launched]) -> dict[str, object]:
    return enter.read_request(int(caught.value.args[0][-1]))


def test_launch_enters_the_tools_tree(launched: Path, tmp_path: Path) -> None:
    environ = {"CACHE": str(launched), "VARIANT": "server", "LD_PRELOAD": "/x.so", "HOME": "/me"}
    with pytest.raises(Launched) as caught:
        launch.launch(tmp_path / "src", ["test", "-k", "x y"], environ)
    asked = request(caught)
    assert asked["argv"] == ["python3", "-m", "scripts.cli", "test", "-k", "x y"]
    assert asked["binds"] == {str(tmp_path / "src"): "/src", str(launched): "/cache"}
    env = asked["env"]
    assert isinstance(env, dict)
    assert env["VARIANT"] == "server"
    assert env["SIGMAVAULT_MIRROR"] == "http://m.example/debian"
    assert "LD_PRELOAD" not in env
    assert env["HOME"] == "/root"


def test_a_shell_is_a_shell(launched: Path, tmp_path: Path) -> None:
    with pytest.raises(Launched) as caught:
        launch.launch(tmp_path / "src", ["shell"], {"CACHE": str(launched)})
    assert request(caught)["argv"] == ["bash", "--login"]


@pytest.mark.parametrize(
    ("verb", "locks"),
    [("iso", {"build/.lock", "build.lock"}), ("render", {"build/.lock"}), ("shell", set()), ("check", set())],
)
def test_only_what_writes_waits_for_its_turn(
    verb: str, locks: set[str], launched: Path, tmp_path: Path
) -> None:
    source = tmp_path / "src"
    with pytest.raises(Launched):
        launch.launch(source, [verb], {"CACHE": str(launched)})
    present = {
        name for name, base in (("build/.lock", source), ("build.lock", launched)) if (base / name).exists()
    }
    assert present == locks


def test_what_is_no_mirror_is_refused(
    launched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(launch, "check_machine", lambda *_: None)
    with pytest.raises(HostError, match="not the http"):
        launch.launch(tmp_path / "src", ["iso"], {"CACHE": str(launched), "MIRROR": "$(reboot)"})


def test_errors_are_said_with_their_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise MirrorError("no archive", "give one")

    monkeypatch.setattr(entry, "launch", fail)
    assert entry.main(["iso"], {}) == 4
    assert capsys.readouterr().err == "error: no archive\nhint: give one\n"


def test_ctrl_c_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "launch", interrupt)
    assert entry.main(["iso"], {}) == 130
    assert "nothing was left mounted" in capsys.readouterr().err


def test_a_tools_tree_that_fails_leaves_no_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_mmdebstrap", lambda *_: ["mmdebstrap"])

    def fail(*_args: object, **_options: object) -> subprocess.CompletedProcess[bytes]:
        (bootstrap.tree_path(tmp_path).with_suffix(".partial") / "etc").mkdir(parents=True)
        return subprocess.CompletedProcess([], 25)

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(MirrorError, match="could not be bootstrapped") as caught:
        bootstrap.make_tree(tmp_path, Mirror(main="", security=""), tmp_path / "log")
    assert "MIRROR=" in caught.value.hint
    assert list((tmp_path / "tools").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "error", "hint"),
    [
        ("E: Write error - write (28: No space left on device)", HostError, "clean-cache"),
        ("E: Failed to fetch http://m.example/debian", MirrorError, "MIRROR="),
    ],
)
def test_why_the_tools_tree_failed_is_said(
    said: str, error: type[BuildError], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(_cache: Path, _mirror: Mirror, log: Path) -> Path:
        log.write_text(f"I: begun\n{said}\n")
        raise MirrorError("the tools tree could not be bootstrapped", "MIRROR=")

    monkeypatch.setattr(bootstrap, "make_tree", fail)
    (tmp_path / "build/log").mkdir(parents=True)
    with pytest.raises(error) as caught:
        launch._tools_tree(tmp_path, tmp_path / "cache", Mirror(main="", security=""), Trust())
    assert hint in caught.value.hint
    assert f"  | {said}\n" in capsys.readouterr().err


def test_the_tools_tree_depends_on_its_lists_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bootstrap.key()
    changed = tmp_path / "list"
    changed.write_text(bootstrap.PACKAGES.read_text() + "hello\n")
    monkeypatch.setattr(bootstrap, "PACKAGES", changed)
    assert bootstrap.key() != before


def test_the_lists_name_each_package_once() -> None:
    names = bootstrap.read_list(bootstrap.PACKAGES)
    assert len(names) > 50
    assert len(names) == len(set(names))


def test_locks_and_requests_leave_low_descriptors_to_programs(tmp_path: Path) -> None:
    """mmdebstrap writes `>&N` for dash, which takes one digit."""
    held = [hold(tmp_path / "lock", "a test"), enter.move_up(os.open(tmp_path, os.O_RDONLY))]
    try:
        assert all(descriptor >= enter.FIRST_OF_OURS for descriptor in held)
        assert all(os.get_inheritable(descriptor) for descriptor in held)
    finally:
        for descriptor in held:
            os.close(descriptor)
