"""Package layers: the slow part of every image, made once and shared by both builders.

The bottom layer is bootstrapped by mmdebstrap(1); every further one is what `apt-get install` added
to the stack below it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.cachekey import digest
from scripts.errors import MirrorError
from scripts.keep import keep, kept
from scripts.process import CommandError
from scripts.rootfs import in_root, kernel_mounts, lent_resolver, stacked
from scripts.session import Session
from scripts.spec.select import Image, Layer

_APT = ["-oAPT::Install-Recommends=false", "-oDpkg::Options::=--force-unsafe-io",
        "-oDpkg::Options::=--force-confold", "-oDpkg::Use-Pty=0"]  # fmt: skip
_ZFS_ANSWERS = (
    "zfs-dkms zfs-dkms/note-incompatible-licenses note true\n"
    "zfs-dkms zfs-dkms/stop-build-for-unknown-kernel boolean false\n"
)
# DKMS would sign with a throw-away key and leave the private half in the image.
NO_SIGNING_FILE = "etc/dkms/framework.conf.d/sigmavault-build.conf"
NO_SIGNING = 'mok_signing_key="/nonexistent"\nmok_certificate="/nonexistent"\nsign_file="/nonexistent"\n'
# What apt says, in English: every program here runs in the locale C.UTF-8.
_NO_PACKAGE = re.compile(
    r"^E: (?:Unable to locate package |Package '|Couldn't find any package by glob ')([\w.+\-]+)"
)
_NO_ANSWER = re.compile(r"^E: Failed to fetch (\S+)")

_RECIPE = [1, *_APT, _ZFS_ANSWERS, NO_SIGNING]
"""What a layer depends on beside its packages; count the number up when the steps below change."""


def layer_stack(session: Session, image: Image) -> list[Path]:
    """The layers of `image`, bottom first, made where the cache lacks them."""
    stack: list[Path] = []
    key = ""
    for layer in image.layers:
        key = digest(key, layer.packages, image.spec.suite, image.spec.areas, image.spec.snapshot, _RECIPE)
        done = session.paths.cache / "layers" / f"{layer.name}-{key}"
        title = f"Packages: {layer.name}"
        if kept(done):
            session.progress.cached(title)
        else:
            with session.progress.step(f"{title} ({len(layer.packages)} named)"):
                _make(session, image, layer, stack, done)
        stack.append(done)
    return stack


def _make(session: Session, image: Image, layer: Layer, below: list[Path], done: Path) -> None:
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        if below:
            _install(session, layer, below, partial)
        else:
            _bootstrap(session, image, layer, partial)
    except CommandError as error:
        if reason := archive_error(layer.name, error):
            raise reason from error
        raise
    keep(partial, done)


def archive_error(layer: str, error: CommandError) -> MirrorError | None:
    """What the archive lacks or why it does not answer, if that is what made apt fail."""
    if package := _search(_NO_PACKAGE, error.tail):
        return MirrorError(
            f"layer {layer}: the archive has no package {package}",
            "is the name in image.yaml right, and the archive area?",
        )
    if uri := _search(_NO_ANSWER, error.tail):
        return MirrorError(
            f"layer {layer}: {uri} does not answer",
            "is the package archive reachable? MIRROR=http://… names another one",
        )
    return None


def _search(pattern: re.Pattern[str], lines: list[str]) -> str:
    matches = (pattern.search(line) for line in lines)
    return next((match[1] for match in matches if match), "")


def _bootstrap(session: Session, image: Image, layer: Layer, partial: Path) -> None:
    areas = " ".join(image.spec.areas)
    hook = session.paths.work / "bootstrap-hook"
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nset -eu\n"
        'mkdir -p "$1/etc/dkms/framework.conf.d"\n'
        f"cat > \"$1/{NO_SIGNING_FILE}\" <<'END'\n{NO_SIGNING}END\n"
        f"chroot \"$1\" debconf-set-selections <<'END'\n{_ZFS_ANSWERS}END\n"
    )
    hook.chmod(0o755)
    session.runner.run(
        [
            "mmdebstrap", "--verbose", "--mode=root", "--variant=minbase", "--format=directory",
            f"--components={','.join(image.spec.areas)}", f"--include={','.join(layer.packages)}",
            *(f"--aptopt={item.removeprefix('-o').replace('=', ' ', 1)}" for item in _APT[:1]),
            "--dpkgopt=force-confold", f"--essential-hook={hook} \"$1\"",
            image.spec.suite, partial, *session.mirror.sources(image.spec.suite, areas),
        ],
        hint="is the package archive reachable? MIRROR=http://… names another one",
    )  # fmt: skip


def _install(session: Session, layer: Layer, below: list[Path], partial: Path) -> None:
    if not layer.packages:
        return
    run = session.runner.run
    target = session.paths.work / "layer"
    with stacked(session.runner, below, partial, target) as root, kernel_mounts(session.runner, root):
        with lent_resolver(root), _no_services(root), _no_initramfs(root):
            run(in_root(root, ["apt-get", "update", "--error-on=any"]))
            run(in_root(root, ["apt-get", *_APT, "install", "-y", "--", *layer.packages]))
            run(in_root(root, ["apt-get", "clean"]))
        for item in (root / "var/lib/apt/lists").glob("*_*"):
            item.unlink()


@contextmanager
def _no_services(root: Path) -> Iterator[None]:
    """Keep maintainer scripts from starting daemons (policy-rc.d, Debian policy 9.3.3)."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


@contextmanager
def _no_initramfs(root: Path) -> Iterator[None]:
    """Put off update-initramfs: both builders make the final one, after the last change."""
    config = root / "etc/initramfs-tools/update-initramfs.conf"
    before = config.read_text()
    config.write_text("update_initramfs=no\n")
    try:
        yield
    finally:
        config.write_text(before)


def kernel_version(stack: list[Path]) -> str:
    """The version of the one kernel in a stack, as in /lib/modules."""
    found = sorted({os.fspath(path.name) for layer in stack for path in layer.glob("usr/lib/modules/*")
                    if (path / "kernel").is_dir()})  # fmt: skip
    if len(found) != 1:
        raise MirrorError(f"one kernel was expected in the image, found: {', '.join(found) or 'none'}")
    return found[0]
