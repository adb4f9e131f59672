"""The trash: what goes into it and how, what comes out of it, what is destroyed for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import (
    CommandError,
    InvalidRequestError,
    OperationError,
    PlanChangedError,
    UnknownObjectError,
)
from sigmavault.core.operation import Outcome
from sigmavault.operations.dataset.destroy import DestroyDataset
from sigmavault.operations.dataset.purge import Purge
from sigmavault.operations.dataset.restore import RestoreDataset

from tests.unit.core.storage.zfs_words import LOCAL, Zfs, inherited
from tests.unit.operations.scripted import Hands
from tests.unit.operations.zfs_machine import commands, machine, plan, tank, told

BIN = "tank/.sigmavault-trash"
CONTAINER: dict[str, Any] = {"org.sigmavault__trash": ("container", LOCAL)}


def thrown(zfs: Zfs, name: str, origin: str, guid: int, **more: Any) -> Zfs:
    above: dict[str, Any] = {"org.sigmavault__trash": ("container", inherited(BIN))}
    stamps: dict[str, Any] = {
        "org.sigmavault__trash-origin": (origin, LOCAL), "org.sigmavault__trash-days": ("7", LOCAL),
        "org.sigmavault__trash-since": ("2026-07-20T00:00:00Z", LOCAL),
    }  # fmt: skip
    place = {"mountpoint": ("none", inherited(BIN)), "mounted": "no"}
    return zfs.add(f"{BIN}/{name}", guid=guid, **(above | stamps | place | more))


def test_a_shared_dataset_is_not_thrown_away(tmp_path: Path) -> None:
    share = {"name": "letters", "dataset": "tank/docs", "guid": "4", "nfs": {}}
    (tmp_path / "etc/sigmavault").mkdir(parents=True)
    (tmp_path / "etc/sigmavault/shares.json").write_text(json.dumps({"version": 1, "shares": [share]}))
    with pytest.raises(OperationError, match="shared as letters"):
        plan(DestroyDataset, machine(tmp_path, tank()), name="tank/docs")


def test_a_dataset_is_thrown_away_with_what_brings_it_back(tmp_path: Path) -> None:
    zfs = tank()
    on = machine(tmp_path, zfs, {("zfs", verb): "" for verb in ("create", "unmount", "set", "rename")})
    made = plan(DestroyDataset, on, name="tank/docs", days=30)
    assert made.confirmation == "tank/docs"
    assert not made.losses
    assert commands(made) == [
        "zfs create -o canmount=off -o mountpoint=none -o org.sigmavault:trash=container -- "
        "tank/.sigmavault-trash",
        "zfs unmount -- tank/docs",
        "zfs rename -u -- tank/docs tank/.sigmavault-trash/docs_4",
    ]
    on.ran.clear()
    DestroyDataset().apply(told(DestroyDataset, name="tank/docs", days=30), made, on, Hands())
    stamped = [each for each in on.ran if each[:2] == ("zfs", "set")]
    assert "org.sigmavault:trash-since=2026-08-01T00:00:00Z" in stamped[0]
    assert "org.sigmavault:trash-origin=tank/docs" in stamped[0]
    assert [each[1] for each in on.ran[1:]] == ["create", "unmount", "set", "rename"]


def test_what_has_a_place_of_its_own_is_hidden_in_the_trash(tmp_path: Path) -> None:
    zfs = tank().add("tank/own", guid=50, mountpoint=("/srv/own", LOCAL))
    made = plan(DestroyDataset, machine(tmp_path, zfs), name="tank/own")
    assert commands(made)[-1] == (
        "zfs set -- canmount=noauto org.sigmavault:trash-canmount=on tank/.sigmavault-trash/own_50"
    )


def test_a_volume_is_moved_without_an_option_that_volumes_do_not_have(tmp_path: Path) -> None:
    zfs = tank().add("tank/vol", guid=51, type_="VOLUME")
    assert commands(plan(DestroyDataset, machine(tmp_path, zfs), name="tank/vol"))[-1] == (
        "zfs rename -- tank/vol tank/.sigmavault-trash/vol_51"
    )


def test_what_fails_before_it_lies_in_the_trash_leaves_it_mounted(tmp_path: Path) -> None:
    busy = CommandError(("zfs", "unmount"), 1, "cannot unmount '/tank/docs': pool or dataset is busy")
    says = {("zfs", "create"): "", ("zfs", "unmount"): busy, ("zfs", "inherit"): "", ("zfs", "mount"): ""}
    on = machine(tmp_path, tank(), says)  # type: ignore[arg-type]
    made = plan(DestroyDataset, on, name="tank/docs")
    with pytest.raises(CommandError, match="busy"):
        DestroyDataset().apply(told(DestroyDataset, name="tank/docs"), made, on, Hands())
    assert on.ran[-1] == ("zfs", "mount", "--", "tank/docs")


def test_another_dataset_under_the_name_is_not_thrown_away(tmp_path: Path) -> None:
    zfs = tank()
    on = machine(tmp_path, zfs)
    made = plan(DestroyDataset, on, name="tank/docs")
    zfs.add("tank/docs", guid=99)
    ran = len(on.ran)
    with pytest.raises(PlanChangedError):
        DestroyDataset().apply(told(DestroyDataset, name="tank/docs"), made, on, Hands())
    assert len(on.ran) == ran + 1, "it only looked"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"name": "tank/photos"}, "below it: tank/photos/2026"),
        ({"name": "tank/held"}, "is held"),
        ({"name": "tank/cloned"}, "origin of tank/docs"),
        ({"name": "tank/system"}, "belongs to the system"),
        ({"name": "tank/none"}, "no dataset tank/none"),
    ],
)
def test_what_is_needed_is_not_thrown_away(tmp_path: Path, arguments: dict[str, Any], why: str) -> None:
    system: dict[str, Any] = {"org.sigmavault__system": ("on", LOCAL)}
    zfs = tank().add("tank/system", guid=60, **system).add("tank/held", guid=61).add("tank/cloned", guid=62)
    zfs.add("tank/held@h", guid=63, type_="SNAPSHOT", userrefs=1)
    zfs.add("tank/cloned@c", guid=64, type_="SNAPSHOT", clones="tank/docs")
    for now in (False, True):
        with pytest.raises(OperationError, match=why):
            plan(DestroyDataset, machine(tmp_path, zfs), now=now, **arguments)


def test_destroying_for_good_shows_everything_that_is_lost(tmp_path: Path) -> None:
    on = machine(tmp_path, tank())
    made = plan(DestroyDataset, on, name="tank/photos", recursive=True, now=True)
    assert made.losses == (
        "All data of tank/photos", "All data of tank/photos/2026", "Their snapshots: 2",
    )  # fmt: skip
    assert made.dry_run == "would destroy tank/photos@a"
    assert commands(made) == ["zfs destroy -r -- tank/photos"]
    assert ("zfs", "destroy", "-n", "-v", "-p", "-r", "--", "tank/photos") in on.ran


def test_the_trash_gives_back_what_it_took(tmp_path: Path) -> None:
    zfs = thrown(tank().add(BIN, guid=70, **CONTAINER), "old_71", "tank/old", 71)
    own: dict[str, Any] = {"org.sigmavault__trash-canmount": ("on", LOCAL), "canmount": ("noauto", LOCAL)}
    zfs.add(f"{BIN}/old_71/own", guid=72, mountpoint=("/srv/own", LOCAL), mounted="no", **own)
    on = machine(tmp_path, zfs)
    made = plan(RestoreDataset, on, name="tank/old")
    assert commands(made) == [
        f"zfs rename -u -- {BIN}/old_71 tank/old",
        "zfs set -- canmount=on tank/old/own",
        "zfs inherit -- org.sigmavault:trash-canmount tank/old/own",
        "zfs inherit -- org.sigmavault:trash-origin tank/old",
        "zfs inherit -- org.sigmavault:trash-since tank/old",
        "zfs inherit -- org.sigmavault:trash-days tank/old",
        "zfs mount -- tank/old",
        "zfs mount -- tank/old/own",
    ]
    assert plan(RestoreDataset, on, name="old_71").digest() != made.digest()
    assert RestoreDataset().outcome(told(RestoreDataset, name="tank/old"), made, on) is Outcome.FAILED


def test_two_of_one_name_in_the_trash_are_told_apart_by_their_entries(tmp_path: Path) -> None:
    zfs = thrown(tank().add(BIN, guid=70, **CONTAINER), "old_71", "tank/old", 71)
    on = machine(tmp_path, thrown(zfs, "old_73", "tank/old", 73))
    with pytest.raises(InvalidRequestError, match="old_71, old_73"):
        plan(RestoreDataset, on, name="tank/old")
    assert commands(plan(RestoreDataset, on, name="old_73"))[0].endswith("old_73 tank/old")
    with pytest.raises(UnknownObjectError):
        plan(RestoreDataset, on, name="tank/never")


def test_only_what_is_due_and_not_needed_is_destroyed(tmp_path: Path) -> None:
    zfs = thrown(tank().add(BIN, guid=70, **CONTAINER), "old_71", "tank/old", 71)
    thrown(zfs, "held_72", "tank/held", 72)
    zfs.add(f"{BIN}/held_72@h", guid=73, type_="SNAPSHOT", userrefs=1)
    young: dict[str, Any] = {"org.sigmavault__trash-since": ("2026-07-31T00:00:00Z", LOCAL)}
    thrown(zfs, "young_74", "tank/young", 74, **young)
    on = machine(tmp_path, zfs, {("zfs", "destroy", "-r"): ""})
    made = plan(Purge, on)
    assert commands(made) == [f"zfs destroy -r -- {BIN}/old_71"]
    assert made.confirmation == "trash"
    assert "tank/held stays" in made.warnings[0]
    with pytest.raises(OperationError, match="is held"):
        plan(Purge, on, name="tank/held")
    assert commands(plan(Purge, on, name="tank/young")) == [f"zfs destroy -r -- {BIN}/young_74"]
    assert Purge().outcome(told(Purge), made, on) is Outcome.FAILED
    zfs.add(f"{BIN}/old_71", guid=99, **CONTAINER)
    with pytest.raises(PlanChangedError):
        Purge().apply(told(Purge), made, on, Hands())


def test_an_empty_trash_is_nothing_to_destroy(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="nothing in the trash is due"):
        plan(Purge, machine(tmp_path, tank()))
