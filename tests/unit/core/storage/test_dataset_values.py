"""Datasets and snapshots out of what ZFS prints; presets, names, paths."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.storage import keys, settings, snapshots
from sigmavault.core.storage.datasets import TRASH, KeyStatus, objects, parse_datasets
from sigmavault.core.storage.paths import beside, parts
from sigmavault.core.storage.presets import Preset, properties
from sigmavault.core.storage.snapshots import parse_snapshots

from tests.unit.core.storage.zfs_words import LOCAL, Zfs, inherited

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_no_datasets_is_an_answer_and_no_json_is_an_error() -> None:
    assert parse_datasets('{"output_version": {}, "datasets": {}}') == ()
    assert parse_datasets("") == ()
    for text in ("no datasets available", "[]", '{"datasets": []}', '{"datasets": {"a": 1}}'):
        with pytest.raises(OperationError, match="cannot be read"):
            parse_datasets(text)


@given(ANYTHING)
def test_whatever_zfs_prints_is_a_value_or_an_error_in_words(what: object) -> None:
    object_ = {"name": "a", "type": "FILESYSTEM", "properties": what}
    for parse in (parse_datasets, parse_snapshots):
        for text in (json.dumps(what), json.dumps({"datasets": {"a": object_}})):
            with contextlib.suppress(OperationError):
                assert isinstance(parse(text), tuple)


@given(ANYTHING)
def test_whatever_a_value_is_it_is_told_or_an_error_in_words(what: object) -> None:
    names = ("used", "quota", "mountpoint", "mounted", "keystatus", "origin", TRASH)
    values = {name: {"value": what, "source": what} for name in names} | {"guid": {"value": "1"}}
    object_ = {"name": "a", "type": "FILESYSTEM", "properties": values}
    (dataset,) = parse_datasets(json.dumps({"datasets": {"a": object_}}))
    for name in ("used_bytes", "quota_bytes", "mountpoint", "mounted", "key_status", "origin", "is_trash"):
        with contextlib.suppress(OperationError):
            getattr(dataset, name)


def test_what_zfs_was_not_asked_for_is_no_number_that_was_invented() -> None:
    zfs = Zfs().add("tank", guid=1, used="-")
    (dataset,) = parse_datasets(zfs.list(["zfs"]))
    with pytest.raises(OperationError, match="used: it is not told"):
        _ = dataset.used_bytes


def test_a_pool_may_be_called_as_a_part_of_what_zfs_prints() -> None:
    zfs = Zfs()
    for guid, name in enumerate(("properties", "datasets", "type", "value", "properties/properties"), 1):
        zfs.add(name, guid=guid)
    found = parse_datasets(zfs.list(["zfs"]))
    assert [each.name for each in found] == sorted(zfs.objects)
    assert set(objects(zfs.list(["zfs"]))) == set(zfs.objects)


def test_an_inherited_user_property_is_not_the_datasets_own() -> None:
    name = "org.sigmavault:key-stored"
    zfs = Zfs().add("tank", guid=1, org__x=("-", LOCAL)).add("tank/a", guid=2)
    zfs.objects["tank/a"]["properties"][name] = {"value": "2026", "source": inherited("tank")}
    (_, below) = parse_datasets(zfs.list(["zfs"]))
    assert (below.text(name), below.own(name)) == ("2026", "")


def test_the_state_of_a_key_is_told() -> None:
    zfs = Zfs().encrypted("tank/s", "tank/s", guid=1, loaded=False).encrypted("tank/s/i", "tank/s", guid=2)
    root, inner = parse_datasets(zfs.list(["zfs"]))
    assert (root.key_status, root.is_encryption_root) == (KeyStatus.UNAVAILABLE, True)
    assert (inner.key_status, inner.is_encryption_root) == (KeyStatus.AVAILABLE, False)


def test_every_preset_has_what_cannot_be_changed_later() -> None:
    for preset in Preset:
        for nfs in (False, True):
            told = properties(preset, nfs=nfs)
            assert (told["atime"], told["xattr"], told["acltype"]) == ("off", "sa", "posix")
            is_unix = nfs or preset in {Preset.VIRTUAL_MACHINES, Preset.MODELS}
            assert told["casesensitivity"] == ("sensitive" if is_unix else "insensitive")
            assert ("normalization" in told) is not is_unix


@pytest.mark.parametrize(
    ("preset", "recordsize"),
    [("documents", "128K"), ("media", "1M"), ("backup", "1M"), ("time-machine", "1M"),
     ("virtual-machines", "32K"), ("models", "1M")],
)  # fmt: skip
def test_blocks_fit_what_a_dataset_is_for(preset: str, recordsize: str) -> None:
    assert properties(Preset(preset), nfs=False)["recordsize"] == recordsize


def test_weights_are_not_kept_in_memory_twice() -> None:
    assert properties(Preset.MODELS, nfs=False)["primarycache"] == "metadata"


def test_snapshots_of_policies_are_named_as_samba_reads_them() -> None:
    assert snapshots.policy_tag("daily", 1785542400) == "sv-daily_2026.08.01-00.00.00"
    found = snapshots.parse_policy_tag("sv-daily_2026.08.01-00.00.00")
    assert found is not None
    assert (found[0], found[1].timestamp()) == ("daily", 1785542400)
    for other in (
        "manual_2026.08.01-00.00.00",
        "sv-daily_2026.13.01-00.00.00",
        "sv-yearly_2026.08.01-00.00.00",
    ):
        assert snapshots.parse_policy_tag(other) is None
    with pytest.raises(ValueError, match="none of"):
        snapshots.policy_tag("yearly", 0)


def test_a_held_or_cloned_snapshot_is_in_the_way_unless_the_clone_goes_along() -> None:
    zfs = Zfs().add("tank/a@1", guid=1, type_="SNAPSHOT", userrefs=2)
    zfs.add("tank/a@2", guid=2, type_="SNAPSHOT", clones="tank/a/copy,tank/b")
    found = parse_snapshots(zfs.list(["zfs"]))
    assert snapshots.obstacles(found, inside="tank/a") == (
        "tank/a@1 is held (2)", "tank/a@2 is the origin of tank/b",
    )  # fmt: skip


def test_what_is_newer_is_told_by_the_history_of_the_pool_and_not_by_clocks() -> None:
    zfs = Zfs().add("tank/a@late", guid=1, type_="SNAPSHOT", txg=50, creation=9)
    zfs.add("tank/a@early", guid=2, type_="SNAPSHOT", txg=40, creation=99)
    zfs.add("tank/a#mark", guid=3, type_="BOOKMARK", txg=60).add("tank/b@x", guid=4, type_="SNAPSHOT", txg=70)
    found = parse_snapshots(zfs.list(["zfs"]))
    early = found[0]
    assert early.name == "tank/a@early"
    assert [each.name for each in snapshots.newer_than(found, early)] == ["tank/a@late", "tank/a#mark"]


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "..", "a/../../b", "a//b", "./a", "a/.", ".zfs/snapshot/x", ".ZFS", "a\0b", "x" * 256],
)
def test_a_path_that_leads_out_of_its_dataset_is_none(path: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parts(path)


def test_odd_names_of_files_are_names_all_the_same() -> None:
    assert parts("-rf/a b/ü\n$(x)/") == ("-rf", "a b", "ü\n$(x)")
    assert parts("") == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("plan.odt", "plan (restored mon).odt"), (".bashrc", ".bashrc (restored mon)"),
     ("no ending", "no ending (restored mon)"), ("v1.2 final", "v1.2 final (restored mon)")],
)  # fmt: skip
def test_an_old_version_keeps_its_ending(name: str, expected: str) -> None:
    assert beside(name, "mon") == expected


def test_a_name_that_becomes_too_long_is_cut_between_letters() -> None:
    name = beside("ü" * 127, "mon")
    assert len(name.encode()) <= 255
    assert name.startswith("üü")


@pytest.mark.parametrize("text", ["short", "x" * 513, "two\nlines of it", "with\0zero---"])
def test_what_zfs_would_cut_is_no_passphrase_and_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        keys.require_passphrase(text)
    assert text not in refused.value.message


def test_no_two_datasets_have_the_same_key_file() -> None:
    assert keys.file_name("tank/a b/c", 1) == "tank%a b%c.key"
    assert keys.file_name("tank/a", 2) == "tank%a-2.key"
    assert keys.file_of(keys.location("tank%a.key")) == "tank%a.key"
    for foreign in (
        "prompt",
        "file:///etc/other/tank%a.key",
        "file:///etc/sigmavault/keys/../shadow",
        "none",
    ):
        assert keys.file_of(foreign) == ""


def test_a_changed_property_is_compared_as_zfs_tells_it() -> None:
    assert settings.as_told("recordsize", "128K") == "131072"
    assert settings.as_told("recordsize", "1M") == "1048576"
    assert settings.as_told("quota", 0) == "0"
    assert "power cut" in settings.warnings({"sync": "disabled"})[0]
    assert settings.warnings({"sync": "always"}) == ()
