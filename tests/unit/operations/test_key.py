"""Operations on keys: loaded, forgotten, shown to be stored; a key stands in no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError
from sigmavault.core.operation import Outcome
from sigmavault.operations.key.export import ExportKey
from sigmavault.operations.key.list import ListKeys
from sigmavault.operations.key.load import LoadKey
from sigmavault.operations.key.unload import UnloadKey

from tests.unit.core.storage.zfs_words import LOCAL, NONE, Zfs
from tests.unit.operations.scripted import Hands, ScriptedMachine
from tests.unit.operations.zfs_machine import commands, machine, plan, tank, told

KEY = "0123456789abcdef" * 4
OURS: dict[str, Any] = {
    "keyformat": ("hex", NONE), "keylocation": ("file:///etc/sigmavault/keys/tank%box.key", LOCAL),
}  # fmt: skip


def locked() -> Zfs:
    zfs = tank().encrypted("tank/secret", "tank/secret", guid=5, loaded=False)
    return zfs.encrypted("tank/secret/in", "tank/secret", guid=6, loaded=False)


def with_box(root: Path, zfs: Zfs) -> ScriptedMachine:
    zfs.encrypted("tank/box", "tank/box", guid=7, **OURS)
    (root / "etc/sigmavault/keys").mkdir(parents=True)
    (root / "etc/sigmavault/keys/tank%box.key").write_text(f"{KEY}\n")

    def set_(argv: Any, _stdin: str) -> str:
        name, _, value = argv[-2].partition("=")
        zfs.objects[argv[-1]]["properties"][name] = {"value": value, "source": LOCAL}
        return ""

    return machine(root, zfs, {("zfs", "load-key"): "", ("zfs", "set"): set_})


def test_a_key_that_nobody_has_stored_is_reminded_of(tmp_path: Path) -> None:
    on = with_box(tmp_path, tank())
    rows = {each.dataset: each for each in ListKeys().read(told(ListKeys), on).keys}
    assert {name: (each.kept, each.stored) for name, each in rows.items()} == {
        "tank/box": ("machine", None), "tank/secret": ("person", None),
    }  # fmt: skip
    assert "the data is lost" in rows["tank/box"].reminder
    ExportKey().apply(
        told(ExportKey, dataset="tank/box"), plan(ExportKey, on, dataset="tank/box"), on, Hands()
    )
    row = next(each for each in ListKeys().read(told(ListKeys), on).keys if each.dataset == "tank/box")
    assert (row.stored, row.reminder) == ("2026-08-01T00:00:00Z", "")


def test_a_key_file_is_given_to_the_caller_and_stands_nowhere_else(tmp_path: Path) -> None:
    on, hands = with_box(tmp_path, tank()), Hands()
    arguments = told(ExportKey, dataset="tank/box")
    made = plan(ExportKey, on, dataset="tank/box")
    assert (made.gives, made.secrets) == (("key",), ())
    assert ExportKey().outcome(arguments, made, on) is Outcome.FAILED
    answer = ExportKey().apply(arguments, made, on, hands)
    assert hands.given == {"key": KEY}
    assert KEY not in f"{made} {answer} {on.ran} {on.inputs} {hands.told}"
    assert ExportKey().outcome(arguments, made, on) is Outcome.FINISHED


def test_a_key_file_that_is_none_is_not_given(tmp_path: Path) -> None:
    on, hands = with_box(tmp_path, tank()), Hands()
    (tmp_path / "etc/sigmavault/keys/tank%box.key").write_text("root:x:0:0")
    with pytest.raises(InvalidRequestError, match="64 hexadecimal digits") as refused:
        ExportKey().apply(
            told(ExportKey, dataset="tank/box"), plan(ExportKey, on, dataset="tank/box"), on, hands
        )
    assert "root:x" not in refused.value.message
    assert not hands.given
    assert not [each for each in on.ran if each[1] == "set"]


def test_a_link_in_the_place_of_a_key_file_is_not_read(tmp_path: Path) -> None:
    on = with_box(tmp_path, tank())
    (tmp_path / "elsewhere").write_text(KEY)
    (tmp_path / "etc/sigmavault/keys/tank%box.key").unlink()
    (tmp_path / "etc/sigmavault/keys/tank%box.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OperationError, match="cannot be read"):
        ExportKey().apply(
            told(ExportKey, dataset="tank/box"), plan(ExportKey, on, dataset="tank/box"), on, Hands()
        )


def test_a_passphrase_counts_as_stored_when_it_opens_the_dataset(tmp_path: Path) -> None:
    wrong = CommandError(("zfs",), 255, "Key load error: Incorrect key provided for 'tank/secret'.")
    on = machine(tmp_path, tank(), {("zfs", "load-key", "-n"): wrong, ("zfs", "set"): ""})
    made = plan(ExportKey, on, dataset="tank/secret")
    assert (made.secrets, made.gives) == (("passphrase",), ())
    with pytest.raises(OperationError, match="not the key of tank/secret"):
        ExportKey().apply(
            told(ExportKey, dataset="tank/secret"), made, on, Hands(secrets={"passphrase": "wrong horse"})
        )
    assert on.inputs[-1] == "wrong horse"
    assert not [each for each in on.ran if each[1] == "set"]


@pytest.mark.parametrize(
    ("name", "why"), [("tank/docs", "not encrypted"), ("tank/secret/in", "has the key of tank/secret")]
)
def test_only_encryption_roots_have_keys(tmp_path: Path, name: str, why: str) -> None:
    for operation in (LoadKey, UnloadKey, ExportKey):
        with pytest.raises(OperationError, match=why):
            plan(operation, machine(tmp_path, tank()), dataset=name)


def test_a_foreign_key_file_is_not_exported(tmp_path: Path) -> None:
    foreign: dict[str, Any] = {"keyformat": ("hex", NONE), "keylocation": ("file:///etc/shadow", LOCAL)}
    zfs = tank().encrypted("tank/box", "tank/box", guid=7, **foreign)
    with pytest.raises(OperationError, match="not kept here but at file:///etc/shadow"):
        plan(ExportKey, machine(tmp_path, zfs), dataset="tank/box")


def test_a_loaded_key_mounts_what_it_opens(tmp_path: Path) -> None:
    zfs = locked()
    zfs.encrypted("tank/copy", "tank/secret", guid=8, loaded=False)
    zfs.encrypted("tank/secret/off", "tank/secret", guid=9, loaded=False, canmount=("noauto", LOCAL))
    on = machine(tmp_path, zfs, {("zfs", "load-key"): "", ("zfs", "mount"): ""})
    made = plan(LoadKey, on, dataset="tank/secret")
    assert commands(made) == [
        "zfs load-key -- tank/secret",
        "zfs mount -- tank/copy",
        "zfs mount -- tank/secret",
        "zfs mount -- tank/secret/in",
    ]
    arguments = told(LoadKey, dataset="tank/secret")
    LoadKey().apply(arguments, made, on, Hands(secrets={"passphrase": "correct horse"}))
    assert "correct horse" not in f"{made} {on.ran}"
    assert LoadKey().outcome(arguments, made, on) is Outcome.FAILED
    on = machine(tmp_path, tank())
    assert LoadKey().outcome(arguments, made, on) is Outcome.FINISHED


def test_a_folder_that_a_mount_would_hide_is_told_before_the_key_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "tank/secret/file").mkdir(parents=True)
    with pytest.raises(OperationError, match="holds something"):
        plan(LoadKey, machine(tmp_path, locked()), dataset="tank/secret")


def test_a_key_is_not_forgotten_while_something_is_open(tmp_path: Path) -> None:
    process = tmp_path / "proc/77"
    process.mkdir(parents=True)
    (process / "cwd").symlink_to("/tank/secret/in")
    (process / "comm").write_text("bash\n")
    with pytest.raises(OperationError, match=r"in use by bash \(77\)"):
        plan(UnloadKey, machine(tmp_path, tank()), dataset="tank/secret")


def test_a_key_is_forgotten_after_the_lowest_is_unmounted(tmp_path: Path) -> None:
    zfs = tank().encrypted("tank/copy", "tank/secret", guid=8)
    made = plan(UnloadKey, machine(tmp_path, zfs), dataset="tank/secret")
    assert commands(made) == [
        "zfs unmount -- tank/secret/in",
        "zfs unmount -- tank/secret",
        "zfs unmount -- tank/copy",
        "zfs unload-key -- tank/secret",
    ]
    arguments = told(UnloadKey, dataset="tank/secret")
    assert UnloadKey().outcome(arguments, made, machine(tmp_path, zfs)) is Outcome.FAILED
    assert UnloadKey().outcome(arguments, made, machine(tmp_path, locked())) is Outcome.FINISHED
