"""What is thrown away: where it goes, what it is called there, when its time is up."""

from __future__ import annotations

from typing import Any

from sigmavault.core.storage import trash
from sigmavault.core.storage.datasets import by_name, parse_datasets, protection

from tests.unit.core.storage.zfs_words import LOCAL, Zfs, inherited

SYSTEM: dict[str, Any] = {"org.sigmavault__system": ("on", LOCAL)}
BIN: dict[str, Any] = {"org.sigmavault__trash": ("container", LOCAL)}


def below_bin(above: str) -> dict[str, Any]:
    return {
        "org.sigmavault__trash": ("container", inherited(above)),
        "mountpoint": ("none", inherited(above)),
    }


def stamped(origin: str, since: str, days: str) -> dict[str, Any]:
    return {
        "org.sigmavault__trash-origin": (origin, LOCAL), "org.sigmavault__trash-since": (since, LOCAL),
        "org.sigmavault__trash-days": (days, LOCAL),
    }  # fmt: skip


def parsed(zfs: Zfs):
    return parse_datasets(zfs.list(["zfs", "list"]))


def test_a_dataset_goes_to_the_trash_of_its_pool_under_a_name_that_no_other_has() -> None:
    (photos,) = parsed(Zfs().add("tank/a/photos", guid=42))
    assert trash.container_of(photos) == "tank/.sigmavault-trash"
    assert trash.name_in_trash(photos) == "tank/.sigmavault-trash/photos_42"


def test_a_dataset_that_inherits_its_key_stays_below_its_encryption_root() -> None:
    zfs = Zfs().encrypted("tank/secret", "tank/secret", guid=1)
    root, inner = parsed(zfs.encrypted("tank/secret/inner", "tank/secret", guid=2))
    assert trash.container_of(root) == "tank/.sigmavault-trash"
    assert trash.container_of(inner) == "tank/secret/.sigmavault-trash"


def test_a_long_name_is_cut_and_its_guid_is_not() -> None:
    (long,) = parsed(Zfs().add(f"tank/{'x' * 190}", guid=18446744073709551615))
    name = trash.name_in_trash(long)
    assert len(name) <= 200
    assert name.endswith("_18446744073709551615")


def test_the_time_of_what_is_thrown_away_is_up_after_its_days() -> None:
    bin_ = "tank/.sigmavault-trash"
    zfs = Zfs().add(bin_, guid=1, **BIN)
    zfs.add(f"{bin_}/old_2", guid=2, **below_bin(bin_), **stamped("tank/old", "2026-08-01T00:00:00Z", "7"))
    zfs.add(f"{bin_}/new_3", guid=3, **below_bin(bin_), **stamped("tank/new", "2026-08-05T00:00:00Z", "7"))
    zfs.add(f"{bin_}/old_2/below", guid=4, **below_bin(bin_))
    found = trash.thrown(parsed(zfs))
    assert [each.origin for each in found] == ["tank/old", "tank/new"]
    eighth = 1786147200.0  # 2026-08-08T00:00:00Z
    assert [each.is_due(eighth) for each in found] == [True, False]
    assert not found[0].is_due(eighth - 1)


def test_what_was_put_into_the_trash_by_hand_is_never_due() -> None:
    bin_ = "tank/.sigmavault-trash"
    zfs = Zfs().add(bin_, guid=1, **BIN).add(f"{bin_}/x", guid=2, **below_bin(bin_))
    zfs.add(f"{bin_}/y", guid=3, **below_bin(bin_), **stamped("tank/y", "yesterday", "-1"))
    found = trash.thrown(parsed(zfs))
    assert [(each.due_at, each.is_due(9e12)) for each in found] == [(None, False), (None, False)]


def test_stamps_that_are_only_inherited_do_not_count() -> None:
    bin_ = "tank/.sigmavault-trash"
    above: dict[str, Any] = {"org.sigmavault__trash-origin": ("a/b", inherited(f"{bin_}/up"))}
    zfs = Zfs().add(bin_, guid=1, **BIN).add(f"{bin_}/up", guid=2, **below_bin(bin_), **above)
    assert trash.thrown(parsed(zfs))[0].origin == ""


def test_only_filesystems_with_a_place_of_their_own_have_to_be_hidden() -> None:
    zfs = Zfs().add("tank/up", guid=1, mountpoint=("/srv/up", LOCAL))
    zfs.add("tank/up/a", guid=2, mountpoint=("/srv/up/a", inherited("tank/up")))
    zfs.add("tank/up/b", guid=3, mountpoint=("/elsewhere", LOCAL), canmount=("noauto", LOCAL))
    assert [each.name for each in trash.to_hide(parsed(zfs))] == ["tank/up", "tank/up/a"]
    plain = Zfs().add("tank/up", guid=1).add("tank/up/a", guid=2)
    assert trash.to_hide(parsed(plain)) == ()


def test_the_trash_the_root_of_a_pool_and_what_the_machine_lives_on_are_protected() -> None:
    zfs = Zfs().add("tank", guid=1).add("tank/a", guid=2).add("tank/.sigmavault-trash", guid=3, **BIN)
    zfs.add("rpool", guid=4, mountpoint=("/", LOCAL)).add("rpool/data", guid=5)
    zfs.add("tank/b", guid=6).add("tank/b/logs", guid=7, mountpoint=("/var/log", LOCAL))
    zfs.add("tank/c", guid=8, **SYSTEM)
    found = parsed(zfs)
    reasons = {name: protection(each, found) for name, each in by_name(found).items()}
    assert reasons["tank/a"] == ""
    assert "root of its pool" in reasons["tank"]
    assert "the trash" in reasons["tank/.sigmavault-trash"]
    assert "machine starts" in reasons["rpool/data"]
    assert "/var/log" in reasons["tank/b"]
    assert "belongs to the system" in reasons["tank/c"]
