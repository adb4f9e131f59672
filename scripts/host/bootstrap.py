"""The tools tree: a Debian 13 root that holds every program a build needs.

It is made by mmdebstrap(1) and cached by the hash of what it is made from. The host needs apt (or
mmdebstrap) and Debian's archive keyring, nothing else: mmdebstrap itself is fetched from the archive
into the cache where the host lacks it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.errors import BuildError, HostError, MirrorError
from scripts.host.mirror import Mirror
from scripts.keep import keep

SUITE = "trixie"
_HERE = Path(__file__).resolve().parent.parent
PACKAGES = _HERE / "tools-packages.list"
REQUIREMENTS = _HERE / "tools-requirements.txt"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def read_list(path: Path) -> list[str]:
    """Package names in a list file: one a line, `#` begins a comment."""
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def key() -> str:
    """What the tools tree depends on, as a hash."""
    digest = hashlib.sha256(SUITE.encode())
    for path in (PACKAGES, REQUIREMENTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def tree_path(cache: Path) -> Path:
    """Where the tools tree of this checkout lies, made or not."""
    return cache / "tools" / key()


def make_tree(cache: Path, mirror: Mirror, log: Path) -> Path:
    """Bootstrap the tools tree without its Python packages; returns the unfinished tree.

    The caller adds what pip installs and then calls `finish`.

    Raises:
        HostError: no way to get mmdebstrap, or no keyring.
        MirrorError: mmdebstrap failed.
    """
    partial = tree_path(cache).with_suffix(".partial")
    # An interrupted bootstrap leaves files, never mounts: they lived in its namespace.
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    sources = mirror.sources(SUITE, "main contrib non-free-firmware")
    argv = [
        *_mmdebstrap(cache, mirror, log), "--mode=root", "--variant=apt", "--format=directory",
        f"--include={','.join(read_list(PACKAGES))}",
        "--components=main,contrib,non-free-firmware", "--aptopt=Apt::Install-Recommends false",
        SUITE, os.fspath(partial), *sources,
    ]  # fmt: skip
    shielded = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--", *argv]
    if run_logged(shielded, log) != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise MirrorError(
            "the tools tree could not be bootstrapped",
            "is the package archive reachable? MIRROR=http://… names another one",
        )
    return partial


def run_logged(argv: Sequence[str], log: Path, cwd: Path | None = None) -> int:
    """Run a program whose output goes to the end of `log`; its exit code.

    It ends with this process, however that ends, and holds its locks and descriptors until then: what
    goes on after a `kill -9` would write into the tree of the next run.
    """
    with log.open("ab") as stream:
        return subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            cwd=cwd, stdout=stream, stderr=stream, check=False, close_fds=False,
        ).returncode  # fmt: skip


def finish(cache: Path, partial: Path) -> Path:
    """Give the finished tree its name: from here on it is used by every build."""
    final = tree_path(cache)
    keep(partial, final)
    return final


def _mmdebstrap(cache: Path, mirror: Mirror, log: Path) -> list[str]:
    """The command that runs mmdebstrap, fetched into the cache where the host has none."""
    if not _KEYRING.is_file():
        raise HostError(f"no Debian archive keyring at {_KEYRING}", "apt install debian-archive-keyring")
    if found := shutil.which("mmdebstrap"):
        return [found]
    if shutil.which("apt-get") is None:
        raise HostError("neither mmdebstrap nor apt-get is here", "install mmdebstrap")
    fetched = cache / "mmdebstrap"
    program = fetched / "usr/bin/mmdebstrap"
    if not program.is_file():
        _fetch_mmdebstrap(fetched, mirror, log)
    return ["perl", os.fspath(program)]


def _fetch_mmdebstrap(target: Path, mirror: Mirror, log: Path) -> None:
    """Download and unpack Debian 13's mmdebstrap with the host's apt, touching none of its state."""
    if mirror.is_default:
        raise HostError("mmdebstrap is not installed and no Debian archive is configured",
                        "apt install mmdebstrap, or give MIRROR=http://…")  # fmt: skip
    state = target.with_suffix(".apt")
    shutil.rmtree(state, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "etc"):
        (state / name).mkdir(parents=True)
    source = f"deb [signed-by={_KEYRING}] {mirror.main} {SUITE} main\n"
    (state / "etc/sources.list").write_text(source)
    (state / "status").touch()
    options = [
        "-oDir::Etc::sourceparts=-", f"-oDir::Etc::sourcelist={state}/etc/sources.list",
        f"-oDir::State::lists={state}/lists", f"-oDir::State::status={state}/status",
        f"-oDir::Cache={state}/cache", "-oAPT::Sandbox::User=root",
        "-oAPT::Update::Error-Mode=any",
    ]  # fmt: skip
    steps = (["apt-get", *options, "update"], ["apt-get", *options, "download", "mmdebstrap"])
    if any(run_logged(argv, log, cwd=state) != 0 for argv in steps):
        raise MirrorError(
            f"mmdebstrap could not be fetched from {mirror.main}",
            "is the archive reachable? MIRROR=http://… names another one",
        )
    package = next(state.glob("mmdebstrap_*.deb"), None)
    if package is None or run_logged(["dpkg-deb", "-x", os.fspath(package), os.fspath(target)], log) != 0:
        raise BuildError("apt-get downloaded no usable mmdebstrap")
    shutil.rmtree(state)
