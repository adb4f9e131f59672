"""A person's key and the shipped module: the image's own program, kernel tools and openssl, in the tree."""

from __future__ import annotations

import pytest

from tests.image.tree import Tree

# The tree is read-only and not booted: the modules are copied, and the kernel is the tree's.
_SIGN = """
import shutil, sys
from pathlib import Path
from sigmavault.system import mok
from sigmavault.zfskey.keys import Pair
from sigmavault.zfskey.load import sign_modules

kernel, copy = sys.argv[1], Path("/tmp/root/usr/lib/modules") / sys.argv[1]
(copy / "updates/dkms").mkdir(parents=True)
(copy / "build").symlink_to(f"/usr/lib/modules/{kernel}/build")
for name in ("spl", "zfs"):
    (module,) = Path(f"/usr/lib/modules/{kernel}").glob(f"**/{name}.ko*")
    shutil.copy(module, copy / "updates/dkms")
key, certificate = Path("/tmp/key"), Path("/tmp/certificate")
mok.make_pair(key, certificate, "a test's key")
pair = Pair(key=key, certificate=certificate, name=mok.read_name(certificate))
assert len(sign_modules(Path("/tmp/root"), kernel, pair)) == 2
assert sign_modules(Path("/tmp/root"), kernel, pair) == []
"""
_MODINFO = 'modinfo --field "$2" /tmp/root/usr/lib/modules/"$1"/updates/dkms/zfs.ko*'


@pytest.mark.parametrize(
    ("field", "value"), [("signer", "a test's key"), ("sig_hashalgo", "sha256"), ("name", "zfs")]
)
def test_the_module_takes_a_signature(tree: Tree, field: str, value: str) -> None:
    script = f'python3 -I -c "$0" "$1" && {_MODINFO}'
    done = tree.run("sh", "-euc", script, _SIGN, tree.kernel, field)
    assert (done.status, done.stdout.strip()) == (0, value), done.said


def test_what_asks_the_firmware_is_there(tree: Tree) -> None:
    assert tree.run("mokutil", "--version").status == 0
    assert tree.run("sigmavault", "secure-boot", "enrol", "--help").status == 0
