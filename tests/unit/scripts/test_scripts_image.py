"""What one image consists of, and what is rendered from it."""

from __future__ import annotations

import configparser
import json
import re
import stat
from pathlib import Path

import pytest

from scripts.render.files import copy_file, template, write
from scripts.render.livebuild import render_livebuild
from scripts.render.mkosi import render_mkosi
from scripts.render.rolevars import role_vars
from scripts.spec.load import load_spec
from scripts.spec.model import Spec, Target, Variant
from scripts.spec.select import Image, default_variant, feature_names, variant_chain
from tests.unit.scripts.conftest import ROOT, Checkout


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec(ROOT)


def image(spec: Spec, variant: Variant = Variant.DESKTOP, target: Target = Target.ISO) -> Image:
    return Image(spec=spec, variant=variant, target=target)


@pytest.fixture(scope="module")
def tree(spec: Spec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("live-build")
    render_livebuild(image(spec), ROOT, base)
    return base


def test_a_variant_stands_on_the_one_it_extends(spec: Spec) -> None:
    assert variant_chain(spec, Variant.DESKTOP) == ["server", "desktop"]
    assert variant_chain(spec, Variant.SERVER) == ["server"]


def test_layers_are_variants_and_then_the_target(spec: Spec) -> None:
    assert [layer.name for layer in image(spec).layers] == ["server", "desktop", "iso"]
    assert [layer.name for layer in image(spec, Variant.SERVER, Target.DISK).layers] == ["server", "disk"]


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("target", Target)
def test_layers_hold_every_package_once(spec: Spec, variant: Variant, target: Target) -> None:
    built = image(spec, variant, target)
    of_layers = [package for layer in built.layers for package in layer.packages]
    of_features = [package for feature in built.features.values() for package in feature.packages]
    assert sorted(of_layers) == sorted(of_features)
    assert len(of_layers) == len(set(of_layers))
    assert all(list(layer.packages) == sorted(layer.packages) for layer in built.layers)


def test_the_server_layer_is_shared(spec: Spec) -> None:
    assert image(spec).layers[0] == image(spec, Variant.SERVER, Target.DISK).layers[0]


def test_features_come_in_order_and_the_targets_last(spec: Spec) -> None:
    names = feature_names(spec, Variant.DESKTOP, Target.ISO)
    assert names == [
        *spec.variants.server.features,
        *spec.variants.desktop.features,
        *spec.targets.iso.features,
    ]
    assert feature_names(spec, Variant.SERVER, None) == spec.variants.server.features


def test_the_defaults_are_a_desktop_iso_and_a_headless_disk(spec: Spec) -> None:
    assert default_variant(spec, Target.ISO) is Variant.DESKTOP
    assert default_variant(spec, Target.DISK) is Variant.SERVER


def test_each_feature_has_its_package_list(spec: Spec, tree: Path) -> None:
    lists = {path.name: path.read_text().splitlines() for path in (tree / "config/package-lists").iterdir()}
    names = image(spec).feature_names
    assert sorted(lists) == sorted(f"{10 + order}-{name}.list.chroot" for order, name in enumerate(names))
    for order, name in enumerate(names):
        lines = lists[f"{10 + order}-{name}.list.chroot"]
        assert f"`{name}`" in lines[0]
        assert lines[1:] == sorted(spec.features[name].packages)


def test_the_overlay_is_that_of_the_features(spec: Spec, tree: Path) -> None:
    base = tree / "config/includes.chroot_after_packages"
    placed = {str(path.relative_to(base)) for path in base.rglob("*") if not path.is_dir()}
    assert "etc/samba/smb.conf" in placed
    assert "etc/fstab" not in placed, "that is the disk image's"
    assert "README.md" not in placed
    for name in placed:
        if (base / name).is_symlink():
            assert (base / name).readlink() == (ROOT / "overlay" / name).readlink()
            continue
        assert (base / name).read_bytes() == (ROOT / "overlay" / name).read_bytes()
        wanted = 0o755 if (ROOT / "overlay" / name).stat().st_mode & stat.S_IXUSR else 0o644
        assert stat.S_IMODE((base / name).stat().st_mode) == wanted


def test_the_scripts_are_executable_and_name_the_image(spec: Spec, tree: Path) -> None:
    assert sorted(path.name for path in (tree / "auto").iterdir()) == ["build", "clean", "config"]
    for path in (tree / "auto").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
        assert path.read_text().startswith("#!/bin/sh\n")
        assert "{{" not in path.read_text()
    config = (tree / "auto/config").read_text()
    assert "--image-name sigmavault-desktop " in config
    assert f"--distribution {spec.suite} " in config
    assert f'--archive-areas "{" ".join(spec.areas)}"' in config
    assert f"--chroot-squashfs-compression-level {spec.targets.iso.compression_level} " in config
    assert "--bootloaders grub-pc,grub-efi" in config
    assert "--uefi-secure-boot enable" in config


def entries(tree: Path) -> dict[str, str]:
    text = (tree / "config/bootloaders/grub-pc/grub.cfg").read_text()
    return dict(re.findall(r'^menuentry "([^"]+)"[^{]*\{(.*?)^\}', text, re.MULTILINE | re.DOTALL))


def test_the_boot_menu_starts_by_itself_after_five_seconds(tree: Path) -> None:
    text = (tree / "config/bootloaders/grub-pc/grub.cfg").read_text()
    assert re.search(r"^set timeout=5$", text, re.MULTILINE)
    assert re.search(r"^set default=0$", text, re.MULTILINE)


def test_the_boot_menu_has_a_default_a_fail_safe_and_a_serial_entry(spec: Spec, tree: Path) -> None:
    found = entries(tree)
    first, fail_safe, serial = list(found)[:3]
    assert first == f"{spec.name} {spec.version}"
    assert "@APPEND_LIVE@" in found[first]
    assert "fail-safe" in fail_safe
    assert "@LB_BOOTAPPEND_LIVE_FAILSAFE@" in found[fail_safe]
    assert "serial" in serial
    assert found[serial].index("console=tty0") < found[serial].index("console=ttyS0"), (
        "the last one is /dev/console"
    )
    for body in found.values():
        if "fwsetup" not in body:
            assert "@KERNEL_LIVE@" in body
            assert "@INITRD_LIVE@" in body


def test_the_roles_are_told_everything(spec: Spec, tree: Path) -> None:
    told = json.loads((tree / "roles.json").read_text())
    assert told == json.loads(role_vars(image(spec)))
    assert told["sigmavault_version"] == spec.version
    assert told["sigmavault_variant"] == "desktop"
    assert told["sigmavault_target"] == "iso"
    assert told["sigmavault_features"] == image(spec).feature_names
    assert told["sigmavault_roles"] == image(spec).roles
    assert told["sigmavault_timezone"] == spec.time_zone
    assert told["sigmavault_budgets"] == {
        "cpu_percent": spec.budgets.model_cpu_percent,
        "cpu_serving_percent": spec.budgets.model_cpu_serving_percent,
        "memory_percent": spec.budgets.model_memory_percent,
        "arc_percent": spec.budgets.arc_percent.desktop,
    }
    server = json.loads(role_vars(image(spec, Variant.SERVER, Target.DISK)))
    assert server["sigmavault_budgets"]["arc_percent"] == spec.budgets.arc_percent.server


def test_a_second_rendering_leaves_nothing_of_the_first(spec: Spec, tmp_path: Path) -> None:
    target = tmp_path / "tree"
    render_livebuild(image(spec), ROOT, target)
    (target / "config/stale").touch()
    render_livebuild(image(spec, Variant.SERVER), ROOT, target)
    assert not (target / "config/stale").exists()
    assert not list(target.glob("config/package-lists/*gnome*"))


def sections(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser


def test_mkosi_gets_the_same_packages_overlay_and_roles(spec: Spec) -> None:
    built = image(spec, Variant.SERVER, Target.DISK)
    found = sections(render_mkosi(built))
    assert found.sections() == ["Distribution", "Output", "Content"]
    assert found["Distribution"]["Release"] == spec.suite
    assert found["Distribution"]["Repositories"].split() == [area for area in spec.areas if area != "main"]
    assert found["Output"]["Format"] == "disk"
    packages = found["Content"]["Packages"].split()
    assert sorted(packages) == sorted(
        [*(p for layer in built.layers for p in layer.packages), *built.own_packages]
    )
    assert found["Content"]["ExtraTrees"].split() == [f"overlay/{entry}:/{entry}" for entry in built.overlay]
    assert found["Content"]["KernelCommandLine"].split() == spec.kernel_command_line.disk
    assert found["Content"]["PostInstallationScripts"] == "mkosi.postinst"
    assert "live-boot" not in packages


def test_files_get_the_modes_that_git_keeps(tmp_path: Path) -> None:
    write(tmp_path / "a/script", "x", executable=True)
    write(tmp_path / "a/text", "x")
    (tmp_path / "odd").write_text("x")
    (tmp_path / "odd").chmod(0o600)
    (tmp_path / "link").symlink_to("odd")
    copy_file(tmp_path / "odd", tmp_path / "b/odd")
    copy_file(tmp_path / "link", tmp_path / "b/link")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.glob("[ab]/*")
        if path.name != "link"
    }
    assert modes == {"script": 0o755, "text": 0o644, "odd": 0o644}
    assert (tmp_path / "b/link").readlink() == Path("odd")


def test_a_template_with_an_unknown_name_fails(spec: Spec, tmp_path: Path) -> None:
    (tmp_path / "x.j2").write_text("{{ spec.nmae }}")
    with pytest.raises(Exception, match="nmae"):
        template(tmp_path / "x.j2", image(spec))


def test_a_changed_spec_changes_the_rendering(checkout: Checkout, tmp_path: Path) -> None:
    checkout.change("compression_level: 9", "compression_level: 19")
    checkout.change("      - wireguard-tools\n", "      - hello\n      - wireguard-tools\n")
    render_livebuild(checkout.image(), checkout.root, tmp_path / "tree")
    assert "compression-level 19 " in (tmp_path / "tree/auto/config").read_text()
    (wireguard,) = (tmp_path / "tree/config/package-lists").glob("*wireguard*")
    assert "hello\n" in wireguard.read_text()
    assert "hello" in render_mkosi(checkout.image(Variant.SERVER, Target.DISK))
