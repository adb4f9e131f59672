"""The audit of the running daemon: nothing is missing or changed unseen, and no change without it."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.host import Caller, HostDaemon, refused

LOG = Path("var/log/sigmavault/audit.jsonl")


def cut_line(lines: list[str]) -> list[str]:
    return [*lines[:3], *lines[4:]]


def alter_line(lines: list[str]) -> list[str]:
    return [*lines[:3], lines[3].replace('"root"', '"anna"'), *lines[4:]]


def swap_lines(lines: list[str]) -> list[str]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def cut_end(lines: list[str]) -> list[str]:
    return lines[:3]


def cut_beginning(lines: list[str]) -> list[str]:
    return lines[3:]


@pytest.mark.parametrize(
    ("damage", "line", "words"),
    [
        (cut_line, 4, "records 4 to 4 are missing"),
        (alter_line, 4, "was altered"),
        (swap_lines, 4, "records 4 to 4 are missing"),
        (cut_end, 4, "are missing before this one"),
        (cut_beginning, 1, "records 1 to 3 are missing"),
    ],
)
def test_damage_is_found_at_its_place(
    host: HostDaemon, root: Caller, damage: Callable[[list[str]], list[str]], line: int, words: str
) -> None:
    root.end(root.do("thing.make", name="lamp"))
    root.read("thing.list")
    assert root.read("audit.verify")["intact"]
    host.stop()
    lines = (host.root / LOG).read_text().splitlines(keepends=True)
    (host.root / LOG).write_text("".join(damage(lines)))
    host.start()
    host.wait_ready()
    with host.caller() as caller:
        verdict = caller.read("audit.verify")
    assert (verdict["intact"], verdict["line"], verdict["file"]) == (False, line, "audit.jsonl"), verdict
    assert words in verdict["problem"]


def test_the_log_is_for_administrators(host: HostDaemon, root: Caller) -> None:
    mode = (host.root / LOG).stat()
    assert stat.S_IMODE(mode.st_mode) == 0o640
    assert (host.root / LOG).group() == "adm"
    root.end(root.do("thing.make", name="lamp"))
    with host.caller("nobody") as stranger:
        stranger.read("thing.list")
        for name in ("audit.list", "audit.verify"):
            with refused("Auth.Needed"):
                stranger.read(name)
    listed = root.read("audit.list", user="nobody")["records"]
    assert [(row["operation"], row["result"]) for row in listed] == [
        ("audit.verify", "auth.needed"), ("audit.list", "auth.needed"), ("thing.list", "ok"),
    ]  # fmt: skip
    assert len(root.read("audit.list", operation="thing.make")["records"]) == 3
    assert len(root.read("audit.list", operation="thing", limit=2)["records"]) == 2
    since = root.read("audit.list", user="nobody")["records"][-1]["time"]
    assert root.read("audit.list", since=since, operation="thing.make")["records"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "var/log/sigmavault"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_what_cannot_be_written_down_is_not_done(small_disk: Path, host: HostDaemon, root: Caller) -> None:
    assert root.end(root.do("thing.make", name="lamp"))["State"] == "done"
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 512)
    with host.caller() as caller:
        for _ in range(20):  # the rest of the last page of the log
            caller.read("thing.list")
        _, token = caller.plan("thing.make", name="vase")
        with refused("Audit.Failed") as failed:
            caller.apply(token)
        assert "No space left on device" in failed.message
        assert [each["name"] for each in caller.read("thing.list")["things"]] == ["lamp"]
    ballast.unlink()
    assert root.end(root.do("thing.make", name="vase"))["State"] == "done"
    verdict = root.read("audit.verify")
    assert verdict["intact"], verdict
