from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.hardware_report import Report, render
from sigmavault.cli.main import main
from sigmavault.cli.paint import Paint
from sigmavault.core.hardware import Bandwidth
from sigmavault.core.manifest import parse_manifest
from sigmavault.core.threads import plan_threads
from sigmavault.core.tiers import choose_tier
from sigmavault.core.values import MIB
from sigmavault.system.hardware import read_hardware

from tests.unit.system.layout import NAMES, lay_out

ROOT = Path(__file__).parents[3]
FILE = ROOT / "models-manifest.yaml"
MANIFEST = parse_manifest(yaml.safe_load(FILE.read_text()), FILE.name)
PLAIN = Paint(is_on=False)


def report(name: str, root: Path, gb_s: float = 42.0) -> Report:
    speed = Bandwidth(read_bytes_s=gb_s * 1e9, threads=6, buffer_bytes=128 * MIB, took_s=0.51)
    hardware = replace(read_hardware(lay_out(name, root)), bandwidth=speed)
    return Report(
        hardware=hardware,
        threads=plan_threads(hardware.cpus),
        choice=choose_tier(hardware, MANIFEST),
        unread=(),
    )


SHOWN = """\
Processor
  name          AMD Ryzen 5 5600G with Radeon Graphics
  cores         6 cores, 12 CPUs
  instructions  sse4_2 avx f16c fma bmi2 avx2
  generation    6 threads: 6 cores

Memory
  total         15.0 GiB, 12.5 GiB available
  bandwidth     42.0 GB/s reading 128 MiB on 6 threads

Tier  medium
  It has 15.0 GiB of memory, 6 cores, 42.0 GB/s of memory bandwidth.
  Not large: it needs 28.3 GiB of memory, here are 15.0 GiB.

Models for it
  model                   for             file    memory  tokens/s  at 4,096  licence
  qwen3-4b-instruct-2507  chat, code  2.33 GiB  3.19 GiB    ≤ 16.8    ≤ 13.5  Apache-2.0
  bonsai-8b               chat        1.08 GiB  1.94 GiB    ≤ 36.2    ≤ 23.8  Apache-2.0
  nomic-embed-text-v1.5   embedding    139 MiB   205 MiB                      Apache-2.0
  tokens/s: what memory bandwidth allows at most; real ones are 60 to 95 % of it
"""


def test_what_a_person_sees(tmp_path: Path) -> None:
    assert render(report("ryzen-5-5600g", tmp_path), PLAIN) == SHOWN


def test_limits_of_a_container_are_shown(tmp_path: Path) -> None:
    text = render(report("container-1.5-cpus", tmp_path), PLAIN)
    assert "  quota         1.5 CPUs\n" in text
    assert "  limit         4.00 GiB\n" in text
    assert "  generation    2 threads: quota of 1.5 CPUs on 16 cores, memory feeds 8\n" in text
    assert "Tier  draft\n" in text


def test_a_virtual_machine_and_a_mask_are_shown(tmp_path: Path) -> None:
    assert "AMD EPYC 9554 64-Core Processor (virtual machine)" in render(report("epyc-vm", tmp_path), PLAIN)
    (tmp_path / "proc/self/status").write_text("Cpus_allowed_list:\t0\n")
    pinned = replace(report("n100", tmp_path / "other"), hardware=read_hardware(tmp_path))
    assert "1 core, 4 CPUs, 1 of them allowed" in render(pinned, PLAIN)


@pytest.mark.parametrize("name", NAMES)
def test_the_document_has_the_same_keys_on_every_machine(name: str, tmp_path: Path) -> None:
    document = json.loads(json.dumps(report(name, tmp_path).to_json()))
    assert sorted(document) == ["bandwidth", "memory", "processor", "threads", "tier", "unread"]
    assert all(isinstance(size, int) for size in document["memory"].values() if size is not None)
    assert all(each["memory_bytes"] > 0 for each in document["tier"]["models"])


def test_this_machine_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGMAVAULT_MANIFEST", os.fspath(FILE))
    assert main(["hardware", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["bandwidth"]["read_bytes_s"] > 1e8
    assert document["tier"]["name"] in {tier.name for tier in MANIFEST.tiers}
    assert main(["hardware", "--no-measure"]) == ExitCode.OK
    assert "Memory bandwidth was not measured" in capsys.readouterr().out


def test_without_the_manifest_the_machine_is_still_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGMAVAULT_MANIFEST", os.fspath(tmp_path / "none.yaml"))
    assert main(["hardware", "--no-measure"]) == ExitCode.UNKNOWN
    text = capsys.readouterr().out
    assert "Processor\n" in text
    assert "Could not be read\n  models: " in text
    assert "Tier" not in text


@pytest.mark.runs_programs
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_any_user_may_ask() -> None:
    code = (
        "from sigmavault.cli.main import main; raise SystemExit(main(['hardware', '--json', '--no-measure']))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd="/", user="nobody", group="nogroup", extra_groups=[],
        env={"PYTHONPATH": os.fspath(ROOT / "services"), "SIGMAVAULT_MANIFEST": os.fspath(FILE)},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (ExitCode.OK, "")
    assert json.loads(found.stdout)["processor"]["cores"] >= 1
