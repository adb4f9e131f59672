"""Who may write what, and what runs with more rights than its caller."""

from __future__ import annotations

import os
import stat

from tests.image.tree import Tree

WRITABLE_BY_ALL = {"/tmp", "/var/tmp", "/var/lock", "/tmp/.X11-unix", "/tmp/.ICE-unix", "/run/lock"}
SET_ID = {
    "/usr/bin/chage", "/usr/bin/chfn", "/usr/bin/chsh", "/usr/bin/crontab", "/usr/bin/expiry",
    "/usr/bin/fusermount3", "/usr/bin/gpasswd", "/usr/bin/mount", "/usr/bin/newgrp", "/usr/bin/ntfs-3g",
    "/usr/bin/passwd", "/usr/bin/pkexec", "/usr/bin/ssh-agent", "/usr/bin/su", "/usr/bin/sudo",
    "/usr/bin/umount", "/usr/lib/dbus-1.0/dbus-daemon-launch-helper", "/usr/lib/openssh/ssh-keysign",
    "/usr/lib/polkit-1/polkit-agent-helper-1", "/usr/lib/xorg/Xorg.wrap", "/usr/sbin/mount.cifs",
    "/usr/sbin/mount.nfs", "/usr/sbin/unix_chkpwd",
}  # fmt: skip
"""All of Debian; none of ours may ever be here."""


def listing(tree: Tree) -> list[tuple[str, os.stat_result]]:
    return [(tree.on_target(entry), entry.stat(follow_symlinks=False)) for entry in tree.walk()]


def test_nothing_is_writable_by_all(tree: Tree) -> None:
    found = {
        place
        for place, state in listing(tree)
        if state.st_mode & stat.S_IWOTH
        and not stat.S_ISLNK(state.st_mode)
        and not place.startswith(("/dev/", "/proc/"))
    }
    assert found - WRITABLE_BY_ALL == set()


def test_folders_of_all_are_sticky(tree: Tree) -> None:
    for place in ("tmp", "var/tmp"):
        assert tree.path(place).stat().st_mode & stat.S_ISVTX


def test_programs_with_rights_of_their_own(tree: Tree) -> None:
    found = {
        place
        for place, state in listing(tree)
        if state.st_mode & (stat.S_ISUID | stat.S_ISGID) and stat.S_ISREG(state.st_mode)
    }
    assert found - SET_ID == set()


def test_the_system_belongs_to_root(tree: Tree) -> None:
    ours = ("/usr/", "/etc/sigmavault", "/etc/systemd", "/etc/samba", "/etc/ssh", "/etc/nftables")
    found = [place for place, state in listing(tree) if place.startswith(ours) and state.st_uid != 0]
    assert not found


def test_nothing_is_owned_by_nobody_we_know(tree: Tree) -> None:
    users = {int(row[2]) for row in tree.table("etc/passwd")}
    groups = {int(row[2]) for row in tree.table("etc/group")}
    states = listing(tree)
    astray = [place for place, it in states if it.st_uid not in users or it.st_gid not in groups]
    assert not astray


def test_what_only_root_may_read(tree: Tree) -> None:
    modes = {"etc/shadow": 0o640, "etc/gshadow": 0o640, "etc/sudoers": 0o440}
    for place, mode in modes.items():
        assert stat.S_IMODE(tree.path(place).stat().st_mode) == mode, place
