"""A built root tree, as the tests of this folder speak about it. Nothing here writes into it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# A tree that is not booted has no /proc and nothing in /run: both are lent for one command, in a mount
# namespace of its own, where the tree is read-only and the network is none.
_ENTER = (
    'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
    ' && mount -t tmpfs tmpfs "$0/run" && mount -t tmpfs tmpfs "$0/tmp" && mount -t proc proc "$0/proc"'
    ' && mkdir -p "$0/run/samba" && exec chroot "$0" "$@"'
)


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended; `said` is its output and its complaints."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


class Tree:
    """The tree at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def release(self) -> dict[str, str]:
        pairs = (line.split("=", 1) for line in self.text("etc/os-release").splitlines() if "=" in line)
        return {key: value.strip('"') for key, value in pairs}

    @property
    def variant(self) -> str:
        return self.release["VARIANT_ID"]

    @property
    def target(self) -> str:
        return self.release["IMAGE_ID"].rpartition("-")[2]

    @cached_property
    def packages(self) -> dict[str, str]:
        """Installed packages and their versions."""
        form = "${db:Status-Abbrev} ${Package} ${Version}\n"
        done = run("dpkg-query", f"--root={self.root}", "-W", f"--showformat={form}")
        rows = (line.split() for line in done.stdout.splitlines())
        return {name: version for status, name, version in rows if status == "ii"}

    @cached_property
    def unit_states(self) -> dict[str, str]:
        """Unit file → enabled, disabled, masked, static, …."""
        return {row[0]: row[1] for row in self.unit_files}

    @cached_property
    def unit_files(self) -> list[list[str]]:
        """Name, state, and the state of the presets where there is one."""
        options = ("--no-pager", "--no-legend", "--plain")
        done = run("systemctl", f"--root={self.root}", "list-unit-files", *options)
        return [line.split() for line in done.stdout.splitlines() if line]

    @cached_property
    def kernel(self) -> str:
        (found,) = (self.root / "usr/lib/modules").glob("*/kernel")
        return found.parent.name

    def path(self, place: str) -> Path:
        """A file of the tree, links followed as the tree follows them."""
        path = self.root
        for part in Path(place).parts:
            path = path / part
            while path.is_symlink():
                to = path.readlink()
                inside = self.root / to.relative_to("/") if to.is_absolute() else path.parent / to
                path = Path(os.path.normpath(inside))
        return path

    def exists(self, place: str) -> bool:
        return self.path(place).exists()

    def text(self, place: str) -> str:
        return self.path(place).read_text("utf-8")

    def table(self, place: str) -> list[list[str]]:
        """A file such as /etc/passwd, split at colons."""
        return [line.split(":") for line in self.text(place).splitlines()]

    def glob(self, *patterns: str) -> list[str]:
        """Paths in the tree, as the target sees them."""
        found = (item for pattern in patterns for item in self.root.glob(pattern))
        return sorted(f"/{item.relative_to(self.root)}" for item in found)

    def walk(self) -> Iterator[os.DirEntry[str]]:
        """Everything in the tree's own file system, links not followed."""
        folders = [os.fspath(self.root)]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False) and not os.path.ismount(entry.path):
                        folders.append(entry.path)

    def on_target(self, entry: os.DirEntry[str]) -> str:
        return entry.path.removeprefix(os.fspath(self.root))

    def run(self, *argv: str, stdin: str = "") -> Done:
        """Run a program of the tree, in the tree."""
        enter = ("unshare", "--mount", "--net", "sh", "-c", _ENTER, os.fspath(self.root))
        return run(*enter, *argv, stdin=stdin)


def run(*argv: str, stdin: str = "") -> Done:
    """Run a program of the tools tree."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=300)
    return Done(done.returncode, done.stdout, done.stderr)
