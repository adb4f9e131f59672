"""A real SMB client, outside the machine, against a share on a ZFS dataset."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.process import Done
from tests.vm.smb import smbclient

pytestmark = pytest.mark.vm

USER, PASSWORD = "smbtester", "correct horse battery staple"
SHARES = "/etc/samba/sigmavault-shares.conf"
SECTION = """\
[documents]
   path = {path}
   read only = no
   vfs objects = acl_xattr
"""


@pytest.fixture
def share(vm, tank):
    """A share of a dataset, and a user who may use it."""
    path = tank("documents")
    if vm.execute("id", USER).code != 0:
        vm.succeed("useradd", "--no-create-home", "--shell=/usr/sbin/nologin", USER)
        vm.succeed("smbpasswd", "-s", "-a", USER, stdin=f"{PASSWORD}\n{PASSWORD}\n".encode())
        vm.succeed("chown", USER, path)
        vm.succeed("tee", SHARES, stdin=SECTION.format(path=path).encode())
        vm.succeed("testparm", "--suppress-prompt")
        vm.succeed("systemctl", "reload", "smbd")
    return path


def client(vm: Machine, folder: Path, script: str, *options: str) -> Done:
    return smbclient(vm, "documents", script, folder, *options, user=USER, phrase=PASSWORD)


def test_a_file_comes_back_as_it_was(vm, share, tmp_path):
    content = os.urandom(3_000_001)
    (tmp_path / "out.bin").write_bytes(content)
    done = client(vm, tmp_path, "put out.bin; get out.bin back.bin; allinfo out.bin", "-m", "SMB3")
    assert done.code == 0, done.describe()
    assert (tmp_path / "back.bin").read_bytes() == content
    stored = vm.succeed("sha256sum", f"{share}/out.bin").split()[0]
    assert stored == hashlib.sha256(content).hexdigest()


def test_the_file_lies_on_zfs(vm, share):
    assert vm.succeed("stat", "--file-system", "--format=%T", share).strip() == "zfs"


@pytest.mark.parametrize("dialect", ["NT1", "SMB2_10"])
def test_old_dialects_are_refused(vm, share, tmp_path, dialect):
    done = client(vm, tmp_path, "ls", "-m", dialect, "--option=client min protocol=NT1")
    assert done.code != 0
    assert re.search("protocol negotiation .*failed", (done.out + done.err).lower()), done.describe()


@pytest.mark.parametrize(
    ("script", "options"), [("", ["-L", "127.0.0.1"]), ("ls", [])], ids=["list", "connect"]
)
def test_strangers_see_nothing(vm, share, tmp_path, script, options):
    done = smbclient(vm, "documents", script, tmp_path, *options)
    assert done.code != 0
    # A session without a key for encryption is hung up on before access is even asked for.
    refusal = "NT_STATUS_ACCESS_DENIED|NT_STATUS_CONNECTION_DISCONNECTED"
    assert re.search(refusal, done.out + done.err), done.describe()
    assert "documents" not in done.out


def test_a_wrong_password_is_refused(vm, share, tmp_path):
    done = smbclient(vm, "documents", "ls", tmp_path, user=USER, phrase="wrong")
    assert "NT_STATUS_LOGON_FAILURE" in done.out + done.err, done.describe()


def test_the_session_is_signed_and_encrypted(vm, share, tmp_path):
    """smbclient refuses to go on where the server does not encrypt."""
    done = client(vm, tmp_path, "ls", "--client-protection=encrypt")
    assert done.code == 0, done.describe()
    said = vm.succeed("testparm", "--suppress-prompt", "--parameter-name=server signing")
    assert said.strip() in {"mandatory", "required"}


def test_the_port_is_open_only_while_something_is_shared(vm, share):
    def opened() -> str:
        return str(vm.succeed("nft", "list", "set", "inet", "sigmavault", "shared_tcp"))

    assert "445" in opened()
    vm.succeed("mv", SHARES, f"{SHARES}.away")
    vm.succeed("touch", SHARES)
    vm.succeed("systemctl", "reload", "smbd")
    assert "445" not in opened()
    vm.succeed("mv", f"{SHARES}.away", SHARES)
    vm.succeed("systemctl", "reload", "smbd")
    assert "445" in opened()
