"""What an image must not carry: whatever is secret, or belongs to one machine or one build."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from scripts.process import Runner
from scripts.roles import archives
from tests.image.tree import Tree

BUILD_PATHS = (b"/tmp/pip-", b"/src/services/", b"/src/overlay/", b"/cache/work/", b"/var/cache/sigmavault/")
SEARCHED = (
    "etc", "usr/lib/python3/dist-packages/sigmavault", "usr/lib/sigmavault", "usr/lib/systemd", "usr/libexec",
    "usr/share/sigmavault", "var/lib/dkms", "var/lib/dpkg/info", "var/log",
)  # fmt: skip


def test_no_account_has_a_password(tree: Tree) -> None:
    open_accounts = [row[0] for row in tree.table("etc/shadow") if row[1] not in ("*", "!", "!*", "!!")]
    assert not open_accounts


def test_every_account_is_in_shadow(tree: Tree) -> None:
    """An `x` without its shadow line, or a password in passwd itself, would be a hole."""
    assert {row[1] for row in tree.table("etc/passwd")} == {"x"}
    assert {row[0] for row in tree.table("etc/passwd")} == {row[0] for row in tree.table("etc/shadow")}


def test_only_root_is_root(tree: Tree) -> None:
    assert [row[0] for row in tree.table("etc/passwd") if row[2] == "0"] == ["root"]


def test_people_with_a_shell(tree: Tree) -> None:
    """Besides root: the live user, on the ISO alone."""
    no_login = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")
    shells = {row[0] for row in tree.table("etc/passwd") if row[6] not in no_login}
    assert shells == ({"root", "sigmavault"} if tree.target == "iso" else {"root"})


@pytest.mark.parametrize(
    "pattern",
    [
        "etc/ssh/ssh_host_*",
        "etc/hostid",
        "etc/nvme/hostid",
        "etc/nvme/hostnqn",
        "etc/zfs/zpool.cache",
        "etc/ssl/private/*",
        "root/.ssh/*",
        "home/*/.ssh/*",
        "var/lib/dbus/machine-id",
        "var/lib/dkms/mok.*",
        "var/lib/shim-signed/mok/*",
        "var/lib/systemd/random-seed",
        "var/lib/systemd/credential.secret",
        "var/lib/samba/private/*.tdb",
        "root/.cache/*",
        "root/.ccache",
        "var/cache/ccache",
        "var/cache/apt/archives/*.deb",
        "var/lib/apt/lists/*_*",
        "var/lib/dkms/**/make.log",
        "etc/*-",
        "usr/sbin/policy-rc.d",
        "etc/dkms/framework.conf.d/sigmavault-build.conf",
        "root/packages.chroot",
        "etc/apt/sources.list.d/*build*",
    ],
)
def test_nothing_of_one_machine_or_one_build(tree: Tree, pattern: str) -> None:
    found = [place for place in tree.glob(pattern) if not Path(place).name.startswith("README")]
    assert not found


def test_the_machine_id_is_left_to_the_machine(tree: Tree) -> None:
    assert tree.text("etc/machine-id").strip() in ("", "uninitialized")


def test_no_path_of_the_build_machine(tree: Tree) -> None:
    found = []
    for folder in SEARCHED:
        for path in (tree.root / folder).rglob("*"):
            if path.suffix == ".gguf" or not stat.S_ISREG(path.lstat().st_mode):
                continue
            content = path.read_bytes()
            found += [(str(path.relative_to(tree.root)), seen) for seen in BUILD_PATHS if seen in content]
    assert not found


def test_no_mirror_of_the_build_machine(tree: Tree) -> None:
    """The image asks the archive that live-build names by itself, not whatever the build used."""
    own = archives(Runner(log=sys.stdout, env=os.environ))
    hosts = set()
    for place in tree.glob("etc/apt/sources.list", "etc/apt/sources.list.d/*"):
        for word in tree.text(place.lstrip("/")).split():
            if "://" in word:
                hosts.add(word.split("/")[2])
    assert hosts <= {uri.split("/")[2] for uri in own.values()}
    assert hosts


def test_apt_knows_no_proxy_of_the_build_machine(tree: Tree) -> None:
    places = tree.glob("etc/apt/apt.conf", "etc/apt/apt.conf.d/*")
    text = "".join(tree.text(place.lstrip("/")) for place in places)
    assert "Acquire::http::Proxy" not in text
    assert "Check-Valid-Until" not in text
