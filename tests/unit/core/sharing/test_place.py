"""A share is where its dataset is mounted, and nowhere else."""

from __future__ import annotations

import time

import pytest
from sigmavault.core.sharing.mounts import parse_mountinfo, root_kind
from sigmavault.core.sharing.place import unexportable, unservable

from tests.unit.core.sharing.builders import nfs_share, placed, smb_share

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda2 rw
40 22 0:31 / /tank rw,noatime shared:20 - zfs tank rw,xattr,posixacl
41 40 0:32 / /tank/photos rw,noatime shared:21 - zfs tank/photos rw,xattr,posixacl
42 40 0:33 / /tank/my\\040media rw,noatime shared:22 - zfs tank/my\\040media rw,xattr,posixacl
43 41 0:40 / /tank/photos/.zfs/snapshot/a ro,relatime shared:9 - zfs tank/photos@a ro,xattr,posixacl
44 22 0:32 /sub /mnt/part rw,noatime shared:21 - zfs tank/photos rw,xattr,posixacl
"""


def test_datasets_are_found_where_they_are_mounted() -> None:
    assert parse_mountinfo(TABLE) == {
        "tank": "/tank", "tank/photos": "/tank/photos", "tank/my media": "/tank/my media"
    }  # fmt: skip


def test_a_dataset_that_something_covers_is_not_served() -> None:
    over = "50 22 0:50 / /tank rw shared:30 - tmpfs tmpfs rw\n"
    assert parse_mountinfo(TABLE + over) == {}
    beside = "50 22 0:50 / /tank/photos rw shared:30 - tmpfs tmpfs rw\n"
    assert parse_mountinfo(TABLE + beside) == {"tank": "/tank", "tank/my media": "/tank/my media"}
    again = "51 50 0:32 / /tank/photos rw shared:31 - zfs tank/photos rw\n"
    assert parse_mountinfo(TABLE + over + again) == {"tank/photos": "/tank/photos"}


@pytest.mark.parametrize("text", ["", "\n", "garbage", "1 2 3 - zfs", "22 1 8:1 / / rw - ext4"])
def test_a_table_that_is_none_has_no_datasets(text: str) -> None:
    assert parse_mountinfo(text) == {}


def test_the_root_of_a_live_system_is_known() -> None:
    assert root_kind(TABLE) == "ext4"
    assert root_kind("22 1 0:1 / / rw - overlay overlay rw\n") == "overlay"
    assert root_kind("") == ""


def test_a_thousand_datasets_are_read_in_milliseconds() -> None:
    rows = (
        f"{n} 22 0:{n} / /tank/d{n} rw,noatime shared:1 - zfs tank/d{n} rw,xattr" for n in range(100, 1100)
    )
    text = TABLE + "\n".join(rows)
    started = time.monotonic()
    assert len(parse_mountinfo(text)) == 1003
    assert (
        time.monotonic() - started < 0.5
    )  # it takes about 5 ms; a square of the lines would take many seconds


def test_a_share_follows_its_dataset() -> None:
    place = placed(smb_share(folder="2026"))
    assert (place.path, place.reason) == ("/tank/photos/2026", "")
    assert placed(smb_share(), {"tank/photos": "/mnt/x"}).path == "/mnt/x"


def test_a_share_whose_dataset_is_not_mounted_is_nowhere() -> None:
    place = placed(smb_share(), {"tank": "/tank"})
    assert (place.path, place.is_available) == ("", False)
    assert "tank/photos is not mounted" in place.smb_reason


def test_a_fault_of_the_folder_is_told() -> None:
    place = placed(smb_share(folder="a"), faults={"/tank/photos/a": "a in a is no folder"})
    assert place.smb_reason == "a in a is no folder"


def test_a_share_for_nobody_is_not_available() -> None:
    assert "nobody" in placed(smb_share(write=())).smb_reason
    assert "no machine" in placed(nfs_share(hosts=())).nfs_reason


@pytest.mark.parametrize(
    "path", ["/", "/etc", "/var/lib", "/usr", "/boot", "/run/x", "/tank/a\nb", "/a%U", "/a\\b"]
)
def test_places_of_the_system_and_odd_paths_are_never_shared(path: str) -> None:
    assert unservable(path)
    assert not placed(smb_share(), {"tank/photos": path}).is_available


@pytest.mark.parametrize("path", ["/tank", "/srv/files", "/home/anna", "/variety", "/tank/my media"])
def test_other_places_may_be_shared(path: str) -> None:
    assert not unservable(path)


def test_a_folder_below_a_mount_point_with_spaces_cannot_be_exported() -> None:
    assert unexportable("/tank/my media", "/tank/my media/films")
    assert not unexportable("/tank/my media", "/tank/my media")
    assert not unexportable("/tank/media", "/tank/media/my films")
    assert placed(nfs_share(dataset="tank/my media", folder="a")).nfs_reason
