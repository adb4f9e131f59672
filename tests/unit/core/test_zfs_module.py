from __future__ import annotations

import dataclasses

import pytest
from sigmavault.core.zfs_module import (
    Diagnosis,
    ZfsFacts,
    ZfsState,
    diagnose,
    is_enforcing,
    is_locked_down,
    render_issue,
)

GOOD = ZfsFacts(
    loaded=True, built=True, secure_boot=False, lockdown=False, live=False, kernel="6.12.1", version="2.3.9"
)


def seen(**changes: object) -> Diagnosis:
    return diagnose(dataclasses.replace(GOOD, **changes))  # type: ignore[arg-type]  # a table's values


def test_a_loaded_module_needs_no_words() -> None:
    # Also under Secure Boot: then somebody has enrolled a key.
    assert seen(secure_boot=True, lockdown=True) == Diagnosis(state=ZfsState.LOADED)
    assert render_issue(seen()) == ""


@pytest.mark.parametrize("cause", [{"secure_boot": True}, {"lockdown": True}])
def test_secure_boot_gives_the_way_to_enrol_a_key(cause: dict[str, bool]) -> None:
    found = seen(loaded=False, **cause)
    assert found.state is ZfsState.SECURE_BOOT
    assert "sudo dkms build --force zfs/2.3.9" in found.steps
    assert any(step.startswith("sudo mokutil --import /var/lib/dkms/mok.pub") for step in found.steps)
    assert "Secure Boot keeps the ZFS module out" in render_issue(found)


def test_a_live_system_is_told_of_a_key_that_outlives_it() -> None:
    found = seen(loaded=False, secure_boot=True, live=True)
    assert not any("dkms" in step for step in found.steps), "DKMS's key is gone at the next start"
    enrol, restart, load, off = found.steps
    assert enrol.startswith("sudo sigmavault secure-boot enrol FOLDER ")
    assert "Enroll MOK" in restart
    assert load.startswith("sudo sigmavault secure-boot load FOLDER ")
    assert off.startswith("or: turn Secure Boot off")


def test_a_missing_module_comes_before_secure_boot() -> None:
    found = seen(loaded=False, built=False, secure_boot=True)
    assert found.state is ZfsState.NOT_BUILT
    assert "6.12.1" in found.reason


def test_a_module_that_is_only_not_loaded() -> None:
    assert seen(loaded=False).state is ZfsState.NOT_LOADED
    assert seen(loaded=False).steps[0] == "sudo modprobe zfs"


def test_the_console_sees_no_escapes_of_agetty() -> None:
    text = render_issue(Diagnosis(state=ZfsState.NOT_LOADED, reason=r"a\b", steps=("c",)))
    assert r"a\\b" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"\x06\0\0\0\x01", True), (b"\x06\0\0\0\x00", False), (b"", False), (b"\x01", False)],
)
def test_the_variable_of_the_firmware(content: bytes, expected: bool) -> None:
    assert is_enforcing(content) is expected


def test_the_lockdown_of_the_kernel() -> None:
    assert is_locked_down("none [integrity] confidentiality\n")
    assert is_locked_down("none integrity [confidentiality]\n")
    assert not is_locked_down("[none] integrity confidentiality\n")
    assert not is_locked_down("")
