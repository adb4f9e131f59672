"""The shares that the slices' weights give, computed from the unit files."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.budget import MODEL_CPU_WEIGHT

UNITS = Path(__file__).parents[3] / "services/data/usr/lib/systemd/system"
DEFAULT = 100
MODEL = "sigmavault_ai.slice"


def setting(name: str, key: str) -> str:
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith(f"{key}="):
            return line.split("=", 1)[1]
    raise AssertionError(f"{name} does not set {key}")


def weight(name: str, key: str) -> int:
    return int(setting(name, key))


def share_of_files(key: str, *, busy_inside: set[str], busy_outside: int) -> float:
    """The part of the machine that file serving gets while the named others and the model are busy."""
    outer = weight("sigmavault.slice", key)
    inside = sum(weight(f"sigmavault-{name}.slice", key) for name in busy_inside | {"files"})
    part = weight("sigmavault-files.slice", key) / inside
    return part * outer / (outer + weight(MODEL, key) + busy_outside * DEFAULT)


@pytest.mark.parametrize("key", ["CPUWeight", "IOWeight"])
@pytest.mark.parametrize("busy", [set(), {"core"}])
def test_file_serving_wins_against_the_desktop_whatever_else_is_busy(key: str, busy: set[str]) -> None:
    """The desktop is user.slice, which has the default weight."""
    outer = weight("sigmavault.slice", key)
    files = share_of_files(key, busy_inside=busy, busy_outside=1)
    desktop = DEFAULT / (outer + weight(MODEL, key) + DEFAULT)
    assert files > desktop


@pytest.mark.parametrize("key", ["CPUWeight", "IOWeight"])
def test_file_serving_wins_when_all_of_the_machine_is_busy(key: str) -> None:
    """Desktop and system services (user.slice, system.slice) at once, the model beside it."""
    files = share_of_files(key, busy_inside=set(), busy_outside=2)
    assert files > DEFAULT / (weight("sigmavault.slice", key) + weight(MODEL, key) + 2 * DEFAULT)
    assert files > 0.4


@pytest.mark.parametrize("key", ["CPUWeight", "IOWeight"])
def test_the_model_gets_a_tenth_of_file_serving(key: str) -> None:
    assert weight(MODEL, "CPUWeight") == MODEL_CPU_WEIGHT
    assert weight(MODEL, key) * 10 == weight("sigmavault-files.slice", key)


def test_the_model_is_weighed_against_the_kernels_threads_itself() -> None:
    """nfsd and ZFS are in no group: a slice inside another one would meet them with that one's weight."""
    services = {path: path.read_text() for path in UNITS.glob("*.service")}
    users = [path.name for path, text in services.items() if f"Slice={MODEL}" in text]
    assert "sigmavault-ryzan.service" in users
    assert "-" not in MODEL, "a dash makes it the child of another slice (systemd.slice(5))"
    assert weight(MODEL, "CPUWeight") < DEFAULT


def test_the_model_stays_low_when_no_budget_was_computed() -> None:
    quota = setting(MODEL, "CPUQuota")
    assert int(quota.removesuffix("%")) <= 100, "percent of one core: more would be open on failure"
    assert setting(MODEL, "MemoryMax") == "70%"


def test_protected_memory_is_protected_by_the_parent_too() -> None:
    def mebibytes(name: str) -> int:
        return int(setting(name, "MemoryLow").removesuffix("M"))

    assert mebibytes("sigmavault.slice") >= mebibytes("sigmavault-files.slice")
