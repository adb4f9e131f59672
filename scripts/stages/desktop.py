"""The tree in which the tests of the desktop run: a Debian 13 with GNOME's shell, for these tests alone.

It is no part of the tools tree, which every build waits for: GNOME would make that one several times
larger. It is entered as the tools tree is, by `scripts.host.enter`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from scripts.cachekey import digest
from scripts.host import enter
from scripts.host.bootstrap import SUITE, read_list
from scripts.keep import keep, kept
from scripts.session import Session

PACKAGES = Path("scripts/desktop-packages.list")
USER = "tester"
"""Who sits at the desktop: the shell warns root off."""
_UID = 1000
_COMPONENTS = "main"
_HOOK = f'chroot "$1" useradd --create-home --uid {_UID} {USER}'


def tree_of(source: Path, cache: Path) -> Path:
    """Where the cache has the tree of a checkout, made or not."""
    return cache / "desktop" / f"tests-{digest(SUITE, source / PACKAGES, _HOOK)}"


def desktop_tree(session: Session) -> Path:
    """Root of the tree, made where the cache lacks it."""
    done = tree_of(session.paths.source, session.paths.cache)
    title = "Desktop tree for tests"
    if kept(done):
        session.progress.cached(title)
        return done
    packages = read_list(session.paths.source / PACKAGES)
    with session.progress.step(f"{title} ({len(packages)} named)"):
        partial = done.with_name(done.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        session.runner.run(
            ["mmdebstrap", "--verbose", "--mode=root", "--variant=apt", "--format=directory",
             f"--include={','.join(packages)}", f"--components={_COMPONENTS}",
             "--aptopt=Apt::Install-Recommends false", f"--customize-hook={_HOOK}",
             SUITE, partial, *session.mirror.sources(SUITE, _COMPONENTS)],
            hint="is the package archive reachable? MIRROR=http://… names another one",
        )  # fmt: skip
        keep(partial, done)
    return done


def in_desktop(tree: Path, session: Session, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` in the tree as somebody without rights, our programs at their final paths.

    It names an inherited file descriptor: see `scripts.host.enter.command`.
    """
    source, services = session.paths.source, session.paths.source / "services"
    pictures = session.paths.build / "desktop"
    pictures.mkdir(parents=True, exist_ok=True)
    shutil.chown(pictures, _UID, _UID)
    ours = {
        services / "sigmavault": Path("/usr/lib/python3/dist-packages/sigmavault"),
        services / "data/usr/libexec/sigmavault": Path("/usr/libexec/sigmavault"),
        source / "models-manifest.yaml": Path("/usr/share/sigmavault/models-manifest.yaml"),
    }
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": f"/home/{USER}", "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1", "SIGMAVAULT_PICTURES": f"{enter.SOURCE}/build/desktop",
    }  # fmt: skip
    person = ["setpriv", f"--reuid={_UID}", f"--regid={_UID}", "--init-groups", "--"]
    return enter.command(tree, [*person, *argv], binds={source: enter.SOURCE}, readonly=ours, env=env)
