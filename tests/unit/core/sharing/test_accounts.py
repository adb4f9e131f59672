"""Which accounts are ours, and what Samba and NFS tell of them."""

from __future__ import annotations

import json

import pytest
from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.core.sharing.accounts import FIRST_ID, LAST_ID, Accounts, Record, parse_group, parse_passwd
from sigmavault.core.sharing.clients import parse_nfs_client, parse_smbstatus, processes_of
from sigmavault.core.sharing.passdb import parse_pdbedit

USERS = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
owner:x:1000:1000:The Owner,,,:/home/owner:/bin/bash
anna:x:20000:990::/nonexistent:/usr/sbin/nologin
bob:x:20007:990::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
broken:x
"""
GROUP = """\
root:x:0:
sudo:x:27:owner
owner:x:1000:
sigmavault-users:x:990:
family:x:20001:anna,owner
nogroup:x:65534:
"""
RECORD = Record(next_id=20003, users={"anna": 20000, "bob": 20002, "gone": 20001}, groups={"family": 20001})


def known(record: Record = RECORD) -> Accounts:
    return Accounts(record=record, users=parse_passwd(USERS), groups=parse_group(GROUP))


def test_ours_is_what_the_record_and_the_machine_agree_on() -> None:
    assert [each.name for each in known().our_users()] == ["anna"]  # bob has another number, gone is gone
    assert [each.name for each in known().our_groups()] == ["family"]
    assert known(Record()).our_users() == ()


@pytest.mark.parametrize("name", ["root", "daemon", "owner", "bob", "nobody"])
def test_users_of_others_are_never_touched(name: str) -> None:
    with pytest.raises(OperationError, match="not made by SigmaVault"):
        known().user(name)


def test_nobody_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownObjectError):
        known().user("gone")
    with pytest.raises(UnknownObjectError):
        known().group("gone")


def test_a_name_is_free_or_it_is_not() -> None:
    known().check_free("carla")
    for taken in ("anna", "family", "sudo", "broken-not"):
        if taken == "broken-not":
            known().check_free(taken)
            continue
        with pytest.raises(OperationError, match="already"):
            known().check_free(taken)


@pytest.mark.parametrize("principal", ["anna", "owner", "@family", "@sigmavault-users", "@owner"])
def test_people_get_rights(principal: str) -> None:
    known().check_principal(principal)


@pytest.mark.parametrize(
    "principal", ["root", "daemon", "nobody", "@sudo", "@root", "@nogroup", "carla", "@anna"]
)
def test_the_system_and_strangers_get_none(principal: str) -> None:
    with pytest.raises(OperationError):
        known().check_principal(principal)


def test_a_number_is_never_given_twice() -> None:
    assert known().new_id() == 20003
    assert known(Record(next_id=20007)).new_id() == 20008  # bob has it
    assert known(Record()).new_id() == FIRST_ID + 2  # anna and family have the first two
    with pytest.raises(OperationError, match="given out"):
        known(Record(next_id=LAST_ID + 1)).new_id()


PDBEDIT = """\
---------------
Unix username:        anna
NT username:
Account Flags:        [U          ]
---------------
Unix username:        bob
Account Flags:        [DU         ]
---------------
Unix username:        carla
Account Flags:        [NDU        ]
"""


def test_logins_are_read_as_pdbedit_of_samba_4_22_prints_them() -> None:
    found = parse_pdbedit(PDBEDIT)
    assert {name: (each.enabled, each.has_password) for name, each in found.items()} == {
        "anna": (True, True), "bob": (False, True), "carla": (False, False)
    }  # fmt: skip
    assert parse_pdbedit("") == {}


STATUS = {
    "sessions": {
        "77": {
            "session_id": "77", "server_id": {"pid": "4711", "task_id": "0"}, "username": "anna",
            "remote_machine": "192.168.1.9", "session_dialect": "SMB3_11",
            "encryption": {"cipher": "AES-128-GCM", "degree": "full"},
        }
    },
    "tcons": {
        "1": {"service": "photos", "session_id": "77", "machine": "192.168.1.9",
              "connected_at": "2026-11-22T10:00:00+00:00", "encryption": {"cipher": "-", "degree": "none"}},
        "2": {"service": "IPC$", "session_id": "77", "machine": "192.168.1.9", "connected_at": "x"},
    },
}  # fmt: skip


def test_who_is_connected_is_read_from_smbstatus() -> None:
    (client,) = parse_smbstatus(json.dumps(STATUS))
    assert (client.share, client.user, client.machine) == ("photos", "anna", "192.168.1.9")
    assert client.dialect == "SMB3_11"
    assert processes_of(json.dumps(STATUS), "anna") == (4711,)
    assert processes_of(json.dumps(STATUS), "bob") == ()
    assert parse_smbstatus('{"sessions": {}, "tcons": {}}') == ()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"tcons": {"1": {}}}'])
def test_an_answer_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(OperationError):
        parse_smbstatus(text)
    if text != '{"tcons": {"1": {}}}':
        with pytest.raises(OperationError):
            processes_of(text, "anna")


def test_nfs_clients_are_read_from_the_kernel() -> None:
    # as the kernel writes it, shortened
    text = 'address: "127.0.0.1:868"\nstatus: confirmed\nname: "Linux NFSv4.2 vm"\n'
    found = parse_nfs_client(text)
    assert (found.machine, found.name, found.status) == ("127.0.0.1:868", "Linux NFSv4.2 vm", "confirmed")
    assert parse_nfs_client("").machine == ""
