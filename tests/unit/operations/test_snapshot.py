"""Operations on snapshots: plans, refusals, and files that come back. The files are real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import (
    InvalidRequestError,
    OperationError,
    PlanChangedError,
    SigmaVaultError,
    UnknownObjectError,
)
from sigmavault.core.operation import Outcome
from sigmavault.operations.snapshot.browse import BrowseSnapshot
from sigmavault.operations.snapshot.clone import CloneSnapshot
from sigmavault.operations.snapshot.create import CreateSnapshot
from sigmavault.operations.snapshot.destroy import DestroySnapshot
from sigmavault.operations.snapshot.hold import HoldSnapshot
from sigmavault.operations.snapshot.list import ListSnapshots
from sigmavault.operations.snapshot.release import ReleaseSnapshot
from sigmavault.operations.snapshot.restore_file import RestoreFile
from sigmavault.operations.snapshot.rollback import Rollback

from tests.unit.core.storage.zfs_words import LOCAL, dump
from tests.unit.operations.scripted import Hands, Said, ScriptedMachine
from tests.unit.operations.zfs_machine import commands, machine, plan, tank, told

RECORDED = Path(__file__).parents[1] / "core/storage/recorded/zfs"
DOCS = "tank/docs@d"


def written(count: int) -> dict[tuple[str, ...], Said]:
    def answer(argv: Any, _stdin: str) -> str:
        value = {"value": str(count), "source": {"type": "LOCAL", "data": "-"}}
        return dump({argv[-1]: {"name": argv[-1], "type": "FILESYSTEM", "properties": {argv[4]: value}}})

    return {("zfs", "get"): answer, ("zpool", "sync"): ""}


@pytest.fixture
def on(tmp_path: Path) -> ScriptedMachine:
    """`tank/docs` with a folder for its snapshot `d`, beside what is there today."""
    old, now = tmp_path / "tank/docs/.zfs/snapshot/d", tmp_path / "tank/docs"
    (old / "letters").mkdir(parents=True)
    (old / "letters/a.txt").write_text("old")
    (old / "gone").mkdir()
    (old / "gone/b").write_text("b")
    (old / "out").symlink_to("/etc")
    (now / "letters").mkdir()
    (now / "letters/a.txt").write_text("new and longer")
    return machine(tmp_path, tank())


def restore(on: ScriptedMachine, path: str, *, over: bool = False) -> Any:
    arguments = told(RestoreFile, snapshot=DOCS, path=path, over=over)
    made = RestoreFile().plan(arguments, on)
    before = RestoreFile().outcome(arguments, made, on)
    answer = RestoreFile().apply(arguments, made, on, Hands())
    assert (before, RestoreFile().outcome(arguments, made, on)) == (Outcome.FAILED, Outcome.FINISHED)
    return answer


def test_what_a_real_machine_told_is_read(tmp_path: Path) -> None:
    on = machine(tmp_path, tank(), {("zfs", "list"): (RECORDED / "datasets.json").read_text()})
    rows = {each.name: each for each in ListSnapshots().read(told(ListSnapshots), on).snapshots}
    assert (rows["tank/sec@a"].holds, rows["tank/sec@a"].clones) == (1, ("tank/sec/c",))
    assert not [name for name in rows if "trash" in name]


def test_a_snapshot_without_a_name_gets_the_second_when_it_is_taken(tmp_path: Path) -> None:
    zfs = tank()

    def take(argv: Any, _stdin: str) -> str:
        zfs.add(argv[-1], guid=80, type_="SNAPSHOT", txg=99)
        return ""

    on = machine(tmp_path, zfs, {("zfs", "snapshot"): take})
    made = plan(CreateSnapshot, on, dataset="tank/docs")
    on.time += 100
    assert plan(CreateSnapshot, on, dataset="tank/docs").digest() == made.digest()
    arguments = told(CreateSnapshot, dataset="tank/docs")
    assert CreateSnapshot().outcome(arguments, made, on) is Outcome.FAILED
    answer = CreateSnapshot().apply(arguments, made, on, Hands())
    assert answer.name == "tank/docs@manual_2026.08.01-00.01.40"
    assert CreateSnapshot().outcome(arguments, made, on) is Outcome.FINISHED


def test_a_name_that_is_taken_below_is_refused_before_anything_is_taken(tmp_path: Path) -> None:
    on = machine(tmp_path, tank().add("tank/photos/2026@x", guid=81, type_="SNAPSHOT"))
    assert commands(plan(CreateSnapshot, on, dataset="tank/photos", tag="x")) == [
        "zfs snapshot -- tank/photos@x"
    ]
    with pytest.raises(InvalidRequestError, match="tank/photos/2026@x already"):
        plan(CreateSnapshot, on, dataset="tank/photos", tag="x", recursive=True)


def test_a_folder_is_shown_as_it_was(on: ScriptedMachine) -> None:
    found = BrowseSnapshot().read(told(BrowseSnapshot, snapshot=DOCS), on)
    assert [(each.name, each.kind) for each in found.entries] == [
        ("gone", "folder"), ("letters", "folder"), ("out", "link"),
    ]  # fmt: skip
    below = BrowseSnapshot().read(told(BrowseSnapshot, snapshot=DOCS, folder="letters"), on)
    assert [(each.name, each.size_bytes) for each in below.entries] == [("a.txt", 3)]
    assert BrowseSnapshot.private, "it shows what the caller may not see"


@pytest.mark.parametrize("folder", ["out", "out/ssh", "..", "/etc", "letters/../..", ".zfs", "letters/a.txt"])
def test_no_way_leads_out_of_a_snapshot(on: ScriptedMachine, folder: str) -> None:
    with pytest.raises(SigmaVaultError):
        BrowseSnapshot().read(told(BrowseSnapshot, snapshot=DOCS, folder=folder), on)


def test_an_old_version_is_put_beside_the_present_one(on: ScriptedMachine) -> None:
    assert restore(on, "letters/a.txt").path == "letters/a (restored d).txt"
    assert (on.root / "tank/docs/letters/a (restored d).txt").read_text() == "old"
    assert (on.root / "tank/docs/letters/a.txt").read_text() == "new and longer"
    with pytest.raises(OperationError, match="brought back before"):
        restore(on, "letters/a.txt")


def test_over_the_present_one_needs_its_name_typed(on: ScriptedMachine) -> None:
    made = plan(RestoreFile, on, snapshot=DOCS, path="letters/a.txt", over=True)
    assert (made.confirmation, made.losses) == ("a.txt", ("The present content of letters/a.txt",))
    restore(on, "letters/a.txt", over=True)
    assert (on.root / "tank/docs/letters/a.txt").read_text() == "old"


def test_a_file_that_changes_after_the_plan_makes_it_another_plan(on: ScriptedMachine) -> None:
    made = plan(RestoreFile, on, snapshot=DOCS, path="letters/a.txt", over=True)
    (on.root / "tank/docs/letters/a.txt").write_text("saved again")
    assert plan(RestoreFile, on, snapshot=DOCS, path="letters/a.txt", over=True).digest() != made.digest()


def test_a_folder_that_is_gone_comes_back_itself(on: ScriptedMachine) -> None:
    with pytest.raises(OperationError, match="not there any more"):
        restore(on, "gone/b")
    assert restore(on, "gone").path == "gone (restored d)"
    assert (on.root / "tank/docs/gone (restored d)/b").read_text() == "b"


def test_a_folder_of_today_that_is_a_link_is_not_written_into(on: ScriptedMachine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (on.root / "tank/docs/letters/a.txt").unlink()
    (on.root / "tank/docs/letters").rmdir()
    (on.root / "tank/docs/letters").symlink_to(elsewhere)
    with pytest.raises(OperationError):
        restore(on, "letters/a.txt")
    assert not list(elsewhere.iterdir())


def test_what_is_not_mounted_is_not_looked_into(tmp_path: Path) -> None:
    zfs = tank().encrypted("tank/secret", "tank/secret", guid=5, loaded=False)
    zfs.add("tank/secret@s", guid=82, type_="SNAPSHOT")
    with pytest.raises(OperationError, match="not mounted"):
        BrowseSnapshot().read(told(BrowseSnapshot, snapshot="tank/secret@s"), machine(tmp_path, zfs))


def test_nobody_goes_into_a_suspended_pool(on: ScriptedMachine) -> None:
    state = on.root / "proc/spl/kstat/zfs/tank/state"
    state.parent.mkdir(parents=True)
    state.write_text("SUSPENDED\n")
    with pytest.raises(OperationError, match="suspended"):
        BrowseSnapshot().read(told(BrowseSnapshot, snapshot=DOCS), on)


def test_a_rollback_shows_every_snapshot_that_dies(tmp_path: Path) -> None:
    zfs = tank().add("tank/photos#m", guid=23, type_="BOOKMARK", txg=25)
    on = machine(tmp_path, zfs, written(12345))
    with pytest.raises(OperationError, match="2 newer snapshots would be destroyed"):
        plan(Rollback, on, snapshot="tank/photos@a")
    made = plan(Rollback, on, snapshot="tank/photos@a", destroy_newer=True)
    assert commands(made) == ["zfs rollback -r -- tank/photos@a"]
    assert [each.split(" of ")[0] for each in made.losses[1:]] == [
        "The snapshot tank/photos@b", "The bookmark tank/photos#m",
    ]  # fmt: skip
    assert made.confirmation == "tank/photos"
    assert "12.1 KiB were written since." in made.notes


def test_a_rollback_to_the_newest_snapshot_takes_none_along(tmp_path: Path) -> None:
    on = machine(tmp_path, tank(), written(1))
    assert commands(plan(Rollback, on, snapshot=DOCS)) == ["zfs rollback -- tank/docs@d"]


def test_a_snapshot_taken_after_the_plan_does_not_die_unseen(tmp_path: Path) -> None:
    zfs = tank()
    on = machine(tmp_path, zfs, written(1))
    made = plan(Rollback, on, snapshot="tank/photos@a", destroy_newer=True)
    zfs.add("tank/photos@late", guid=90, type_="SNAPSHOT", txg=90)
    with pytest.raises(OperationError, match="taken or destroyed meanwhile"):
        Rollback().apply(told(Rollback, snapshot="tank/photos@a", destroy_newer=True), made, on, Hands())
    assert not [each for each in on.ran if each[1] == "rollback"]


def test_no_rollback_over_what_is_held_or_cloned(tmp_path: Path) -> None:
    zfs = tank().add("tank/photos@b", guid=21, type_="SNAPSHOT", txg=20, userrefs=1, clones="tank/c")
    with pytest.raises(OperationError, match="is held"):
        plan(Rollback, machine(tmp_path, zfs, written(1)), snapshot="tank/photos@a", destroy_newer=True)


def test_how_a_rollback_ended_is_told_by_what_is_left(tmp_path: Path) -> None:
    zfs = tank()
    on = machine(tmp_path, zfs, written(0))
    arguments = told(Rollback, snapshot="tank/photos@a", destroy_newer=True)
    made = Rollback().plan(arguments, on)
    assert Rollback().outcome(arguments, made, on) is Outcome.FAILED
    del zfs.objects["tank/photos@b"]
    assert Rollback().outcome(arguments, made, on) is Outcome.FINISHED
    later = machine(tmp_path, zfs, written(77))
    assert Rollback().outcome(arguments, made, later) is Outcome.UNKNOWN


def test_nothing_in_the_pool_of_the_system_is_rolled_back(tmp_path: Path) -> None:
    zfs = tank().add("tank", guid=1, mountpoint=("/", LOCAL))
    with pytest.raises(OperationError, match="machine starts from tank"):
        plan(Rollback, machine(tmp_path, zfs, written(0)), snapshot=DOCS)


def test_a_clone_stays_in_its_pool_and_hides_nothing(on: ScriptedMachine) -> None:
    assert commands(plan(CloneSnapshot, on, snapshot=DOCS, name="tank/copy")) == [
        "zfs clone -- tank/docs@d tank/copy"
    ]
    (on.root / "tank/full/x").mkdir(parents=True)
    for name, why in (
        ("other/copy", "stays in its pool"),
        ("tank/photos", "already"),
        ("tank/full", "hidden"),
    ):
        with pytest.raises(SigmaVaultError, match=why):
            plan(CloneSnapshot, on, snapshot=DOCS, name=name)


def test_a_hold_is_made_once_and_released_once(tmp_path: Path) -> None:
    on = machine(tmp_path, tank(), {("zfs", "holds"): f"{DOCS}\ttax-2026\t1785542400\n"})
    assert commands(plan(HoldSnapshot, on, snapshot=DOCS)) == ["zfs hold -- keep tank/docs@d"]
    with pytest.raises(InvalidRequestError, match="already"):
        plan(HoldSnapshot, on, snapshot=DOCS, tag="tax-2026")
    with pytest.raises(InvalidRequestError, match="it has tax-2026"):
        plan(ReleaseSnapshot, on, snapshot=DOCS)
    made = plan(ReleaseSnapshot, on, snapshot=DOCS, tag="tax-2026")
    arguments = told(ReleaseSnapshot, snapshot=DOCS, tag="tax-2026")
    assert ReleaseSnapshot().outcome(arguments, made, on) is Outcome.FAILED


def test_destroying_a_snapshot_says_what_is_freed_and_looks_again(tmp_path: Path) -> None:
    zfs = tank()
    on = machine(tmp_path, zfs)
    made = plan(DestroySnapshot, on, snapshot=DOCS)
    assert (made.confirmation, made.notes) == (DOCS, ("It frees 4.00 KiB.",))
    zfs.add(DOCS, guid=99, type_="SNAPSHOT")
    arguments = told(DestroySnapshot, snapshot=DOCS)
    with pytest.raises(PlanChangedError):
        DestroySnapshot().apply(arguments, made, on, Hands())
    assert DestroySnapshot().outcome(arguments, made, on) is Outcome.UNKNOWN
    del zfs.objects[DOCS]
    assert DestroySnapshot().outcome(arguments, made, on) is Outcome.FINISHED


def test_what_is_held_or_cloned_is_not_destroyed(tmp_path: Path) -> None:
    zfs = tank().add("tank/docs@h", guid=91, type_="SNAPSHOT", userrefs=1)
    zfs.add("tank/docs@c", guid=92, type_="SNAPSHOT", clones="tank/copy")
    on = machine(tmp_path, zfs)
    for name, why in (("h", "is held"), ("c", "origin of tank/copy")):
        with pytest.raises(OperationError, match=why):
            plan(DestroySnapshot, on, snapshot=f"tank/docs@{name}")
    with pytest.raises(UnknownObjectError):
        plan(DestroySnapshot, on, snapshot="tank/docs@none")


@pytest.mark.parametrize(
    "name", ["-r", "tank/docs", "tank/docs@-x", "@d", "tank/docs@d%e", "tank@a,b", "tank/..@d"]
)
def test_hostile_names_reach_no_command(tmp_path: Path, name: str) -> None:
    on = machine(tmp_path, tank())
    for operation in (DestroySnapshot, Rollback, HoldSnapshot):
        with pytest.raises(InvalidRequestError):
            operation().plan(told(operation, snapshot=name), on)
    assert json.dumps(on.ran) == "[]"
