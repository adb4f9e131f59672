"""The Ansible connection plugin, as far as it goes without a root tree."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ansible_errors = pytest.importorskip("ansible.errors")
play_context = pytest.importorskip("ansible.playbook.play_context")
AnsibleConnectionFailure = ansible_errors.AnsibleConnectionFailure
AnsibleFileNotFound = ansible_errors.AnsibleFileNotFound

PLUGIN = Path(__file__).parents[3] / "roles/connection_plugins/sigmavault_chroot.py"


@pytest.fixture
def connection(tmp_path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("sigmavault_chroot", PLUGIN)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Connection(play_context.PlayContext())
    made._load_name = "sigmavault_chroot"
    root = tmp_path / "root"
    for place in ("bin", "proc/self", "dev", "etc", "real"):
        (root / place).mkdir(parents=True)
    for place in ("bin/sh", "dev/null"):
        (root / place).touch()
    made.get_option = lambda _name: str(root)
    made.root = root
    return made


def test_files_go_into_the_tree_and_out_of_it(connection: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"\0content")
    connection.put_file(str(source), "/etc/file")
    assert (connection.root / "etc/file").read_bytes() == b"\0content"
    connection.fetch_file("/etc/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"\0content"


def test_a_link_out_of_the_tree_is_not_followed(connection: Any, tmp_path: Path) -> None:
    """An absolute link means another place in the tree than on the machine that builds."""
    (connection.root / "away").symlink_to(tmp_path)
    source = tmp_path / "source"
    source.touch()
    with pytest.raises(AnsibleConnectionFailure, match="leads out of"):
        connection.put_file(str(source), "/away/file")
    with pytest.raises(AnsibleConnectionFailure, match="leads out of"):
        connection.fetch_file("/away/source", str(tmp_path / "stolen"))
    assert not (tmp_path / "file").exists()


def test_missing_files_are_named(connection: Any, tmp_path: Path) -> None:
    with pytest.raises(AnsibleFileNotFound, match="nothing"):
        connection.put_file(str(tmp_path / "nothing"), "/etc/file")
    with pytest.raises(AnsibleFileNotFound, match="nothing"):
        connection.fetch_file("/etc/nothing", str(tmp_path / "x"))


@pytest.mark.parametrize("place", ["/", "relative/path"])
def test_only_a_tree_of_its_own_is_worked_in(connection: Any, place: str) -> None:
    connection.get_option = lambda _name: place
    with pytest.raises(AnsibleConnectionFailure, match="not the absolute path of a root tree"):
        connection.put_file(str(PLUGIN), "/etc/file")


def test_a_tree_without_kernel_mounts_is_refused(connection: Any) -> None:
    (connection.root / "dev/null").unlink()
    with pytest.raises(AnsibleConnectionFailure, match="no /dev/null in it"):
        connection.put_file(str(PLUGIN), "/etc/file")
