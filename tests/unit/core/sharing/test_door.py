"""The door lets in whom a share is for, and nobody else."""

from __future__ import annotations

from sigmavault.core.sharing.door import doors
from sigmavault.core.sharing.share import Guest, MappedUser

from tests.unit.core.sharing.builders import nfs_share, placed, smb_share

INSIDE = ("d:u::rwx", "d:g::---", "d:g:sigmavault-users:rwx")


def entries(*shares, left=()) -> dict[str, tuple[str, ...]]:
    return {each.path: each.entries for each in doors([placed(share) for share in shares], left)}


def test_each_has_the_right_that_was_given() -> None:
    found = entries(smb_share(read=("@family", "bob"), write=("anna", "bob")))
    assert found == {
        "/tank/photos": (
            "u::rwx",
            "g::---",
            "g:family:r-x",
            "u:anna:rwx",
            "u:bob:rwx",
            "o::---",
            *INSIDE,
            "d:o::---",
        )
    }


def test_the_command_has_an_argument_list() -> None:
    (door,) = doors([placed(smb_share())])
    assert door.argv[:3] == ("setfacl", "--physical", "--set")
    assert door.argv[-2:] == ("--", "/tank/photos")


def test_guests_are_others() -> None:
    assert entries(smb_share(guest=Guest.READ))["/tank/photos"][3] == "o::r-x"
    assert entries(smb_share(guest=Guest.WRITE))["/tank/photos"][-1] == "d:o::rwx"


def test_two_shares_of_one_folder_let_in_both() -> None:
    found = entries(smb_share("a", write=("anna",)), smb_share("b", write=(), read=("anna", "bob")))
    assert {"u:anna:rwx", "u:bob:r-x"} <= set(found["/tank/photos"])


def test_who_may_go_further_down_may_pass() -> None:
    found = entries(smb_share("a"), smb_share("b", folder="sub", write=("bob",)))
    assert "u:bob:--x" in found["/tank/photos"]
    assert not any("anna" in each for each in found["/tank/photos/sub"])


def test_a_folder_that_is_not_shared_any_more_lets_through_to_those_below() -> None:
    found = entries(smb_share("b", folder="sub", write=("bob",)), left=("/tank/photos",))
    assert found["/tank/photos"][:4] == ("u::rwx", "g::---", "u:bob:--x", "o::---")
    assert entries(left=("/tank/photos",)) == {}


def test_nfs_alone_leaves_the_rights_as_they_are_unless_all_are_one_user() -> None:
    assert entries(nfs_share()) == {}
    anna = MappedUser(name="anna", uid=20000, gid=990)
    assert "u:anna:rwx" in entries(nfs_share(map_all=anna))["/tank/photos"]
    assert "u:anna:r-x" in entries(nfs_share(map_all=anna, read_only=True))["/tank/photos"]
    below = entries(smb_share("a"), nfs_share("b", folder="sub"))
    assert "o::--x" in below["/tank/photos"]


def test_what_is_not_mounted_has_no_door() -> None:
    assert doors([placed(smb_share(), {})]) == ()
