"""Ways into a folder that no link leads out of; copies with all that belongs to them. Real files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.system import beneath
from sigmavault.system.beneath import EntryKind
from sigmavault.system.copying import Copier


@pytest.fixture
def top(tmp_path: Path) -> Path:
    inside = tmp_path / "top"
    (inside / "a/b").mkdir(parents=True)
    (inside / "a/b/file").write_text("old")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    return inside


def copy(source: Path, name: str, target: Path, new: str, *, over: bool = False) -> None:
    with beneath.folder(source, ()) as here, beneath.folder(target, ()) as there:
        Copier(lambda _: None).copy(here, name, there, new, ".draft", over=over)


def test_a_folder_is_listed_with_kinds_and_sizes(top: Path) -> None:
    (top / "link").symlink_to("/etc/passwd")
    os.mkfifo(top / "pipe")
    with beneath.folder(top, ()) as inside:
        found, left = beneath.entries(inside, 10)
    kinds = {each.name: each.kind for each in found}
    assert kinds == {"a": EntryKind.FOLDER, "link": EntryKind.LINK, "pipe": EntryKind.OTHER}
    assert left == 0


def test_a_large_folder_is_cut_and_says_so(top: Path) -> None:
    for number in range(5):
        (top / f"{number}").touch()
    with beneath.folder(top, ()) as inside:
        found, left = beneath.entries(inside, 2)
    assert ([each.name for each in found], left) == (["0", "1"], 4)


def test_a_name_that_is_no_text_is_shown_by_its_codes(top: Path) -> None:
    (top / os.fsdecode(b"\xff\xfe")).touch()
    with beneath.folder(top, ()) as inside:
        found = beneath.entries(inside, 2)[0][1]
    assert (found.name, found.is_exact) == ("\\xff\\xfe", False)


@pytest.mark.parametrize("way", [("link",), ("link", "secret"), ("a", "up"), ("a", "b", "file"), ("no",)])
def test_no_link_no_file_and_nothing_is_gone_through(top: Path, way: tuple[str, ...]) -> None:
    (top / "link").symlink_to(top.parent / "outside")
    (top / "a/up").symlink_to("..")
    with pytest.raises(UnknownObjectError, match="links are not followed"), beneath.folder(top, way):
        pass


def test_a_folder_that_becomes_a_link_while_it_is_open_leads_nowhere_else(top: Path) -> None:
    with beneath.folder(top, ("a", "b")) as inside:
        (top / "a/b").rename(top / "a/c")
        (top / "a/b").symlink_to(top.parent / "outside")
        assert [each.name for each in beneath.entries(inside, 10)[0]] == ["file"]


def test_a_copy_has_owner_rights_times_and_attributes(top: Path) -> None:
    file = top / "a/b/file"
    file.chmod(0o4640)
    os.setxattr(file, "user.DOSATTRIB", b"\0x20")
    os.utime(file, ns=(1_000_000_001, 2_000_000_002))
    if os.geteuid() == 0:
        os.chown(file, 1234, 2345)
        file.chmod(0o4640)
    copy(file.parent, "file", top, "file (restored mon)")
    made = top / "file (restored mon)"
    told = made.stat()
    assert made.read_text() == "old"
    assert stat.S_IMODE(told.st_mode) == 0o640, "set-user-ID does not come back"
    assert (told.st_uid, told.st_gid) == (file.stat().st_uid, file.stat().st_gid)
    assert told.st_mtime_ns == 2_000_000_002
    assert os.getxattr(made, "user.DOSATTRIB") == b"\0x20"
    assert not (top / ".draft").exists()


def test_a_folder_is_copied_whole_and_its_links_stay_links(top: Path) -> None:
    (top / "a/b/link").symlink_to("/etc/shadow")
    (top / "a").chmod(0o2770)
    copy(top, "a", top.parent / "outside", "a")
    made = top.parent / "outside/a"
    assert (made / "b/file").read_text() == "old"
    assert (made / "b/link").is_symlink()
    assert (made / "b/link").readlink() == Path("/etc/shadow")
    assert stat.S_IMODE(made.stat().st_mode) == 0o2770


def test_what_is_there_is_replaced_only_when_asked_and_only_a_file(top: Path) -> None:
    (top / "file").write_text("new")
    with pytest.raises(OperationError, match="there already"):
        copy(top / "a/b", "file", top, "file")
    assert (top / "file").read_text() == "new"
    copy(top / "a/b", "file", top, "file", over=True)
    assert (top / "file").read_text() == "old"
    with pytest.raises(OperationError, match="not replaced"):
        copy(top / "a/b", "file", top, "a", over=True)


def test_a_link_in_the_place_of_the_copy_is_not_written_through(top: Path) -> None:
    victim = top.parent / "outside/secret"
    (top / ".draft").symlink_to(victim)
    (top / "file").symlink_to(victim)
    with pytest.raises(OperationError, match="there already"):
        copy(top / "a/b", "file", top, "file")
    assert victim.read_text() == "secret"


def test_nothing_is_left_of_a_copy_that_is_cancelled(top: Path) -> None:
    def stop(_done: int) -> None:
        raise OperationError("stopped")

    with (
        beneath.folder(top / "a", ()) as here,
        beneath.folder(top, ()) as there,
        pytest.raises(OperationError, match="stopped"),
    ):
        Copier(stop).copy(here, "b", there, "copy", ".draft", over=False)
    assert sorted(each.name for each in top.iterdir()) == ["a"]


def test_a_pipe_is_not_waited_for(top: Path) -> None:
    os.mkfifo(top / "pipe")
    with pytest.raises(OperationError, match="no file, folder or link"):
        copy(top, "pipe", top, "copy")
