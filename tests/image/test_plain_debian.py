"""Our packages turn a plain Debian 13 into a SigmaVault, follow an archive, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.host.bootstrap import SUITE
from scripts.host.mirror import Mirror
from scripts.process import Runner
from scripts.rootfs import in_root, kernel_mounts, lent_resolver
from scripts.spec.load import load_spec

APT = ["-oAPT::Install-Recommends=false", "-oDpkg::Options::=--force-unsafe-io", "-oDpkg::Use-Pty=0", "--yes"]
NEWER = "99.0.0"
ROOT = Path(__file__).parents[2]


class Plain:
    """A plain Debian 13 root tree, made for these tests, with our packages lying in it."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self.root, self.runner = root, runner

    def run(self, *argv: str) -> None:
        self.runner.run(in_root(self.root, list(argv)))

    def output(self, *argv: str) -> str:
        return self.runner.output(in_root(self.root, list(argv)))


@pytest.fixture(scope="module")
def debs() -> list[Path]:
    named = os.environ.get("SIGMAVAULT_DEBS")
    if not named:
        pytest.skip("SIGMAVAULT_DEBS names no built packages")
    return [Path(name) for name in named.split(os.pathsep)]


@pytest.fixture(scope="module")
def plain(debs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    # In memory: half a gigabyte of small files, gone in a minute.
    root = tmp_path_factory.mktemp("plain-debian") / "root"
    runner = Runner(log=sys.stderr, env=os.environ)
    mirror = Mirror(main=os.environ["SIGMAVAULT_MIRROR"], security=os.environ["SIGMAVAULT_SECURITY_MIRROR"])
    try:
        runner.run(["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", SUITE, root,
                    *mirror.sources(SUITE, "main")])  # fmt: skip
        (root / "debs").mkdir()
        for deb in debs:
            shutil.copy(deb, root / "debs")
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        with kernel_mounts(runner, root), lent_resolver(root):
            yield Plain(root, runner)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_apt_installs_them_with_all_they_need(plain: Plain) -> None:
    plain.run("apt-get", "update")
    named = sorted(path.name for path in (plain.root / "debs").glob("*.deb") if "-desktop_" not in path.name)
    plain.run("apt-get", *APT, "install", *(f"/debs/{name}" for name in named))
    assert plain.output("sigmavault", "version").strip() == load_spec(ROOT).version
    assert "sigmavault-ryzan" in plain.output("getent", "passwd", "sigmavault-ryzan")
    enabled = plain.output("systemctl", "is-enabled", "sigmavault-ryzan.socket", "sigmavault-budget.service")
    assert enabled.split() == ["enabled", "enabled"]


def test_the_runtime_loads_its_libraries(plain: Plain) -> None:
    said = plain.output(
        "env", "PYTHONPATH=/usr/lib/sigmavault/python", "python3", "-c",
        "import llama_cpp; print(llama_cpp.llama_supports_mmap())",
    )  # fmt: skip
    assert said.strip() == "True"


def test_apt_upgrades_to_a_newer_one(plain: Plain, debs: list[Path]) -> None:
    archive = plain.root / "debs/archive"
    archive.mkdir()
    (old,) = [deb for deb in debs if deb.name.startswith("sigmavault_")]
    unpacked = plain.root / "debs/unpacked"
    run = plain.runner.run
    run(["dpkg-deb", "--raw-extract", old, unpacked])
    control = unpacked / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text(
        "\n".join(f"Version: {NEWER}" if line.startswith("Version:") else line for line in lines) + "\n"
    )
    run(["dpkg-deb", "--root-owner-group", "--build", unpacked, archive / "sigmavault.deb"])
    index = subprocess.run(
        ["dpkg-scanpackages", "."], cwd=archive, check=True, capture_output=True, text=True
    ).stdout
    (archive / "Packages").write_text(index)
    (plain.root / "etc/apt/sources.list.d/ours.list").write_text("deb [trusted=yes] file:/debs/archive ./\n")
    plain.run("apt-get", "update")
    plain.run("apt-get", *APT, "upgrade")
    assert plain.output("dpkg-query", "--show", "--showformat=${Version}", "sigmavault") == NEWER


def test_purging_leaves_nothing_of_ours(plain: Plain) -> None:
    plain.run("apt-get", *APT, "purge", "sigmavault", "sigmavault-runtime", "sigmavault-model-*")
    places = ("usr/lib/sigmavault", "usr/share/sigmavault", "usr/libexec/sigmavault", "usr/bin/sigmavault",
              "usr/lib/python3/dist-packages/sigmavault")  # fmt: skip
    assert [place for place in places if (plain.root / place).exists()] == []
