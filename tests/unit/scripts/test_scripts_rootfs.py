"""Stacks of layers with real mounts. Runs as root in the tools tree, whose mounts are its own."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TextIO

import pytest

from scripts.errors import BuildError
from scripts.process import CommandError, Runner
from scripts.roles import _kernel
from scripts.rootfs import in_root, kernel_mounts, lent_resolver, stacked

pytestmark = [
    pytest.mark.runs_programs,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root: `make test-fast` runs as root"),
]


@pytest.fixture
def runner() -> Runner:
    return Runner(log=io.StringIO(), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    bottom, top = tmp_path / "bottom", tmp_path / "top"
    for layer, text in ((bottom, "bottom"), (top, "top")):
        layer.mkdir()
        (layer / "both").write_text(text)
        (layer / text).write_text(text)
    return [bottom, top]


def mounted(path: Path) -> bool:
    return any(str(path) in row.split()[1] for row in Path("/proc/mounts").read_text().splitlines())


def test_upper_layers_cover_lower_ones_and_none_is_written(
    runner: Runner, layers: list[Path], tmp_path: Path
) -> None:
    upper = tmp_path / "upper"
    with stacked(runner, layers, upper, tmp_path / "root") as root:
        assert (root / "both").read_text() == "top"
        assert sorted(item.name for item in root.iterdir()) == ["both", "bottom", "top"]
        (root / "both").write_text("changed")
        (root / "bottom").unlink()
        (root / "new").touch()
    assert not mounted(tmp_path)
    assert [(layer / "both").read_text() for layer in layers] == ["bottom", "top"]
    assert (layers[0] / "bottom").exists()
    assert (upper / "both").read_text() == "changed"
    assert (upper / "new").exists()
    assert not (tmp_path / "upper.work").exists()


def test_an_upper_layer_serves_as_a_layer(runner: Runner, layers: list[Path], tmp_path: Path) -> None:
    with stacked(runner, layers, tmp_path / "third", tmp_path / "root") as root:
        (root / "bottom").unlink()
    with stacked(runner, [*layers, tmp_path / "third"], tmp_path / "scratch", tmp_path / "root") as root:
        assert not (root / "bottom").exists()
        assert (root / "both").read_text() == "top"


def test_what_goes_wrong_inside_is_what_is_said(runner: Runner, layers: list[Path], tmp_path: Path) -> None:
    """Even when a program still sits in the tree and keeps it busy."""
    held: list[TextIO] = []
    with (
        pytest.raises(ValueError, match="the cause"),
        stacked(runner, layers, tmp_path / "upper", tmp_path / "root") as root,
    ):
        held.append((root / "both").open())
        raise ValueError("the cause")
    held[0].close()
    assert not mounted(tmp_path)


def test_a_layer_that_is_missing_is_an_error_with_a_hint(runner: Runner, tmp_path: Path) -> None:
    with (
        pytest.raises(CommandError, match="mount failed") as caught,
        stacked(runner, [tmp_path / "gone"], tmp_path / "upper", tmp_path / "root"),
    ):
        pass
    assert "CACHE=" in caught.value.hint
    assert not mounted(tmp_path)


def test_the_kernels_file_systems_are_lent(runner: Runner, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with kernel_mounts(runner, root):
        assert (root / "proc/self").exists()
        assert (root / "dev/null").is_char_device()
        assert not list((root / "tmp").iterdir())
    assert not mounted(root)
    assert not (root / "dev/null").exists()


def test_they_are_taken_back_when_the_work_fails(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), kernel_mounts(runner, tmp_path / "root"):
        raise RuntimeError
    assert not mounted(tmp_path)


@pytest.mark.parametrize("before", ["file", "link", "nothing"])
def test_the_resolver_is_lent_and_taken_back(before: str, tmp_path: Path) -> None:
    inside = tmp_path / "etc/resolv.conf"
    inside.parent.mkdir()
    if before == "file":
        inside.write_text("mine")
    elif before == "link":
        inside.symlink_to("../run/systemd/resolve/stub-resolv.conf")
    with lent_resolver(tmp_path):
        assert inside.read_text() == Path("/etc/resolv.conf").read_text()
    if before == "file":
        assert inside.read_text() == "mine"
    elif before == "link":
        assert str(inside.readlink()) == "../run/systemd/resolve/stub-resolv.conf"
    else:
        assert not inside.exists()


def test_a_program_in_a_root_asks_nothing_and_speaks_english() -> None:
    assert in_root(Path("/r"), ["apt-get", "update"]) == [
        "chroot", Path("/r"), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", "update",
    ]  # fmt: skip


@pytest.mark.parametrize("kernels", [[], ["6.1-amd64", "6.12-amd64"]])
def test_roles_need_one_kernel(kernels: list[str], tmp_path: Path) -> None:
    (tmp_path / "usr/lib/modules").mkdir(parents=True)
    for name in kernels:
        (tmp_path / "usr/lib/modules" / name / "kernel").mkdir(parents=True)
    with pytest.raises(BuildError, match="one kernel was expected"):
        _kernel(tmp_path)
