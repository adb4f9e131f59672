"""NFS 4 of a ZFS dataset, mounted from the machine itself; older versions are refused."""

import re

import pytest

from tests.vm.stage import ROOT, Target

pytestmark = pytest.mark.vm

MOUNT = "/mnt/nfs-test"
GUIDE = (ROOT / "docs/user-guide.md").read_text(encoding="utf-8")
EXPORTS = re.findall(r"^```exports\n/tank/media \S+\((\S+)\)\n```$", GUIDE, re.MULTILINE)
"""The options that the user guide gives: for an installed system, and for a live one."""


@pytest.fixture
def export(scene, vm, tank):
    """An exported dataset: its folder, and what a client mounts."""
    path = tank("media")
    vm.succeed("chown", "nobody:nogroup", path)
    vm.succeed("mkdir", "-p", MOUNT, "/etc/exports.d")
    root = scene.target is Target.ISO
    installed, live = EXPORTS
    options = live if root else installed
    vm.succeed("tee", "/etc/exports.d/test.exports", stdin=f"{path} 127.0.0.1({options})\n".encode())
    vm.succeed("systemctl", "reload", "nfs-server")
    yield path, "127.0.0.1:/" if root else f"127.0.0.1:{path}"
    vm.execute("umount", MOUNT)


def test_a_file_arrives_on_the_dataset(vm, export):
    path, remote = export
    vm.succeed("mount", "-t", "nfs4", remote, MOUNT)
    vm.shell('head --bytes=2000000 /dev/urandom > "$1/file"; sync "$1/file"', MOUNT)
    there, here = (vm.succeed("sha256sum", f"{folder}/file").split()[0] for folder in (MOUNT, path))
    assert there == here
    options = vm.succeed("findmnt", "--noheadings", "--output=OPTIONS", MOUNT)
    assert "vers=4.2" in options


def test_root_is_nobody(vm, export):
    path, remote = export
    vm.succeed("mount", "-t", "nfs4", remote, MOUNT)
    vm.succeed("touch", f"{MOUNT}/mine")
    assert vm.succeed("stat", "--format=%U", f"{path}/mine").strip() == "nobody"


def test_version_3_is_refused(vm, export):
    _, remote = export
    assert "-3 +4 " in vm.succeed("cat", "/proc/fs/nfsd/versions")
    said = vm.fail(
        "timeout", "60", "mount", "-t", "nfs", "-o", "vers=3,proto=tcp,port=2049,retry=0,nolock",
        remote, MOUNT,
    )  # fmt: skip
    assert re.search("refused|not supported|Protocol", said), said


def test_only_what_is_exported_is_reached(vm, export):
    vm.succeed("mount", "-t", "nfs4", "127.0.0.1:/", MOUNT)
    vm.fail("test", "-e", f"{MOUNT}/etc")
