from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sigmavault.core.errors import CommandError, ModuleSigningError
from sigmavault.core.module_signing import pack, strip_signature, unpack
from sigmavault.system.kernel_modules import find_modules
from sigmavault.system.run import run
from sigmavault.zfskey.keys import Pair, make_new_pair
from sigmavault.zfskey.load import load, sign_modules

from tests.unit.zfskey.conftest import KERNEL

pytestmark = pytest.mark.runs_programs


@pytest.fixture
def pair(stick: Path) -> Pair:
    return make_new_pair(stick)


def module(tree: Path, name: str) -> Path:
    (path,) = find_modules(tree, KERNEL, name)
    return path


def content(path: Path) -> bytes:
    return unpack(path.name, path.read_bytes())


def is_signed_by(path: Path, pair: Pair, work: Path) -> bool:
    """Whether openssl agrees that the appended signature is that key's, over the rest of the module."""
    whole = content(path)
    (work / "module").write_bytes(strip_signature(whole))
    (work / "signature").write_bytes(whole[len(strip_signature(whole)) : -40])
    argv = ["openssl", "x509", "-inform", "DER", "-in", str(pair.certificate), "-out", str(work / "pem")]
    run(argv, timeout_s=20)
    argv = ["openssl", "cms", "-verify", "-binary", "-noverify", "-inform", "DER", "-out", "/dev/null"]
    argv += ["-in", str(work / "signature"), "-content", str(work / "module"), "-certfile", str(work / "pem")]
    return run(argv, timeout_s=20, check=False).status == 0


def test_both_modules_get_the_signature(kernel_tree: Path, pair: Pair, tmp_path: Path) -> None:
    before = {name: content(module(kernel_tree, name)) for name in ("spl", "zfs")}
    assert sign_modules(kernel_tree, KERNEL, pair) == ["spl.ko.xz", "zfs.ko.xz"]
    for name, old in before.items():
        path = module(kernel_tree, name)
        assert strip_signature(content(path)) == old
        assert is_signed_by(path, pair, tmp_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert len(list(module(kernel_tree, "zfs").parent.iterdir())) == 2, "nothing is left beside them"


def test_signing_again_changes_nothing(kernel_tree: Path, pair: Pair) -> None:
    sign_modules(kernel_tree, KERNEL, pair)
    before = module(kernel_tree, "zfs").stat()
    assert sign_modules(kernel_tree, KERNEL, pair) == []
    assert module(kernel_tree, "zfs").stat().st_ino == before.st_ino


def test_another_key_takes_the_place_of_the_first(kernel_tree: Path, pair: Pair, tmp_path: Path) -> None:
    sign_modules(kernel_tree, KERNEL, pair)
    plain = strip_signature(content(module(kernel_tree, "zfs")))
    (tmp_path / "other").mkdir()
    other = make_new_pair(tmp_path / "other")
    sign_modules(kernel_tree, KERNEL, other)
    assert is_signed_by(module(kernel_tree, "zfs"), other, tmp_path)
    assert not is_signed_by(module(kernel_tree, "zfs"), pair, tmp_path)
    assert strip_signature(content(module(kernel_tree, "zfs"))) == plain


def test_a_module_that_is_not_packed_stays_so(kernel_tree: Path, pair: Pair, tmp_path: Path) -> None:
    packed = module(kernel_tree, "zfs")
    packed.with_suffix("").write_bytes(content(packed))
    packed.unlink()
    assert "zfs.ko" in sign_modules(kernel_tree, KERNEL, pair)
    assert is_signed_by(module(kernel_tree, "zfs"), pair, tmp_path)


def test_a_signer_that_fails_leaves_the_module_alone(kernel_tree: Path, pair: Pair) -> None:
    before = module(kernel_tree, "spl").read_bytes()
    pair.key.write_text("no key")
    with pytest.raises(CommandError):
        sign_modules(kernel_tree, KERNEL, pair)
    assert module(kernel_tree, "spl").read_bytes() == before


def test_a_damaged_module_is_not_signed(kernel_tree: Path, pair: Pair) -> None:
    path = module(kernel_tree, "zfs")
    path.write_bytes(pack(path.name, b"~Module signature appended~\n"))
    with pytest.raises(ModuleSigningError, match="damaged"):
        sign_modules(kernel_tree, KERNEL, pair)


def test_what_is_missing_is_named_before_anything_changes(kernel_tree: Path, pair: Pair) -> None:
    module(kernel_tree, "zfs").unlink()
    before = module(kernel_tree, "spl").read_bytes()
    with pytest.raises(ModuleSigningError, match=f"no module zfs for kernel {KERNEL}"):
        sign_modules(kernel_tree, KERNEL, pair)
    assert module(kernel_tree, "spl").read_bytes() == before
    with pytest.raises(ModuleSigningError, match="sign-file is not there") as missing:
        sign_modules(kernel_tree, "5.0-gone", pair)
    assert "linux-headers-5.0-gone" in missing.value.hint


def test_a_folder_without_a_key_says_how_to_get_one(stick: Path) -> None:
    with pytest.raises(ModuleSigningError, match="no key") as missing:
        load(stick, lambda _text: None)
    assert missing.value.hint == f"sudo sigmavault secure-boot enrol {stick}"
