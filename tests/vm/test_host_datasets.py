"""Datasets, snapshots and keys through their operations, on a real pool; some by the daemon in its cage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.operating import operate, refused

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

TOP = "tank/host"
PASSPHRASE = "correct horse"  # noqa: S105
PRESETS = {
    "documents": ("128K", "insensitive", "formD"),
    "media": ("1M", "insensitive", "formD"),
    "backup": ("1M", "insensitive", "formD"),
    "time-machine": ("1M", "insensitive", "formD"),
    "virtual-machines": ("32K", "sensitive", "none"),
    "models": ("1M", "sensitive", "none"),
}


@pytest.fixture
def top(vm, tank):
    """A dataset for this test alone; nothing of it is left, in the trash neither."""
    tank("documents")
    vm.succeed("zfs", "create", TOP)
    yield f"/{TOP}"
    vm.execute("zfs", "destroy", "-R", TOP)
    vm.execute("zfs", "destroy", "-R", "tank/.sigmavault-trash")
    vm.execute("rm", "-rf", "/etc/sigmavault/keys", "/run/box.key")


def values(vm: Machine, dataset: str, *names: str) -> tuple[str, ...]:
    said = vm.succeed("zfs", "get", "-H", "-o", "value", ",".join(names), dataset)
    return tuple(said.split())


def create(vm: Machine, name: str, **more: Any) -> None:
    operate(vm, "dataset.create", name=f"{TOP}/{name}", **more)


def test_presets_hold_what_they_promise(vm, top):
    for preset, expected in PRESETS.items():
        create(vm, preset, preset=preset)
        assert values(vm, f"{TOP}/{preset}", "recordsize", "casesensitivity", "normalization") == expected
        assert values(vm, f"{TOP}/{preset}", "atime", "acltype", "xattr") == ("off", "posix", "on")
    create(vm, "both", preset="media", nfs=True)
    assert values(vm, f"{TOP}/both", "casesensitivity") == ("sensitive",)
    assert values(vm, f"{TOP}/models", "primarycache") == ("metadata",)


def test_every_guid_is_told_whole(vm, top):
    for number in range(8):
        vm.succeed("zfs", "create", f"{TOP}/{number}")
    said = vm.succeed("zfs", "get", "-H", "-p", "-o", "name,value", "guid", "-r", "-t", "filesystem", TOP)
    real = dict(line.split("\t") for line in said.splitlines())
    rows = operate(vm, "dataset.list", root=TOP)["datasets"]
    assert {row["name"]: row["guid"] for row in rows} == real


def test_what_would_be_hidden_or_is_in_use_is_refused(vm, top):
    vm.shell('mkdir "$1/full"; touch "$1/full/file"', top)
    assert "would be hidden" in refused(vm, "dataset.create", name=f"{TOP}/full")
    create(vm, "busy")
    vm.succeed("systemd-run", "--quiet", "--unit=dweller", f"--working-directory={top}/busy", "sleep", "600")
    for operation, more in (("dataset.destroy", {}), ("dataset.rename", {"new_name": f"{TOP}/idle"})):
        assert "in use by sleep" in refused(vm, operation, name=f"{TOP}/busy", **more)
    vm.succeed("systemctl", "stop", "dweller")
    operate(vm, "dataset.rename", name=f"{TOP}/busy", new_name=f"{TOP}/idle")


def test_what_was_thrown_away_comes_back_with_its_data(vm, top):
    create(vm, "old")
    vm.succeed("zfs", "create", f"{TOP}/old/below")
    vm.succeed("zfs", "create", "-o", "mountpoint=/srv/own", f"{TOP}/old/own")
    vm.shell('echo below > "$1/old/below/file"; echo own > /srv/own/file', top)
    operate(vm, "snapshot.create", dataset=f"{TOP}/old", tag="kept", recursive=True)
    guid = values(vm, f"{TOP}/old", "guid")
    assert "datasets below it" in refused(vm, "dataset.destroy", name=f"{TOP}/old")
    operate(vm, "dataset.destroy", name=f"{TOP}/old", recursive=True)
    vm.fail("zfs", "list", f"{TOP}/old")
    vm.succeed("zfs", "mount", "-a")
    assert ".sigmavault-trash" not in vm.succeed("cat", "/proc/mounts")
    vm.fail("test", "-e", "/srv/own/file")
    (thrown,) = operate(vm, "dataset.trash")["thrown"]
    assert (thrown["origin"], thrown["is_due"]) == (f"{TOP}/old", False)
    assert "nothing in the trash is due" in refused(vm, "dataset.purge")
    operate(vm, "dataset.restore", name=f"{TOP}/old")
    assert values(vm, f"{TOP}/old", "guid") == guid
    assert vm.succeed("cat", f"{top}/old/below/file", "/srv/own/file") == "below\nown\n"
    vm.succeed("zfs", "list", f"{TOP}/old/below@kept")
    operate(vm, "dataset.destroy", name=f"{TOP}/old", recursive=True, days=0)
    assert operate(vm, "dataset.purge")["destroyed"]
    assert operate(vm, "dataset.trash")["thrown"] == []


def test_a_failed_create_leaves_nothing(vm, top):
    # nothing can be mounted there: ZFS creates the dataset, and fails then
    vm.succeed("zfs", "create", "-o", "canmount=off", "-o", "mountpoint=/sys/none", f"{TOP}/odd")
    said = refused(vm, "dataset.create", name=f"{TOP}/odd/a/b", parents=True, encryption="key-file")
    assert "mount" in said
    assert vm.succeed("zfs", "list", "-H", "-o", "name", "-r", f"{TOP}/odd") == f"{TOP}/odd\n"
    assert vm.succeed("find", "/etc/sigmavault/keys", "-type", "f") == ""


def test_a_passphrase_opens_and_locks(vm, top):
    create(vm, "secret", encryption="passphrase", secrets={"new-passphrase": PASSPHRASE})
    create(vm, "secret/in")
    vm.shell('echo private > "$1/secret/in/file"', top)
    vm.succeed(
        "systemd-run", "--quiet", "--unit=dweller", f"--working-directory={top}/secret/in", "sleep", "600"
    )
    assert "in use by sleep" in refused(vm, "key.unload", dataset=f"{TOP}/secret")
    vm.succeed("systemctl", "stop", "dweller")
    operate(vm, "key.unload", dataset=f"{TOP}/secret")
    vm.fail("cat", f"{top}/secret/in/file")
    wrong = {"passphrase": "wrong horse"}
    assert "not the key" in refused(vm, "key.load", dataset=f"{TOP}/secret", secrets=wrong)
    right = {"passphrase": PASSPHRASE}
    operate(vm, "key.load", dataset=f"{TOP}/secret", secrets=right)
    assert vm.succeed("cat", f"{top}/secret/in/file") == "private\n"
    assert "not the key" in refused(vm, "key.export", dataset=f"{TOP}/secret", secrets=wrong)
    assert operate(vm, "key.export", dataset=f"{TOP}/secret", secrets=right)["stored"]
    # what inherits its key is thrown away below its encryption root, and comes back
    operate(vm, "dataset.destroy", name=f"{TOP}/secret/in")
    operate(vm, "dataset.restore", name=f"{TOP}/secret/in")
    assert vm.succeed("cat", f"{top}/secret/in/file") == "private\n"
    vm.execute("zfs", "destroy", "-r", f"{TOP}/secret")


def test_a_key_leaves_the_machine_through_a_file_of_its_owner_alone(vm, top):
    vm.succeed("sigmavault", "dataset", "create", f"{TOP}/box", "--encryption", "key-file", "--yes")
    before = json.loads(vm.succeed("sigmavault", "key", "list", "--json"))["keys"]
    assert [key["stored"] for key in before if key["dataset"] == f"{TOP}/box"] == [None]
    said = vm.succeed(
        "sigmavault", "key", "export", f"{TOP}/box", "--yes", "--json", "--save", "key=/run/box.key"
    )
    key = vm.succeed("cat", "/run/box.key").strip()
    assert len(key) == 64
    assert vm.succeed("stat", "--format=%a", "/run/box.key").strip() == "600"
    assert key not in said
    assert key not in vm.succeed("sigmavault", "audit", "list", "--json")
    assert key not in vm.succeed("sh", "-c", "cat /var/lib/sigmavault/hostd/jobs/* 2>/dev/null || true")
    operate(vm, "key.unload", dataset=f"{TOP}/box")
    vm.succeed("zfs", "load-key", "-L", "file:///run/box.key", f"{TOP}/box")


def test_an_old_version_comes_back_through_the_daemon_with_all_that_belongs_to_it(vm, top):
    create(vm, "docs")
    vm.shell(
        """cd "$1/docs"; mkdir letters; echo first > letters/plan.odt; ln -s /etc/shadow evil; ln -s /etc etc
        setfacl -m u:daemon:r letters/plan.odt; setfattr -n user.DOSATTRIB -v 0x20 letters/plan.odt
        chown 1234:1234 letters/plan.odt; touch -d 2020-01-01 letters/plan.odt""",
        top,
    )
    operate(vm, "snapshot.create", dataset=f"{TOP}/docs", tag="mon")
    vm.shell('echo second > "$1/docs/letters/plan.odt"', top)
    snapshot = f"{TOP}/docs@mon"
    shown = json.loads(vm.succeed("sigmavault", "snapshot", "browse", snapshot, "letters", "--json"))
    assert [(each["name"], each["size_bytes"]) for each in shown["entries"]] == [("plan.odt", 6)]
    vm.fail("sigmavault", "snapshot", "browse", snapshot, "etc")
    vm.fail("sigmavault", "snapshot", "restore-file", snapshot, "etc/passwd", "--yes")
    vm.succeed("sigmavault", "snapshot", "restore-file", snapshot, "letters/plan.odt", "--yes")
    new = f"{top}/docs/letters/plan (restored mon).odt"
    assert vm.succeed("cat", new) == "first\n"
    assert vm.succeed("stat", "--format=%u %g %Y", new).split() == ["1234", "1234", "1577836800"]
    assert "user:daemon:r--" in vm.succeed("getfacl", "--absolute-names", new)
    assert "DOSATTRIB" in vm.succeed("getfattr", "--dump", "--absolute-names", new)
    assert vm.succeed("cat", f"{top}/docs/letters/plan.odt") == "second\n"
    operate(vm, "snapshot.restore-file", snapshot=snapshot, path="letters/plan.odt", over=True)
    assert vm.succeed("cat", f"{top}/docs/letters/plan.odt") == "first\n"
    operate(vm, "snapshot.restore-file", snapshot=snapshot, path="evil")
    assert vm.succeed("readlink", f"{top}/docs/evil (restored mon)") == "/etc/shadow\n"


def test_a_rollback_takes_only_what_was_shown(vm, top):
    create(vm, "docs")
    vm.shell('echo first > "$1/docs/file"', top)
    for tag in ("one", "two"):
        operate(vm, "snapshot.create", dataset=f"{TOP}/docs", tag=tag)
    vm.shell('echo later > "$1/docs/file"', top)
    assert "@two" in refused(vm, "snapshot.rollback", snapshot=f"{TOP}/docs@one")
    operate(vm, "snapshot.hold", snapshot=f"{TOP}/docs@two")
    more = {"snapshot": f"{TOP}/docs@one", "destroy_newer": True}
    assert "is held" in refused(vm, "snapshot.rollback", **more)
    assert "is held" in refused(vm, "snapshot.destroy", snapshot=f"{TOP}/docs@two")
    operate(vm, "snapshot.release", snapshot=f"{TOP}/docs@two")
    operate(vm, "snapshot.rollback", **more)
    assert vm.succeed("cat", f"{top}/docs/file") == "first\n"
    vm.fail("zfs", "list", f"{TOP}/docs@two")
    operate(vm, "snapshot.clone", snapshot=f"{TOP}/docs@one", name=f"{TOP}/copy")
    assert "origin of" in refused(vm, "snapshot.destroy", snapshot=f"{TOP}/docs@one")
    operate(vm, "dataset.destroy", name=f"{TOP}/copy", now=True)
    operate(vm, "snapshot.destroy", snapshot=f"{TOP}/docs@one")
