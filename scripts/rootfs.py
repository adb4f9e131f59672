"""Root trees as stacks of layers, mounted only while somebody works in them.

A layer is an overlayfs diff in the cache. A stack is mounted with a scratch layer on top, so nothing
that happens in it reaches the cache. All of this lives in the mount namespace of the build
(`scripts.host.enter`): a build that is killed leaves no mount behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts.process import Argument, Runner

_KERNEL = (("proc", "proc"), ("sysfs", "sys"))


@contextmanager
def stacked(runner: Runner, layers: Sequence[Path], upper: Path, target: Path) -> Iterator[Path]:
    """Mount `layers` (bottom first) with `upper` as the writable top at `target`."""
    work = upper.with_name(upper.name + ".work")
    for folder in (upper, work, target):
        folder.mkdir(parents=True, exist_ok=True)
    lower = ":".join(os.fspath(layer) for layer in reversed(layers))
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    runner.run(["mount", "-t", "overlay", "-o", options, "sigmavault-root", target],
               hint="the cache must lie on a plain disk file system (CACHE= moves it)")  # fmt: skip
    try:
        yield target
    except BaseException:
        # What went wrong matters more than a program that still sits in the tree.
        runner.run(["umount", "--recursive", "--lazy", target])
        raise
    runner.run(["umount", target])
    shutil.rmtree(work, ignore_errors=True)


@contextmanager
def kernel_mounts(runner: Runner, root: Path) -> Iterator[None]:
    """Mount /proc, /sys, /dev and an empty /run in `root`, and the resolver for apt."""
    with ExitStack() as stack:
        for kind, name in _KERNEL:
            _mount(runner, stack, ["-t", kind, kind], root / name)
        _mount(runner, stack, ["--bind", "/dev"], root / "dev")
        _mount(runner, stack, ["--bind", "/dev/pts"], root / "dev/pts")
        _mount(runner, stack, ["-t", "tmpfs", "tmpfs"], root / "run")
        _mount(runner, stack, ["-t", "tmpfs", "tmpfs"], root / "tmp")
        if Path("/run/host").is_dir():
            (root / "run/host").mkdir()
            _mount(runner, stack, ["--rbind", "/run/host"], root / "run/host")
        yield


def _mount(runner: Runner, stack: ExitStack, how: Sequence[Argument], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    runner.run(["mount", *how, target])
    # Lazy: a daemon that a maintainer script left behind must not keep the tree busy.
    stack.callback(runner.run, ["umount", "--recursive", "--lazy", target])


@contextmanager
def lent_resolver(root: Path) -> Iterator[None]:
    """Let programs in `root` resolve names as the tools tree does, and take it back afterwards."""
    inside = root / "etc/resolv.conf"
    kept = inside.with_name("resolv.conf.kept")
    had = inside.is_symlink() or inside.exists()
    if had:
        inside.rename(kept)
    shutil.copyfile("/etc/resolv.conf", inside)
    try:
        yield
    finally:
        inside.unlink(missing_ok=True)
        if had:
            kept.rename(inside)


def in_root(root: Path, argv: Sequence[Argument]) -> list[Argument]:
    """The command that runs `argv` in `root`."""
    return ["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *argv]
