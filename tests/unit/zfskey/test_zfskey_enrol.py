from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path

import pytest
from sigmavault.core.errors import CommandError, InvalidRequestError, ModuleSigningError
from sigmavault.core.module_signing import CERTIFICATE_FILE, KEY_FILE, KEY_USAGE, Enrolment
from sigmavault.system.mok import read_enrolment
from sigmavault.system.run import run
from sigmavault.zfskey.enrol import enrol
from sigmavault.zfskey.keys import make_new_pair, read_folder, read_pair

from tests.unit.zfskey.conftest import Firmware

pytestmark = pytest.mark.runs_programs


@pytest.fixture
def answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Puts a text where mokutil reads the password from."""
    kept = os.dup(0)

    def give(text: str) -> None:
        typed = tmp_path / "typed"
        typed.write_text(text)
        file = os.open(typed, os.O_RDONLY)
        os.dup2(file, 0)
        os.close(file)

    yield give
    os.dup2(kept, 0)
    os.close(kept)


def words_of(certificate: Path) -> str:
    return run(["openssl", "x509", "-in", str(certificate), "-noout", "-text"], timeout_s=20).stdout


def test_a_key_is_made_for_modules_alone_and_for_its_owner_alone(stick: Path) -> None:
    pair = make_new_pair(stick)
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    assert pair.is_private()
    text = words_of(pair.certificate)
    assert re.search(r"Extended Key Usage: ?\n\s+Code Signing, 1\.3\.6\.1\.4\.1\.2312\.16\.1\.2\n", text)
    assert "1.3.6.1.4.1.2312.16.1.2" in KEY_USAGE
    assert "CA:FALSE" in text
    assert "2048 bit" in text
    assert re.fullmatch("CN=SigmaVault module key [0-9a-f]{8}", pair.name)
    assert read_pair(stick) == pair


def test_no_two_keys_have_one_name(stick: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert make_new_pair(stick).name != make_new_pair(tmp_path / "other").name


def test_a_folder_in_memory_gets_no_key() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        with pytest.raises(ModuleSigningError, match="gone at the next start"):
            make_new_pair(Path(folder))
        assert read_pair(Path(folder)) is None


def test_half_a_pair_is_neither_used_nor_replaced(stick: Path) -> None:
    make_new_pair(stick)
    (stick / CERTIFICATE_FILE).unlink()
    with pytest.raises(ModuleSigningError, match=f"has {KEY_FILE} without"):
        read_pair(stick)


def test_halves_of_two_pairs_are_no_pair(stick: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    make_new_pair(tmp_path / "other").key.replace(make_new_pair(stick).key)
    with pytest.raises(ModuleSigningError, match="do not belong together"):
        read_pair(stick)


def test_nothing_is_written_through_a_link(stick: Path, tmp_path: Path) -> None:
    (stick / CERTIFICATE_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        make_new_pair(stick)
    assert not (tmp_path / "elsewhere").exists()
    assert not (stick / KEY_FILE).exists(), "half a pair is left behind"


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRequestError, match=name):
        read_folder(str(tmp_path / name))


def test_the_firmware_is_asked_once_and_the_key_stays(
    stick: Path, firmware: Firmware, answers, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    answers("one-time\none-time\n")
    enrol(stick, said.append, firmware=firmware.folder)
    pair = read_pair(stick)
    assert pair is not None
    assert pair.certificate.read_bytes() in firmware.read("MokNew")
    assert b"one-time" not in firmware.read("MokAuth")
    assert "one-time" not in "".join(said) + capfd.readouterr().out
    assert "Enroll MOK" in said[-1]
    assert f"secure-boot load {stick}" in said[-1]

    again: list[str] = []
    enrol(stick, again.append, firmware=firmware.folder)
    assert any("asked for already" in text for text in again)
    assert read_pair(stick) == pair

    firmware.restart(agreed=True)
    assert read_enrolment(pair.certificate) is Enrolment.ENROLLED
    then: list[str] = []
    enrol(stick, then.append, firmware=firmware.folder)
    assert "enrolled already" in then[-1]


def test_two_passwords_that_differ_leave_no_request(
    stick: Path, firmware: Firmware, answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers("".join(f"password {number}\n" for number in range(20)))
    with pytest.raises(CommandError, match="mokutil --import"):
        enrol(stick, lambda _text: None, firmware=firmware.folder)
    assert firmware.read("MokNew") == b""
    assert read_pair(stick) is not None, "the key is good, only the password was not"


def test_without_uefi_nothing_is_made(stick: Path, tmp_path: Path) -> None:
    with pytest.raises(ModuleSigningError, match="not started by UEFI"):
        enrol(stick, lambda _text: None, firmware=tmp_path / "none")
    assert not list(stick.iterdir())
