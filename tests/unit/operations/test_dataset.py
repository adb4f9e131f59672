"""Operations on datasets: plans, what they refuse, what they do and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import (
    CommandError,
    InvalidRequestError,
    OperationError,
    SigmaVaultError,
    UnknownObjectError,
    ZfsMissingError,
)
from sigmavault.core.operation import Outcome
from sigmavault.operations.dataset.create import CreateDataset
from sigmavault.operations.dataset.destroy import DestroyDataset
from sigmavault.operations.dataset.list import ListDatasets
from sigmavault.operations.dataset.purge import Purge
from sigmavault.operations.dataset.rename import RenameDataset
from sigmavault.operations.dataset.restore import RestoreDataset
from sigmavault.operations.dataset.set import SetProperties
from sigmavault.operations.dataset.trash import ListTrash

from tests.unit.core.storage.zfs_words import LOCAL, Zfs
from tests.unit.operations.scripted import Hands, ScriptedMachine
from tests.unit.operations.zfs_machine import commands, machine, plan, tank, told

RECORDED = Path(__file__).parents[1] / "core/storage/recorded/zfs"


def test_what_a_real_machine_told_is_read(tmp_path: Path) -> None:
    text = (RECORDED / "datasets.json").read_text()
    on = machine(tmp_path, Zfs(), {("zfs", "list"): text})
    rows = {each.name: each for each in ListDatasets().read(told(ListDatasets), on).datasets}
    assert len({each.guid for each in rows.values()}) == len(rows)
    assert (rows["tank/sec"].encryption_root, rows["tank/sec"].key) == ("tank/sec", "available")
    assert rows["tank/sec/c"].origin == "tank/sec@a"
    assert rows["tank/vol"].type == "volume"
    assert rows["tank/sec"].preset == "documents"
    assert not [name for name in rows if "trash" in name]
    (gone,) = ListTrash().read(told(ListTrash), on).thrown
    assert (gone.origin, gone.is_due) == ("tank/docs", False)
    assert len(on.ran) == 2, "one process for each look"


def test_no_zfs_is_a_state_of_its_own(tmp_path: Path) -> None:
    on = ScriptedMachine(root=tmp_path)
    with pytest.raises(ZfsMissingError):
        ListDatasets().read(told(ListDatasets), on)
    with pytest.raises(ZfsMissingError):
        plan(CreateDataset, on, name="tank/a")


def test_a_dataset_is_created_with_what_it_is_for(tmp_path: Path) -> None:
    made = plan(CreateDataset, machine(tmp_path, tank()), name="tank/new", preset="models", quota=2**30)
    command, opening = commands(made)
    assert opening == "setfacl --physical --modify user:sigmavault-models:rwx -- /tank/new"
    assert command.startswith("zfs create -o atime=off")
    assert command.endswith("-o quota=1073741824 -- tank/new")
    assert "primarycache=metadata" in command
    assert (made.targets[0].identity, made.facts["place"]) == ("1", "/tank/new")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"name": "tank/photos"}, "already"),
        ({"name": "tank/a/b"}, "--parents"),
        ({"name": "tank/vol/a"}, "volume"),
        ({"name": "tank/locked/a"}, "not loaded"),
        ({"name": "tank/full"}, "holds something"),
        ({"name": "tank/fixed/a"}, "read-only"),
        ({"name": "none/a"}, "no dataset none"),
    ],
)
def test_what_cannot_be_created_is_refused_with_its_reason(
    tmp_path: Path, arguments: dict[str, Any], why: str
) -> None:
    zfs = tank().add("tank/vol", guid=30, type_="VOLUME").add("tank/fixed", guid=31, readonly=("on", LOCAL))
    zfs.encrypted("tank/locked", "tank/locked", guid=32, loaded=False)
    (tmp_path / "tank/full").mkdir(parents=True)
    (tmp_path / "tank/full/file").touch()
    with pytest.raises(SigmaVaultError) as refused:
        plan(CreateDataset, machine(tmp_path, zfs), **arguments)
    assert why in f"{refused.value.message} {refused.value.hint}"


def test_a_passphrase_is_read_from_the_input_and_stands_nowhere_else(tmp_path: Path) -> None:
    zfs = tank()

    def create(_argv: Any, _stdin: str) -> str:
        zfs.encrypted("tank/new", "tank/new", guid=40)
        return ""

    on = machine(tmp_path, zfs, {("zfs", "create"): create})
    made = plan(CreateDataset, on, name="tank/new", encryption="passphrase")
    arguments = told(CreateDataset, name="tank/new", encryption="passphrase")
    hands = Hands(secrets={"new-passphrase": "correct horse"})
    assert CreateDataset().outcome(arguments, made, on) is Outcome.FAILED
    CreateDataset().apply(arguments, made, on, hands)
    assert "correct horse" in on.inputs
    assert "correct horse" not in f"{on.ran} {made} {hands.told}"
    assert CreateDataset().outcome(arguments, made, on) is Outcome.FINISHED


def test_a_passphrase_that_zfs_would_cut_is_refused_before_anything_runs(tmp_path: Path) -> None:
    on = machine(tmp_path, tank())
    made = plan(CreateDataset, on, name="tank/new", encryption="passphrase")
    ran = len(on.ran)
    with pytest.raises(InvalidRequestError, match="one line"):
        CreateDataset().apply(
            told(CreateDataset, name="tank/new", encryption="passphrase"), made, on,
            Hands(secrets={"new-passphrase": "correct\nhorse"}),
        )  # fmt: skip
    assert len(on.ran) == ran


def test_what_a_failed_create_left_is_destroyed_and_nothing_else(tmp_path: Path) -> None:
    zfs = tank()

    def create(argv: Any, _stdin: str) -> str:
        zfs.add("tank/a", guid=41).add("tank/a/b", guid=42, mounted="no")
        raise CommandError(tuple(argv), 1, "filesystem successfully created, but not mounted")

    def destroy(argv: Any, _stdin: str) -> str:
        del zfs.objects[argv[-1]]
        return ""

    on = machine(tmp_path, zfs, {("zfs", "create"): create, ("zfs", "destroy", "--"): destroy})
    arguments = told(CreateDataset, name="tank/a/b", parents=True, encryption="key-file")
    made = CreateDataset().plan(arguments, on)
    with pytest.raises(CommandError, match="not mounted"):
        CreateDataset().apply(arguments, made, on, Hands())
    destroyed = [each[-1] for each in on.ran if each[:2] == ("zfs", "destroy")]
    assert destroyed == ["tank/a/b", "tank/a"]
    assert not list((tmp_path / "etc/sigmavault/keys").iterdir()), "a key of nothing is no key"


def test_a_key_file_is_for_root_only_and_never_written_over(tmp_path: Path) -> None:
    keys = tmp_path / "etc/sigmavault/keys"
    zfs = tank()
    for number, name in ((1, "tank%new.key"), (2, "tank%new-2.key")):
        on = machine(tmp_path, zfs, {("zfs", "create"): ""})
        arguments = told(CreateDataset, name="tank/new", encryption="key-file")
        made = CreateDataset().plan(arguments, on)
        assert f"keylocation=file:///etc/sigmavault/keys/{name}" in commands(made)[0]
        with pytest.raises(UnknownObjectError):  # the scripted ZFS has not created anything
            CreateDataset().apply(arguments, made, on, Hands())
        assert len(list(keys.iterdir())) == number
        assert (keys / name).stat().st_mode & 0o777 == 0o600
    assert keys.stat().st_mode & 0o777 == 0o700


def test_properties_are_told_as_they_were_and_will_be(tmp_path: Path) -> None:
    zfs = tank().add(
        "tank/docs", guid=4, compression=("zstd", LOCAL), recordsize=(131072, LOCAL), sync="standard"
    )
    on = machine(tmp_path, zfs)
    made = plan(SetProperties, on, name="tank/docs", compression="lz4", recordsize="1M", quota=10**9)
    assert "compression from zstd to lz4, recordsize from 128K to 1M" in made.summary
    assert commands(made)[0].split()[-1] == "tank/docs"
    assert any(
        "power cut" in each for each in plan(SetProperties, on, name="tank/docs", sync="disabled").warnings
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "no property"),
        ({"quota": 1000}, "holds"),
        ({"atime": "on", "inherit": ["atime"]}, "twice"),
        ({"compression": "lzma"}, "must be"),
        ({"recordsize": "3M"}, "must be"),
        ({"mountpoint": "/etc"}, "not a known key"),
        ({"sharesmb": "on"}, "not a known key"),
        ({"inherit": ["mountpoint"]}, "must be"),
    ],
)
def test_only_the_properties_of_the_list_are_set_and_only_to_what_holds(
    tmp_path: Path, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        plan(SetProperties, machine(tmp_path, tank()), name="tank/docs", **arguments)


@pytest.mark.parametrize(
    ("name", "new_name", "why"),
    [
        ("tank/docs", "tank/photos", "already"),
        ("tank/docs", "other/docs", "in its pool"),
        ("tank/photos", "tank/photos/x", "lies in it"),
        ("tank/secret/in", "tank/in", "must stay below"),
        ("tank/docs", "tank/no/docs", "no dataset tank/no"),
    ],
)
def test_what_zfs_would_refuse_halfway_is_refused_before(
    tmp_path: Path, name: str, new_name: str, why: str
) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        plan(RenameDataset, machine(tmp_path, tank()), name=name, new_name=new_name)


def test_a_rename_is_told_by_the_guid(tmp_path: Path) -> None:
    zfs = tank()
    on = machine(tmp_path, zfs)
    arguments = told(RenameDataset, name="tank/docs", new_name="tank/papers")
    made = plan(RenameDataset, on, name="tank/docs", new_name="tank/papers")
    assert commands(made) == ["zfs rename -- tank/docs tank/papers"]
    assert RenameDataset().outcome(arguments, made, on) is Outcome.FAILED
    zfs.add("tank/papers", guid=4)
    del zfs.objects["tank/docs"]
    assert RenameDataset().outcome(arguments, made, on) is Outcome.FINISHED
    zfs.add("tank/papers", guid=99)
    assert RenameDataset().outcome(arguments, made, on) is Outcome.UNKNOWN


def test_what_is_in_use_is_neither_renamed_nor_thrown_away_and_says_by_whom(tmp_path: Path) -> None:
    process = tmp_path / "proc/1234"
    (process / "fd").mkdir(parents=True)
    (process / "cwd").symlink_to("/tank/docs/letters")
    (process / "comm").write_text("smbd\n")
    on = machine(tmp_path, tank())
    for operation, more in ((RenameDataset, {"new_name": "tank/x"}), (DestroyDataset, {})):
        with pytest.raises(OperationError, match=r"in use by smbd \(1234\)"):
            plan(operation, on, name="tank/docs", **more)


@pytest.mark.parametrize(
    "name", ["-r", "tank/-rf", "tank/..", "tank/a@b", "tank/.sigmavault-trash/x", "tank/a\n"]
)
def test_hostile_names_reach_no_command(tmp_path: Path, name: str) -> None:
    on = machine(tmp_path, tank())
    for operation in (CreateDataset, DestroyDataset, RestoreDataset, Purge):
        with pytest.raises(InvalidRequestError):
            plan(operation, on, name=name)
    assert on.ran == []
