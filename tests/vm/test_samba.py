"""A real SMB client, outside the machine, against a share on a ZFS dataset."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.process import Arg, Done, run
from tests.vm.stage import SMB

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


def client(vm: Machine, folder: Path, *options: str, login: bool = True) -> Done:
    """smbclient in the tools tree, through a forwarded port."""
    account = folder / "account"
    account.write_text(f"username={USER}\npassword={PASSWORD}\n")
    who: list[Arg] = ["-A", account] if login else ["-N", "-U", "%"]
    words: list[Arg] = ["smbclient", "//127.0.0.1/documents", "-p", str(vm.ports[SMB]), *who, *options]
    return run(words, timeout_s=vm.scale.limit(15), check=False)


def test_a_file_comes_back_as_it_was(vm, share, tmp_path):
    content = os.urandom(3_000_001)
    (tmp_path / "out.bin").write_bytes(content)
    script = f"lcd {tmp_path}; put out.bin; get out.bin back.bin; allinfo out.bin"
    done = client(vm, tmp_path, "-m", "SMB3", "-c", script)
    assert done.code == 0, done.describe()
    assert (tmp_path / "back.bin").read_bytes() == content
    stored = vm.succeed("sha256sum", f"{share}/out.bin").split()[0]
    assert stored == hashlib.sha256(content).hexdigest()


def test_the_file_lies_on_zfs(vm, share):
    assert vm.succeed("stat", "--file-system", "--format=%T", share).strip() == "zfs"


@pytest.mark.parametrize("dialect", ["NT1", "SMB2_10"])
def test_old_dialects_are_refused(vm, share, tmp_path, dialect):
    done = client(vm, tmp_path, "-m", dialect, "--option=client min protocol=NT1", "-c", "ls")
    assert done.code != 0
    assert re.search("protocol negotiation .*failed", (done.out + done.err).lower()), done.describe()


@pytest.mark.parametrize("what", [["-L", "127.0.0.1"], ["-c", "ls"]], ids=["list", "connect"])
def test_strangers_see_nothing(vm, share, tmp_path, what):
    done = client(vm, tmp_path, *what, login=False)
    assert done.code != 0
    # A session without a key for encryption is hung up on before access is even asked for.
    refusal = "NT_STATUS_ACCESS_DENIED|NT_STATUS_CONNECTION_DISCONNECTED"
    assert re.search(refusal, done.out + done.err), done.describe()
    assert "documents" not in done.out


def test_a_wrong_password_is_refused(vm, share, tmp_path):
    account = tmp_path / "wrong"
    account.write_text(f"username={USER}\npassword=wrong\n")
    words = ["smbclient", "//127.0.0.1/documents", "-p", str(vm.ports[SMB]), "-A", account, "-c", "ls"]
    done = run(words, timeout_s=vm.scale.limit(15), check=False)
    assert "NT_STATUS_LOGON_FAILURE" in done.out + done.err, done.describe()


def test_the_session_is_signed_and_encrypted(vm, share, tmp_path):
    """smbclient refuses to go on where the server does not encrypt."""
    done = client(vm, tmp_path, "--client-protection=encrypt", "-c", "ls")
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
