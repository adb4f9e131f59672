"""What lies on the ISO beside the root tree: without it, the tree would never start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.image.tree import Tree, run

SHIM = {"bootx64.efi": "shimx64.efi.signed", "mmx64.efi": "mmx64.efi.signed"}
"""File on the medium → where it comes from. GRUB is signed, too, but under a name of its own."""


@pytest.fixture(scope="module")
def medium() -> Path:
    place = os.environ.get("SIGMAVAULT_ISO")
    if not place:
        pytest.skip("SIGMAVAULT_ISO names no image")
    return Path(place)


def extract(medium: Path, place: str, into: Path) -> Path:
    done = run("xorriso", "-osirrox", "on", "-indev", str(medium), "-extract", place, str(into))
    assert done.status == 0, done.said
    return into


@pytest.fixture(scope="module")
def firmware_image(medium: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What UEFI starts from: a FAT file system."""
    return extract(medium, "/boot/grub/efi.img", tmp_path_factory.mktemp("efi") / "efi.img")


@pytest.mark.parametrize("kind", ["vmlinuz", "initrd.img"])
def test_the_kernel_is_on_the_medium(medium: Path, tree: Tree, kind: str, tmp_path: Path) -> None:
    found = extract(medium, f"/live/{kind}-{tree.kernel}", tmp_path / kind)
    assert found.stat().st_size > 5_000_000


def test_the_boot_menu_names_a_kernel_that_is_there(medium: Path, tree: Tree, tmp_path: Path) -> None:
    menu = extract(medium, "/boot/grub/grub.cfg", tmp_path / "grub.cfg").read_text()
    assert f"/live/vmlinuz-{tree.kernel}" in menu
    assert f"/live/initrd.img-{tree.kernel}" in menu


@pytest.mark.parametrize("name", SHIM)
def test_shim_and_what_enrols_keys_are_debians(
    name: str, tree: Tree, firmware_image: Path, tmp_path: Path
) -> None:
    """A shim that is asked to enrol a key and finds no MokManager switches the machine off."""
    done = run("mcopy", "-i", str(firmware_image), f"::EFI/boot/{name}", str(tmp_path / name))
    assert done.status == 0, done.said
    assert (tmp_path / name).read_bytes() == tree.path(f"usr/lib/shim/{SHIM[name]}").read_bytes()


def test_the_firmwares_image_is_sound_and_has_grub(firmware_image: Path) -> None:
    checked = run("fsck.vfat", "-n", str(firmware_image))
    assert checked.status == 0, checked.said
    listed = run("mdir", "-b", "-/", "-i", str(firmware_image), "::").stdout.splitlines()
    assert {"::/EFI/boot/grubx64.efi", "::/boot/grub/grub.cfg"} <= set(listed)
