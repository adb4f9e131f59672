"""Packages: those of image.yaml, none of the unwanted, every file of ours owned by one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from scripts.spec.select import Image
from tests.image.tree import Tree, run

ROOT = Path(__file__).parents[2]
UNWANTED = {
    "calamares", "cups", "cups-daemon", "exim4-base", "gnome-core", "gnome-initial-setup", "gnome-software",
    "gnome-tour", "ifupdown", "live-config", "modemmanager", "packagekit", "popularity-contest", "postfix",
    "rygel", "snapd", "task-gnome-desktop", "telnetd", "xserver-xorg",
}  # fmt: skip


def test_everything_named_is_installed(tree: Tree, image: Image) -> None:
    named = {name for feature in image.features.values() for name in feature.packages}
    assert (named | set(image.own_packages)) - set(tree.packages) == set()


def test_nothing_unwanted_came_along(tree: Tree) -> None:
    assert UNWANTED & set(tree.packages) == set()


def test_dpkg_has_nothing_to_repair(tree: Tree) -> None:
    done = run("dpkg", f"--root={tree.root}", "--audit")
    assert done.said == ""


def test_every_file_of_ours_belongs_to_a_package(tree: Tree, image: Image) -> None:
    listed: set[str] = set()
    for name in image.own_packages:
        (place,) = tree.glob(f"var/lib/dpkg/info/{name}.list", f"var/lib/dpkg/info/{name}:*.list")
        listed.update(tree.text(place.lstrip("/")).splitlines())
    installed = [
        f"/{path.relative_to(ROOT / 'services/data')}"
        for path in (ROOT / "services/data").rglob("*")
        if path.is_file() and path.name != "README.md"
    ]
    if "sigmavault-desktop" not in image.own_packages:
        only_desktop = (
            "/etc/xdg/", "/usr/libexec/sigmavault/setup-", "/usr/share/applications/",
            "/usr/share/dbus-1/services/", "/usr/share/icons/", "/usr/share/metainfo/",
        )  # fmt: skip
        installed = [place for place in installed if not place.startswith(only_desktop)]
    missing = [place for place in installed if not {place, f"{place}.gz"} & listed]
    assert not missing


def test_our_files_are_as_they_were_packaged(tree: Tree, image: Image) -> None:
    changed = []
    for name in image.own_packages:
        (place,) = tree.glob(f"var/lib/dpkg/info/{name}.md5sums", f"var/lib/dpkg/info/{name}:*.md5sums")
        for line in tree.text(place.lstrip("/")).splitlines():
            wanted, _, path = line.partition("  ")
            content = tree.path(path).read_bytes()
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != wanted:
                changed.append(path)
    assert not changed


def test_the_model_is_inside(tree: Tree) -> None:
    assert tree.glob("usr/share/sigmavault/models/*.gguf")


def test_one_kernel_with_its_headers(tree: Tree) -> None:
    assert f"linux-image-{tree.kernel}" in tree.packages
    assert f"linux-headers-{tree.kernel}" in tree.packages, "without headers the next ZFS cannot be built"


def test_zfs_fits_the_kernel(tree: Tree) -> None:
    found = {}
    for field in ("vermagic", "version", "signer"):
        where = ("--basedir", str(tree.root), "--set-version", tree.kernel)
        done = run("modinfo", *where, "--field", field, "zfs")
        assert done.status == 0, done.said
        found[field] = done.stdout.strip()
    assert found["vermagic"].split()[0] == tree.kernel
    assert found["version"] == tree.packages["zfsutils-linux"]
    assert found["signer"] == "", "signed with a key that nobody has"


def test_depmod_knows_the_module(tree: Tree) -> None:
    assert "zfs.ko" in tree.text(f"usr/lib/modules/{tree.kernel}/modules.dep")
