"""Timing with a stand-in for the orchestrator: a real program in a real copy of a checkout."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.bench.bars import Figures
from scripts.bench.machine import describe
from scripts.bench.measure import (
    Bench,
    commit_of,
    measure_ci_cold,
    measure_ci_warm,
    measure_cold,
    measure_peer,
    measure_warm,
    read_json,
    scratch,
)
from scripts.errors import BuildError
from scripts.process import CommandError, Runner

pytestmark = pytest.mark.runs_programs

# Builds when a file differs from what the cache remembers, as the orchestrator does.
ORCHESTRATOR = """\
import hashlib, json, os, pathlib, sys
cache, out = pathlib.Path(os.environ["CACHE"]), pathlib.Path("build/out")
cache.mkdir(exist_ok=True); out.mkdir(parents=True, exist_ok=True)
files = sorted(p for p in pathlib.Path().rglob("*") if p.is_file() and p.parts[0] not in IGNORED)
key = cache / hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()
if sys.argv[1] == "bench-build":
    pathlib.Path("build/peer.json").write_text(json.dumps({"seconds": 801.5}))
elif key.exists():
    print("[0:00] ✓ ISO image  from the cache")
else:
    print("[3:20] ✓ Packages: server (75 named)  3:20")
    print("[7:20] ✓ ISO image (live-build)  4:00")
    (out / "sigmavault-desktop.iso").write_bytes(b"x" * 1000)
    key.touch()
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for name in ("services/sigmavault/cli/status.py", "overlay/etc/motd", "roles/base/tasks/main.yml"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("text\n")
    (root / "scripts").mkdir()
    (root / "scripts/__main__.py").write_text(ORCHESTRATOR.replace("IGNORED", "('build',)"))
    (root / ".ci").mkdir()
    (root / ".ci/run").write_text(
        "#!/bin/sh\npython3 -B -m scripts iso\necho '[9:50] ✓ Disk image (mkosi)  2:30'\n"
    )
    (root / ".ci/run").chmod(0o755)
    (root / "build").mkdir()
    (root / "build/old").touch()
    return root


@pytest.fixture
def bench(source: Path, tmp_path: Path):
    runner = Runner(log=io.StringIO(), env=os.environ)
    with scratch(source, tmp_path / "caches") as (checkout, cache):
        yield Bench(checkout=checkout, cache=cache, runner=runner, say=lambda _text: None)
    assert list((tmp_path / "caches").iterdir()) == []


def test_the_copy_has_the_sources_and_no_build(bench):
    assert (bench.checkout / "overlay/etc/motd").is_file()
    assert not (bench.checkout / "build").exists()


def test_a_cold_build(bench):
    figures = Figures()
    measure_cold(bench, figures)
    assert figures.cold is not None
    assert 0 < figures.cold < 60
    assert figures.image_part == 440


def test_a_cold_build_with_a_filled_cache_is_refused(bench):
    bench.cache.mkdir()
    (bench.cache / "layers").mkdir()
    with pytest.raises(BuildError, match="not empty"):
        measure_cold(bench, Figures())


def test_warm_builds_change_one_file_at_a_time_in_the_copy_only(bench, source):
    figures = Figures()
    measure_warm(bench, figures)
    assert set(figures.changed) == {"services", "overlay", "roles"}
    assert figures.unchanged is not None
    assert figures.iso_bytes == 1000
    assert (source / "overlay/etc/motd").read_text() == "text\n"
    assert (bench.checkout / "overlay/etc/motd").read_text() == "text\n# bench\n"


def test_a_change_that_builds_nothing_is_no_figure(bench):
    blind = (bench.checkout / "scripts/__main__.py").read_text().replace("('build',)", "('build', 'roles')")
    (bench.checkout / "scripts/__main__.py").write_text(blind)
    with pytest.raises(BuildError, match=r"roles/.* built no image"):
        measure_warm(bench, Figures())


def test_a_build_that_is_never_done_is_no_figure(bench):
    forgetful = (bench.checkout / "scripts/__main__.py").read_text().replace("key.touch()", "")
    (bench.checkout / "scripts/__main__.py").write_text(forgetful)
    with pytest.raises(BuildError, match="nothing changed"):
        measure_warm(bench, Figures())


def test_a_build_that_fails_is_an_error(bench):
    (bench.checkout / "scripts/__main__.py").write_text("import sys; sys.exit(4)\n")
    with pytest.raises(CommandError):
        measure_cold(bench, Figures())


def test_the_peer_says_its_own_time(bench):
    figures = Figures()
    (bench.checkout / "build").mkdir()
    measure_peer(bench, figures)
    assert figures.peer == 801.5


def test_continuous_integration_runs_twice(bench):
    figures = Figures()
    measure_ci_cold(bench, figures)
    measure_ci_warm(bench, figures)
    assert figures.ci_cold is not None
    assert figures.ci_warm is not None
    # The cold build is the part of it that `make iso` does.
    assert figures.cold == figures.image_part == 200 + 240


def test_the_commit_tells_of_changes(tmp_path):
    runner = Runner(log=io.StringIO(), env=os.environ)
    assert commit_of(tmp_path, runner) == ""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x.invalid"]
    (tmp_path / "file").write_text("one")
    for words in (["init", "--quiet"], ["add", "file"], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    clean = commit_of(tmp_path, runner)
    (tmp_path / "file").write_text("two")
    assert len(clean) == 12
    assert commit_of(tmp_path, runner) == f"{clean}+"


def test_the_machine_is_described_from_its_files(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n")
    (tmp_path / "meminfo").write_text("MemTotal:       25165824 kB\n")
    (tmp_path / "os-release").write_text('NAME=x\nPRETTY_NAME="Debian 12"\n')
    found = describe(etc=tmp_path, proc=tmp_path)
    assert found["processor"].endswith("x Some CPU @ 2 GHz")
    assert (found["memory"], found["system"]) == ("24 GiB", "Debian 12")


def test_figures_that_are_damaged_or_missing_are_none(tmp_path):
    (tmp_path / "bad").write_text("{")
    (tmp_path / "list").write_text("[]")
    assert [read_json(tmp_path / name) for name in ("bad", "list", "missing")] == [{}, {}, {}]


def test_the_hosts_part_needs_the_standard_library_alone():
    root = Path(__file__).parents[3]
    command = [sys.executable, "-B", "-S", "-c", "import scripts.bench.host"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


HOSTS_PART = [
    "process.py",
    *(f"bench/{name}.py" for name in ("__init__", "bars", "host", "machine", "measure", "steps")),
]


@pytest.mark.parametrize("name", HOSTS_PART)
def test_the_hosts_part_is_python_3_11(name):
    ast.parse((Path(__file__).parents[3] / "scripts" / name).read_text(), feature_version=(3, 11))
