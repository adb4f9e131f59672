from __future__ import annotations

import os
from pathlib import Path

import pytest
from sigmavault.zfscheck.main import ISSUE, main


def test_a_missing_module_is_told_on_the_console(tmp_path: Path) -> None:
    assert main(tmp_path) == 0
    assert "There is no ZFS module" in (tmp_path / ISSUE).read_text()


def test_an_unloaded_module_is_found(tmp_path: Path) -> None:
    module = tmp_path / "usr/lib/modules" / os.uname().release / "updates/dkms/zfs.ko.xz"
    module.parent.mkdir(parents=True)
    module.touch()
    assert main(tmp_path) == 0
    assert "was not loaded" in (tmp_path / ISSUE).read_text()


@pytest.mark.parametrize(
    ("live", "step"),
    [(False, "sudo dkms build --force zfs/2.3.9"), (True, "sudo sigmavault secure-boot enrol FOLDER")],
)
def test_secure_boot_is_found_in_the_firmwares_variable(tmp_path: Path, live: bool, step: str) -> None:
    module = tmp_path / "usr/lib/modules" / os.uname().release / "updates/dkms/zfs.ko.xz"
    variable = tmp_path / "sys/firmware/efi/efivars" / "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    for path, content in ((module, b""), (variable, b"\x06\0\0\0\x01")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    (tmp_path / "usr/src/zfs-2.3.9").mkdir(parents=True)
    if live:
        (tmp_path / "run/live/medium").mkdir(parents=True)
    main(tmp_path)
    text = (tmp_path / ISSUE).read_text()
    assert "Secure Boot keeps the ZFS module out" in text
    assert step in text


def test_the_notice_goes_when_the_module_comes(tmp_path: Path) -> None:
    main(tmp_path)
    (tmp_path / "sys/module/zfs").mkdir(parents=True)
    main(tmp_path)
    assert not (tmp_path / ISSUE).exists()
