"""Shares are made whole or not at all, and follow what is mounted."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import (
    CommandError,
    ConfigError,
    InvalidRequestError,
    OperationError,
    SigmaVaultError,
    UnknownObjectError,
)
from sigmavault.core.operation import NoArguments, Outcome
from sigmavault.core.sharing import announced
from sigmavault.operations.share.add_host import AddHost
from sigmavault.operations.share.check import CheckShares
from sigmavault.operations.share.create import CreateArguments, CreateShare
from sigmavault.operations.share.delete import DeleteShare
from sigmavault.operations.share.grant import GrantShare
from sigmavault.operations.share.list import ListShares
from sigmavault.operations.share.remove_host import RemoveHost
from sigmavault.operations.share.revoke import RevokeShare
from sigmavault.operations.share.set import SetShare
from sigmavault.system import shares

from tests.unit.operations.scripted import Hands
from tests.unit.operations.sharing_machine import SharingMachine, do, planned

SAMBA, EXPORTS, TRUTH = "etc/samba/sigmavault-shares.conf", "etc/exports.d/sigmavault.exports", shares.TRUTH
PHOTOS: dict[str, Any] = {"name": "photos", "dataset": "tank/photos", "write": ["anna"], "read": ["@family"]}
MEDIA: dict[str, Any] = {
    "name": "media",
    "dataset": "tank",
    "protocol": "nfs",
    "host": ["192.168.1.0/24", "nas.local"],
}


@pytest.fixture
def machine(tmp_path: Path) -> SharingMachine:
    return SharingMachine(tmp_path)


def asked(values: dict[str, Any]) -> CreateArguments:
    return CreateArguments.model_validate_json(json.dumps(values))


def rows(machine: SharingMachine) -> dict[str, tuple[bool, str]]:
    found = ListShares().read(NoArguments(), machine).shares
    return {each.name: (each.available, each.reason) for each in found}


def test_a_plan_says_everything_and_does_nothing(machine: SharingMachine) -> None:
    before = sorted(machine.root.rglob("*"))
    plan = planned(machine, CreateShare(), **PHOTOS)
    assert sorted(machine.root.rglob("*")) == before
    assert {argv[0] for argv in machine.ran} == {"zfs", "testparm"}
    assert plan.summary == "Share /tank/photos as photos"
    assert [each.identity for each in plan.targets] == ["photos", "42"]
    assert "[photos]" in plan.dry_run
    commands = [step.argv for step in plan.steps if step.argv]
    assert commands[0][:2] == ("setfacl", "--physical")
    assert ("smbcontrol", "all", "reload-config") in commands
    assert plan.locks == ("shares",)


def test_a_share_is_there_for_samba_and_for_its_people(machine: SharingMachine) -> None:
    answer = do(machine, CreateShare(), **PHOTOS)
    assert (answer.available, answer.path, answer.smb.write) == (True, "/tank/photos", ("anna",))
    assert "valid users = anna +family" in machine.text(SAMBA)
    assert stat.S_IMODE((machine.root / TRUTH).stat().st_mode) == 0o600
    assert machine.text(EXPORTS) == "", "nothing is shared over NFS"
    assert CheckShares().read(NoArguments(), machine).findings == ()


def test_folders_that_are_made_can_be_read_by_all_services(machine: SharingMachine) -> None:
    before = os.umask(0o077)
    try:
        do(machine, CreateShare(), **MEDIA)
    finally:
        os.umask(before)
    assert stat.S_IMODE((machine.root / EXPORTS).parent.stat().st_mode) == 0o755
    assert stat.S_IMODE((machine.root / EXPORTS).stat().st_mode) == 0o644
    assert stat.S_IMODE((machine.root / "run/sigmavault").stat().st_mode) == 0o755


def test_an_export_has_resolved_hosts_and_is_seen_to_be_taken(machine: SharingMachine) -> None:
    answer = do(machine, CreateShare(), **MEDIA)
    assert answer.nfs.addresses == ("192.168.1.0/24", "10.0.0.9")
    assert machine.text(EXPORTS).splitlines()[1].startswith("/tank 192.168.1.0/24(rw,")
    assert ("systemctl", "reload-or-restart", "--", "nfs-server.service") in machine.ran
    assert not any(argv[0] == "setfacl" for argv in machine.ran)


def test_an_export_that_the_server_leaves_out_is_a_failure_and_undone(machine: SharingMachine) -> None:
    machine.says = {**machine.says, ("systemctl",): ""}
    arguments = asked(MEDIA)
    plan = CreateShare().plan(arguments, machine)
    with pytest.raises(OperationError, match="did not take the export"):
        CreateShare().apply(arguments, plan, machine, Hands())
    assert CreateShare().outcome(arguments, plan, machine) is Outcome.FAILED
    assert rows(machine) == {}
    assert "/tank " not in machine.text(EXPORTS)


@pytest.mark.parametrize("command", [("systemctl",), ("smbcontrol", "all", "reload-config")])
def test_what_does_not_load_is_put_back(machine: SharingMachine, command: tuple[str, ...]) -> None:
    do(machine, CreateShare(), **PHOTOS)
    before = machine.text(SAMBA), machine.text(TRUTH)
    machine.fails[command] = CommandError(command, 1, "no")
    with pytest.raises(CommandError):
        do(machine, GrantShare(), name="photos", who=["bob"])
    assert (machine.text(SAMBA), machine.text(TRUTH)) == before
    assert machine.text(f"{SAMBA}.last-good") == before[0]


def test_nothing_is_written_when_samba_complains(machine: SharingMachine) -> None:
    machine.says = {**machine.says, ("testparm",): CommandError(("testparm",), 1, "WARNING: odd")}
    with pytest.raises(ConfigError, match="WARNING: odd"):
        planned(machine, CreateShare(), **PHOTOS)
    assert machine.text(SAMBA) == ""


def test_nothing_is_served_before_its_door_is_set(machine: SharingMachine) -> None:
    machine.fails[("setfacl",)] = CommandError(("setfacl",), 1, "Operation not supported")
    with pytest.raises(OperationError, match="without ACLs"):
        do(machine, CreateShare(), **PHOTOS)
    assert (machine.text(SAMBA), machine.text(TRUTH)) == ("", "")


def test_a_dataset_that_goes_takes_its_shares_along_and_brings_them_back(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **PHOTOS)
    do(machine, CreateShare(), **MEDIA)
    good = machine.text(SAMBA), machine.text(EXPORTS)
    machine.ran.clear()
    assert not shares.refresh(machine)
    assert machine.ran == [], "nothing changed, and nothing was asked"
    machine.mount()
    assert shares.refresh(machine)
    assert "available = no\n   path = /nonexistent" in machine.text(SAMBA)
    assert machine.text(EXPORTS).count("\n") == 1
    assert ("smbcontrol", "all", "close-share", "photos") in machine.ran
    assert not any("reload-or-restart" in argv for argv in machine.ran), "nothing is started"
    assert rows(machine)["photos"] == (False, "the dataset tank/photos is not mounted")
    machine.mount("tank", "tank/photos")
    assert shares.refresh(machine)
    assert (machine.text(SAMBA), machine.text(EXPORTS)) == good


def test_at_boot_the_files_are_right_before_anybody_reads_them(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **PHOTOS)
    machine.ran.clear()
    machine.mount()
    assert shares.refresh(machine, is_early=True)
    assert "available = no" in machine.text(SAMBA)
    assert machine.ran == []


def test_a_machine_that_shares_nothing_keeps_its_files(machine: SharingMachine) -> None:
    machine.write(SAMBA, "[mine]\npath = /x\n")
    assert not shares.refresh(machine)
    assert machine.text(SAMBA) == "[mine]\npath = /x\n"
    with pytest.raises(OperationError, match="by hand"):
        planned(machine, CreateShare(), **PHOTOS)


def test_an_export_of_somebody_else_is_not_taken_over(machine: SharingMachine) -> None:
    machine.write("etc/exports.d/zfs.exports", "/tank *(rw)\n")
    with pytest.raises(OperationError, match=r"zfs\.exports exports /tank already"):
        planned(machine, CreateShare(), **MEDIA)


def test_a_damaged_truth_is_no_guess(machine: SharingMachine) -> None:
    machine.write(TRUTH, '{"version": 1, "shares": [{"name": "x]"}]}')
    for attempt in (lambda: rows(machine), lambda: shares.refresh(machine)):
        with pytest.raises(ConfigError, match=r"shares\[0\]"):
            attempt()


def test_a_job_that_was_cut_off_is_carried_to_its_end(machine: SharingMachine) -> None:
    arguments = asked(PHOTOS | {"read": []})
    plan = CreateShare().plan(arguments, machine)
    assert CreateShare().outcome(arguments, plan, machine) is Outcome.FAILED
    do(machine, CreateShare(), **(PHOTOS | {"read": []}))
    machine.write(SAMBA, "")
    assert CreateShare().outcome(arguments, plan, machine) is Outcome.FINISHED
    assert "[photos]" in machine.text(SAMBA)
    do(machine, SetShare(), name="photos", hidden="on")
    assert CreateShare().outcome(arguments, plan, machine) is Outcome.UNKNOWN


def test_rights_are_given_and_taken(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **PHOTOS)
    answer = do(machine, GrantShare(), name="Photos", who=["anna", "bob"], right="read")
    assert (answer.smb.read, answer.smb.write) == (("@family", "anna", "bob"), ())
    assert ("smbcontrol", "all", "close-denied-share", "photos") in machine.ran
    answer = do(machine, RevokeShare(), name="photos", who=["@family", "anna", "bob"])
    assert (answer.available, answer.reason) == (False, "nobody has a right to it yet")
    assert ("smbcontrol", "all", "close-share", "photos") in machine.ran
    with pytest.raises(OperationError, match="bob has no right"):
        planned(machine, RevokeShare(), name="photos", who=["bob"])


def test_hosts_are_added_and_removed(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **MEDIA)
    answer = do(machine, AddHost(), name="media", host=["10.1.0.0/16", "nas.local"])
    assert answer.nfs.hosts == ("192.168.1.0/24", "10.1.0.0/16", "nas.local")
    answer = do(machine, RemoveHost(), name="media", host=["192.168.1.0/24", "10.1.0.0/16", "nas.local"])
    assert (answer.available, answer.reason) == (False, "no machine may mount it yet")
    assert "/tank" not in machine.text("var/lib/nfs/etab")
    with pytest.raises(InvalidRequestError, match="cannot be resolved"):
        planned(machine, AddHost(), name="media", host=["nobody.local"])


def test_a_share_is_changed_and_nothing_is_left_unheard(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **PHOTOS)
    backup: dict[str, Any] = {"time_machine": "on", "time_machine_size": 10**12, "comment": "Ours"}
    answer = do(machine, SetShare(), name="photos", **backup)
    assert (answer.smb.time_machine_size, answer.smb.comment) == (10**12, "Ours")
    answer = do(machine, SetShare(), name="photos", time_machine="off")
    assert answer.smb.time_machine_size is None
    answer = do(machine, SetShare(), name="photos", protocol="both", host=["10.0.0.1"], nfs_users="anna")
    assert (answer.protocols, answer.nfs.users) == ("smb nfs", "anna")
    assert "anonuid=20000,anongid=990" in machine.text(EXPORTS)
    assert "oplocks = no" in machine.text(SAMBA)
    answer = do(machine, SetShare(), name="photos", protocol="nfs")
    assert answer.smb is None
    for wrong in ({"guest": "read"}, {}, {"protocol": "smb", "nfs_access": "read"}):
        with pytest.raises(InvalidRequestError):
            planned(machine, SetShare(), name="photos", **wrong)


def test_a_share_ends_and_its_files_are_not_asked_for(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **PHOTOS)
    do(machine, DeleteShare(), name="photos")
    assert rows(machine) == {}
    assert "[photos]" not in machine.text(SAMBA)
    assert ("smbcontrol", "all", "close-share", "photos") in machine.ran
    with pytest.raises(UnknownObjectError):
        planned(machine, DeleteShare(), name="photos")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"write": [], "read": []}, "nobody could use"),
        ({"write": ["root"]}, "belongs to|of the system"),
        ({"write": ["carla"]}, "no user carla"),
        ({"read": ["@wheel"]}, "no group wheel"),
        ({"folder": "none"}, "not there"),
        ({"dataset": "tank/away"}, "not mounted"),
        ({"host": ["10.0.0.1"]}, "for NFS alone"),
        ({"protocol": "nfs"}, "NFS knows machines"),
        ({"protocol": "both"}, "give --host"),
        ({"guest": "read", "encryption": "required"}, "guests have no key"),
        ({"nfs_users": "bob", "protocol": "nfs", "write": [], "read": []}, "give --host"),
    ],
)
def test_what_cannot_be_shared_is_refused(machine: SharingMachine, change: dict[str, Any], told: str) -> None:
    with pytest.raises(SigmaVaultError, match=told):
        planned(machine, CreateShare(), **(PHOTOS | change))


def test_a_link_leads_out_of_no_share(machine: SharingMachine) -> None:
    folder = machine.root / "tank/photos/real"
    folder.mkdir(parents=True)
    (machine.root / "tank/photos/link").symlink_to("/etc")
    assert planned(machine, CreateShare(), **(PHOTOS | {"folder": "real"})).summary.endswith("as photos")
    for wrong in ("link", "link/ssl", "real/none"):
        with pytest.raises(InvalidRequestError):
            planned(machine, CreateShare(), **(PHOTOS | {"folder": wrong}))
    do(machine, CreateShare(), **(PHOTOS | {"folder": "real"}))
    acl = next(argv for argv in machine.ran if argv[0] == "setfacl")
    assert acl[-1].startswith("/proc/"), "the folder that was looked at, whatever its name leads to meanwhile"
    folder.rmdir()
    folder.symlink_to("/etc")
    assert shares.refresh(machine)
    assert rows(machine)["photos"] == (False, "real in real is no folder")


def test_a_dataset_without_acls_or_with_exports_of_its_own_is_refused(machine: SharingMachine) -> None:
    machine.properties = {"acltype": "off", "sharenfs": "on"}
    with pytest.raises(OperationError, match="no POSIX ACLs"):
        planned(machine, CreateShare(), **PHOTOS)
    with pytest.raises(InvalidRequestError, match="sharenfs=on"):
        planned(machine, CreateShare(), **MEDIA)


def test_what_is_wrong_is_found(machine: SharingMachine) -> None:
    do(machine, CreateShare(), **PHOTOS)
    machine.write(SAMBA, machine.text(SAMBA).replace("anna", "mallory"))
    machine.mount("tank")
    texts = [each.text for each in CheckShares().read(NoArguments(), machine).findings]
    assert any("not those that were made" in text for text in texts)
    assert any("tank/photos is not mounted" in text for text in texts)


def test_what_is_announced_follows_the_shares_and_the_mounts(machine: SharingMachine) -> None:
    file = announced.FILE.lstrip("/")
    do(machine, CreateShare(), **PHOTOS, time_machine="on")
    assert "adVN=photos" in machine.text(file)
    machine.mount("tank")
    assert shares.refresh(machine)
    assert not (machine.root / file).exists()
    assert not shares.refresh(machine)
    machine.mount("tank", "tank/photos")
    assert shares.refresh(machine, is_early=True)
    assert "adVN=photos" in machine.text(file)
    (machine.root / file).unlink()
    assert shares.refresh(machine), "somebody took it away"
