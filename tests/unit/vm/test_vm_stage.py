"""Which image is tested, as which variant, and that a broken boot is not tried again by every test."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.vm import stage
from tests.vm.machine.__main__ import find_image
from tests.vm.machine.errors import GuestError, MachineError
from tests.vm.machine.times import record
from tests.vm.stage import Stage, Target, image_of, variant_of


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for target in ("ISO", "DISK"):
        monkeypatch.delenv(f"SIGMAVAULT_{target}", raising=False)
        monkeypatch.delenv(f"SIGMAVAULT_{target}_VARIANT", raising=False)


@pytest.mark.parametrize(
    ("target", "name", "given", "want"),
    [
        (Target.ISO, "sigmavault.iso", None, "desktop"),
        (Target.DISK, "sigmavault.qcow2", None, "server"),
        (Target.ISO, "sigmavault-server.iso", None, "server"),
        (Target.DISK, "sigmavault-desktop.qcow2", None, "desktop"),
        (Target.ISO, "sigmavault-server.iso", "desktop", "desktop"),
    ],
)
def test_variant(monkeypatch, target, name, given, want):
    if given:
        monkeypatch.setenv(f"SIGMAVAULT_{target.upper()}_VARIANT", given)
    assert variant_of(target, Path(name)) == want


def test_a_missing_image_is_an_error_and_not_a_skipped_test(monkeypatch, tmp_path):
    with pytest.raises(MachineError, match="make iso"):
        image_of(Target.ISO)
    monkeypatch.setenv("SIGMAVAULT_DISK", str(tmp_path / "gone.qcow2"))
    with pytest.raises(MachineError, match=r"gone\.qcow2"):
        image_of(Target.DISK)


def test_a_person_without_an_image_is_told_what_to_do(tmp_path):
    with pytest.raises(MachineError, match="is not there"):
        find_image(disk=False, given=tmp_path / "x.iso")


def test_an_image_that_did_not_boot_is_not_booted_again(monkeypatch, tmp_path):
    booted = []

    class Dead:
        def __init__(self, *_args, **_options) -> None:
            booted.append(self)
            self.hardware = type("Hardware", (), {"image": Path("sigmavault.iso")})

        def saved(self):
            raise GuestError("no login prompt")

        def close(self) -> None:
            pass

    monkeypatch.setattr(stage, "Machine", Dead)
    monkeypatch.setattr(stage, "hardware_of", lambda _target: None)
    monkeypatch.setattr(stage, "collect", lambda _vm: None)
    held = Stage()
    with pytest.raises(GuestError):
        held.scene(Target.ISO)
    with pytest.raises(MachineError, match="no login prompt"):
        held.scene(Target.ISO)
    assert len(booted) == 1


def test_times_of_two_machines_are_kept_beside_each_other(tmp_path):
    record(tmp_path, "iso", {"login_prompt_s": 100.0})
    record(tmp_path, "disk", {"login_prompt_s": 50.0})
    record(tmp_path, "iso", {"restore_s": 3.0})
    assert json.loads((tmp_path / "times.json").read_text()) == {
        "disk": {"login_prompt_s": 50.0},
        "iso": {"login_prompt_s": 100.0, "restore_s": 3.0},
    }


def test_a_unit_test_that_starts_a_program_fails():
    with pytest.raises(pytest.fail.Exception, match="runs_programs"):
        subprocess.run(["true"], check=True)
