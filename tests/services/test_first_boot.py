"""The machine part of the first boot: whole or not at all, and never twice."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sigmavault.core.errors import SigmaVaultError
from sigmavault.firstboot import main as firstboot
from sigmavault.firstboot import pieces
from sigmavault.system import files
from sigmavault.system.run import run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGMAVAULT_MANIFEST", str(ROOT / "models-manifest.yaml"))
    for folder in ("etc/ssh", "var/lib", "proc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/hostname").write_text("attic\n")
    return tmp_path


def given_out(root: Path) -> dict[str, str]:
    """What there is, by name; what is being made does not count."""
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((root / "etc").rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)
    }


def test_a_new_machine_gets_all_of_it_and_a_second_start_changes_nothing(root: Path) -> None:
    assert firstboot.main(root) == 0
    before = given_out(root)
    assert set(before) == {
        "etc/hostname", "etc/hostid", "etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_ed25519_key.pub",
        "etc/ssh/ssh_host_ecdsa_key", "etc/ssh/ssh_host_ecdsa_key.pub", "etc/sigmavault/tls/key.pem",
        "etc/sigmavault/tls/certificate.pem", "etc/sigmavault/secrets/api",
    }  # fmt: skip
    for name in before:
        is_private = name.endswith(("_key", "key.pem", "secrets/api"))
        assert stat.S_IMODE((root / name).stat().st_mode) == (0o600 if is_private else 0o644), name
    assert stat.S_IMODE((root / "etc/sigmavault/secrets").stat().st_mode) == 0o700
    assert len((root / "etc/hostid").read_bytes()) == 4
    assert json.loads((root / firstboot.RECORD).read_text())["tier"]
    assert firstboot.main(root) == 0
    assert given_out(root) == before


def test_the_certificate_is_for_this_machine(root: Path) -> None:
    assert pieces.certificate(root, "attic")
    told = subprocess.run(
        ["openssl", "x509", "-in", root / pieces.TLS / "certificate.pem", "-noout", "-ext", "subjectAltName"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "DNS:attic, DNS:attic.local, DNS:localhost" in told


class PowerCutError(BaseException):
    """Nothing that runs on this machine can catch it."""


def cut_before(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """The power goes before the n-th thing that reaches the disk; tells how many came."""
    count = 0

    def counted[**P, R](real: Callable[P, R]) -> Callable[P, R]:
        def step(*arguments: P.args, **more: P.kwargs) -> R:
            nonlocal count
            count += 1
            if count == number:
                raise PowerCutError
            return real(*arguments, **more)

        return step

    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "rename", counted(Path.rename))
    monkeypatch.setattr(Path, "mkdir", counted(Path.mkdir))
    monkeypatch.setattr("sigmavault.firstboot.pieces.run", counted(run))
    monkeypatch.setattr(pieces, "_sync", counted(pieces._sync))
    monkeypatch.setattr(files, "sync_folder", counted(files.sync_folder))
    return lambda: count


def test_cut_off_anywhere_it_is_done_again_and_what_was_given_out_stays(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cuts = 0
    for number in range(1, 100):
        place = tmp_path_factory.mktemp("cut")
        with pytest.MonkeyPatch.context() as patch:
            cut_before(patch, number)
            subprocess.run(["cp", "-a", f"{root}/.", place], check=True)
            try:
                firstboot.main(place)
            except PowerCutError:
                cuts += 1
            else:
                break
        before = given_out(place)
        assert firstboot.main(place) == 0
        after = given_out(place)
        assert len(after) == 9
        kept = {name: each for name, each in before.items() if after[name] == each}
        lost = set(before) - set(kept)
        assert lost <= {f"etc/ssh/ssh_host_{kind}_key.pub" for kind in pieces.KEY_TYPES}, lost
        assert len(lost) <= 1, "a public half whose private one never came to be"
    assert cuts >= 12


@pytest.mark.parametrize("damage", [b"", b"\0\0\0\0", b"abc", b"not a key at all\n"])
def test_what_is_damaged_was_never_used_and_is_made_anew(root: Path, damage: bytes) -> None:
    assert firstboot.main(root) == 0
    for name in ("etc/hostid", "etc/ssh/ssh_host_ed25519_key"):
        (root / name).write_bytes(damage)
    assert pieces.host_id(root)
    assert pieces.ssh_keys(root)
    assert not pieces.host_id(root)
    assert not pieces.ssh_keys(root)


def test_a_piece_that_fails_leaves_no_mark_and_does_not_stop_the_others(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_root: Path) -> bool:
        raise SigmaVaultError("there is no randomness")

    monkeypatch.setitem(firstboot.PIECES, "ZFS host id", fail)
    assert firstboot.main(root) == 1
    assert "<3>ZFS host id: there is no randomness" in capsys.readouterr().err
    assert not (root / firstboot.RECORD).exists()
    assert (root / "etc/sigmavault/tls/key.pem").is_file()
