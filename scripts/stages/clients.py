"""Clients and judges of the HTTP API that Debian 13 lacks, for the tests.

Each list in `tests/services/clients/` becomes a folder of its own in the cache, in nobody's path: two of
them hold the same packages in different versions.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.cachekey import digest
from scripts.keep import keep, kept
from scripts.session import Session

LISTS = Path("tests/services/clients")


def folder_of(requirements: Path, cache: Path) -> Path:
    """Where the cache has what a list names."""
    return cache / "clients" / f"{requirements.stem}-{digest(requirements)}"


def installed_clients(session: Session) -> list[Path]:
    """A folder for each list, filled by pip."""
    lists = sorted((session.paths.source / LISTS).glob("*.txt"))
    return [_installed(session, each) for each in lists]


def _installed(session: Session, requirements: Path) -> Path:
    done = folder_of(requirements, session.paths.cache)
    title = f"Test client {requirements.stem}"
    if kept(done):
        session.progress.cached(title)
        return done
    with session.progress.step(title):
        partial = done.with_name(done.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        session.runner.run(
            ["pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:",
             "--no-cache-dir", "--no-compile", "--root-user-action=ignore", "--target", partial,
             "--requirement", requirements],
            hint="is the Python package index reachable?",
        )  # fmt: skip
        keep(partial, done)
    return done
