"""Shares as `sigmavault share` makes them: real clients, a real pool, and a dataset that goes away."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.process import Done
from tests.vm.machine.timing import retry
from tests.vm.smb import smbclient

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

PHRASE = "correct horse battery"
SNAPSHOT = "sv-daily_2026.08.01-00.00.00"
MOUNT = "/mnt/host-shares"
MDNS = (Path(__file__).parent / "inside" / "mdns.py").read_bytes()
type Client = Callable[..., Done]


def sigmavault(vm: Machine, *words: str, secret: str = "") -> dict[str, Any]:
    """What a command answers; it has to work."""
    said = vm.succeed("sigmavault", *words, "--json", stdin=secret.encode(), timeout_s=60)
    return dict(json.loads(said)) if said.strip() else {}


def change(vm: Machine, *words: str) -> dict[str, Any]:
    return sigmavault(vm, *words, "--yes")


@pytest.fixture(scope="module")
def made() -> dict[str, bool]:
    """Whether the users and shares of this module are there already."""
    return {}


@pytest.fixture
def nas(vm: Machine, tank: Callable[[str], str], made: dict[str, bool], no_shares_by_hand: None) -> Machine:
    """anna may write, bob may read through a group; each has something of their own."""
    for name in ("photos", "private", "vault", "backups"):
        tank(name)
    if not made:
        made["all"] = True
        change(vm, "group", "create", "family")
        for name in ("anna", "bob"):
            sigmavault(vm, "user", "create", name, "--yes", "--secret-stdin", "password", secret=PHRASE)
        change(vm, "group", "add-member", "family", "bob")
        change(vm, "share", "create", "photos", "tank/photos", "--write", "anna", "--read", "@family")
        change(vm, "share", "create", "private", "tank/private", "--write", "bob")
        change(vm, "share", "create", "vault", "tank/vault", "--write", "anna", "--encryption", "required")
        change(vm, "share", "create", "backups", "tank/backups", "--write", "anna", "--time-machine", "on",
               "--time-machine-size", "100G")  # fmt: skip
    return vm


@pytest.fixture
def client(nas: Machine, tmp_path: Path) -> Client:
    """smbclient outside the machine: `client("anna", "photos", "ls")`."""

    def ask(user: str, share: str, script: str, *options: str, phrase: str = PHRASE) -> Done:
        dialect = [] if "-m" in options else ["-m", "SMB3"]
        return smbclient(
            nas, share, script, tmp_path, *dialect, *options, user=user, phrase=phrase, limit_s=20
        )

    return ask


def said(done: Done) -> str:
    return str(done.out + done.err)


def until(nas: Machine, what: str, is_so: Callable[[], bool]) -> None:
    retry(lambda _last: is_so(), timeout_s=nas.scale.limit(20), what=what)


def test_each_does_what_the_rights_say(nas: Machine, client: Client, tmp_path: Path) -> None:
    content = secrets.token_bytes(300_001)
    (tmp_path / "out.bin").write_bytes(content)
    done = client("anna", "photos", "put out.bin; mkdir sub; cd sub; put out.bin")
    assert done.code == 0, done.describe()
    done = client("bob", "photos", "get out.bin back.bin")
    assert done.code == 0, done.describe()
    assert (tmp_path / "back.bin").read_bytes() == content
    for script in ("put out.bin mine.bin", "rm out.bin", "cd sub; put out.bin mine.bin"):
        assert "NT_STATUS_" in said(client("bob", "photos", script)), script
    assert sigmavault(nas, "share", "check")["findings"] == []


def test_what_is_somebody_elses_is_refused_and_not_even_listed(client: Client) -> None:
    assert "NT_STATUS_ACCESS_DENIED" in said(client("anna", "private", "ls"))
    listed = client("anna", "IPC$", "help", "-L", "127.0.0.1").out
    assert "photos" in listed
    assert "private" not in listed


def test_strangers_get_in_nowhere(client: Client) -> None:
    refusals = "NT_STATUS_(ACCESS_DENIED|CONNECTION_DISCONNECTED|LOGON_FAILURE)"
    for user, share in (("", "photos"), ("nobody-here", "photos"), ("root", "photos"), ("", "IPC$")):
        done = client(user, share, "ls")
        assert done.code != 0, (user, share)
        assert re.search(refusals, said(done)), done.describe()
    assert "NT_STATUS_LOGON_FAILURE" in said(client("anna", "photos", "ls", phrase="wrong phrase"))


@pytest.mark.parametrize(
    "options",
    [
        ("-m", "NT1", "--option=client min protocol=NT1"),
        ("-m", "SMB2_10"),
        ("-m", "SMB3", "--option=client ntlmv2 auth=no"),
    ],
    ids=["SMB 1", "SMB 2.1", "NTLMv1"],
)
def test_old_ways_are_refused(client: Client, options: tuple[str, ...]) -> None:
    done = client("anna", "photos", "ls", *options)
    assert done.code != 0, done.describe()


def test_previous_versions_show_what_was_and_cannot_be_changed(
    nas: Machine, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "letter").write_text("as it was")
    assert client("anna", "photos", "put letter").code == 0
    if nas.execute("zfs", "list", f"tank/photos@{SNAPSHOT}").code != 0:
        for name in (SNAPSHOT, "manual-one"):
            nas.succeed("zfs", "snapshot", f"tank/photos@{name}")
    (tmp_path / "letter").write_text("as it is")
    assert client("anna", "photos", "put letter").code == 0
    versions = re.findall(r"@GMT-\S+", client("bob", "photos", "allinfo letter").out)
    assert versions == ["@GMT-2026.08.01-00.00.00"]
    assert client("bob", "photos", f"get {versions[0]}\\letter old").code == 0
    assert (tmp_path / "old").read_text() == "as it was"
    assert "NT_STATUS_" in said(client("anna", "photos", f"put letter {versions[0]}\\letter"))
    assert "NT_STATUS_" in said(client("anna", "photos", f"cd .zfs\\snapshot\\{SNAPSHOT}; ls"))


def test_no_link_leads_out(nas: Machine, client: Client) -> None:
    nas.succeed("ln", "-sf", "/etc/passwd", "/tank/photos/link")
    done = client("anna", "photos", "get link")
    assert "NT_STATUS_" in said(done)
    nas.succeed("rm", "/tank/photos/link")


def test_streams_come_back(client: Client, tmp_path: Path) -> None:
    (tmp_path / "meta").write_text("what a Mac remembers")
    assert client("anna", "photos", "put meta picture; put meta picture:remarks").code == 0
    assert client("anna", "photos", "get picture:remarks back").code == 0
    assert (tmp_path / "back").read_text() == "what a Mac remembers"


def test_the_wire_is_encrypted_where_it_has_to_be(client: Client) -> None:
    """smbclient that knows no cipher: refused by one share, let in by the other (and gives up itself)."""
    assert client("anna", "vault", "ls", "--client-protection=encrypt").code == 0
    unable = "--option=client smb3 encryption algorithms=none"
    assert "tree connect failed: NT_STATUS_ACCESS_DENIED" in said(client("anna", "vault", "ls", unable))
    assert "tree connect failed" not in said(client("anna", "photos", "ls", unable))


def test_macs_are_told_where_to_back_up(nas: Machine) -> None:
    section = nas.succeed("testparm", "--suppress-prompt", "--section-name=backups")
    assert "fruit:time machine = yes" in section
    assert "fruit:time machine max size = 107374182400" in section
    assert "posix locking = No" in section
    told = nas.succeed("python3", "-", "_adisk._tcp.local", "30", stdin=MDNS, timeout_s=60)
    assert "dk0=adVN=backups,adVF=0x82" in told, told


def test_guests_come_in_only_while_a_share_wants_them(
    nas: Machine, client: Client, tank, tmp_path: Path
) -> None:
    tank("open")
    (tmp_path / "gift").write_text("hello")
    assert client("anybody", "open", "ls", phrase="x").code != 0
    change(nas, "share", "create", "open", "tank/open", "--guest", "write")
    # smbd reads its configuration anew when it gets round to it
    until(nas, "a guest comes in", lambda: client("anybody", "open", "put gift; ls", phrase="x").code == 0)
    assert nas.succeed("stat", "--format=%U", "/tank/open/gift").strip() == "nobody"
    assert client("anybody", "photos", "ls", phrase="x").code != 0
    change(nas, "share", "delete", "open")
    assert client("anybody", "open", "ls", phrase="x").code != 0
    nas.succeed("test", "-e", "/tank/open/gift")


def test_a_right_that_is_taken_ends_what_was_open(nas: Machine, client: Client) -> None:
    assert client("bob", "photos", "ls").code == 0
    change(nas, "share", "revoke", "photos", "@family")
    assert "NT_STATUS_ACCESS_DENIED" in said(client("bob", "photos", "ls"))
    change(nas, "share", "grant", "photos", "@family", "--right", "read")
    assert client("bob", "photos", "ls").code == 0


@pytest.fixture
def mounted_again(nas: Machine) -> Iterator[None]:
    yield
    nas.execute("systemctl", "start", "sigmavault-hostd.service")
    nas.execute("zfs", "mount", "tank/photos")


def available(nas: Machine, name: str) -> bool:
    rows = sigmavault(nas, "share", "list")["shares"]
    return bool(next(each["available"] for each in rows if each["name"] == name))


@pytest.mark.usefixtures("mounted_again")
def test_a_dataset_that_goes_takes_its_share_along_and_brings_it_back(nas: Machine, client: Client) -> None:
    """Somebody unmounts it in a shell; nobody tells hostd."""
    assert client("anna", "photos", "ls").code == 0
    nas.succeed("zfs", "unmount", "tank/photos")
    until(nas, "the share is gone", lambda: "BAD_NETWORK_NAME" in said(client("anna", "photos", "ls")))
    assert not available(nas, "photos")
    assert client("anna", "vault", "ls").code == 0, "the others stay"
    nas.succeed("zfs", "mount", "tank/photos")
    until(nas, "the share is back", lambda: client("anna", "photos", "ls").code == 0)
    assert "out.bin" in client("anna", "photos", "ls").out
    rows = nas.succeed("grep", '"event":"follow"', "/var/log/sigmavault/audit.jsonl").splitlines()
    gone, back = (json.loads(row)["message"] for row in rows[-2:])
    assert "not served: photos (the dataset tank/photos is not mounted)" in gone
    assert "photos" in back
    assert "not served" not in back


@pytest.mark.usefixtures("mounted_again")
def test_an_empty_folder_is_never_shown_even_with_hostd_away(
    nas: Machine, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "lost").write_text("x")
    nas.succeed("systemctl", "stop", "sigmavault-hostd.service")
    nas.succeed("zfs", "unmount", "tank/photos")
    for script in ("ls", "put lost"):
        done = client("anna", "photos", script)
        assert "NT_STATUS_" in said(done), f"{script}: {done.describe()}"
    assert nas.succeed("find", "/tank/photos", "-mindepth", "1") == ""
    nas.succeed("systemctl", "restart", "sigmavault-shares.service")
    section = nas.succeed("testparm", "--suppress-prompt", "--section-name=photos")
    assert "available = No" in section, "before Samba starts the next time"


@pytest.mark.usefixtures("mounted_again")
def test_a_pool_that_is_exported_and_imported_brings_its_shares_back(nas: Machine, client: Client) -> None:
    nas.succeed("systemctl", "stop", "nfs-server.service")
    nas.succeed("zpool", "export", "tank", timeout_s=60)
    until(nas, "all shares are gone", lambda: "BAD_NETWORK_NAME" in said(client("anna", "vault", "ls")))
    nas.succeed("zpool", "import", "-d", "/dev/disk/by-id", "tank", timeout_s=60)
    nas.succeed("systemctl", "start", "nfs-server.service")
    until(nas, "the shares are back", lambda: client("anna", "photos", "ls").code == 0)


@pytest.fixture
def media(nas: Machine, tank) -> Iterator[str]:
    """A dataset with a space in its name, exported to this machine alone."""
    path: str = tank("my media")
    if not any(each["name"] == "media" for each in sigmavault(nas, "share", "list")["shares"]):
        change(nas, "share", "create", "media", "tank/my media", "--protocol", "nfs", "--host", "127.0.0.1",
               "--nfs-users", "anna")  # fmt: skip
    nas.succeed("mkdir", "-p", MOUNT)
    yield path
    nas.execute("umount", "--force", "--lazy", MOUNT)


def test_an_export_is_mounted_and_everybody_is_who_was_said(nas: Machine, media: str) -> None:
    nas.succeed("mount", "-t", "nfs4", f"127.0.0.1:{media}", MOUNT, timeout_s=60)
    nas.succeed("touch", f"{MOUNT}/mine")
    assert nas.succeed("stat", "--format=%U", f"{media}/mine").strip() == "anna"
    assert "2049" in nas.succeed("nft", "list", "set", "inet", "sigmavault", "shared_tcp")


def test_root_is_nobody_where_users_are_their_own(nas: Machine, media: str) -> None:
    change(nas, "share", "set", "media", "--nfs-users", "own")
    nas.succeed("chmod", "0777", media)
    nas.succeed("mount", "-t", "nfs4", f"127.0.0.1:{media}", MOUNT, timeout_s=60)
    nas.succeed("touch", f"{MOUNT}/squashed")
    assert nas.succeed("stat", "--format=%U", f"{media}/squashed").strip() == "nobody"


def test_an_export_without_its_dataset_is_no_export(nas: Machine, media: str) -> None:
    nas.succeed("zfs", "unmount", "-f", "tank/my media")

    def is_gone() -> bool:
        return nas.succeed("exportfs", "-s").count("my") == 0

    until(nas, "the export is gone", is_gone)
    nas.fail("timeout", "30", "mount", "-t", "nfs4", "-o", "retry=0", f"127.0.0.1:{media}", MOUNT)
    nas.succeed("zfs", "mount", "tank/my media")
    until(nas, "the export is back", lambda: not is_gone())
    change(nas, "share", "delete", "media")


def test_who_leaves_has_no_right_any_more(nas: Machine, client: Client) -> None:
    sigmavault(nas, "user", "delete", "bob", "--confirm", "bob")
    assert client("bob", "photos", "ls").code != 0
    nas.fail("id", "bob")
    assert "bob" not in nas.succeed("cat", "/etc/samba/sigmavault-shares.conf")


def test_what_is_not_shared_is_not_reached(nas: Machine) -> None:
    for name in ("photos", "private", "vault", "backups"):
        change(nas, "share", "delete", name)
    ports = nas.succeed("nft", "list", "set", "inet", "sigmavault", "shared_tcp")
    assert not re.search(r"\b(445|2049|5357)\b", ports), ports
