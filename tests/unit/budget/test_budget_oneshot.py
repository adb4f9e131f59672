"""The oneshot on a root folder of its own, with real files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sigmavault.budget.here import ARC_MAX, read_layers, read_machine
from sigmavault.budget.main import MODPROBE_CONF, RECORD, apply_arc, main, write_atomically
from sigmavault.core.budget import Machine, Shares, compute_budget, merge_shares
from sigmavault.core.errors import ConfigError
from sigmavault.core.values import GIB

SHIPPED = Path(__file__).parents[3] / "services/data/usr/lib/sigmavault/budget.toml"
SHARES = Shares(
    model_cpu_percent=80, model_cpu_serving_percent=30, model_cpu_least_percent=10, model_memory_percent=70,
    model_io_weight=20, arc_percent=25, arc_keep_percent=10,
)  # fmt: skip
BUDGET = compute_budget(Machine(cpus=4, memory_bytes=8 * GIB), SHARES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("usr/lib/sigmavault", "etc/sigmavault", "proc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/lib/sigmavault/budget.toml").write_bytes(SHIPPED.read_bytes())
    (tmp_path / "proc/meminfo").write_text("MemTotal: 8388608 kB\n")
    return tmp_path


def test_the_shipped_configuration_is_whole(root: Path) -> None:
    assert merge_shares(read_layers(root)) == SHARES


def test_the_owners_file_goes_before(root: Path) -> None:
    (root / "etc/sigmavault/budget.toml").write_text("[arc]\npercent = 40\n")
    assert merge_shares(read_layers(root)).arc_percent == 40


def test_the_administrators_file_goes_before_the_images(root: Path) -> None:
    (root / "etc/sigmavault/budget.toml").write_text("[arc]\npercent = 40\n")
    (root / "etc/sigmavault/governor.toml").write_text("[arc]\npercent = 20\n[serving]\nquiet_s = 20\n")
    assert merge_shares(read_layers(root)).arc_percent == 20


def test_the_roles_template_has_the_shipped_keys(root: Path) -> None:
    template = Path(__file__).parents[3] / "roles/ryzan/templates/etc/sigmavault/budget.toml.j2"
    text = template.read_text()
    for key in ("cpu_percent", "cpu_serving_percent", "memory_percent", "arc_percent"):
        text = text.replace(f"{{{{ sigmavault_budgets.{key} }}}}", "33")
    (root / "etc/sigmavault/budget.toml").write_text(text)
    wanted = replace(
        SHARES, model_cpu_percent=33, model_cpu_serving_percent=33, model_memory_percent=33, arc_percent=33
    )
    assert merge_shares(read_layers(root)) == wanted


def test_broken_toml_names_the_file(root: Path) -> None:
    (root / "etc/sigmavault/budget.toml").write_text("[arc\n")
    with pytest.raises(ConfigError, match=r"^/etc/sigmavault/budget.toml: "):
        read_layers(root)


def test_the_machine_is_this_one(root: Path) -> None:
    assert read_machine(root) == Machine(cpus=os.cpu_count() or 1, memory_bytes=8 * GIB)


def test_before_the_module_is_loaded_modprobe_is_told(root: Path) -> None:
    apply_arc(root, BUDGET)
    assert (root / MODPROBE_CONF).read_text() == f"options zfs zfs_arc_max={2 * GIB}\n"
    assert not (root / ARC_MAX).exists()


def test_a_loaded_module_is_told_itself(root: Path) -> None:
    (root / ARC_MAX).parent.mkdir(parents=True)
    (root / ARC_MAX).write_text("0")
    apply_arc(root, BUDGET)
    assert (root / ARC_MAX).read_text() == str(2 * GIB)


def test_a_second_run_leaves_the_same_file(root: Path) -> None:
    for _ in range(2):
        write_atomically(root / "run/x", "text")
    assert [item.name for item in (root / "run").iterdir()] == ["x"]


@pytest.mark.parametrize("text", ["[arc]\npercent = 400\n", "[arc]\nsize = 4\n", "\N{SNOWMAN}"])
def test_wrong_configuration_applies_nothing(
    root: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "etc/sigmavault/budget.toml").write_text(text)
    assert main(root, []) == 2
    assert not (root / RECORD).exists()
    assert not (root / MODPROBE_CONF).exists()
    assert "/etc/sigmavault/budget.toml" in capsys.readouterr().err


@pytest.mark.runs_programs
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="would set a limit on this machine")
def test_without_systemd_it_fails_and_claims_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(root, []) != 0
    assert not (root / RECORD).exists()
    assert "budget not applied" in capsys.readouterr().err
