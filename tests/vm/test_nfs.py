"""NFS 4 of a ZFS dataset, mounted from the machine itself; older versions are refused."""

import re

import pytest

pytestmark = pytest.mark.vm

MOUNT = "/mnt/nfs-test"


@pytest.fixture
def export(vm, tank):
    path = tank("media")
    vm.succeed("chown", "nobody:nogroup", path)
    vm.succeed("mkdir", "-p", MOUNT, "/etc/exports.d")
    line = f"{path} 127.0.0.1(rw,sync,no_subtree_check,root_squash)\n"
    vm.succeed("tee", "/etc/exports.d/test.exports", stdin=line.encode())
    vm.succeed("systemctl", "reload", "nfs-server")
    yield path
    vm.execute("umount", MOUNT)


def test_a_file_arrives_on_the_dataset(vm, export):
    vm.succeed("mount", "-t", "nfs4", f"127.0.0.1:{export}", MOUNT)
    vm.shell('head --bytes=2000000 /dev/urandom > "$1/file"; sync "$1/file"', MOUNT)
    there, here = (vm.succeed("sha256sum", f"{folder}/file").split()[0] for folder in (MOUNT, export))
    assert there == here
    options = vm.succeed("findmnt", "--noheadings", "--output=OPTIONS", MOUNT)
    assert "vers=4.2" in options


def test_root_is_nobody(vm, export):
    vm.succeed("mount", "-t", "nfs4", f"127.0.0.1:{export}", MOUNT)
    vm.succeed("touch", f"{MOUNT}/mine")
    assert vm.succeed("stat", "--format=%U", f"{export}/mine").strip() == "nobody"


def test_version_3_is_refused(vm, export):
    assert "-3 +4 " in vm.succeed("cat", "/proc/fs/nfsd/versions")
    said = vm.fail(
        "timeout", "60", "mount", "-t", "nfs", "-o", "vers=3,proto=tcp,port=2049,retry=0,nolock",
        f"127.0.0.1:{export}", MOUNT,
    )  # fmt: skip
    assert re.search("refused|not supported|Protocol", said), said


def test_only_what_is_exported_is_reached(vm, export):
    vm.succeed("mount", "-t", "nfs4", "127.0.0.1:/", MOUNT)
    vm.fail("test", "-e", f"{MOUNT}/etc")
