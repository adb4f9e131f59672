"""The lines for the NFS server: who is named, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sigmavault.core.errors import OperationError
from sigmavault.core.sharing import exports
from sigmavault.core.sharing.share import MappedUser, Nfs, NfsHost, Share

from tests.unit.core.sharing.builders import HOSTS, MOUNTS, NASTY, nfs_share, placed, smb_share


def options_of(share: Share) -> list[str]:
    return exports.line(placed(share)).rpartition("(")[2].rstrip(")").split(",")


def test_a_line_as_it_was_tried() -> None:
    line = exports.line(placed(nfs_share()))
    assert line.startswith("/tank/photos 192.168.1.0/24(rw,sync,no_subtree_check,sec=sys,root_squash,fsid=")
    assert line.endswith(",mountpoint)")


def test_a_folder_is_exported_only_while_its_dataset_is_mounted() -> None:
    line = exports.line(placed(nfs_share(folder="my films")))
    assert line.startswith("/tank/photos/my\\040films ")
    assert line.endswith(",mountpoint=/tank/photos)")


def test_each_folder_has_an_identity_that_stays() -> None:
    one, two = (exports.line(placed(nfs_share(folder=folder))) for folder in ("a", "b"))
    assert one.partition("fsid=")[2][:36] != two.partition("fsid=")[2][:36]
    moved = exports.line(placed(nfs_share(folder="a"), {"tank/photos": "/mnt/elsewhere"}))
    assert moved.partition("fsid=")[2][:36] == one.partition("fsid=")[2][:36]


def test_root_is_nobody_unless_it_is_said() -> None:
    assert "root_squash" in options_of(nfs_share())
    assert "no_root_squash" in options_of(nfs_share(map_root=True))
    anna = MappedUser(name="anna", uid=20000, gid=990)
    assert {"all_squash", "anonuid=20000", "anongid=990", "root_squash"} <= set(
        options_of(nfs_share(map_all=anna))
    )
    assert options_of(nfs_share(read_only=True))[0] == "ro"
    with pytest.raises(ValidationError, match="not both"):
        nfs_share(map_root=True, map_all=anna)


def test_a_machine_is_named_once() -> None:
    hosts = (
        NfsHost(asked="nas", addresses=("10.0.0.7/32", "fd00::7/128")),
        NfsHost(asked="10.0.0.7", addresses=("10.0.0.7/32",)),
    )
    line = exports.line(placed(nfs_share(hosts=hosts)))
    assert exports.parse(line) == {"/tank/photos": ("10.0.0.7", "fd00::7")}


def test_what_is_not_available_has_no_line() -> None:
    gone, nobody = placed(nfs_share(), {}), placed(nfs_share(hosts=()))
    assert exports.parse(exports.render([gone, nobody, placed(smb_share())])) == {}


@settings(max_examples=60, deadline=None)
@given(
    NASTY,
    NASTY,
    st.lists(HOSTS, min_size=1, max_size=3),
    st.sampled_from([*MOUNTS.values(), "/a b(rw)", "/é"]),
)
def test_no_text_names_another_host_path_or_option(name, folder, hosts, mountpoint) -> None:
    try:
        made = tuple(NfsHost(asked=each, addresses=("10.1.2.0/24",)) for each in hosts)
        share = Share(name=name, dataset="tank", guid="1", folder=folder, nfs=Nfs(hosts=made))
    except ValidationError:
        share = nfs_share(dataset="tank", folder="a b")
    assert share.nfs is not None
    place = placed(share, {"tank": mountpoint})
    text = exports.render([place])
    found = exports.parse(text)
    assert found == ({} if place.nfs_reason else {place.path: tuple(exports.addresses(share.nfs))})
    assert len(text.splitlines()) == 1 + len(found)
    assert text.isascii()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_every_path_is_read_back_as_it_was(path: str) -> None:
    assert exports.parse(f"{exports.escaped('/' + path)} 10.0.0.1(ro)") == {"/" + path: ("10.0.0.1",)}


def test_lines_of_others_are_read_as_the_server_reads_them() -> None:
    text = '# mine\n"/tank/my media" *(rw) 10.0.0.0/8(ro) # end\n/srv\\040x  -ro  host\n/a \\\n  b(ro)\n\n'
    assert exports.parse(text) == {"/tank/my media": ("*", "10.0.0.0/8"), "/srv x": ("host",), "/a": ("b",)}


@pytest.mark.parametrize("text", ['"/a b 10.0.0.1(ro)', "a 10.0.0.1(ro)", "( /etc"])
def test_a_line_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(OperationError):
        exports.parse(text)


def test_the_same_folder_in_another_file_is_a_conflict() -> None:
    places = [placed(nfs_share()), placed(smb_share())]
    others = {"/etc/exports": "/tank/photos *(rw)\n", "/etc/exports.d/zfs.exports": "/tank/other *(rw)\n"}
    assert exports.conflicts(places, others) == ("/etc/exports exports /tank/photos already",)
    assert exports.conflicts(places, {"/etc/exports": "/tank/phot *(rw)\n"}) == ()
    assert len(exports.conflicts(places, {"/etc/exports": "nonsense\n"})) == 1
